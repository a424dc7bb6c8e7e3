"""How jobs of SLURM are judged and commands given to them; SLURM is played here, `tests/slurm` has a real one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kimed_spe import cluster_pool, slurm
from kimed_spe.cluster_places import Ticket
from kimed_spe.cluster_pool import Pool
from kimed_spe.register import RegisterError


class Played:
    """SLURM as these tests want it: what was submitted and cancelled, and in which state jobs are."""

    def __init__(self) -> None:
        self.submitted: list[list[str]] = []
        self.cancelled: list[str] = []
        self.jobs: dict[str, slurm.Seen] = {}
        self.fail: list[slurm.SlurmError] = []
        self.accept_and_fail = False

    def submit(self, _script: str, arguments: list[str], comment: str, _folder: Path) -> str:
        if self.fail and not self.accept_and_fail:
            raise self.fail.pop(0)
        number = str(len(self.submitted) + 1)
        self.submitted.append(arguments)
        name = next(word.partition("=")[2] for word in arguments if word.startswith("--job-name="))
        self.jobs[number] = slurm.Seen(number, "PENDING", "", "Resources", name, comment)
        if self.fail:
            raise self.fail.pop(0)
        return number

    def state(self, number: str, state: str, why: str = "None") -> None:
        seen = self.jobs[number]
        self.jobs[number] = slurm.Seen(number, state, "n1", why, seen.name, seen.comment)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    found = Played()
    monkeypatch.setattr(slurm, "submit", found.submit)
    monkeypatch.setattr(slurm, "cancel", found.cancelled.extend)
    monkeypatch.setattr(slurm, "look", lambda _comment: dict(found.jobs))
    monkeypatch.setattr(cluster_pool, "LOOK", 0.01)
    return found


class Bench:
    """A pool whose threads do not run: `look` is one round of both."""

    def __init__(self, folder: Path, share: float, played: Played) -> None:
        self.played = played
        folder.mkdir(exist_ok=True)
        self.ended: list[dict[str, Any]] = []
        self.pool = Pool(folder, "r" * 32, "kimed:r", 8000, self.ended.append, share=share)
        self.folder = folder

    def ticket(self, **request: Any) -> Ticket:
        number = len(list(self.folder.glob("[0-9]*"))) + 1
        folder = self.folder / str(number)
        folder.mkdir()
        return Ticket(folder, {"rule": "step", "job": 7, "threads": 1, "mem_mb": 500, "runtime": 10, **request})

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            self.pool.seen, self.pool.looks = slurm.look(""), self.pool.looks + 1
            for place in list(self.pool.allocations):
                # Nothing is on its way over a network here.
                place.until = 0.0
                self.pool._attend(place)
            self.pool.tell()

    def ready(self, number: int) -> None:
        (self.folder / f"job{number}" / "ready").touch()
        self.played.state(str(number), "RUNNING")

    def finish(self, ticket: Ticket) -> None:
        (ticket.folder / "result.json").write_text('{"exit_code": 0}')
        assert ticket.place is not None
        (ticket.place.folder / "finished" / ticket.folder.name).touch()


@pytest.fixture
def bench(tmp_path: Path, played: Played) -> Bench:
    return Bench(tmp_path, 60, played)


def until(ready: Any) -> None:
    for _ in range(500):
        if ready():
            return
        cluster_pool.time.sleep(0.01)
    raise AssertionError("did not happen")


def test_a_command_takes_what_is_free_before_its_own_job_starts(bench: Bench, played: Played):
    first, second = bench.ticket(), bench.ticket()
    bench.pool.take(first)
    bench.pool.take(second)
    assert len(played.submitted) == 2 and not played.cancelled
    bench.ready(1)
    bench.look()
    assert first.place and not second.place
    bench.finish(first)
    bench.look()
    assert second.place is first.place and played.cancelled == ["2"]
    # It may begin before the cancelling arrives: what it would be given would be cancelled with it.
    assert [place.job for place in bench.pool.allocations] == ["1"] and bench.ended[0]["end"] == "not needed any more"
    third = bench.ticket()
    bench.pool.take(third)
    assert third.place is None and len(played.submitted) == 3


@pytest.mark.parametrize("more", [{"mem_mb": 3000}, {"threads": 2}, {"gpu": 1}, {"qos": "long"}, {"runtime": 71}])
def test_a_command_that_does_not_fit_gets_a_job(more: dict[str, Any], bench: Bench, played: Played):
    first = bench.ticket()
    bench.pool.take(first)
    bench.ready(1)
    bench.look()
    bench.finish(first)
    bench.look()
    bench.pool.take(bench.ticket(**more))
    assert len(played.submitted) == 2
    bench.pool.take(bench.ticket(mem_mb=2000))
    assert len(played.submitted) == 2, "one that fits takes the free one"


def test_long_commands_are_alone_under_their_name(bench: Bench, played: Played):
    bench.pool.take(bench.ticket(runtime=61))
    (options,) = played.submitted
    assert "--job-name=kimed.step.7.1.rrrrrrrr" in options and "--time=61" in options and "--mem=500M" in options
    bench.pool.take(bench.ticket())
    assert {"--job-name=kimed.shared.2.rrrrrrrr", "--time=70", "--mem=2000M", "--no-requeue"} <= set(
        played.submitted[1]
    )


@pytest.mark.parametrize(
    ("state", "why", "says"),
    [
        ("CANCELLED", "None", "CANCELLED on n1"),
        ("TIMEOUT", "TimeLimit", "TIMEOUT"),
        ("OUT_OF_MEMORY", "None", "OUT_OF_MEMORY"),
        ("NODE_FAIL", "None", "NODE_FAIL on n1"),
        ("PREEMPTED", "None", "PREEMPTED"),
        ("PENDING", "Resources", "after it had started"),
        ("REQUEUED", "None", "after it had started"),
    ],
)
@pytest.mark.parametrize("share", [0, 60])
def test_what_ends_a_job_ends_its_command(share: int, state: str, why: str, says: str, tmp_path: Path, played: Played):
    bench = Bench(tmp_path, share, played)
    ticket = bench.ticket()
    bench.pool.take(ticket)
    bench.ready(1)
    bench.look()
    (ticket.folder / "started").touch()
    played.state("1", "RUNNING")
    bench.look(3)
    assert not bench.pool.problem(ticket)
    played.state("1", state, why)
    bench.look(3)
    assert says in bench.pool.problem(ticket) and len(played.submitted) == 1 and bench.pool.allocations == []
    assert bench.ended[0]["end"] and bench.ended[0]["commands"] == 1


def test_job_that_vanished_from_the_queue(bench: Bench, played: Played):
    ticket = bench.ticket()
    bench.pool.take(ticket)
    bench.ready(1)
    bench.look()
    (ticket.folder / "started").touch()
    del played.jobs["1"]
    bench.look(6)
    assert "does not know it" in bench.pool.problem(ticket)


def test_result_of_a_job_that_a_signal_ended_waits_for_the_word_of_slurm(bench: Bench, played: Played):
    ticket = bench.ticket()
    bench.pool.take(ticket)
    bench.ready(1)
    bench.look()
    (ticket.folder / "started").touch()
    bench.finish(ticket)
    (ticket.folder / "result.json").write_text('{"exit_code": 137, "signal": 15}')
    bench.look(3)
    played.state("1", "TIMEOUT")
    bench.look(3)
    assert "TIMEOUT" in bench.pool.problem(ticket)


def test_waiting_job_that_somebody_cancels(bench: Bench, played: Played):
    ticket = bench.ticket()
    bench.pool.take(ticket)
    played.state("1", "CANCELLED")
    bench.look(3)
    assert "CANCELLED" in bench.pool.problem(ticket) and len(played.submitted) == 1


def test_command_that_had_not_begun_when_its_node_died_runs_elsewhere(bench: Bench, played: Played):
    ticket = bench.ticket()
    bench.pool.take(ticket)
    bench.ready(1)
    bench.look()
    for number in range(1, 1 + cluster_pool.TRIES):
        played.state(str(number), "NODE_FAIL")
        bench.look(3)
        until(lambda number=number: len(bench.pool.allocations) == 1 and len(played.submitted) == number + 1)
        assert not bench.pool.problem(ticket)
        bench.ready(number + 1)
        bench.look()
        assert ticket.place is bench.pool.allocations[0]
    played.state(str(1 + cluster_pool.TRIES), "NODE_FAIL")
    bench.look(3)
    assert "NODE_FAIL" in bench.pool.problem(ticket), "not for ever"


def test_job_that_can_never_start(tmp_path: Path, played: Played):
    bench = Bench(tmp_path, 0, played)
    ticket = bench.ticket()
    bench.pool.take(ticket)
    played.state("1", "PENDING", "BadConstraints")
    bench.look(3)
    assert bench.pool.problem(ticket) == "it can never start: BadConstraints" and played.cancelled == ["1"]


def test_partition_that_takes_no_longer_jobs(bench: Bench, played: Played, capsys: pytest.CaptureFixture[str]):
    ticket = bench.ticket()
    bench.pool.take(ticket)
    played.state("1", "PENDING", "PartitionTimeLimit")
    bench.look(3)
    until(lambda: len(played.submitted) == 2)
    assert "--time=10" in played.submitted[1] and "no shared jobs" in capsys.readouterr().err
    assert not bench.pool.problem(ticket) and played.cancelled == ["1"]


def test_submission_is_tried_again_but_nothing_is_submitted_twice(bench: Bench, played: Played):
    played.fail = [slurm.Away("Unable to contact slurm controller"), slurm.Away("again")]
    bench.pool.take(bench.ticket())
    assert len(played.submitted) == 1
    # The controller took it and its answer was lost.
    played.fail, played.accept_and_fail = [slurm.Away("Socket timed out on send/recv operation")], True
    bench.pool.take(bench.ticket())
    assert len(played.submitted) == 2 and [place.job for place in bench.pool.allocations] == ["1", "2"]


def test_refused_submission_is_not_tried_again(bench: Bench, played: Played):
    played.fail = [slurm.SlurmError("sbatch: error: invalid partition specified: x")] * 2
    with pytest.raises(slurm.SlurmError, match="invalid partition"):
        bench.pool.take(bench.ticket())
    assert bench.pool.waiting == [] and len(played.fail) == 1


@pytest.mark.parametrize("share", [0, 60])
def test_dropped_commands(share: int, tmp_path: Path, played: Played):
    bench = Bench(tmp_path, share, played)
    running, waiting = bench.ticket(), bench.ticket()
    bench.pool.take(running)
    bench.ready(1)
    bench.look()
    bench.pool.take(waiting)
    bench.pool.drop(waiting)
    assert played.cancelled == ["2"] and bench.pool.waiting == []
    bench.pool.drop(running)
    # Of a shared job only the command is ended.
    assert (running.folder / "cancel").exists() == bool(share)
    assert played.cancelled == ["2"] + ["1"] * (not share)


@pytest.mark.parametrize("error", [RegisterError("not written completely"), OSError(28, "No space left on device")])
def test_a_job_is_recorded_when_the_register_takes_entries_again(error: Exception, bench: Bench, played: Played):
    """As on a disk that is full for a while: commands get their answer meanwhile, and no entry is lost."""
    full, written = [error], bench.pool.record

    def record(entry: dict[str, Any]) -> None:
        if full:
            raise full[0]
        written(entry)

    bench.pool.record = record
    ticket = bench.ticket()
    bench.pool.take(ticket)
    bench.ready(1)
    bench.look()
    (ticket.folder / "started").touch()
    played.state("1", "NODE_FAIL")
    bench.look(4)
    assert "NODE_FAIL" in bench.pool.problem(ticket) and bench.pool.allocations == [] and bench.ended == []
    full.clear()
    bench.look()
    assert [entry["end"] for entry in bench.ended] == ["NODE_FAIL on n1"]


def test_jobs_that_are_there_at_the_end_of_the_run_are_recorded(bench: Bench):
    """A shared job waits for further commands then."""
    ticket = bench.ticket()
    bench.pool.take(ticket)
    bench.ready(1)
    bench.look()
    bench.finish(ticket)
    bench.look()
    assert bench.ended == []
    bench.pool.close()
    assert [(entry["commands"], entry["end"]) for entry in bench.ended] == [(1, "ended with its run")]


def test_a_command_without_a_result_is_told_so(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """The node may not have seen it, or its result may still be on its way over a network file system."""
    ticket = bench.ticket()
    bench.pool.take(ticket)
    bench.ready(1)
    bench.look()
    assert ticket.place is not None
    (ticket.place.folder / "finished" / ticket.folder.name).touch()
    bench.look(3)
    assert not bench.pool.problem(ticket) and ticket.place.ticket is ticket, "it may still arrive"
    monkeypatch.setattr(cluster_pool, "GRACE", 0.0)
    bench.look()
    assert "without a result" in bench.pool.problem(ticket) and ticket.place.ticket is None


@pytest.mark.parametrize("where", ["job1", "inbox"])
def test_a_full_disk_leaves_no_command_behind(where: str, bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """What cannot be written for a command fails it; nobody runs it later."""
    first, second = bench.ticket(), bench.ticket(threads=1)
    if where == "inbox":
        bench.pool.take(first)
        bench.ready(1)
        bench.look()
        bench.finish(first)
        bench.look()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "touch" if where == "inbox" else "mkdir", full)
    with pytest.raises(OSError, match="No space"):
        bench.pool.take(second)
    assert bench.pool.waiting == [] and second.place is None
    assert not any(place.ticket for place in bench.pool.allocations)
