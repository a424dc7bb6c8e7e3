"""Governed studies that faults happen to: how one is started, brought to its end after a fault, and judged.

`finish` does what an operator does (verify, remove what is not what a job made, start again), and `judge` says what is
wrong: results that differ from an undisturbed run, jobs or processes that were left, a register that does not verify.
`build` makes a small one whose results are the same bytes on every undisturbed run; `cohort` the whole cohort study.
"""

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from slurm.cluster import Cluster
from spe.runs import project

from kimed_compare import Status, compare
from kimed_spe import audit
from kimed_spe.register import Entry, Register

# Three stages of short steps, one of which must see all of the one before; a folder among the outputs, a local rule.
# One minute is the shortest time limit that there is.
WORKFLOW = """
localrules: all, report
SAMPLES = ["a", "b", "c", "d"]

rule all:
    input: "results/report.txt"

rule draw:
    input: "data/seed.txt"
    output: "results/draw/{sample}.tsv"
    log: "logs/draw/{sample}.txt"
    resources: mem_mb=200, runtime=1
    shell:
        "(seq 1 20000 | sed 's/^/{wildcards.sample} '$(cat {input})' /'; sleep 1;"
        " seq 20001 40000 | sed 's/^/{wildcards.sample} /') > {output} 2> {log}"

rule split:
    input: "results/draw/{sample}.tsv"
    output: directory("results/split/{sample}")
    resources: mem_mb=200, runtime=1
    shell: "mkdir -p {output}; sleep 1; split -l 5000 {input} {output}/part."

rule collect:
    input: expand("results/split/{sample}", sample=SAMPLES)
    output: "results/all.txt"
    resources: mem_mb=200, runtime=1
    shell: "for folder in {input}; do cat $folder/part.*; done | sha256sum > {output}; sleep 1"

rule report:
    input: "results/all.txt", expand("results/draw/{sample}.tsv", sample=SAMPLES)
    output: "results/report.txt"
    shell: "cat {input} | wc -c > {output}; cat results/all.txt >> {output}"
"""
RESULTS = ("results/report.txt", "results/all.txt", "results/draw", "results/split")
OPTIONS = (
    "--cores", "2", "--nocolor", "--executor", "spe", "--scheduler", "greedy", "--keep-going", "--rerun-incomplete",
    "--retries", "1", "--default-resources", "mem_mb=200", "runtime=1",
)  # fmt: skip
RESOURCES = {"cores": 8, "jobs": 1000, "mem_mb": 8000, "runtime": 60, "disk_mb": 5000, "gpus": 0}
STARTS = 6
"""Starts that an operator needs at most after faults: locks, lost files, retries used up."""
DAEMONS = ("slurmd", "slurmctld", "munged", "slurmstepd")
UNTIL_THE_END = math.inf


@dataclass
class Study:
    """One study in a folder of its own.

    Attributes
    ----------
    root, register
        Working directory, and the register of its runs.
    program
        Command that starts it, without targets.
    targets
        What it is asked for.
    compare
        What differs between the results of two studies, in words.
    expected
        Results that an undisturbed run has, relative to the root, by which lost ones are found.
    longest
        Seconds for one start, SLURM's own timers included.
    undo
        What ends a fault that lasts, and when (by the clock of `time.monotonic`).
    """

    root: Path
    register: Path
    program: list[str]
    targets: tuple[str, ...]
    environment: dict[str, str]
    cluster: Cluster | None
    compare: "Callable[[Study, Study], list[str]]"
    expected: "Callable[[Study], list[str]]" = lambda study: []
    longest: float = 240.0
    starts: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    undo: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    def start(self, *more: str, unlock: bool = False) -> None:
        """Start it, without waiting; `more` are files to be made besides."""
        command = [*self.program, *(["--unlock"] if unlock else []), "--", *self.targets, *more]
        self.starts += not unlock
        with (self.root.parent / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.root, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.environment
            )

    def wait(self) -> int:
        assert self.process is not None
        return self.process.wait(self.longest)

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def log(self) -> str:
        return (self.root.parent / "log").read_text(errors="replace")

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """End a fault after some seconds, or when the run is over if that is earlier."""
        self.undo.append((time.monotonic() + seconds, action))

    def heal(self, everything: bool = True) -> None:
        """End faults whose time has come, or all."""
        due = [item for item in self.undo if everything or item[0] <= time.monotonic()]
        for item in due:
            self.undo.remove(item)
            item[1]()

    def processes(self, word: str = "") -> list[psutil.Process]:
        """What works in this study's folder or register, or for it."""
        found = []
        for process in psutil.process_iter():
            try:
                line = " ".join(process.cmdline())
            except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
                continue
            named = str(self.root.parent) in line
            # Daemons of SLURM are not of one study.
            if named and word in line and process.name() not in DAEMONS:
                found.append(process)
        return found

    def made(self) -> list[Path]:
        """Files that jobs have made so far: results and what leads to them, no logs."""
        skipped = {"logs", "benchmarks", ".snakemake_timestamp"}
        files = (self.root / "results").rglob("*")
        return sorted(path for path in files if path.is_file() and not skipped & set(path.parts))


