"""Scheduling rounds: long chains first, bounded in number and in what they look at, no job or priority lost."""

import collections
import itertools
import threading
from types import SimpleNamespace

import pytest
from snakemake.scheduling.greedy import Scheduler
from snakemake.scheduling.job_scheduler import JobScheduler
from spe import runs

from kimed_spe import rounds


def workflow(*priorities: int, targets: tuple[str, ...] = (), cores: int = 2) -> SimpleNamespace:
    return SimpleNamespace(
        scheduling_settings=SimpleNamespace(prioritytargets=targets),
        rules=[SimpleNamespace(priority=priority) for priority in priorities],
        resource_settings=SimpleNamespace(cores=cores),
    )


@pytest.fixture(autouse=True)
def unpatched(monkeypatch):
    """Give Snakemake's own methods back afterwards."""
    for name in ("_schedule_reevalutation", "open_jobs", "remaining_jobs"):
        monkeypatch.setattr(JobScheduler, name, getattr(JobScheduler, name))
    monkeypatch.setattr(Scheduler, "job_reward", Scheduler.job_reward)


class Step(SimpleNamespace):
    """A job as rounds see it: a declared run time, a priority, an input file."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


class File(str):
    temp = False

    def is_flagged(self, flag: str) -> bool:
        return flag == "temp" and self.temp


def step(name: str, runtime: object = None, file: File | None = None) -> Step:
    resources = {} if runtime is None else {"runtime": runtime}
    return Step(rule=name, resources=resources, priority=0, input=[file or File(name)])


def graph(*arrows: tuple[Step, Step]) -> SimpleNamespace:
    depending: dict[Step, dict[Step, set[str]]] = collections.defaultdict(dict)
    for first, behind in arrows:
        depending[first][behind] = set()
    return SimpleNamespace(depending=depending)


EMPTY = graph()


def scheduler(ready: set[Step]) -> SimpleNamespace:
    return SimpleNamespace(workflow=SimpleNamespace(dag=SimpleNamespace(ready_jobs=ready)))


def test_level_is_the_longest_declared_time_from_a_job_to_the_end():
    align, call, report, side = step("align", 60), step("call", 30), step("report"), step("side", 40)
    levels = rounds.Levels(graph((align, call), (call, report), (align, side), (side, report)))
    assert [levels.of(job) for job in (report, call, side, align)] == [1, 31, 41, 101]
    assert levels.of(SimpleNamespace(jobs=[call, align])) == 101, "a group is as urgent as its most urgent job"


def test_level_of_a_long_chain_needs_no_deep_stack():
    chain = [step(str(number)) for number in range(5_000)]
    assert rounds.Levels(graph(*itertools.pairwise(chain))).of(chain[0]) == 5_000


@pytest.mark.parametrize("runtime", ["<TBD>", 0, None])
def test_unknown_time_counts_as_a_minute(runtime):
    assert rounds.Levels(EMPTY).of(step("x", runtime)) == 1


def test_temporary_files_go_first_then_long_chains_then_large_input():
    temporary = File("temporary")
    temporary.temp = True
    small, large, long, freeing = step("small"), step("large"), step("long", 9), step("freeing", file=temporary)
    rounds.bound(workflow(0), EMPTY)
    sizes = {"small": 1, "large": 5, "long": None, "temporary": 1}
    order = sorted((small, large, long, freeing), key=lambda job: Scheduler.job_reward(None, job, sizes), reverse=True)
    assert [job.rule for job in order] == ["freeing", "long", "large", "small"]


@pytest.mark.parametrize(("cores", "count"), [(2, rounds.WINDOW), (100, 200)])
def test_round_sees_a_bounded_number_of_jobs_of_the_highest_level(cores, count):
    rounds.bound(workflow(0, 0, cores=cores), EMPTY)
    steps = [step(str(number), number) for number in range(10_000)]
    seen = JobScheduler.open_jobs.fget(scheduler(set(steps)))
    assert {job.rule for job in seen} == {job.rule for job in steps[-count:]}
    assert set(JobScheduler.open_jobs.fget(scheduler(set(steps[:2])))) == set(steps[:2])


def test_window_is_filled_again_before_a_processor_is_idle():
    window, levels = rounds.Window(cores=2), rounds.Levels(EMPTY)
    ready = {step(str(number), number) for number in range(1, 1_000)}
    while ready:
        seen = window.shown(ready, levels)
        assert len(seen) >= min(4, len(ready))
        assert set(seen) <= ready, "no job that runs already"
        ready.difference_update(seen[:2])


def test_round_sees_a_few_jobs_of_each_rule_and_all_that_are_kept_if_none_of_them_fits():
    window, levels = rounds.Window(cores=2), rounds.Levels(EMPTY)
    large, small = [[step(rule, 5) for _ in range(40)] for rule in ("large", "small")]
    ready = {*large, *small, *(step("more") for _ in range(400))}
    seen = window.shown(ready, levels)
    assert len(seen) == len(set(seen)) == 12
    assert len(window.shown(ready, levels)) == rounds.WINDOW, "nothing was started: there may be others that fit"
    ready.discard(seen[0])
    assert len(window.shown(ready, levels)) == len(seen)


def test_groups_are_each_of_a_kind():
    window = rounds.Window(cores=1)
    groups = {Step(jobs=[step("x")]) for _ in range(20)}
    assert set(window.shown(groups, rounds.Levels(EMPTY))) == groups


def test_remaining_jobs_are_listed_only_when_asked_for():
    calls = []

    def find() -> list[str]:
        calls.append(1)
        return ["a", "b"]

    remaining = rounds.Remaining(find)
    assert not calls
    assert (list(remaining), len(remaining), bool(remaining), remaining[-1]) == (["a", "b"], 2, True, "b")
    assert len(calls) == 1
    assert not rounds.Remaining(list)


def test_scheduler_still_knows_what_remains():
    rounds.bound(workflow(0), EMPTY)
    rounds.bound(workflow(0), EMPTY)
    waiting, running, failed, done = (step(name) for name in ("waiting", "running", "failed", "done"))
    dag = SimpleNamespace(needrun_jobs=lambda: [waiting, running, failed, done], finished=lambda job: job is done)
    this = SimpleNamespace(workflow=SimpleNamespace(dag=dag), running={running}, failed={failed})
    assert list(JobScheduler.remaining_jobs.fget(this)) == [waiting]


@pytest.mark.parametrize("given", [workflow(0, 5), workflow(0, targets=("all",))], ids=["rule", "--prioritize"])
def test_priorities_see_all_jobs(given):
    rounds.bound(given, EMPTY)
    assert len(JobScheduler.open_jobs.fget(scheduler({step(str(number)) for number in range(10_000)}))) == 10_000


def test_one_timer_at_a_time_starts_the_next_round(monkeypatch):
    started = []
    monkeypatch.setattr(threading, "Timer", lambda _, action: SimpleNamespace(start=lambda: started.append(action)))
    rounds.bound(workflow(0), EMPTY)
    opened = threading.Semaphore(0)
    this = SimpleNamespace(_open_jobs=opened)
    for _ in range(50):
        JobScheduler._schedule_reevalutation(this, 1)
    assert len(started) == 1
    started[0]()
    assert opened.acquire(blocking=False), "the round takes place"
    JobScheduler._schedule_reevalutation(this, 1)
    assert len(started) == 2, "and may be followed by another"


def test_more_jobs_than_a_round_sees_all_run(tmp_path):
    project = runs.project(tmp_path)
    count = rounds.WINDOW + 20
    rule = "\nrule one:\n    output: 'results/{n}'\n    shell: 'touch {output}'\n"
    project.write("Snakefile", f"rule all:\n    input: expand('results/{{n}}', n=range({count}))\n{rule}")
    done = project.run("--scheduler", "greedy")
    assert done.returncode == 0, done.stdout
    assert len(list((project.root / "results").iterdir())) == count == len(project.entries("job"))
