"""Scheduling rounds whose cost does not grow with the number of jobs that are ready.

Snakemake 9.27 looks at every ready job in every round, several times, and has a round after nearly every job that ends:
10,000 samples cost 10,000 rounds over 10,000 jobs. (`scheduler-subsample` comes after that.) Where all jobs have the
same priority it makes no difference which of them are looked at first, so each round is shown some of them.
"""

import itertools
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
    """Bound the rounds of this Snakemake process, unless priorities need all jobs seen."""
    from snakemake.scheduling.job_scheduler import JobScheduler  # noqa: PLC0415 - it imports the executor

    if have_priorities(workflow):
        return
    cores = int(workflow.resource_settings.cores or 1)
    JobScheduler.open_jobs = property(lambda self: shown(self.workflow.dag.ready_jobs, cores))