def build(folder: Path, cluster: Cluster | None, share: str = "") -> Study:
    """A small study that has not run; `share` as KIMED_SLURM_SHARE."""
    found = project(folder)
    found.environment = {"KIMED_EXECUTOR": "local"}
    if cluster:
        found.environment = cluster.environment | {"KIMED_EXECUTOR": "slurm", "KIMED_SLURM_SHARE": share}
    found.changes = {"resources": RESOURCES}
    found.write("data/seed.txt", "42\n")
    found.write("Snakefile", WORKFLOW)
    found.allow()
    program = [sys.executable, "-m", "kimed_spe.enclosure", *OPTIONS]
    return Study(found.root, found.register, program, ("all",), found.variables(), cluster, same_bytes)


def same_bytes(truth: Study, study: Study) -> list[str]:
    verdicts = {name: compare("exact", truth.root / name, study.root / name, {}) for name in RESULTS}
    return [f"{name}: {verdict}" for name, verdict in verdicts.items() if verdict.status is not Status.IDENTICAL]


def undisturbed(study: Study) -> Study:
    """A study that was run without a fault; its results are the truth for all others."""
    study.start()
    assert study.wait() == 0, study.log()
    return study


def queue(cluster: Cluster | None) -> list[str]:
    return cluster.queue() if cluster else []


def entries(study: Study) -> list[Entry]:
    return audit.read(Register(study.register)).entries


def repair(study: Study, truth: Study | None = None) -> list[str]:
    """Remove what is not what a job made; gives what is to be made again, with what was lost and nothing asks for."""
    changed = [finding.place for finding in audit.changed_files(entries(study), study.root)]
    for name in changed:
        remove(study.root / name)
    lost = study.expected(truth) if truth else []
    return sorted({*changed, *(name for name in lost if not (study.root / name).exists())})


def unlock(study: Study) -> None:
    """Take away the lock that a controller left which is gone."""
    locks = study.root / ".snakemake" / "locks"
    if locks.is_dir() and any(locks.iterdir()):
        study.start(unlock=True)
        study.wait()


def finish(study: Study, truth: Study | None = None) -> None:
    """Bring a disturbed study to its end, as an operator would."""
    for _ in range(STARTS):
        status = study.wait() if study.process else 1
        study.process = None
        study.heal()
        again = repair(study, truth if status == 0 else None)
        if status == 0 and not again:
            return
        unlock(study)
        study.start(*again)
    raise AssertionError(f"not finished after {STARTS} starts\n{study.log()[-4000:]}")


def remove(path: Path) -> None:
    subprocess.run(["rm", "-rf", str(path)], check=True)


def judge(study: Study, truth: Study) -> list[str]:
    """What is wrong with a study that is over; nothing if all is as if nothing had happened."""
    wrong = study.compare(truth, study)
    read = audit.read(Register(study.register))
    wrong += [f"register: {finding}" for finding in read.findings]
    wrong += [f"file: {finding}" for finding in audit.changed_files(read.entries, study.root)]
    end = time.monotonic() + 60
    while (left := [*queue(study.cluster), *map(str, study.processes())]) and time.monotonic() < end:
        time.sleep(0.5)
    wrong += [f"left behind: {item}" for item in left]
    half = [path for path in (study.root / "results").rglob("*") if path.name.endswith((".tmp", ".new"))]
    half += (study.root / ".snakemake" / "spe").glob("run-*")
    return wrong + [f"half written: {path}" for path in half]


def small_disk(study: Study, megabytes: int = 24) -> Callable[[], object]:
    """Put a study into a file system of its own; gives what undoes that. For root only."""
    keep = study.root.with_name("keep")
    subprocess.run(["cp", "-a", str(study.root), str(keep)], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(study.root)], check=True)
    subprocess.run(["cp", "-a", f"{keep}/.", str(study.root)], check=True)
    remove(keep)
    return lambda: subprocess.run(["umount", "-l", str(study.root)], check=True)


def may_mount() -> bool:
    return os.geteuid() == 0
