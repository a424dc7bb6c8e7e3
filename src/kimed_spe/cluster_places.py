"""What `cluster_pool` deals with: commands that want a place, and jobs of SLURM that are places for them."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kimed_spe import slurm

MOST = 500
"""Commands that a shared job takes."""


@dataclass(eq=False)
class Ticket:
    """One command.

    Attributes
    ----------
    folder
        Where its description and its result are.
    request
        As `slurm.checked` gave it.
    place
        The job that it was given to.
    sponsor
        The job that was submitted for it.
    late
        Since when its result is missing though it is over; 0 if it is not.
    """

    folder: Path
    request: dict[str, Any]
    place: "Allocation | None" = None
    sponsor: "Allocation | None" = None
    tries: int = 0
    problem: str = ""
    late: float = 0.0

    def result(self) -> dict[str, Any]:
        """What the node wrote; empty as long as it did not."""
        # Listing the folder makes network file systems ask their server again.
        with suppress(OSError, ValueError):
            if any(path.name == "result.json" for path in self.folder.iterdir()):
                found: dict[str, Any] = json.loads((self.folder / "result.json").read_text())
                return found
        return {}


@dataclass(eq=False)
class Allocation:
    """One job of SLURM.

    Attributes
    ----------
    wanted
        The command that it was submitted for, until that is given to a place.
    ticket
        What it runs now.
    over, until
        Why no more is to be expected of it, and when that counts.
    """

    folder: Path
    name: str
    request: dict[str, Any]
    shared: bool
    job: str = ""
    wanted: Ticket | None = None
    ticket: Ticket | None = None
    since: float = 0.0
    steps: int = 0
    node: str = ""
    ran: bool = False
    first: int = 0
    last_seen: int = 0
    over: str = ""
    until: float = 0.0

    def names(self, folder: str) -> set[str]:
        """What lies in one of its folders."""
        with suppress(OSError):
            return {path.name for path in (self.folder / folder).iterdir()}
        return set()

    def fits(self, request: Mapping[str, Any]) -> bool:
        """Whether a command may still run in it."""
        own, left = self.request, self.request["runtime"] - (time.monotonic() - self.since) / 60
        same = all(own.get(name) == request.get(name) for name in ("gpu", *slurm.NAMES))
        enough = all(own.get(name, 0) >= request.get(name, 0) for name in ("threads", "mem_mb"))
        return same and enough and left >= request["runtime"] and self.steps < MOST
