"""GPU nodes reach the jobs that ask for them and only those granted.

No test here has a GPU: plain files stand in for device nodes and the driver's folder. That boxes mount, hide and number
them is tested; that CUDA then computes is not.
"""

import os
import threading
from pathlib import Path

import pytest

from kimed_spe import devices, jobs
from kimed_spe.limits import Groups, Limits
from kimed_spe.sandbox import Sandbox

UUIDS = ("GPU-aaaa1111", "GPU-bbbb2222", "GPU-bbbb3333")
LOOK = "ls /dev | grep nvidia | sort | tr '\\n' ' '; cat /dev/nvidia[0-9]; echo CUDA=$CUDA_VISIBLE_DEVICES"


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    """Three pretended processors."""
    folder = tmp_path / "dev"
    folder.mkdir()
    for name in ("nvidia0", "nvidia1", "nvidia2", "nvidiactl", "nvidia-uvm", "nvidia-caps", "null"):
        (folder / name).write_text(f"<{name}>")
    return folder


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    """What the driver says: the second processor on the bus has minor number 0."""
    for position, minor in enumerate((1, 0, 2)):
        place = tmp_path / "driver" / f"0000:0{position}:00.0"
        place.mkdir(parents=True)
        (place / "information").write_text(
            f"Model: \t Fake\nGPU UUID: \t {UUIDS[position]}\nDevice Minor: \t {minor}\n"
        )
    return tmp_path / "driver"


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, [0, 1, 2]), ("", []), ("-1", []), ("0", [1]), ("1,2", [0, 2]), ("2,7,0", [2]), ("0,0", [1]),
        ("GPU-aaaa1111", [1]), ("GPU-aaaa", [1]), ("GPU-bbbb", []), ("GPU-bbbb2222,GPU-bbbb3333", [0, 2]), ("x", []),
    ],
)  # fmt: skip
def test_granted(dev: Path, driver: Path, visible: str | None, expected: list[int]):
    environment = {} if visible is None else {devices.VISIBLE: visible}
    assert devices.granted(environment, dev, driver) == expected


def test_without_the_drivers_folder_positions_are_minor_numbers(dev: Path, tmp_path: Path):
    assert devices.granted({devices.VISIBLE: "2"}, dev, tmp_path / "none") == [2]


def test_processor_without_node_is_not_granted(dev: Path, driver: Path):
    (dev / "nvidia1").unlink()
    assert devices.granted({devices.VISIBLE: "0,1"}, dev, driver) == []


def test_part_of_a_processor_is_refused(dev: Path, driver: Path):
    with pytest.raises(devices.DeviceError, match="whole processors only"):
        devices.granted({devices.VISIBLE: "MIG-1234"}, dev, driver)


def runner(tmp_path: Path, dev: Path, granted: list[int], entries: list[dict]) -> jobs.Runner:
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    return jobs.Runner(
        Sandbox(work / "boxes"), Groups(f"kimed-devices-{os.getpid()}"), work, [], record=entries.append,
        processors=devices.Pool(granted), dev=dev,
    )  # fmt: skip


def look(run: jobs.Runner, name: str, gpu: int) -> str:
    """What a job sees that asks for this many."""
    plan = jobs.Plan("rule", name, (), (), (), gpu=gpu)
    limits = Limits.of({}, 1)
    box = run.prepare(plan, limits)
    said: list[str] = []
    run.run(plan, box, limits, lambda: said.append(run.sandbox.run(box, LOOK).stdout), {})
    return said[0]


def test_jobs_see_their_processors_and_no_others(tmp_path: Path, dev: Path):
    entries: list[dict] = []
    run = runner(tmp_path, dev, [1, 2], entries)
    try:
        assert look(run, "none", 0).strip() == "CUDA="
        assert look(run, "one", 1) == "nvidia-uvm nvidia1 nvidiactl <nvidia1>CUDA=0\n"
        assert look(run, "two", 2) == "nvidia-uvm nvidia1 nvidia2 nvidiactl <nvidia1><nvidia2>CUDA=0,1\n"
        with pytest.raises(jobs.JobRefused, match="rule rule asks for 3 GPU, this run was granted 2"):
            look(run, "three", 3)
    finally:
        run.groups.close()
    assert [entry["limits"]["gpus"] for entry in entries] == [[], [1], [1, 2]]


def test_one_processor_is_in_one_jobs_hands(tmp_path: Path, dev: Path):
    pool = devices.Pool([4, 5])
    assert pool.take("a", 1) == [4]
    got: list[int] = []
    waiting = threading.Thread(target=lambda: got.extend(pool.take("b", 2)))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive() and not got
    pool.give_back("a")
    waiting.join(5)
    assert got == [4, 5]
    assert pool.take("c", 0) == []
    pool.give_back("b")
    assert pool.take("d", 1) == [4]


def test_processors_come_back_when_no_box_can_be_made(tmp_path: Path, dev: Path, monkeypatch: pytest.MonkeyPatch):
    run = runner(tmp_path, dev, [0], [])

    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(run.sandbox, "box", fail)
    try:
        with pytest.raises(OSError, match="no room"):
            run.prepare(jobs.Plan("rule", "x", (), (), (), gpu=1), Limits.of({}, 1))
    finally:
        run.groups.close()
    assert not run.processors.held


@pytest.mark.parametrize(
    ("environment", "count"), [({}, 3), ({devices.VISIBLE: "1"}, 1), ({devices.CAP: "12"}, 12)]
)  # fmt: skip
def test_demand(dev: Path, driver: Path, environment: dict[str, str], count: int):
    assert devices.demand(environment, dev, driver) == count


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({devices.VISIBLE: ""}, "this machine grants none"), ({devices.CAP: "0"}, "this machine grants none"),
        ({devices.CAP: "many"}, "KIMED_GPUS=many"), ({devices.VISIBLE: "MIG-1"}, "whole processors only"),
    ],
)  # fmt: skip
def test_unmet_demand(
    dev: Path, driver: Path, environment: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as stopped:
        devices.demand(environment, dev, driver)
    assert stopped.value.code == 1
    assert words in capsys.readouterr().err
