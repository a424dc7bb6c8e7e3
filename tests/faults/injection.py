"""Faults that happen to governed runs: each happens once, now, to a `Study` that runs.

A fault gives what it happened to, in words, or nothing where it found nothing to happen to. What lasts (a lost node, a
full disk) ends after some seconds, or when the run is over (`Study.later`, `Study.heal`).
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from faults.studies import UNTIL_THE_END, Study, queue
from slurm.cluster import Cluster, kill_tree

from kimed_spe.slurm import MARK

Fault = Callable[[Study, random.Random], str]
MEMORY = Path("/sys/fs/cgroup/memory")
"""Version 1 of control groups; where it is not there or not ours, no kernel can be made to run out of memory."""
AWAY = 12.0
"""Seconds that a node is without power or drained; SLURM of the tests counts it as lost after 8."""
FULL = 4.0


def end_controller(number: signal.Signals) -> Fault:
    def fault(study: Study, _chance: random.Random) -> str:
        assert study.process is not None
        study.process.send_signal(number)
        return f"process {study.process.pid}"

    return fault


def box(study: Study, chance: random.Random) -> psutil.Process | None:
    """bubblewrap of one job."""
    found = study.processes("--args 9")
    return chance.choice(found) if found else None


def family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill_job(study: Study, chance: random.Random) -> str:
    """kill -9 of the box of one job, with all that is in it."""
    found = box(study, chance)
    if found:
        kill_tree(found.pid)
    return f"box {found.pid}" if found else ""


def hang_job(study: Study, chance: random.Random) -> str:
    """One job stops and never goes on; its time limit must end it. Needs a `runtime` that a test can wait for."""
    found = box(study, chance)
    return _stop(found) if found else ""


def _stop(found: psutil.Process) -> str:
    stopped = 0
    for process in family(found):
        try:
            process.suspend()
            stopped += 1
        except psutil.NoSuchProcess:
            continue
    return f"{stopped} processes of box {found.pid}" if stopped > 1 else ""


def let_slurm_end_it(study: Study, chance: random.Random) -> str:
    """One job stops, and SLURM's own time limit for it becomes a minute."""
    jobs = own_jobs(study, " RUNNING ")
    found = box(study, chance)
    line = _line(found) if found else ""
    for number, *_ in jobs:
        if found and f"[{number}." in line:
            assert study.cluster is not None
            study.cluster.command("scontrol", "update", f"JobId={number}", "TimeLimit=1", check=False)
            return f"job {number}: {stopped}" if (stopped := _stop(found)) else ""
    return ""


def _line(process: psutil.Process) -> str:
    """Command lines of all that a process is in; slurmstepd names its job there."""
    try:
        return " ".join(" ".join(parent.cmdline()) for parent in process.parents())
    except psutil.NoSuchProcess:
        return ""


def run_out_of_memory(study: Study, chance: random.Random) -> str:
    """The kernel's own killer, for lack of memory in a control group into which one job is put."""
    if not os.access(MEMORY, os.W_OK) or not (MEMORY / "cgroup.procs").exists():
        return ""
    found = box(study, chance)
    group = MEMORY / f"kimed-fault-{os.getpid()}-{time.monotonic_ns()}"
    if not found:
        return ""
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(1 << 16))
        for process in family(found):
            try:
                (group / "cgroup.procs").write_text(str(process.pid))
            except OSError:
                continue
        end = time.monotonic() + 3
        while time.monotonic() < end:
            if not (group / "memory.oom_control").read_text().strip().endswith("oom_kill 0"):
                return f"box {found.pid}"
            time.sleep(0.05)
        return ""
    finally:
        _dissolve(group)


def _dissolve(group: Path) -> None:
    """Put what lives back where it was, and wait until what was killed is gone."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        for pid in (group / "cgroup.procs").read_text().split():
            try:
                (MEMORY / "cgroup.procs").write_text(pid)
            except OSError:
                continue
        try:
            group.rmdir()
            return
        except OSError:
            time.sleep(0.1)


def corrupt(study: Study, chance: random.Random) -> str:
    """Bits of one result turn, and its time stays."""
    files = [path for path in study.made() if path.stat().st_size]
    if not files:
        return ""
    path = chance.choice(files)
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return str(path.relative_to(study.root))


def vanish(study: Study, chance: random.Random) -> str:
    """One result is gone."""
    files = study.made()
    if not files:
        return ""
    path = chance.choice(files)
    path.unlink(missing_ok=True)
    return str(path.relative_to(study.root))


def second_controller(study: Study, _chance: random.Random) -> str:
    """Somebody starts the same study again in the same folder."""
    other = Study(
        study.root, study.register, study.program, study.targets, study.environment, study.cluster, study.compare,
        longest=study.longest,
    )  # fmt: skip
    other.start()
    return f"ended with status {other.wait()}"


def fill_disk(study: Study, _chance: random.Random) -> str:
    """Everything that is free in the study's file system is taken; needs `small_disk`."""
    if not os.path.ismount(study.root):
        return ""
    filler = study.root / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 16)):
                pass
        except OSError:
            pass
    study.later(FULL, lambda: filler.unlink(missing_ok=True))
    return f"{filler.stat().st_size >> 20} MB"


