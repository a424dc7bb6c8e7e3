"""Time that governance adds, against Snakemake's own local executor in the same run.

`python tests/spe/measure_overhead.py [--jobs 200] [--repeats 3] [--output results/bench/spe_overhead.json]`

Runs workflows of few and of many trivial jobs in turn both ways, takes the fastest of the repeats, and separates what a
job adds (the slope) from what a run adds (the enclosure's start). Ends with status 1 above 50 ms per job.

`python tests/spe/measure_overhead.py --cohort 3 [--output results/bench/spe_cohort_overhead.json]`

Runs the whole cohort study on test_data/ that many times each way, `--profile spe` and `--profile profiles/local` in
turn, from nothing; before that once locally, so that caches are warm for both. Processor time is that of all processes
of a run, which other work on the machine changes less than the wall clock. Ends with status 1 if either is above 10 %.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from spe import runs

REPOSITORY = Path(__file__).resolve().parents[2]
FLOOR_MS = 50.0
FLOOR_PERCENT = 10.0
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


def cohort_run(folder: Path, profile: str) -> tuple[float, float]:
    """Wall and processor seconds of the cohort study from nothing."""
    root = REPOSITORY / "results" / "overhead" / Path(profile).name
    shutil.rmtree(root, ignore_errors=True)
    command = [sys.executable, "-m", "snakemake", "--profile", profile, "cohort", "--quiet", "all"]
    command += ["--config", f"pathvars={{root: {root.relative_to(REPOSITORY)}}}"]
    governed = {"KIMED_PERMIT": str(folder / "permit.json"), "KIMED_REGISTER": str(folder / "register")}
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, **governed, "PYTHONHASHSEED": "0"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode != 0:
        sys.exit(run.stdout[-8000:])
    shutil.rmtree(root, ignore_errors=True)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure_cohort(pairs: int) -> dict[str, float]:
    """Median of each way, and of the pairs' ratios."""
    found: dict[str, list[tuple[float, float]]] = {"spe": [], "local": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        permit = [sys.executable, "-m", "kimed_spe.cli", "permit", "demo", "--output", str(folder / "permit.json")]
        subprocess.run(permit, cwd=REPOSITORY, check=True)
        cohort_run(folder, "profiles/local")
        for number in range(pairs):
            # Whoever is first finds the machine in another state than the second one: take turns.
            for way in ("spe", "local") if number % 2 else ("local", "spe"):
                wall, cpu = cohort_run(folder, "spe" if way == "spe" else "profiles/local")
                found[way].append((wall, cpu))
                print(f"pair {number + 1}: {way:5s} {wall:7.1f} s, {cpu:7.1f} CPU-s", flush=True)
    figures: dict[str, float] = {}
    for place, kind in enumerate(("wall", "cpu")):
        for way, values in found.items():
            figures[f"spe_overhead.cohort_{way}_{kind}_s"] = round(statistics.median(v[place] for v in values), 1)
        ratios = [spe[place] / local[place] for spe, local in zip(found["spe"], found["local"], strict=True)]
        figures[f"spe_overhead.cohort_added_{kind}_percent"] = round((statistics.median(ratios) - 1) * 100, 1)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cohort", type=int, metavar="PAIRS", help="measure the whole cohort study instead")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    measured = measure_cohort(options.cohort) if options.cohort else measure(options.jobs, options.repeats)
    figures: dict[str, object] = dict(measured)
    figures["_meta"] = {"kernel": platform.release(), "processors": os.cpu_count(), "load": os.getloadavg()[0]}
    print(json.dumps(figures, indent=1))
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(figures, indent=1) + "\n")
    if options.cohort:
        added = [measured[f"spe_overhead.cohort_added_{kind}_percent"] for kind in ("wall", "cpu")]
        return int(max(added) > FLOOR_PERCENT)
    return int(measured["spe_overhead.added_ms_per_job"] > FLOOR_MS)


if __name__ == "__main__":
    sys.exit(main())
