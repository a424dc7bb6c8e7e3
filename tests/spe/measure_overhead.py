"""Time that boxes add, against Snakemake's own local executor in the same run.

`python tests/spe/measure_overhead.py [--jobs 200] [--repeats 3] [--output results/bench/spe_overhead.json]`

Runs workflows of few and of many trivial jobs in turn both ways, takes the fastest of the repeats, and separates what a
job adds (the slope) from what a run adds (the enclosure's start). Ends with status 1 above 50 ms per job.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from spe import runs

FLOOR_MS = 50.0
FEW = 10
WORKFLOW = """
rule all:
    input: expand("results/{{n}}.txt", n=range({jobs}))

rule one:
    input: "data/x.txt"
    output: "results/{{n}}.txt"
    log: "logs/{{n}}.log"
    shell: "cp {{input}} {{output}} 2> {{log}}"
"""


def seconds(folder: Path, jobs: int, boxed: bool) -> float:
    """Wall time of one run from nothing."""
    project = runs.project(folder)
    project.write("Snakefile", WORKFLOW.format(jobs=jobs))
    project.write("data/x.txt", "x")
    project.allow()
    start = time.perf_counter()
    run = project.run("--quiet", "all", "--scheduler", "greedy", sandboxed=boxed, sign=False, timeout=1200)
    taken = time.perf_counter() - start
    if run.returncode != 0:
        sys.exit(run.stdout)
    return taken


def measure(jobs: int, repeats: int) -> dict[str, float]:
    """Fastest run of each kind and what follows from them."""
    fastest: dict[tuple[bool, int], float] = {}
    for number in range(repeats):
        for boxed in (False, True):
            for count in (FEW, jobs):
                with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
                    taken = seconds(Path(folder) / "site", count, boxed)
                key = (boxed, count)
                fastest[key] = min(taken, fastest.get(key, taken))
                print(
                    f"repeat {number + 1}: {'spe' if boxed else 'local':5s} {count:4d} jobs {taken:7.2f} s", flush=True
                )
    per_job = {boxed: (fastest[boxed, jobs] - fastest[boxed, FEW]) / (jobs - FEW) * 1000 for boxed in (False, True)}
    return {
        f"spe_overhead.local_total_s_{jobs}": round(fastest[False, jobs], 2),
        f"spe_overhead.spe_total_s_{jobs}": round(fastest[True, jobs], 2),
        "spe_overhead.local_ms_per_job": round(per_job[False], 1),
        "spe_overhead.spe_ms_per_job": round(per_job[True], 1),
        "spe_overhead.added_ms_per_job": round(per_job[True] - per_job[False], 1),
        "spe_overhead.added_s_per_run": round(
            fastest[True, FEW] - fastest[False, FEW] - (per_job[True] - per_job[False]) * FEW / 1000, 2
        ),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    figures: dict[str, object] = dict(measure(options.jobs, options.repeats))
    figures["_meta"] = {"kernel": platform.release(), "processors": os.cpu_count(), "load": os.getloadavg()[0]}
    print(json.dumps(figures, indent=1))
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(figures, indent=1) + "\n")
    return int(float(str(figures["spe_overhead.added_ms_per_job"])) > FLOOR_MS)


if __name__ == "__main__":
    sys.exit(main())
