"""Jobs of SLURM as places for commands: one for each long command, and ones that short commands share.

A job that SLURM starts costs its queue and a start of Python; most steps of a study are shorter. Commands that ask for
at most `share` minutes therefore go, one after the other, into jobs that stay as long as such commands come. For every
command that finds no free place a job is submitted; what else becomes free before that one starts takes it, and the
job is cancelled. Only this module submits and judges jobs; `cluster` talks to the run.
"""

import json
import os
import shlex
import shutil
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kimed_spe import slurm
from kimed_spe.cluster_places import MOST, Allocation, Ticket
from kimed_spe.register import RegisterError

SHARE = "KIMED_SLURM_SHARE"
"""Variable: minutes of `runtime` up to which commands share jobs; 0 gives each command a job of its own."""
SHARE_MINUTES, MORE_MINUTES = 240.0, 60
"""Its default, and how much longer than its first command a shared job may run."""
SHARED_MEMORY = 2000
"""MB that a shared job has at least, so that commands with other needs fit; less where the permit allows less."""
LINGER = 20.0
"""Seconds that a shared job waits for a command."""
LOOK, GLANCE = 4.0, 0.5
"""Seconds between two calls of squeue, and between two looks for results."""
GRACE = 15.0
"""Seconds that a result may need to be seen on a network file system after the job has ended."""
SILENCE = 900.0
"""Seconds without any answer of squeue after which jobs count as lost."""
OUTAGE = 180.0
"""Seconds for which a submission is tried again while the controller does not answer."""
TRIES = 3
"""Jobs that may die under a command before it began to run."""


