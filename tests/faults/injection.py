"""Faults that happen to governed runs, and what must be true when it is over.

A `Study` is a small governed workflow whose results are the same bytes on every undisturbed run. `FAULTS` happen to it
while it runs, on this machine or on a real SLURM; `finish` does what an operator does (verify, remove what is not what
a job made, start again), and `judge` says what is wrong: results that differ from an undisturbed run, jobs or processes
that were left, a register that does not verify.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from slurm.cluster import Cluster, kill_tree
from spe.runs import Project, project

from kimed_compare import Status, compare
from kimed_spe import audit
from kimed_spe.register import Register

# Three stages of short steps, one of which must see all of the one before; a folder among the outputs, a local rule.
WORKFLOW = """
localrules: all, report
SAMPLES = ["a", "b", "c", "d"]

rule all:
    input: "results/report.txt"

rule draw:
    input: "data/seed.txt"
    output: "results/draw/{sample}.tsv"
    log: "logs/draw/{sample}.txt"
    resources: mem_mb=200, runtime=3
    shell:
        "(seq 1 20000 | sed 's/^/{wildcards.sample} '$(cat {input})' /'; sleep 1;"
        " seq 20001 40000 | sed 's/^/{wildcards.sample} /') > {output} 2> {log}"

rule split:
    input: "results/draw/{sample}.tsv"
    output: directory("results/split/{sample}")
    resources: mem_mb=200, runtime=3
    shell: "mkdir -p {output}; sleep 1; split -l 5000 {input} {output}/part."

rule collect:
    input: expand("results/split/{sample}", sample=SAMPLES)
    output: "results/all.txt"
    resources: mem_mb=200, runtime=3
    shell: "for folder in {input}; do cat $folder/part.*; done | sha256sum > {output}; sleep 1"

rule report:
    input: "results/all.txt", expand("results/draw/{sample}.tsv", sample=SAMPLES)
    output: "results/report.txt"
    shell: "cat {input} | wc -c > {output}; cat results/all.txt >> {output}"
"""
RESULTS = ("results/report.txt", "results/all.txt", "results/draw", "results/split")
RESOURCES = {"cores": 8, "jobs": 1000, "mem_mb": 8000, "runtime": 60, "disk_mb": 5000, "gpus": 0}
LONGEST = 240.0
"""Seconds for one start of the study, SLURM's own timers included."""
STARTS = 6
"""Starts that an operator needs at most after faults: locks, lost files, retries used up."""


@dataclass
class Study:
    """One study in a folder of its own."""

    project: Project
    cluster: Cluster | None
    process: "subprocess.Popen[bytes] | None" = None
    text: str = ""
    undo: list[Callable[[], None]] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.project.root

    def start(self, *targets: str, unlock: bool = False) -> None:
        """Start it, without waiting."""
        options = ["--cores", "2", "--nocolor", "--executor", "spe", "--scheduler", "greedy", "--keep-going"]
        options += ["--rerun-incomplete", "--retries", "1", "--default-resources", "mem_mb=200", "runtime=3"]
        command = [
            sys.executable,
            "-m",
            "kimed_spe.enclosure",
            *options,
            *(["--unlock"] if unlock else []),
            "--",
            *targets,
        ]
        with (self.project.site / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.root, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.project.variables()
            )

    def wait(self) -> int:
        assert self.process is not None
        return self.process.wait(LONGEST)

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def log(self) -> str:
        return (self.project.site / "log").read_text(errors="replace")

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
            if named and word in line and process.name() not in ("slurmd", "slurmctld", "munged", "slurmstepd"):
                found.append(process)
        return found


def build(folder: Path, cluster: Cluster | None, share: str = "") -> Study:
    """A study that has not run."""
    found = project(folder)
    found.environment = {"KIMED_EXECUTOR": "local"}
    if cluster:
        found.environment = cluster.environment | {"KIMED_EXECUTOR": "slurm", "KIMED_SLURM_SHARE": share}
    found.changes = {"resources": RESOURCES}
    found.write("data/seed.txt", "42\n")
    found.write("Snakefile", WORKFLOW)
    found.allow()
    return Study(found, cluster)


