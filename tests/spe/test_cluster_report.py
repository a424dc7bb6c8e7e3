"""What `spe cluster report` says of a register, and that it fails for jobs that were too short."""

from pathlib import Path

import pytest

from kimed_spe import cli
from kimed_spe.register import Register


def step(run: str, code: int = 0, waited: float | None = 0.5) -> dict[str, object]:
    return {"run": run, "exit_code": code, "waited": waited}


def job(run: str, number: int, seconds: float, *, shared: bool, commands: int = 1) -> dict[str, object]:
    return {
        "run": run, "slurm_id": str(number), "name": f"kimed.step.{number}", "seconds": seconds, "shared": shared,
        "commands": commands, "end": "COMPLETED on n1",
    }  # fmt: skip


@pytest.fixture
def register(tmp_path: Path) -> Register:
    found = Register(tmp_path / "register")
    for content in (step("one"), step("one", 1, None), step("two", waited=2.5)):
        found.append("cluster.job", content)
    found.append("cluster.allocation", job("one", 1, 3, shared=True))
    found.append("cluster.allocation", job("one", 2, 5, shared=False, commands=0))
    found.append("cluster.allocation", job("two", 3, 31, shared=False))
    found.append("job", {"rule": "x"})
    return found


def report(register: Register, *more: str) -> int:
    return cli.main(["cluster", "report", "--register", str(register.path), *more])


def test_shared_unused_and_long_jobs_are_no_waste(register: Register, capsys: pytest.CaptureFixture[str]):
    assert report(register) == 0
    first, second = capsys.readouterr().out.split("run two")
    assert (
        "2, 1 failed" in first
        and "1, 1 of them shared\n  jobs that ran none      1\n" in first
        and "COMPLETED: 2" in first
    )
    assert "median 2.5, largest 2.5" in second and "1, 0 of them shared\n" in second
    assert report(register, "--last") == 0 and "run one" not in capsys.readouterr().out


def test_a_short_job_of_one_command_is_named(register: Register, capsys: pytest.CaptureFixture[str]):
    assert report(register, "--shortest", "32") == 1
    register.append("cluster.allocation", job("two", 4, 29.9, shared=False))
    assert report(register) == 1
    text = capsys.readouterr().out
    assert "not shared and under 30 s: 1\n    4 kimed.step.4 29.9 s" in text


def test_nothing_to_report_is_no_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    empty = Register(tmp_path / "empty")
    assert report(empty) == 2 and "no run" in capsys.readouterr().err
    empty.append("job", {"rule": "x"})
    assert report(empty) == 2
    empty.log.write_text(empty.log.read_text()[1:])
    assert report(empty) == 2 and "line 1" in capsys.readouterr().err
