"""Time and memory of the crate of a run of 1,000 jobs: `python tests/spe/measure_crate.py [--jobs 1000]`.

A governed run of that many trivial jobs is made first (minutes); then `spe crate export` is measured as a process.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from spe import runs
from spe.crates import SITE
from spe.measure_overhead import WORKFLOW

SECONDS, MEGABYTES = 20.0, 500.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--output", type=Path, default=Path("results/bench/spe_crate.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        project = runs.project(Path(name))
        project.write("Snakefile", WORKFLOW.format(jobs=options.jobs))
        project.write("data/x.txt", "x")
        (Path(name) / "publisher.json").write_text(SITE)
        project.environment["KIMED_PUBLISHER"] = str(Path(name) / "publisher.json")
        run = project.run("--scheduler", "greedy", "--quiet", "all", timeout=3000)
        assert run.returncode == 0, run.stdout
        command = [sys.executable, "-m", "kimed_spe.cli", "crate", "export", str(Path(name) / "crate")]
        key = ["--key", str(project.site / "site/register.pem")]
        started = time.perf_counter()
        subprocess.run([*command, *key], cwd=project.root, env=project.variables(), check=True)
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    found = {"jobs": options.jobs, "seconds": round(seconds, 2), "peak_mb_of_run_or_export": round(peak)}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps({**found, "load": os.getloadavg()[0]}, indent=1) + "\n")
    print(found)
    return int(seconds > SECONDS or peak > MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