def undisturbed(folder: Path) -> Study:
    """A study that was run on this machine without a fault; its results are the truth for all others."""
    study = build(folder, None)
    study.start()
    assert study.wait() == 0, study.log()
    return study


def queue(cluster: Cluster | None) -> list[str]:
    return cluster.queue() if cluster else []


def finish(study: Study) -> None:
    """Bring a disturbed study to its end, as an operator would."""
    for _ in range(STARTS):
        status = study.wait() if study.process else 1
        study.process = None
        while study.undo:
            study.undo.pop()()
        changed = audit.changed_files(audit.read(Register(study.project.register)).entries, study.root)
        if status == 0 and not changed:
            return
        for finding in changed:
            # Not what a job made: it is made again, and what was made from it.
            remove(study.root / finding.place)
        if (study.root / ".snakemake" / "locks").is_dir() and any((study.root / ".snakemake" / "locks").iterdir()):
            study.start(unlock=True)
            study.wait()
        study.start("all", *(finding.place for finding in changed))
    raise AssertionError(f"not finished after {STARTS} starts\n{study.log()[-4000:]}")


def remove(path: Path) -> None:
    subprocess.run(["rm", "-rf", str(path)], check=True)


def judge(study: Study, truth: Study) -> list[str]:
    """What is wrong with a study that is over; nothing if all is as if nothing had happened."""
    wrong = []
    for name in RESULTS:
        verdict = compare("exact", truth.root / name, study.root / name, {})
        if verdict.status is not Status.IDENTICAL:
            wrong.append(f"{name}: {verdict}")
    wrong += [f"register: {finding}" for finding in audit.read(Register(study.project.register)).findings]
    entries = audit.read(Register(study.project.register)).entries
    wrong += [f"file: {finding}" for finding in audit.changed_files(entries, study.root)]
    end = time.monotonic() + 60
    while (left := [*queue(study.cluster), *map(str, study.processes())]) and time.monotonic() < end:
        time.sleep(0.5)
    wrong += [f"left behind: {item}" for item in left]
    half = [path for path in (study.root / "results").rglob("*") if path.name.endswith((".tmp", ".new"))]
    return wrong + [f"half written: {path}" for path in half]


# Faults. Each happens once, now, to a study that runs; one that finds nothing to happen to gives False.


def end_controller(number: signal.Signals) -> Callable[[Study], bool]:
    def fault(study: Study) -> bool:
        assert study.process is not None
        study.process.send_signal(number)
        return True

    return fault


def kill_job(study: Study) -> bool:
    """The box of one job, with all that is in it."""
    boxes = study.processes("--args 9")
    for box in boxes[:1]:
        kill_tree(box.pid)
    return bool(boxes)


def made(study: Study) -> list[Path]:
    return [path for path in (study.root / "results").rglob("*") if path.is_file()]


def corrupt(study: Study) -> bool:
    """Bits of one intermediate result turn, and its time stays."""
    files = made(study)
    for path in files[:1]:
        status = path.stat()
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.chmod(0o644)
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return bool(files)


def vanish(study: Study) -> bool:
    """One intermediate result is gone."""
    files = made(study)
    for path in files[:1]:
        path.unlink(missing_ok=True)
    return bool(files)


def second_controller(study: Study) -> bool:
    """Somebody starts the same study again in the same folder."""
    other = Study(study.project, study.cluster)
    other.start()
    other.wait()
    return True


def fill_disk(study: Study) -> bool:
    """Everything that is free in the study's file system is taken; needs `small_disk`."""
    if not os.path.ismount(study.root):
        return False
    filler = study.root / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 16)):
                pass
        except OSError:
            pass
    study.undo.append(lambda: filler.unlink(missing_ok=True))
    return True


def small_disk(study: Study) -> Callable[[], None]:
    """Put a study into a file system of its own with 24 MB; gives what undoes that."""
    keep = study.root.with_name("keep")
    subprocess.run(["cp", "-a", str(study.root), str(keep)], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(study.root)], check=True)
    subprocess.run(["cp", "-a", f"{keep}/.", str(study.root)], check=True)
    return lambda: subprocess.run(["umount", "-l", str(study.root)], check=True) and None


