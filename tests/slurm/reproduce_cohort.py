"""The cohort study on three nodes of a real SLURM, compared with the published results of the run on one machine.

    python tests/slurm/reproduce_cohort.py [cores]

Ends with the status of `spe reproduce` (0: identical or within the declared tolerance), or with 9 if a job of SLURM
that was not shared ran for less than 30 seconds, or if one was left in the queue. Prints what the register says.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from slurm.cluster import Cluster, provide

from kimed_spe import cluster_report
from kimed_spe.register import Register


def main() -> int:
    cores = sys.argv[1] if len(sys.argv) > 1 else "4"
    provide()
    with tempfile.TemporaryDirectory() as name:
        cluster = Cluster(Path(name) / "slurm")
        register = Path(name) / "register"
        variables = {"KIMED_EXECUTOR": "slurm", "KIMED_REGISTER": str(register)}
        command = ["spe", "reproduce", "cohort", "--cores", cores, "--output", f"{name}/certificate"]
        began = time.monotonic()
        try:
            cluster.start()
            status = subprocess.run(command, env=os.environ | cluster.environment | variables, check=False).returncode
            left = cluster.queue()
        finally:
            cluster.stop()
        print(f"status {status} after {time.monotonic() - began:.0f} s; left in the queue: {left}")
        runs = cluster_report.reports(Register(register).entries())
    print("\n".join(run.text() for run in runs))
    short = [job for run in runs for job in run.short()]
    return status or (9 if short or left or not runs else 0)


if __name__ == "__main__":
    sys.exit(main())
