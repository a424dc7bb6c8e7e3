"""What a node does with one command, without SLURM: limits, cancelling, and what is told about it."""

import json
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
    held = place.parent / "held"
    hog = f'import time; x = bytearray(200_000_000); open("{held}", "w").close(); time.sleep(1.5)'
    waits = f"{sys.executable} -c '{hog}' & until test -e {held}; do sleep 0.1; done; sleep 0.7"
    assert 200e6 < memory(place, "bash", "-c", waits) < 300e6


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
    monkeypatch.setattr(cluster_step, "unseen", lambda _ticket, _signs: [])
    (place / "ticket.json").write_text('{"command": ["true"], "seconds": 30}')
    cluster_step.serve(place, signs(place))
    assert '"exit_code": 0' in (place / "result.json").read_text()
    (place / "result.json").unlink()
    cluster_step.serve(place, signs(place))
    assert "another job has begun" in (place / "result.json").read_text()


def test_job_started_again_by_slurm_refuses(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert "a second time" in cluster_step.refusals({"known": {}})[0]


def boxed(place: Path, **more: Any) -> dict[str, Any]:
    """A command in a box below the working directory that shows an input, an output folder and software."""
    root = place.parent / "root"
    box = root / "box"
    (box / "tmp").mkdir(parents=True)
    words = [
        "--ro-bind",
        str(root / "in.txt"),
        str(root / "in.txt"),
        "--bind",
        str(box / "out0"),
        str(root / "results"),
    ]
    (box / "args").write_bytes(b"\0".join(os.fsencode(word) for word in [*words, "--ro-bind", "/nowhere", "/usr"]))
    for path in (box / "launch", root / "node"):
        path.touch()
    (box / "out0").mkdir()
    content = ticket("cat", str(root / "in.txt")) | {
        "root": str(root),
        "launcher": str(root / "node"),
        "variables": {"TMPDIR": str(box / "tmp")},
        **more,
    }
    (place / "ticket.json").write_text(json.dumps(content))
    return content


def served(place: Path) -> dict[str, Any]:
    cluster_step.serve(place, signs(place))
    found: dict[str, Any] = json.loads((place / "result.json").read_text())
    return found


@pytest.mark.parametrize("late", ["in.txt", "box/args", "box/launch"])
def test_files_that_are_seen_late_are_waited_for(late: str, place: Path, monkeypatch: pytest.MonkeyPatch):
    """As on a network file system; what the box shows of the working directory, no other files."""
    monkeypatch.setattr(cluster_step, "refusals", lambda _ticket: [])
    root = place.parent / "root"
    content = boxed(place, latency=20)
    assert cluster_step.unseen(content | {"latency": 0}, signs(place)) == [root / "in.txt"]
    (root / "in.txt").write_text("here\n")
    hidden = place.parent / "hidden"
    (root / late).rename(hidden)
    timer = threading.Timer(0.8, hidden.rename, (root / late,))
    timer.start()
    found = served(place)
    timer.join()
    assert found["exit_code"] == 0 and found["seconds"] >= 0.6 and (place / "stdout").read_text() == "here\n"


def test_files_that_are_never_seen_fail_the_command(place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster_step, "refusals", lambda _ticket: [])
    boxed(place, latency=0.3)
    found = served(place)
    assert found["exit_code"] == 1 and "in.txt is not seen on this node (`--latency-wait`)" in found["problem"]


def test_a_command_that_is_seen_later_than_its_number(place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster_step, "refusals", lambda _ticket: [])
    monkeypatch.setattr(cluster_step, "LATE", 0.2)
    place.rename(place.with_name("hidden"))
    cluster_step.serve(place, signs(place))  # nobody waits for it any more
    monkeypatch.setattr(cluster_step, "LATE", 20)
    place.with_name("hidden").rename(place)
    boxed(place)
    (place.parent / "root/in.txt").write_text("here\n")
    place.rename(place.with_name("hidden"))
    timer = threading.Timer(0.6, place.with_name("hidden").rename, (place,))
    timer.start()
    assert served(place)["exit_code"] == 0
    timer.join()


def test_figures_for_benchmarks_are_of_the_command(place: Path):
    use = "import sys, time; x = bytearray(150_000_000); time.sleep(1.2)"
    found = run(ticket(sys.executable, "-c", use) | {"benchmark": True}, place, signs(place))["benchmark"]
    assert found["data_collected"] and 1.2 <= found["running_time"] < 20 and 150 < found["max_rss"] < 300
    assert "benchmark" not in run(ticket("true"), place, signs(place))
