"""Scheduling rounds whose number and cost do not grow with the number of jobs that are ready.

Two properties of Snakemake 9.27 make large runs cost the square of their jobs (`JobScheduler.schedule`):

* every round looks at every ready job, several times. Where all jobs have the same priority it makes no difference
  which of them are looked at first, so each round is shown some of them;
* every round starts a timer for another one (it has a limit of jobs per second by default), and that one again. After
  1,000 jobs there are as many such chains, each with a round per second, whether or not anything happened. One timer at
  a time does the same.
"""

import itertools
import threading
from typing import Any

WINDOW = 100
"""Jobs per round on machines with few processors."""


def shown(ready: Any, cores: int) -> list[Any]:
    """Jobs for one round: at least two per processor, so that none is idle for want of choice."""
    return list(itertools.islice(ready, max(WINDOW, 2 * cores)))


def have_priorities(workflow: Any) -> bool:
    """Whether some jobs must go before others."""
    return bool(workflow.scheduling_settings.prioritytargets) or any(rule.priority for rule in workflow.rules)


def bound(workflow: Any) -> None:
    """Bound the rounds of this Snakemake process; with priorities only their number, because all jobs must be seen."""
    from snakemake.scheduling.job_scheduler import JobScheduler  # noqa: PLC0415 - it imports the executor

    pending: set[float] = set()

    def once(self: Any, delay: float) -> None:
        def round_again() -> None:
            pending.discard(delay)
            self._open_jobs.release()

        if delay not in pending:
            pending.add(delay)
            threading.Timer(delay, round_again).start()

    JobScheduler._schedule_reevalutation = once
    if not have_priorities(workflow):
        cores = int(workflow.resource_settings.cores or 1)
        JobScheduler.open_jobs = property(lambda self: shown(self.workflow.dag.ready_jobs, cores))
