"""The cohort study on three nodes of a real SLURM, compared with the published results of the run on one machine.

    python tests/slurm/reproduce_cohort.py [cores]

Ends with the status of `spe reproduce` (0: identical or within the declared tolerance), or with 9 if a job of SLURM
that was not shared ran for less than 30 seconds, or if one was left in the queue. Prints what the register says.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from slurm.cluster import Cluster, provide

SHORT = 30.0


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
        entries = [json.loads(line) for line in (register / "log.jsonl").read_text().splitlines()]
    jobs = [entry["content"] for entry in entries if entry["kind"] == "cluster.allocation"]
    steps = [entry["content"] for entry in entries if entry["kind"] == "cluster.job"]
    short = [job for job in jobs if not job["shared"] and job["commands"] and job["seconds"] < SHORT]
    waits = [step["waited"] for step in steps if step["waited"] is not None]
    print(f"{len(steps)} commands on nodes {sorted({step['node'] for step in steps})} in {len(jobs)} jobs of SLURM")
    print(f"failed commands: {[(step['request']['rule'], step['problem']) for step in steps if step['exit_code']]}")
    used = [job for job in jobs if job["commands"]]
    print(f"jobs that ran a command: {len(used)}, not shared and under {SHORT:g} s: {len(short)}")
    print(f"seconds from request to begin of a command: median {statistics.median(waits)}, largest {max(waits)}")
    return status or (9 if short or left else 0)


if __name__ == "__main__":
    sys.exit(main())
