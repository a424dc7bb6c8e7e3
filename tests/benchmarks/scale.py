"""CPU time, wall time and memory of governed runs by number of samples.

`python tests/benchmarks/scale.py [--samples 100 1000 10000] [--cores 2] [--plain] [--no-run] [--output FILE.json]`

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
from collections.abc import Iterator
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
    lines = yaml.safe_load("\n".join(line for line in text.splitlines() if line.startswith("scheduler")))
    return [part for name, value in lines.items() for part in (f"--{name}", str(value))]


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


def figures(samples: int, cores: int, *, governed: bool, run: bool) -> Iterator[tuple[str, float]]:
    """Figures for one number of samples, as they are measured."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        project = runs.project(Path(folder))
        project.changes = {"resources": {**runs.RESOURCES, "jobs": samples + 1, "cores": max(cores, 8)}}
        project.write("Snakefile", WORKFLOW.format(samples=samples))
        project.allow()
        used = measured(project, governed, "--dry-run", "--cores", str(cores))
        yield "dry_run_cpu_s", used["cpu_s"]
        yield "dry_run_peak_mb", used["peak_mb"]
        if run:
            used = measured(project, governed, "--cores", str(cores))
            done = sum(1 for _ in (project.root / "results").iterdir())
            if done != samples or (governed and len(project.entries("job")) != samples):
                sys.exit(f"{done} of {samples} outputs, {len(project.entries('job'))} records")
            yield "run_cpu_s", used["cpu_s"]
            yield "run_cpu_ms_per_job", used["cpu_s"] * 1000 / samples
            yield "run_wall_s", used["wall_s"]
            yield "run_peak_mb", used["peak_mb"]
            yield "files", float(sum(len(names) for _, _, names in os.walk(project.root / ".snakemake")))
            if governed:
                yield "register_mb", (project.register / "log.jsonl").stat().st_size / 1e6
        else:
            (project.root / "results").mkdir()
            for number in range(samples):
                (project.root / f"results/{number}.txt").touch()
            measured(project, False, "--touch", "--cores", str(cores))
        used = measured(project, governed, "--cores", str(cores))
        yield "nothing_to_do_cpu_s", used["cpu_s"]
        yield "nothing_to_do_peak_mb", used["peak_mb"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--no-run", action="store_true", help="mark outputs as made instead, for the other two figures")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    found: dict[str, object] = {"_meta": {"kernel": platform.release(), "processors": os.cpu_count()}}
    missed = []
    for samples in options.samples:
        for governed in (True, False) if options.plain else (True,):
            name = f"scale_{samples}" + ("" if governed else "_plain")
            for metric, value in figures(samples, options.cores, governed=governed, run=not options.no_run):
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
