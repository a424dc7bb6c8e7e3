"""What a job of SLURM runs on its node: for each command that it is given the permit again and the enclosure again.

`python -I -m kimed_spe.cluster_step ALLOCATION`. The folder is below the register, which no enclosure shows. Numbers of
commands appear in its `inbox`; each has a folder of its own beside it, whose `result.json` is whole or not there. The
job ends after the one command that it was submitted for, or, where short commands share it, when none came for a while.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from kimed_spe import canonical, devices, gate, permit, trust
from kimed_spe.cluster_client import FIGURES
from kimed_spe.enclosure import prefix
from kimed_spe.permit_model import Context, PermitError

# What SLURM says about the devices of a job.
DEVICES = ("SLURM_JOB_GPUS", "SLURM_GPUS_ON_NODE")
INSIDE = 'cd -- "$1" && shift && exec "$@"'
LATE = 15.0
"""Seconds that the folder of this job, and a command after its number, may need to be seen."""
GLANCE, LOOK = 0.1, 1.0
"""Seconds between two looks at a process, and between two at the shared file system."""
DEAF = 600.0
"""Seconds without a sign of the supervisor after which nobody can want what runs here."""


def refusals(ticket: Mapping[str, Any]) -> list[str]:
    """Reasons not to start here and now; a permit may have ended or been revoked while the job waited."""
    if os.environ.get("SLURM_RESTART_COUNT", "0") != "0":
        return ["SLURM started this job a second time; it is submitted anew instead (`retries`)"]
    known = dict(ticket["known"])
    if "newest_known" in known:
        known["newest_known"] = canonical.moment(known["newest_known"])
    context = Context(
        root=Path(ticket["root"]), user=gate.current_user(), snakefile=Path(ticket["snakefile"]),
        resources=ticket["resources"], sandbox="bubblewrap", manifests=Path(ticket["manifests"]),
    )  # fmt: skip
    try:
        found = permit.check(
            permit.load(Path(ticket["permit"])), replace(context, **known), trust.load(Path(ticket["trust"])),
            datetime.now(UTC),
        )  # fmt: skip
    except (PermitError, trust.TrustError, OSError) as problem:
        return [str(problem)]
    return [f"{item.field}: expected {item.expected}, found {item.found}" for item in found]


def command(ticket: Mapping[str, Any]) -> list[str]:
    """The enclosure of the run with this node's devices, and in it the launcher with the command."""
    more: list[str] = []
    if ticket["gpu"]:
        granted = devices.granted(os.environ)
        for mount in devices.mounts(granted):
            more += ["--dev-bind", str(mount.source), str(mount.place)]
        told = {name: os.environ[name] for name in DEVICES if name in os.environ}
        for name, value in {**told, **devices.variables(granted)}.items():
            more += ["--setenv", name, value]
    for name, value in ticket["variables"].items():
        more += ["--setenv", name, value]
    inside = ["/bin/bash", "-c", INSIDE, "spe", ticket["cwd"], ticket["launcher"], *ticket["command"]]
    return [*prefix(), *ticket["arguments"], *more, "--", *inside]


