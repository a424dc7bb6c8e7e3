"""Each kind of fault once: the rerun completes, results are as undisturbed, nothing is left, the register verifies."""

import os
import random
from pathlib import Path

import pytest
from faults.injection import LOCAL, MEMORY, SLURM, happen
from faults.studies import Study, build, finish, judge, small_disk, undisturbed
from slurm.cluster import Cluster

QUICK = ("controller killed", "intermediate corrupted")


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return undisturbed(build(tmp_path_factory.mktemp("truth"), None))


def suffer(study: Study, truth: Study, kind: str) -> None:
    away = None
    if kind == "disk full":
        if os.geteuid() != 0:
            pytest.skip("only root can mount a small file system")
        away = small_disk(study)
    if kind == "job out of memory" and not os.access(MEMORY / "cgroup.procs", os.W_OK):
        pytest.skip("no control group for memory can be made here (version 1, as root)")
    try:
        study.start()
        assert happen(study, kind, random.Random(kind)), f"the run was over before\n{study.log()}"
        finish(study)
        assert judge(study, truth) == []
    finally:
        if study.runs() and study.process:
            study.process.kill()
            study.process.wait()
        if away:
            away()


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind in QUICK else pytest.mark.slow) for kind in LOCAL]
)
def test_fault_on_one_machine(kind: str, truth: Study, tmp_path: Path):
    suffer(build(tmp_path, None), truth, kind)


@pytest.mark.slow
@pytest.mark.parametrize("share", ["0", "240"])
@pytest.mark.parametrize("kind", SLURM)
def test_fault_on_slurm(kind: str, share: str, cluster: Cluster, truth: Study, tmp_path: Path):
    suffer(build(tmp_path, cluster, share), truth, kind)


def test_the_judge_sees_what_is_wrong(truth: Study, tmp_path: Path):
    study = undisturbed(build(tmp_path, None))
    assert judge(study, truth) == []
    (study.root / "results/all.txt").write_text("other\n")
    (study.root / "results/half.tmp").touch()
    log = study.register / "log.jsonl"
    log.write_text(log.read_text().replace('"exit_code":0', '"exit_code":7', 1))
    wrong = " ".join(judge(study, truth))
    assert "results/all.txt" in wrong and "half written" in wrong and "register: " in wrong and "file: " in wrong
