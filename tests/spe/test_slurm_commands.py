"""The choice between this machine and SLURM, and what may become an argument of sbatch."""

from pathlib import Path
from typing import Any

import pytest

from kimed_spe import machine, slurm


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("KIMED_EXECUTOR", raising=False)
    return tmp_path


def provide(folder: Path, sinfo: str = "exit 0") -> None:
    for name in ("sbatch", "squeue", "scancel", "sinfo"):
        (folder / name).write_text(f"#!/bin/sh\n{sinfo if name == 'sinfo' else 'exit 9'}\n")
        (folder / name).chmod(0o755)


def test_choice(programs: Path):
    assert slurm.chosen({}) == (False, "no SLURM on this machine")
    with pytest.raises(slurm.SlurmError, match="no sbatch, squeue, scancel, sinfo on PATH"):
        slurm.chosen({"KIMED_EXECUTOR": "slurm"})
    provide(programs, "echo 'slurm_load_partitions: Unable to contact slurm controller' >&2; exit 1")
    assert slurm.chosen({}) == (False, "no SLURM controller answers")
    with pytest.raises(slurm.SlurmError, match=r"no SLURM to be reached: sinfo: .*Unable to contact"):
        slurm.chosen({"KIMED_EXECUTOR": "slurm"})
    provide(programs)
    assert slurm.chosen({}) == (True, "its controller answers")
    assert slurm.chosen({"KIMED_EXECUTOR": "slurm"}) == (True, "forced by KIMED_EXECUTOR")
    assert slurm.chosen({"KIMED_EXECUTOR": "local"}) == (False, "forced by KIMED_EXECUTOR")
    with pytest.raises(slurm.SlurmError, match="use one of slurm, local"):
        slurm.chosen({"KIMED_EXECUTOR": "pbs"})


def test_first_lines_say_what_was_chosen(programs: Path):
    provide(programs)
    assert machine.choose({}).reasons[0] == "executor: spe over SLURM (its controller answers)"
    local = machine.choose({"KIMED_EXECUTOR": "local"})
    assert local.reasons[0] == "executor: spe on this machine (forced by KIMED_EXECUTOR)"


def test_controller_that_is_silent(programs: Path, monkeypatch: pytest.MonkeyPatch):
    provide(programs, "exec /bin/sleep 60")
    monkeypatch.setattr(slurm, "GLANCE", 0.2)
    assert slurm.chosen({})[0] is False


@pytest.mark.parametrize(
    "text", ["Unable to contact slurm controller (connect failure)", "Socket timed out on send/recv"]
)
def test_controller_that_is_away_is_no_refusal(text: str, programs: Path):
    provide(programs, f"echo '{text}' >&2; exit 1")
    with pytest.raises(slurm.Away):
        slurm.call("sinfo")
    provide(programs, "echo 'Invalid partition name specified' >&2; exit 1")
    with pytest.raises(slurm.SlurmError) as refused:
        slurm.call("sinfo")
    assert not isinstance(refused.value, slurm.Away)


def test_wishes_of_a_surrounding_job_do_not_reach_sbatch(programs: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SBATCH_ACCOUNT", "other")
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    monkeypatch.setenv("SLURM_CONF", "/some/slurm.conf")
    provide(programs, 'echo "[$SBATCH_ACCOUNT][$SLURM_JOB_ID][$SLURM_CONF]"')
    assert slurm.call("sinfo") == "[][][/some/slurm.conf]\n"


GOOD = {"rule": "step", "runtime": 5, "mem_mb": 100, "threads": 2}


@pytest.mark.parametrize(
    "change",
    [
        {"slurm_partition": "cpu --wrap=id"},
        {"slurm_partition": "--wrap=id"},
        {"slurm_account": "a\nb"},
        {"qos": "x;y"},
        {"constraint": "a b"},
        {"qos": 7},
        {"mem_mb": "100 --exclusive"},
        {"mem_mb": -1},
        {"mem_mb": float("nan")},
        {"threads": True},
        {"runtime": None},
        {"runtime": 0},
        {"wrap": "id"},
        {"dependency": "afterok:1"},
    ],
)
def test_what_is_no_request(change: dict[str, Any]):
    assert slurm.checked(GOOD) == GOOD
    with pytest.raises(slurm.SlurmError):
        slurm.checked(GOOD | change)


def test_options():
    asked = GOOD | {
        "rule": "a b\n#SBATCH -p x", "runtime": 5.5, "gpu": 2, "slurm_partition": "p", "slurm_account": "a",
        "qos": "q", "constraint": "[rack1|rack2]&ib",
    }  # fmt: skip
    found = slurm.checked(asked)
    assert found["rule"] == "a_b__SBATCH_-p_x"
    assert set(slurm.options(found, "name")) == {
        "--job-name=name", "--ntasks=1", "--nodes=1", "--cpus-per-task=2", "--time=6", "--no-requeue",
        "--open-mode=truncate", "--mem=100M", "--gres=gpu:2", "--partition=p", "--account=a", "--qos=q",
        "--constraint=[rack1|rack2]&ib",
    }  # fmt: skip
