"""Watches running jobs for what neither the kernel's limits nor Snakemake's local execution hold: disk and time."""

import os
import shutil
import signal
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from kimed_spe.cluster_client import NAME as REMOTE
from kimed_spe.jobs import Plan
from kimed_spe.limits import Limits
from kimed_spe.sandbox import Box

INTERVAL = 0.5
CANCELLED = "the run was cancelled"
# A job that would fill the file system is stopped while others can still write: 200 MB, or a tenth of a small one.
RESERVE_SHARE, RESERVE_BYTES = 0.1, 200_000_000
RESERVE_NAMES = 0.01
# What a name takes at least: millions of empty files fill a file system, too.
BLOCK = 4096


@dataclass
class Guard:
    """One running job.

    Attributes
    ----------
    reason
        Why it was killed, or must not start; empty as long as it was not.
    """

    box: Box
    limits: Limits
    shadow: Path | None
    started: float
    reason: str = ""

    def look(self) -> None:
        """Kill the job if it is over a limit."""
        if self.limits.seconds and time.monotonic() - self.started > self.limits.seconds:
            self.kill(f"it ran longer than its runtime of {self.limits.seconds / 60:g} minutes")
        usage = shutil.disk_usage(self.box.folder)
        if usage.free < min(RESERVE_BYTES, usage.total * RESERVE_SHARE):
            self.kill("the file system is almost full")
        names = os.statvfs(self.box.folder)
        if names.f_files and names.f_favail < names.f_files * RESERVE_NAMES:
            self.kill("the file system has almost no room for further files")
        if self.limits.disk and used(self.box.folder, self.shadow) + unseen(self.box) > self.limits.disk:
            self.kill(f"it wrote more than its disk_mb of {self.limits.disk / 1e6:g}")

    def kill(self, reason: str) -> None:
        """Kill the box; all processes in it end with the first one of its process namespace."""
        self.reason = self.reason or reason
        for pid in self.box.pids():
            # Numbers of ended processes may belong to others by now.
            if _name(pid) in ("bwrap", REMOTE):
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)


class Watch:
    """Looks after all running jobs in one thread."""

    def __init__(self) -> None:
        self.guards: list[Guard] = []
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.cancelled = False
        threading.Thread(target=self._loop, daemon=True).start()

    @contextmanager
    def over(self, box: Box, limits: Limits, plan: Plan) -> Iterator[Guard]:
        """Watch a job while the block runs; one that has a reason from the beginning must not start."""
        guard = Guard(box, limits, plan.shadow, time.monotonic())
        with self.lock:
            if self.cancelled:
                guard.reason = CANCELLED
            self.guards.append(guard)
        try:
            yield guard
        finally:
            with self.lock:
                self.guards.remove(guard)

    def kill_all(self) -> None:
        """End all jobs, and let no other one start.

        A job whose launcher has not become its box yet cannot be killed as one; the loop does so when it has.
        """
        with self.lock:
            self.cancelled = True
            for guard in self.guards:
                guard.kill(CANCELLED)

    def close(self) -> None:
        """Look no more."""
        self.ended.set()

    def _loop(self) -> None:
        while not self.ended.wait(INTERVAL):
            with self.lock:
                for guard in self.guards:
                    if self.cancelled:
                        guard.kill(CANCELLED)
                    with suppress(OSError):
                        guard.look()


def used(*folders: Path | None) -> int:
    """Bytes of the files below folders: their size, holes included, or what they take, and a block for each name."""
    total = 0
    for folder in folders:
        for parent, inner, names in os.walk(folder) if folder else ():
            for name in (*inner, *names):
                with suppress(OSError):
                    status = Path(parent, name).lstat()
                    size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
                    total += max(status.st_blocks * 512, size, BLOCK)
    return total


def unseen(box: Box) -> int:
    """Bytes of files that a job has deleted and still holds open; no folder shows them, but they fill the disk."""
    found: dict[tuple[int, int], int] = {}
    for process in _family(box.pids()):
        for name in ("fd", "map_files"):
            with suppress(OSError):
                for entry in os.scandir(f"/proc/{process}/{name}"):
                    with suppress(OSError):
                        status = entry.stat()
                        if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                            found[status.st_dev, status.st_ino] = status.st_blocks * 512
    return sum(found.values())


def _family(pids: list[int]) -> list[int]:
    """Processes of a box, as /proc tells of their children (proc_pid_task(5))."""
    seen: list[int] = []
    left = [pid for pid in pids if _name(pid) == "bwrap"]
    while left:
        pid = left.pop()
        seen.append(pid)
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            with suppress(OSError):
                left += [int(child) for child in path.read_text().split()]
    return seen


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
