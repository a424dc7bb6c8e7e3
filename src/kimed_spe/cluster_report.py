"""What runs on SLURM cost, from the register: commands, the jobs that they shared, and jobs that were too short.

A job of SLURM costs its queue and a start; one that is shorter than that is waste. `spe cluster report` names those.
"""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kimed_spe.register import Entry

SHORTEST = 30.0
"""Seconds that a job of SLURM should run at least, unless commands share it."""


@dataclass(frozen=True)
class Report:
    """One run.

    Attributes
    ----------
    run
        Its name in the register.
    commands, failed
        That ran on nodes, and how many of them failed.
    jobs
        Of SLURM, as entries `cluster.allocation` describe them.
    waits
        Seconds from a command's request to its begin.
    """

    run: str
    commands: int
    failed: int
    jobs: tuple[Mapping[str, Any], ...]
    waits: tuple[float, ...]

    def used(self) -> list[Mapping[str, Any]]:
        """Jobs that ran a command; others were cancelled before they began."""
        return [job for job in self.jobs if job["commands"]]

    def short(self, shortest: float = SHORTEST) -> list[Mapping[str, Any]]:
        """Jobs of one command that ran for less than `shortest` seconds."""
        return [job for job in self.used() if not job["shared"] and job["seconds"] < shortest]

    def text(self, shortest: float = SHORTEST) -> str:
        """A line per figure, and one per job that was too short."""
        used, short = self.used(), self.short(shortest)
        shared = [job for job in used if job["shared"]]
        waits = f"median {statistics.median(self.waits):g}, largest {max(self.waits):g}" if self.waits else "none began"
        ends = Counter(str(job["end"]).partition(" on ")[0] for job in self.jobs)
        lines = [
            f"run {self.run}",
            f"  commands on nodes       {self.commands}, {self.failed} failed",
            f"  jobs that ran commands  {len(used)}, {len(shared)} of them shared",
            f"  jobs that ran none      {len(self.jobs) - len(used)}",
            f"  seconds to the begin    {waits}",
            f"  ends of jobs            {', '.join(f'{end}: {number}' for end, number in sorted(ends.items()))}",
            f"  not shared and under {shortest:g} s: {len(short)}",
        ]
        return "\n".join([*lines, *(f"    {job['slurm_id']} {job['name']} {job['seconds']:g} s" for job in short)])


def reports(entries: Iterable[Entry]) -> list[Report]:
    """Reports of all runs that sent commands to SLURM, in their order."""
    steps: dict[str, list[Mapping[str, Any]]] = {}
    jobs: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        found = {"cluster.job": steps, "cluster.allocation": jobs}.get(entry.kind)
        if found is not None:
            found.setdefault(str(entry.content["run"]), []).append(entry.content)
    return [_report(run, steps.get(run, []), jobs.get(run, [])) for run in dict.fromkeys([*steps, *jobs])]


def _report(run: str, steps: list[Mapping[str, Any]], jobs: list[Mapping[str, Any]]) -> Report:
    failed = sum(1 for step in steps if step["exit_code"])
    waits = tuple(float(step["waited"]) for step in steps if step["waited"] is not None)
    return Report(run, len(steps), failed, tuple(jobs), waits)
