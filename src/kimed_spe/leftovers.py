"""Folders of boxes that a run left which was killed: they hold what its jobs had written, and nobody would delete them.

A run holds a lock on its folder as long as it lives (flock(2); the kernel gives it back, also after `kill -9`).
"""

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path

NAME = "alive"
PREFIX = "run-"


def claim(folder: Path) -> int:
    """Hold the lock of a folder; gives the descriptor, which the process keeps open and what it starts does not get."""
    descriptor = os.open(folder / NAME, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def sweep(parent: Path) -> list[Path]:
    """Delete folders below `parent` that were claimed and are not any more; gives what was deleted."""
    gone = []
    for folder in sorted(parent.glob(f"{PREFIX}*")):
        with suppress(OSError):  # never claimed, or claimed by a run that lives
            descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
                gone.append(folder)
            finally:
                os.close(descriptor)
    return gone