def own_jobs(study: Study, state: str = "") -> list[list[str]]:
    return [line.split() for line in queue(study.cluster) if state in line and f" {MARK}." in line]


def cancel_job(study: Study, chance: random.Random) -> str:
    jobs = own_jobs(study)
    if not jobs:
        return ""
    job = chance.choice(jobs)
    assert study.cluster is not None
    study.cluster.command("scancel", job[0], check=False)
    return f"job {job[0]} {job[1]}"


def requeue_job(study: Study, chance: random.Random) -> str:
    jobs = own_jobs(study, " RUNNING ")
    if not jobs:
        return ""
    job = chance.choice(jobs)[0]
    assert study.cluster is not None
    study.cluster.command("scontrol", "update", f"JobId={job}", "Requeue=1", check=False)
    study.cluster.command("scontrol", "requeue", job, check=False)
    return f"job {job}"


def busy_node(study: Study, chance: random.Random) -> tuple[Cluster, str] | None:
    """A node with power that runs something."""
    assert study.cluster is not None
    jobs = own_jobs(study, " RUNNING ")
    nodes = sorted({job[2] for job in jobs if len(job) == 4 and job[2] in study.cluster.processes})
    return (study.cluster, chance.choice(nodes)) if nodes else None


def lose_node(study: Study, chance: random.Random) -> str:
    """A node loses its power, and comes back later."""
    if not (found := busy_node(study, chance)):
        return ""
    cluster, node = found
    cluster.kill(node)
    # A reboot may have brought it back before.
    study.later(AWAY, lambda: node in cluster.processes or cluster.start_node(node))
    return node


def kill_node_daemon(study: Study, chance: random.Random) -> str:
    """Only slurmd; its jobs live on. It is started again after two seconds."""
    if not (found := busy_node(study, chance)):
        return ""
    cluster, node = found
    process = cluster.processes.pop(node)
    process.kill()
    process.wait()
    time.sleep(2)
    cluster.start_node(node)
    return node


def kill_step_daemon(study: Study, chance: random.Random) -> str:
    found = busy_node(study, chance)
    steps = found[0].steps(found[1]) if found else []
    if not steps:
        return ""
    os.kill(steps[0], signal.SIGKILL)
    return f"process {steps[0]}"


def kill_slurm_controller(study: Study, _chance: random.Random) -> str:
    """Away for five seconds."""
    cluster = study.cluster
    if cluster is None or "slurmctld" not in cluster.processes:
        return ""
    cluster.kill("slurmctld")
    time.sleep(5)
    cluster.start_controller()
    return "5 s"


def drain_node(study: Study, chance: random.Random) -> str:
    if not (found := busy_node(study, chance)):
        return ""
    cluster, node = found
    cluster.command("scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=fault", check=False)
    study.later(AWAY, lambda: cluster.command("scontrol", "update", f"NodeName={node}", "State=RESUME", check=False))
    return node


def reboot(study: Study, _chance: random.Random) -> str:
    """Everything stops at once: run, watchdog, jobs, all daemons of SLURM; only what is on the disk remains."""
    assert study.process is not None
    study.process.kill()
    if study.cluster:
        study.cluster.power_off()
    left = study.processes()
    for process in left:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    if study.cluster:
        study.cluster.power_on()
        study.later(UNTIL_THE_END, lambda: reap(study))
    return f"{len(left)} processes"


def reap(study: Study) -> None:
    """As the guide says after a crash."""
    command = [sys.executable, "-m", "kimed_spe.cli", "cluster", "reap"]
    subprocess.run(command, env=study.environment, check=True, capture_output=True)


LOCAL: dict[str, Fault] = {
    "controller killed": end_controller(signal.SIGKILL),
    "controller terminated": end_controller(signal.SIGTERM),
    "controller interrupted": end_controller(signal.SIGINT),
    "job killed": kill_job,
    "job hangs": hang_job,
    "job out of memory": run_out_of_memory,
    "intermediate corrupted": corrupt,
    "output vanished": vanish,
    "second controller": second_controller,
    "disk full": fill_disk,
    "reboot": reboot,
}
SLURM: dict[str, Fault] = LOCAL | {
    "job cancelled": cancel_job,
    "job requeued": requeue_job,
    "node lost": lose_node,
    "slurmd killed": kill_node_daemon,
    "slurmstepd killed": kill_step_daemon,
    "slurmctld killed": kill_slurm_controller,
    "node drained": drain_node,
}
CAMPAIGN: dict[str, Fault] = {name: fault for name, fault in SLURM.items() if name != "job hangs"} | {
    "time limit": let_slurm_end_it
}
"""For studies whose steps may take half an hour: SLURM's limit in place of the step's own."""
ENDING = {"controller killed", "controller terminated", "controller interrupted", "reboot"}
"""Kinds after which a run must be started again."""


def happen(study: Study, name: str, chance: random.Random, longest: float = 60.0) -> str:
    """Let a fault happen at some moment after a run has begun; what it happened to."""
    end = time.monotonic() + longest
    time.sleep(chance.uniform(0, 6))
    while study.runs() and time.monotonic() < end:
        if found := SLURM[name](study, chance):
            return found
        time.sleep(0.2)
    return ""