@dataclass
class Pool:
    """All jobs of a run.

    Parameters
    ----------
    folder
        Of the run, seen by nodes.
    run, comment
        Name of the run, and the mark of its jobs.
    most_memory
        MB that the permit allows.
    record
        Writes an entry about a job that has ended.
    """

    folder: Path
    run: str
    comment: str
    most_memory: float
    record: Callable[[dict[str, Any]], None]
    share: float = SHARE_MINUTES
    allocations: list[Allocation] = field(default_factory=list)
    waiting: list[Ticket] = field(default_factory=list)
    untold: list[dict[str, Any]] = field(default_factory=list)
    seen: dict[str, slurm.Seen] = field(default_factory=dict)
    looks: int = 0
    number: int = 0
    answered: float = field(default_factory=time.monotonic)
    lock: threading.RLock = field(default_factory=threading.RLock)
    ended: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Look and distribute from now on."""
        (self.folder / "heartbeat").touch()
        for work in (self._look, self._distribute):
            threading.Thread(target=work, daemon=True).start()

    def take(self, ticket: Ticket) -> None:
        """Give a command to a free job, or submit one for it.

        Raises
        ------
        SlurmError
            SLURM does not take the job.
        """
        with self.lock:
            for place in self.allocations:
                if self._free(place) and place.wanted is None and place.fits(ticket.request):
                    self._give(ticket, place)
                    return
            self.waiting.append(ticket)
        try:
            self._sponsor(ticket)
        except (slurm.SlurmError, OSError):
            with self.lock, suppress(ValueError):
                self.waiting.remove(ticket)
            raise

    def drop(self, ticket: Ticket) -> None:
        """Nobody wants this command any more."""
        with self.lock:
            if ticket in self.waiting:
                self.waiting.remove(ticket)
                self._release(ticket)
            elif ticket.place and ticket.place.shared and not ticket.place.over:
                with suppress(OSError):
                    (ticket.folder / "cancel").touch()
            elif ticket.place:
                self._cancel(ticket.place)

    def problem(self, ticket: Ticket) -> str:
        """Why there will be no result; empty as long as there may be one."""
        if time.monotonic() - self.answered > SILENCE:
            return f"squeue has not answered for {SILENCE:g} seconds"
        return ticket.problem

    def _free(self, place: Allocation) -> bool:
        return not place.over and place.shared and not place.ticket and "closed" not in place.names(".") and place.ran

    def _give(self, ticket: Ticket, place: Allocation) -> None:
        """To be called with the lock."""
        # First, because it fails on a full disk.
        (place.folder / "inbox" / ticket.folder.name).touch()
        if ticket in self.waiting:
            self.waiting.remove(ticket)
        if place.wanted is ticket:
            place.wanted = None
        else:
            self._release(ticket)
        ticket.place, place.ticket = place, ticket
        place.steps += 1

    def _release(self, ticket: Ticket) -> None:
        """The job that was submitted for a command is not needed for it; one that has not begun is cancelled."""
        place, ticket.sponsor = ticket.sponsor, None
        if place and place.wanted is ticket:
            place.wanted = None
            if not place.ran or not place.shared:
                self._retire(place)

    def _retire(self, place: Allocation) -> None:
        """Cancel a job that nothing needs, and give it nothing, should it begin before that arrives."""
        place.over, place.until = place.over or "not needed any more", time.monotonic()
        self._cancel(place)

    def _sponsor(self, ticket: Ticket) -> None:
        shared = 0 < ticket.request["runtime"] <= self.share
        with self.lock:
            self.number += 1
            number = self.number
        request = dict(ticket.request)
        what = f"{request['rule']}.{int(request.get('job', 0))}"
        if shared:
            what = "shared"
            request["runtime"] += MORE_MINUTES
            request["mem_mb"] = max(request.get("mem_mb", 0), min(SHARED_MEMORY, self.most_memory))
        name = f"{slurm.MARK}.{what}.{number}.{self.run[:8]}"
        place = Allocation(self.folder / f"job{number}", name, request, shared, wanted=ticket)
        for part in ("inbox", "finished"):
            (place.folder / part).mkdir(parents=True)
        # A job of its own gets no second command; that it is over is told by `closed`.
        about = {"linger": LINGER if shared else 2 * GRACE, "most": MOST if shared else 1}
        (place.folder / "allocation.json").write_text(json.dumps(about))
        module = shlex.join([sys.executable, "-I", "-m", "kimed_spe.cluster_step", str(place.folder)])
        try:
            self._submit(place, f"#!/bin/bash\nexec {module}\n")
        except slurm.SlurmError as problem:
            if not shared or "time limit" not in str(problem):
                raise
            self._share_no_more(str(problem))
            self._sponsor(ticket)
            return
        with self.lock:
            place.first = place.last_seen = self.looks
            place.since = time.monotonic()
            self.allocations.append(place)
            if ticket in self.waiting:
                ticket.sponsor = place
            else:  # taken or dropped meanwhile
                place.wanted = None
                self._retire(place)

    def _submit(self, place: Allocation, script: str) -> None:
        """Submit; while the controller is away again and again, but never the same twice."""
        arguments = slurm.options(place.request, place.name)
        end = time.monotonic() + OUTAGE
        while True:
            if self.ended.is_set():
                raise slurm.SlurmError("the run is over")
            try:
                place.job = slurm.submit(script, arguments, self.comment, place.folder)
                return
            except slurm.Away as problem:
                if time.monotonic() > end:
                    raise slurm.SlurmError(str(problem)) from problem
                self.ended.wait(LOOK)
                with suppress(slurm.SlurmError):
                    known = [seen.number for seen in slurm.look(self.comment).values() if seen.name == place.name]
                    if known:
                        place.job = known[0]
                        return

    def _cancel(self, place: Allocation) -> None:
        # What cannot be cancelled now is at the end of the run, or by the watchdog.
        with suppress(slurm.SlurmError):
            slurm.cancel([place.job])

    def _look(self) -> None:
        while not self.ended.wait(LOOK):
            with suppress(OSError):
                os.utime(self.folder / "heartbeat")
            with suppress(slurm.SlurmError):
                self.seen = slurm.look(self.comment) if self.number else {}
                self.answered = time.monotonic()
                self.looks += 1

    def _distribute(self) -> None:
        while not self.ended.wait(GLANCE):
            with self.lock:
                for place in list(self.allocations):
                    # A file system that fails now may not the next time.
                    with suppress(OSError):
                        self._attend(place)
            self.tell()

    def _again(self, ticket: Ticket) -> None:
        try:
            self._sponsor(ticket)
        except (slurm.SlurmError, OSError) as problem:
            ticket.problem = str(problem)

    def _share_no_more(self, why: str) -> None:
        """Where jobs may not run as long as shared ones ask for, each command gets one of its own."""
        self.share = 0
        sys.stderr.write(f"KIMed: no shared jobs, SLURM takes none {MORE_MINUTES} minutes longer than asked ({why})\n")

    def _attend(self, place: Allocation) -> None:
        """Free it after a command, give it the next one, or find that it is over."""
        there = place.names(".")
        if not place.ran and "ready" in there:
            place.ran, place.since = True, time.monotonic()
        if place.ticket and place.ticket.folder.name in place.names("finished") and self._told(place.ticket):
            place.ticket = None
        if not place.over and place.ran and not place.ticket and "closed" not in there:
            free = [place.wanted] if place.wanted else self.waiting if place.shared else []
            fitting = next((ticket for ticket in free if place.wanted or place.fits(ticket.request)), None)
            if fitting:
                self._give(fitting, place)
        self._judge(place)
        if place.over and time.monotonic() > place.until:
            self._end(place)

    def _told(self, ticket: Ticket) -> bool:
        """Whether the node will tell no more about a command that it has finished."""
        if result := ticket.result():
            # What was ended with its job is told by the judgement about that.
            return not result.get("signal")
        ticket.late = ticket.late or time.monotonic()
        if ticket.folder.is_dir() and time.monotonic() - ticket.late < GRACE:
            return False
        ticket.problem = ticket.problem or "the node ended it without a result"
        return True

    def _note(self, place: Allocation) -> None:
        self.untold.append({
            "slurm_id": place.job, "node": place.node, "shared": place.shared, "commands": place.steps,
            "name": place.name, "end": place.over, "seconds": round(time.monotonic() - place.since, 1),
        })  # fmt: skip

    def tell(self) -> None:
        """Record jobs that are over; a register that takes nothing now (a full disk) is asked again."""
        with self.lock, suppress(OSError, RegisterError):
            while self.untold:
                self.record(self.untold[0])
                del self.untold[0]

    def close(self) -> None:
        """Record what was still there when the run ended, and was cancelled with it."""
        with self.lock:
            for place in self.allocations:
                place.over = place.over or "ended with its run"
                self._note(place)
            self.allocations.clear()
        self.tell()

    def _judge(self, place: Allocation) -> None:
        seen, reason = self.seen.get(place.job), ""
        if place.over or self.looks <= place.first + 1:
            return
        if seen is None:
            # Two looks in a row, both begun after it was submitted.
            reason = "SLURM does not know it any more" if self.looks >= place.last_seen + 2 else ""
        else:
            place.last_seen, place.node = self.looks, seen.node or place.node
            if not slurm.alive(seen):
                reason = f"{seen.state} on {seen.node or 'no node'}"
            elif place.ran and seen.state in slurm.WAITING:
                reason = f"{seen.state} after it had started (node failure or requeue)"
            elif seen.state in slurm.WAITING and seen.why in slurm.NEVER:
                reason = f"it can never start: {seen.why}"
            place.ran = place.ran or seen.state in slurm.RUNNING
        if reason:
            # Only what ended by itself can have left a result that is still on its way.
            patience = GRACE if seen is None or seen.state in ("COMPLETED", "FAILED") else GLANCE
            place.over, place.until = reason, time.monotonic() + patience
            if seen is not None and slurm.alive(seen):
                self._cancel(place)

    def _end(self, place: Allocation) -> None:
        """Say what became of a job, and what that means for the command in it."""
        self.allocations.remove(place)
        self._note(place)
        too_long = place.shared and any(word in place.over for word in ("TimeLimit", "WallDuration"))
        if too_long:
            self._share_no_more(place.over)
        for ticket in (place.ticket, place.wanted):
            if ticket is None:
                continue
            # What never began another job may run, unless somebody cancelled it.
            innocent = ticket is place.ticket or too_long or place.over.startswith("COMPLETED")
            if (
                innocent
                and not place.over.startswith("CANCELLED")
                and not (ticket.folder / "started").exists()
                and ticket.tries < TRIES
            ):
                ticket.place, ticket.sponsor, ticket.tries = None, None, ticket.tries + 1
                if ticket not in self.waiting:
                    self.waiting.append(ticket)
                threading.Thread(target=self._again, args=(ticket,), daemon=True).start()
            else:
                ticket.problem = place.over
                if ticket in self.waiting:
                    self.waiting.remove(ticket)
        shutil.rmtree(place.folder, ignore_errors=True)
