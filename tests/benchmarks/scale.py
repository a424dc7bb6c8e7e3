"""CPU time, wall time and memory of governed runs by number of samples.

`python tests/benchmarks/scale.py [--samples 100 1000 10000] [--cores 2] [--plain] [--output results/bench/scale.json]`

One job per sample that does nothing but `touch` its output, run as `--profile spe` runs jobs: permit, one box per job,
register, with the profile's scheduler settings. Per number of samples: dry run, run from nothing, and a run that has
nothing to do. CPU seconds are user and system time of all processes of the command, boxes included; memory is the
largest resident set of any one process. `--plain` measures Snakemake's own executor as well. Ends with status 1 if a
floor is missed.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from spe import runs

REPOSITORY = Path(__file__).resolve().parents[2]
WORKFLOW = """
rule all:
    input: expand("results/{{n}}.txt", n=range({samples}))

rule one:
    output: "results/{{n}}.txt"
    shell: "touch {{output}}"
"""
# Of issue "scale", for 10,000 samples: metric -> largest value.
FLOORS = {"dry_run_cpu_s": 15.0, "run_cpu_ms_per_job": 20.0, "run_peak_mb": 400.0, "nothing_to_do_cpu_s": 12.0}
FLOORS_AT = 10_000


def scheduler() -> list[str]:
    """The scheduler options of profiles/spe, as a command line."""
    text = (REPOSITORY / "profiles/spe/profile.yaml").read_text(encoding="utf-8")
    names = ("scheduler", "scheduler-subsample")
    lines = yaml.safe_load("\n".join(line for line in text.splitlines() if line.startswith(names)))
    return [part for name in names if name in lines for part in (f"--{name}", str(lines[name]))]


def measured(project: runs.Project, governed: bool, *arguments: str) -> dict[str, float]:
    """Run once; CPU seconds, wall seconds and peak MB."""
    command = [sys.executable, "-m", "kimed_spe.enclosure" if governed else "snakemake"]
    command += ["--nocolor", "--quiet", "all", *scheduler(), *arguments]
    with tempfile.TemporaryFile("w+") as log:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=project.root, env=project.variables(), stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        if status:
            log.seek(0)
            sys.exit(log.read()[-3000:])
    return {"cpu_s": used.ru_utime + used.ru_stime, "wall_s": wall, "peak_mb": used.ru_maxrss / 1024}


def figures(samples: int, cores: int, governed: bool) -> dict[str, float]:
    """All figures for one number of samples."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        project = runs.project(Path(folder))
        project.changes = {"resources": {**runs.RESOURCES, "jobs": samples + 1, "cores": max(cores, 8)}}
        project.write("Snakefile", WORKFLOW.format(samples=samples))
        project.allow()
        dry = measured(project, governed, "--dry-run", "--cores", str(cores))
        run = measured(project, governed, "--cores", str(cores))
        done = sum(1 for _ in (project.root / "results").iterdir())
        if done != samples or (governed and len(project.entries("job")) != samples):
            sys.exit(f"{done} of {samples} outputs, {len(project.entries('job'))} records")
        nothing = measured(project, governed, "--cores", str(cores))
        files = sum(len(names) for _, _, names in os.walk(project.root / ".snakemake"))
        register = (project.register / "log.jsonl").stat().st_size / 1e6 if governed else 0.0
    return {
        "dry_run_cpu_s": dry["cpu_s"], "dry_run_peak_mb": dry["peak_mb"], "run_cpu_s": run["cpu_s"],
        "run_cpu_ms_per_job": run["cpu_s"] * 1000 / samples, "run_wall_s": run["wall_s"], "run_peak_mb": run["peak_mb"],
        "nothing_to_do_cpu_s": nothing["cpu_s"], "files": float(files), "register_mb": register,
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    found: dict[str, object] = {"_meta": {"kernel": platform.release(), "processors": os.cpu_count()}}
    missed = []
    for samples in options.samples:
        for governed in (True, False) if options.plain else (True,):
            name = f"scale_{samples}" + ("" if governed else "_plain")
            for metric, value in figures(samples, options.cores, governed).items():
                found[f"{name}.{metric}"] = round(value, 2)
                print(f"{name}.{metric}: {value:.2f}  (load {os.getloadavg()[0]:.1f})", flush=True)
                if governed and samples == FLOORS_AT and value > FLOORS.get(metric, value):
                    missed.append(f"{name}.{metric}: {value:.2f}, floor {FLOORS[metric]}")
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(found, indent=1) + "\n")
    print("\n".join(missed), end="\n" if missed else "")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
