"""Scheduling rounds that start long chains first and cost the same however many jobs are ready.

Four properties of Snakemake 9.27's greedy scheduling (`JobScheduler.schedule`, `greedy.Scheduler.job_reward`):

* among jobs of one priority those with the largest input go first, whatever waits behind them. On few processors a
  chain of long steps then begins when everything else is done and runs alone. Here the longest remaining chain goes
  first (highest level first: T. C. Hu, Parallel sequencing and assembly line problems, Operations Research 9, 1961),
  after jobs that free temporary files;
* every round looks at every ready job, several times, so that large runs cost the square of their jobs. Each round is
  shown the first of them only;
* every round that may start a job lists all jobs that remain (`remaining_jobs`), for schedulers that look at them. The
  greedy one does not. They are listed when somebody looks;
* every round starts a timer for another one (it has a limit of jobs per second by default), and that one again. After
  1,000 jobs there are as many such chains, each with a round per second, whether or not anything happened. One timer at
  a time does the same.
"""

import heapq
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from typing import Any

WINDOW = 100
"""Jobs per round on machines with few processors."""


class Levels:
    """Minutes that rules declare from the start of a job to the end of the longest chain behind it."""

    def __init__(self, dag: Any) -> None:
        self.dag = dag
        self.minutes: dict[Any, int] = {}
        self.known: dict[Any, int] = {}

    def _minutes(self, job: Any) -> int:
        """Declared run time of a job's rule; 1 where nothing is known before the job starts."""
        if job.rule not in self.minutes:
            value = job.resources.get("runtime")
            self.minutes[job.rule] = value if isinstance(value, int) and value > 0 else 1
        return self.minutes[job.rule]

    def of(self, job: Any) -> int:
        """Level of a job, or of the first of a group; without recursion, because chains can be long."""
        if hasattr(job, "jobs"):
            return max(self.of(member) for member in job.jobs)
        waiting = [job]
        while waiting:
            last = waiting[-1]
            behind = (
                [other for other in self.dag.depending[last] if other is not last] if last not in self.known else []
            )
            unknown = [other for other in behind if other not in self.known]
            if unknown:
                waiting += unknown
                continue
            if last not in self.known:
                self.known[last] = self._minutes(last) + max((self.known[other] for other in behind), default=0)
            waiting.pop()
        return self.known[job]


class Window:
    """The jobs that rounds are shown: of the highest level, and of every rule only a few.

    Jobs of a rule mostly ask for the same, so that more of them than can start give no further choice, and the
    scheduler looks at each of them several times. Where none of those shown was started they may ask for more than is
    free, and the next round sees all that are kept.
    """

    def __init__(self, cores: int) -> None:
        self.size = max(WINDOW, 2 * cores)
        self.fewest = 2 * cores
        self.jobs: list[Any] = []
        self.last: set[Any] = set()

    def shown(self, ready: Any, levels: Levels) -> list[Any]:
        """Jobs for one round: at least two per processor, so that none is idle for want of choice."""
        if len(ready) <= self.size:
            self.jobs = sorted(ready, key=levels.of, reverse=True)
        else:
            # Sorting all ready jobs in every round would cost their square.
            self.jobs = [job for job in self.jobs if job in ready]
            if len(self.jobs) < self.fewest:
                self.jobs = heapq.nlargest(self.size, ready, key=levels.of)
        left = {_kind(job): self.fewest for job in self.jobs}
        chosen = []
        for job in self.jobs:
            if left[_kind(job)]:
                left[_kind(job)] -= 1
                chosen.append(job)
        stuck, self.last = set(chosen) == self.last, set(chosen)
        return self.jobs if stuck else chosen


def _kind(job: Any) -> Any:
    """The rule of a job; a group is of its own kind."""
    return getattr(job, "rule", job)


class Remaining(Sequence[Any]):
    """Jobs that were not started yet, found when somebody looks: the greedy scheduler does not, and they are many."""

    def __init__(self, find: Callable[[], list[Any]]) -> None:
        self.find = find

    @cached_property
    def jobs(self) -> list[Any]:
        """All of them."""
        return self.find()

    def __len__(self) -> int:
        return len(self.jobs)

    def __getitem__(self, index: Any) -> Any:
        return self.jobs[index]


def have_priorities(workflow: Any) -> bool:
    """Whether some jobs must go before others."""
    return bool(workflow.scheduling_settings.prioritytargets) or any(rule.priority for rule in workflow.rules)


def _one_timer() -> Any:
    pending: set[float] = set()

    def once(self: Any, delay: float) -> None:
        def round_again() -> None:
            pending.discard(delay)
            self._open_jobs.release()

        if delay not in pending:
            pending.add(delay)
            threading.Timer(delay, round_again).start()

    return once


def bound(workflow: Any, dag: Any) -> None:
    """Order and bound the rounds of this Snakemake process; with priorities all jobs are seen.

    A checkpoint can put new jobs behind known ones; levels then are those of the graph as it was when a job was first
    seen, which changes the order only.
    """
    from snakemake.scheduling.greedy import Scheduler  # noqa: PLC0415 - the scheduler imports the executor
    from snakemake.scheduling.job_scheduler import JobScheduler  # noqa: PLC0415

    levels = Levels(dag)

    def reward(_: Any, job: Any, input_sizes: dict[Any, int | None]) -> tuple[int, int, int, int]:
        def size(files: Iterable[Any]) -> int:
            return sum(input_sizes[file] or 0 for file in files)

        return (
            job.priority,
            size(file for file in job.input if file.is_flagged("temp")),
            levels.of(job),
            size(job.input),
        )

    Scheduler.job_reward = reward
    JobScheduler._schedule_reevalutation = _one_timer()
    if not getattr(JobScheduler, "kimed_find_remaining", None):
        JobScheduler.kimed_find_remaining = JobScheduler.remaining_jobs.fget
    JobScheduler.remaining_jobs = property(lambda self: Remaining(partial(JobScheduler.kimed_find_remaining, self)))
    if not have_priorities(workflow):
        window = Window(int(workflow.resource_settings.cores or 1))
        JobScheduler.open_jobs = property(lambda self: window.shown(self.workflow.dag.ready_jobs, levels))