@dataclass
class Signs:
    """Why to stop: a signal of SLURM, or a supervisor that is not there any more.

    Attributes
    ----------
    signal
        Number of the signal that SLURM sent; 0 as long as it did not.
    """

    folder: Path
    signal: int = 0
    beat: float = -1.0
    heard: float = 0.0

    def listen(self) -> None:
        """Take signals from now on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._take)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number

    def over(self) -> str:
        """A reason to end everything; empty if there is none."""
        if self.signal:
            return f"ended by signal {self.signal}"
        if not self.folder.is_dir():
            return "the run has ended"
        with suppress(OSError):
            # Only whether it changes counts: clocks of machines differ.
            beat = (self.folder.parent / "heartbeat").stat().st_mtime
            if beat != self.beat:
                self.beat, self.heard = beat, time.monotonic()
        return "nothing was heard of the run's supervisor" if time.monotonic() - self.heard > DEAF else ""


def run(ticket: Mapping[str, Any], folder: Path, signs: Signs) -> dict[str, Any]:
    """Run a command to its end, or until there is a reason to end it; its exit status is as a shell would give it."""
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(  # noqa: S603 - made by the supervisor
            command(ticket), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
        )
    if not ticket.get("benchmark"):
        return _watch(process, ticket, folder, signs)
    from snakemake.benchmark import benchmarked  # noqa: PLC0415 - few commands need it

    with benchmarked(process.pid) as record:
        found = _watch(process, ticket, folder, signs)
    return found | {"benchmark": {name: getattr(record, name) for name in FIGURES}}


def _watch(process: "subprocess.Popen[bytes]", ticket: Mapping[str, Any], folder: Path, signs: Signs) -> dict[str, Any]:
    end, look, why, largest = time.monotonic() + ticket["seconds"], 0.0, "", 0
    while True:
        # Popen.wait would not tell what this one command used.
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > look and not why:
            look = time.monotonic() + LOOK
            why = signs.over()
            if time.monotonic() > end:
                why = why or f"TIMEOUT: it ran longer than its runtime of {ticket['seconds'] / 60:g} minutes"
            taken, peak = memory(process.pid)
            largest = max(largest, peak)
            if ticket.get("memory") and taken > ticket["memory"]:
                why = why or f"OUT_OF_MEMORY: it took {taken / 1e6:.0f} MB, more than its mem_mb"
            if not folder.is_dir() or (folder / "cancel").exists():
                why = why or "cancelled"
        if why or signs.signal:
            why = why or signs.over()
            process.kill()
        time.sleep(GLANCE)
    process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "exit_code": 128 - process.returncode if process.returncode < 0 else process.returncode,
        "problem": why,
        # Of the largest process, what SLURM calls MaxRSS of a job with one task. bubblewrap often ends before its child
        # is waited for, whose use getrusage(2) then does not tell (KiB on Linux): what was seen counts as well.
        "max_rss": max(largest, used.ru_maxrss * 1024),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 3),
    }


def memory(pid: int) -> tuple[int, int]:
    """Bytes in memory of a process and all that it started, and the largest that one of them ever had.

    What they share counts once in the first (Pss, proc_pid_smaps(5)); the second is VmHWM (proc_pid_status(5)).
    """
    total = largest = 0
    with suppress(psutil.NoSuchProcess):
        own = psutil.Process(pid)
        for process in (own, *own.children(recursive=True)):
            with suppress(OSError, ValueError, IndexError):
                total += _kilobytes(process.pid, "smaps_rollup", "Pss:")
                largest = max(largest, _kilobytes(process.pid, "status", "VmHWM:"))
    return total, largest


def _kilobytes(pid: int, file: str, field: str) -> int:
    return 1024 * int(Path(f"/proc/{pid}/{file}").read_text().split(f"\n{field}", 1)[1].split(None, 1)[0])


def unseen(ticket: Mapping[str, Any], signs: Signs) -> list[Path]:
    """What the box of a command shows of the working directory, and this node does not see in time.

    The submitting machine has just written some of it. What the box does not show is not looked for.
    """
    box, seconds = Path(ticket["variables"]["TMPDIR"]).parent, ticket.get("latency", 0)
    if missing := _await([box / "args", box / "launch", Path(ticket["launcher"])], seconds, signs):
        return missing
    arguments = (box / "args").read_bytes().split(b"\0")
    sources = (
        Path(os.fsdecode(source))
        for option, source in itertools.pairwise(arguments)
        if option in (b"--bind", b"--ro-bind")
    )
    return _await([path for path in sources if path.is_relative_to(ticket["root"])], seconds, signs)


def _await(paths: Iterable[Path], seconds: float, signs: Signs) -> list[Path]:
    """Wait for files to be seen, for some seconds; gives those that are not."""
    end, missing = time.monotonic() + seconds, list(paths)
    while missing := [path for path in missing if not path.exists()]:
        if time.monotonic() > end or signs.signal:
            break
        time.sleep(GLANCE)
        with suppress(OSError):
            # Makes network file systems ask their server again.
            os.scandir(missing[0].parent).close()
    return missing


def serve(folder: Path, signs: Signs) -> None:
    """Check, run, tell."""
    started = time.time()
    try:
        _await([folder / "ticket.json"], LATE, signs)
        ticket = json.loads((folder / "ticket.json").read_text())
        (folder / "started").touch(exist_ok=False)
    except FileNotFoundError:
        return  # nobody waits for it any more
    except FileExistsError:
        found: dict[str, Any] = {"refused": ["another job has begun this command"], "exit_code": 1}
    else:
        refused = refusals(ticket)
        if not refused and (missing := unseen(ticket, signs)):
            found = {"exit_code": 1, "problem": f"{missing[0]} is not seen on this node (`--latency-wait`)"}
        else:
            found = {"refused": refused, **({"exit_code": 1} if refused else run(ticket, folder, signs))}
    node = os.environ.get("SLURMD_NODENAME", os.uname().nodename)
    found |= {"node": node, "started": started, "seconds": round(time.time() - started, 3), "signal": signs.signal}
    with suppress(FileNotFoundError):
        whole = folder / "result.json.new"
        whole.write_text(json.dumps(found))
        whole.rename(folder / "result.json")


def main() -> int:
    """Serve commands until there is none any more."""
    folder = Path(sys.argv[1])
    signs = Signs(folder, heard=time.monotonic())
    signs.listen()
    if _await([folder / "allocation.json"], LATE, signs):
        return 1  # the run has ended
    about = json.loads((folder / "allocation.json").read_text())
    (folder / "ready").touch()
    served, since = set[str](), time.monotonic()
    while not signs.over():
        waiting = sorted({path.name for path in (folder / "inbox").iterdir()} - served, key=int)
        for name in waiting[:1]:
            serve(folder.parent / name, signs)
            served.add(name)
            with suppress(FileNotFoundError):
                (folder / "finished" / name).touch()
            since = time.monotonic()
        if not waiting:
            if (folder / "closed").exists():
                break
            if len(served) >= about["most"] or time.monotonic() - since > about["linger"]:
                # One more look: a command may just have been put there.
                (folder / "closed").touch()
            time.sleep(5 * GLANCE)
    return 128 + signs.signal if signs.signal else 0


if __name__ == "__main__":
    sys.exit(main())