def own_jobs(study: Study, state: str = "") -> list[list[str]]:
    return [line.split() for line in queue(study.cluster) if state in line]


def cancel_job(study: Study) -> bool:
    jobs = own_jobs(study)
    for job in jobs[:1]:
        assert study.cluster is not None
        study.cluster.command("scancel", job[0], check=False)
    return bool(jobs)


def requeue_job(study: Study) -> bool:
    jobs = own_jobs(study, " RUNNING ")
    for job in jobs[:1]:
        assert study.cluster is not None
        study.cluster.command("scontrol", "update", f"JobId={job[0]}", "Requeue=1", check=False)
        study.cluster.command("scontrol", "requeue", job[0], check=False)
    return bool(jobs)


def busy_node(study: Study) -> str:
    alive = study.cluster.processes if study.cluster else {}
    nodes = [job[2] for job in own_jobs(study, " RUNNING ") if len(job) == 4 and job[2] in alive]
    return nodes[0] if nodes else ""


def lose_node(study: Study) -> bool:
    """A node loses its power; it comes back when the run is over."""
    node = busy_node(study)
    if node:
        assert study.cluster is not None
        study.cluster.kill(node)
        study.undo.append(lambda: study.cluster.start_node(node))  # type: ignore[union-attr]
    return bool(node)


def kill_node_daemon(study: Study) -> bool:
    """Only slurmd; its jobs live on. It is started again after two seconds."""
    node = busy_node(study)
    if node:
        assert study.cluster is not None
        process = study.cluster.processes.pop(node)
        process.kill()
        process.wait()
        time.sleep(2)
        study.cluster.start_node(node)
    return bool(node)


def kill_step_daemon(study: Study) -> bool:
    node = busy_node(study)
    steps = study.cluster.steps(node) if study.cluster and node else []
    for pid in steps[:1]:
        os.kill(pid, signal.SIGKILL)
    return bool(steps)


def kill_slurm_controller(study: Study) -> bool:
    """Away for five seconds."""
    assert study.cluster is not None
    study.cluster.kill("slurmctld")
    time.sleep(5)
    study.cluster.start_controller()
    return True


def drain_node(study: Study) -> bool:
    node = busy_node(study)
    if node:
        cluster = study.cluster
        assert cluster is not None
        cluster.command("scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=fault", check=False)
        study.undo.append(
            lambda: cluster.command("scontrol", "update", f"NodeName={node}", "State=RESUME", check=False) and None
        )
    return bool(node)


def reboot(study: Study) -> bool:
    """All of the machine that submits stops at once, with what its nodes run; only the queue remembers."""
    assert study.process is not None
    for process in study.processes():
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    if study.cluster:
        study.undo.append(lambda: reap(study))
    return True


def reap(study: Study) -> None:
    """As the guide says after a crash."""
    command = [sys.executable, "-m", "kimed_spe.cli", "cluster", "reap"]
    subprocess.run(command, env=study.project.variables(), check=True, capture_output=True)


LOCAL: dict[str, Callable[[Study], bool]] = {
    "controller killed": end_controller(signal.SIGKILL),
    "controller terminated": end_controller(signal.SIGTERM),
    "controller interrupted": end_controller(signal.SIGINT),
    "job killed": kill_job,
    "intermediate corrupted": corrupt,
    "output vanished": vanish,
    "second controller": second_controller,
    "disk full": fill_disk,
    "reboot": reboot,
}
SLURM: dict[str, Callable[[Study], bool]] = LOCAL | {
    "job cancelled": cancel_job,
    "job requeued": requeue_job,
    "node lost": lose_node,
    "slurmd killed": kill_node_daemon,
    "slurmstepd killed": kill_step_daemon,
    "slurmctld killed": kill_slurm_controller,
    "node drained": drain_node,
}


def happen(study: Study, name: str, chance: random.Random, longest: float = 60.0) -> bool:
    """Let a fault happen at some moment after a run has begun; whether it found something to happen to."""
    fault = SLURM[name]
    end = time.monotonic() + longest
    time.sleep(chance.uniform(0, 6))
    while study.runs() and time.monotonic() < end:
        if fault(study):
            return True
        time.sleep(0.2)
    return False
