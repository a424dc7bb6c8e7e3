"""What a node does with one command, without SLURM: limits, cancelling, and what is told about it."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from kimed_spe import cluster_step
from kimed_spe.cluster_step import Signs, run


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A command's folder; commands run as they are, without enclosure."""
    monkeypatch.setattr(cluster_step, "command", lambda ticket: ticket["command"])
    monkeypatch.setattr(cluster_step, "LOOK", 0.1)
    for name in ("job1", "1"):
        (tmp_path / name).mkdir()
    (tmp_path / "heartbeat").touch()
    return tmp_path / "1"


def signs(place: Path) -> Signs:
    return Signs(place.parent / "job1", heard=time.monotonic())


def ticket(*command: str, seconds: float = 30) -> dict[str, Any]:
    return {"command": command, "seconds": seconds}


def test_status_and_text(place: Path):
    found = run(ticket("bash", "-c", "echo out; echo err >&2; exit 3"), place, signs(place))
    assert (found["exit_code"], found["problem"]) == (3, "")
    assert (place / "stdout").read_text() == "out\n" and (place / "stderr").read_text() == "err\n"
    assert run(ticket("bash", "-c", "kill -9 $$"), place, signs(place))["exit_code"] == 137


SMALL_PARENT = """
import sys, time
from pathlib import Path
from kimed_spe import cluster_step
cluster_step.command, cluster_step.LOOK = lambda ticket: ticket["command"], 0.1
place = Path(sys.argv[1])
signs = cluster_step.Signs(place.parent / "job1", heard=time.monotonic())
print(cluster_step.run({"command": sys.argv[2:], "seconds": 30}, place, signs)["max_rss"])
"""


def memory(place: Path, *command: str) -> float:
    """Largest resident set of a command that a small process starts, as a node's step is.

    The kernel counts from the fork on, so that what pytest holds after an hour of tests would count too.
    """
    small = [sys.executable, "-c", SMALL_PARENT, place, *command]
    told = subprocess.run(small, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    return float(told.stdout.splitlines()[-1])


def test_memory_is_that_of_this_command(place: Path):
    use = "import sys; x = bytearray(int(sys.argv[1]))"
    large, small = (memory(place, sys.executable, "-c", use, size) for size in ("200000000", "1"))
    assert 200e6 < large < 300e6 and small < 150e6


def test_memory_of_all_processes_together_is_bounded(place: Path):
    hog = "import time; x = bytearray(100_000_000); time.sleep(60)"
    both = f"{sys.executable} -c '{hog}' & {sys.executable} -c '{hog}' & wait"
    began = time.monotonic()
    found = run(ticket("bash", "-c", both) | {"memory": 150e6}, place, signs(place))
    assert "OUT_OF_MEMORY" in found["problem"] and time.monotonic() - began < 20
    assert run(ticket("true") | {"memory": 150e6}, place, signs(place))["problem"] == ""


def test_memory_is_seen_without_anybody_who_waits(place: Path):
    """As bubblewrap may: the parent ends first, and what the kernel counted of the child is lost."""
    hog = "import time; x = bytearray(200_000_000); time.sleep(1)"
    assert 200e6 < memory(place, "bash", "-c", f"{sys.executable} -c '{hog}' & sleep 0.9") < 300e6


def test_runtime(place: Path):
    began = time.monotonic()
    found = run(ticket("sleep", "60", seconds=0.6), place, signs(place))
    assert found["problem"] == "TIMEOUT: it ran longer than its runtime of 0.01 minutes"
    assert found["exit_code"] == 137 and time.monotonic() - began < 10


@pytest.mark.parametrize("how", ["cancel", "folder", "run", "silence"])
def test_commands_that_nobody_wants_any_more(how: str, place: Path, monkeypatch: pytest.MonkeyPatch):
    if how == "silence":
        monkeypatch.setattr(cluster_step, "DEAF", 0.5)

    def act() -> None:
        if how == "cancel":
            (place / "cancel").touch()
        elif how == "folder":
            place.rename(place.with_name("gone"))
        elif how == "run":
            (place.parent / "job1").rmdir()

    timer = threading.Timer(0.5, act)
    timer.start()
    began = time.monotonic()
    found = run(ticket("sleep", "60"), place, signs(place))
    timer.join()
    says = {"cancel": "cancelled", "folder": "cancelled", "run": "the run has ended", "silence": "nothing was heard"}
    assert says[how] in found["problem"] and time.monotonic() - began < 10


def test_a_supervisor_that_is_heard_is_waited_for(place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster_step, "DEAF", 0.5)
    stop = threading.Event()

    def beat() -> None:
        moment = 0
        while not stop.wait(0.1):
            moment += 1  # a clock that is wrong by decades
            os.utime(place.parent / "heartbeat", (moment, moment))

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        assert run(ticket("sleep", "1.5"), place, signs(place))["problem"] == ""
    finally:
        stop.set()
        thread.join()


def test_signal_of_slurm(place: Path):
    found = signs(place)
    before = signal.getsignal(signal.SIGTERM)
    found.listen()
    try:
        timer = threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        assert run(ticket("sleep", "60"), place, found)["problem"] == "ended by signal 15" and found.signal == 15
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_a_command_begins_once(place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster_step, "refusals", lambda _ticket: [])
    (place / "ticket.json").write_text('{"command": ["true"], "seconds": 30}')
    cluster_step.serve(place, signs(place))
    assert '"exit_code": 0' in (place / "result.json").read_text()
    (place / "result.json").unlink()
    cluster_step.serve(place, signs(place))
    assert "another job has begun" in (place / "result.json").read_text()


def test_job_started_again_by_slurm_refuses(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert "a second time" in cluster_step.refusals({"known": {}})[0]
