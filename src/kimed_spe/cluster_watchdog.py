"""Cancels the jobs of a run whose supervisor is gone, also after `kill -9`; and `reap` for when both are.

`python -I -m kimed_spe.cluster_watchdog COMMENT` reads standard input, a pipe whose other end the supervisor alone
holds. A line says that all is in order; the end of the pipe without it that nobody looks after the jobs any more.
"""

import os
import sys
import time
from contextlib import suppress

import psutil

from kimed_spe import slurm

PAUSE, QUIET, LONGEST = 3.0, 3, 3600.0
"""Seconds between looks; looks without a job until it is over (sbatch may have been under way); seconds at most."""


def comment(run: str) -> str:
    """What every job of a run carries: the run, and which process on which machine looks after it."""
    own = psutil.Process()
    return f"{slurm.MARK}:{run}:{os.uname().nodename}:{own.pid}:{own.create_time():.0f}"


def sweep(mark: str) -> int:
    """Cancel what waits or runs with this comment; gives how many jobs that were."""
    left = [seen.number for seen in slurm.look(mark).values() if slurm.alive(seen)]
    slurm.cancel(left)
    return len(left)


def until_none(mark: str, longest: float = LONGEST, quiet: int = QUIET) -> bool:
    """Cancel until several looks in a row found nothing; whether that was reached."""
    end, clean = time.monotonic() + longest, 0
    while clean < quiet:
        try:
            clean = 0 if sweep(mark) else clean + 1
        except slurm.SlurmError:
            clean = 0
        if clean < quiet:
            if time.monotonic() > end:
                return False
            time.sleep(PAUSE)
    return True


def orphans() -> list[slurm.Seen]:
    """Jobs of this account whose supervisor was a process of this machine that is there no more."""
    here = os.uname().nodename
    found = []
    for seen in slurm.look(f"{slurm.MARK}:").values():
        parts = seen.comment.split(":")
        if slurm.alive(seen) and len(parts) == 5 and parts[2] == here and not _lives(int(parts[3]), float(parts[4])):
            found.append(seen)
    return found


def _lives(pid: int, created: float) -> bool:
    # A number may belong to another process by now.
    with suppress(psutil.NoSuchProcess):
        return bool(abs(psutil.Process(pid).create_time() - created) < 2)
    return False


def main() -> int:
    """Wait for the end of the supervisor."""
    if sys.stdin.readline():
        return 0
    return 0 if until_none(sys.argv[1]) else 1


if __name__ == "__main__":
    sys.exit(main())
