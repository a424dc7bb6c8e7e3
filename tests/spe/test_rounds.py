"""Scheduling rounds: bounded in what they look at and in how many they are, without losing a job or a priority."""

import threading
from types import SimpleNamespace

import pytest
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
    for name in ("_schedule_reevalutation", "open_jobs"):
        monkeypatch.setattr(JobScheduler, name, getattr(JobScheduler, name))


def scheduler(ready: set[int]) -> SimpleNamespace:
    return SimpleNamespace(workflow=SimpleNamespace(dag=SimpleNamespace(ready_jobs=ready)))


@pytest.mark.parametrize(("cores", "count"), [(2, rounds.WINDOW), (100, 200)])
def test_round_sees_a_bounded_number_of_jobs(cores, count):
    rounds.bound(workflow(0, 0, cores=cores))
    assert len(JobScheduler.open_jobs.fget(scheduler(set(range(10_000))))) == count
    assert sorted(JobScheduler.open_jobs.fget(scheduler({1, 2}))) == [1, 2]


@pytest.mark.parametrize("given", [workflow(0, 5), workflow(0, targets=("all",))], ids=["rule", "--prioritize"])
def test_priorities_see_all_jobs(given):
    rounds.bound(given)
    assert len(JobScheduler.open_jobs.fget(scheduler(set(range(10_000))))) == 10_000


def test_one_timer_at_a_time_starts_the_next_round(monkeypatch):
    started = []
    monkeypatch.setattr(threading, "Timer", lambda _, action: SimpleNamespace(start=lambda: started.append(action)))
    rounds.bound(workflow(0))
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
