"""`spe reproduce`, with real governed runs of a small study whose published results were worked out by hand."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from spe import studies

from kimed_spe import certificate, cli, signing, trees
from kimed_spe.certificate import DEMONSTRATION_KEYS

PUBLIC = studies.REPOSITORY / "profiles" / "spe" / "demo" / "keys" / "demo-certificate.pub.json"


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> tuple[studies.Study, subprocess.CompletedProcess[str]]:
    """A study in version control, reproduced once."""
    study = studies.build(tmp_path_factory.mktemp("study"))
    studies.publish(study)
    study.permit()
    studies.commit(study)
    return study, study.reproduce("--review", sign=False)


@pytest.fixture
def changed(reproduced: tuple[studies.Study, object], tmp_path: Path) -> studies.Study:
    """A copy of the study, to be changed."""
    shutil.copytree(reproduced[0].root, tmp_path / "study", symlinks=True)
    return studies.Study(tmp_path / "study", {})


def test_published_results_are_reproduced(reproduced: tuple[studies.Study, subprocess.CompletedProcess[str]]):
    study, run = reproduced
    assert run.returncode == 0, run.stdout
    assert "Verdict: IDENTICAL (demonstration key)" in run.stdout
    verdicts = {output["name"]: output["verdict"] for output in study.predicate()["outputs"]}
    assert set(verdicts.values()) == {"identical"}
    assert set(verdicts) == {
        "results/tiny/means.tsv", "results/tiny/people.tsv", "results/tiny/plot.png", "results/tiny/note.txt",
        "results/tiny/per/{person}.txt #1", "results/tiny/per/{person}.txt #2",
    }  # fmt: skip


def test_certificate_says_what_was_reproduced(reproduced: tuple[studies.Study, object]):
    study, _ = reproduced
    predicate = study.predicate()
    permit = json.loads(json.dumps(studies.statement(study.root / "profiles/spe/demo/permit.json")))
    assert predicate["workflow"]["digest"] == permit["workflow"]["digest"]
    assert predicate["workflow"]["commit"] and predicate["workflow"]["modified"] is False
    assert predicate["inputs"][0]["manifest"] == trees.dataset(study.root / "test_data").digest
    assert predicate["parameters"] == {
        "config/tiny.yaml: factor": 1.5, "config/tiny.yaml: labels.first": "a", "config/tiny.yaml: labels.second": "b",
    }  # fmt: skip
    assert predicate["environment"]["packages"]["snakemake"] == "9.27.1"
    assert predicate["environment"]["differences"] == []
    assert predicate["run"]["complete"] is True and predicate["run"]["failed"] == 0
    assert predicate["signer"] == {"keyid": next(iter(DEMONSTRATION_KEYS)), "demonstration": True}


def test_certificate_names_no_machine_person_or_patient(reproduced: tuple[studies.Study, object]):
    study, _ = reproduced
    for path in (study.out / "certificate.json", study.out / "certificate.html"):
        text = path.read_text() if path.suffix == ".html" else json.dumps(studies.statement(path))
        for secret in (str(study.root), "/tmp", "P-4711", "P-0815"):
            assert secret not in text


def test_page_needs_nothing_else(reproduced: tuple[studies.Study, object]):
    study, _ = reproduced
    page = (study.out / "certificate.html").read_text()
    assert "every output is identical" in page
    for word in ("http:", "https:", "<script", "@import", "url(", "<link"):
        assert word not in page
    assert "data:image/png" not in page, "the only picture is not released"
    review = study.out / "review.html"
    assert "data:image/png" in review.read_text() and review.stat().st_mode & 0o077 == 0


def test_register_holds_run_and_reproduction(reproduced: tuple[studies.Study, object]):
    study, _ = reproduced
    found = certificate.read(study.out / "certificate.json")
    [entry] = study.entries("reproduction")
    assert entry["content"]["certificate"] == found.digest
    assert entry["content"]["verdict"] == "identical"
    assert entry["content"]["run"] == study.entries("run.start")[-1]["content"]["run"]
    assert found.predicate["run"]["register"]["size"] == entry["index"]
    assert study.spe("audit", "verify").returncode == 0


def test_reviewer_verifies_elsewhere(reproduced: tuple[studies.Study, object], tmp_path: Path):
    """Only the certificate and the public key travel."""
    study, _ = reproduced
    shutil.copy(study.out / "certificate.json", tmp_path)
    shutil.copy(PUBLIC, tmp_path)
    command = [sys.executable, "-m", "kimed_spe.cli", "certificate", "verify", "certificate.json", "--key", PUBLIC.name]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0 and "IDENTICAL" in run.stdout


def test_nothing_of_the_checkout_is_used_up(reproduced: tuple[studies.Study, object]):
    study, _ = reproduced
    assert not (study.root / ".snakemake").exists()
    assert not (study.root / "results" / "tiny").exists()


def test_second_reproduction_differs_only_where_declared(changed: studies.Study):
    first = changed.predicate()
    before = certificate.read(changed.out / "certificate.json").digest
    run = changed.reproduce("--key", "profiles/spe/demo/keys/demo-certificate.pem", sign=False)
    assert run.returncode == 0, run.stdout
    second = changed.predicate()
    assert {name for name in first if first[name] != second[name]} <= set(first["varies"])
    assert certificate.read(changed.out / "certificate.json").digest != before


def test_finished_run_is_certified_without_another(changed: studies.Study):
    """As `make demo` does; what somebody puts in place of a result afterwards is seen, also where it is equal."""
    command = [sys.executable, "-m", "kimed_spe.enclosure", "-s", "workflows/tiny/Snakefile", "--cores", "2"]
    run = subprocess.run([*command, "--executor", "spe"], cwd=changed.root, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    jobs = len(changed.entries("job"))
    assert changed.reproduce("--finished", sign=False).returncode == 0
    assert len(changed.entries("job")) == jobs
    assert changed.predicate()["run"]["fresh"] is False and changed.predicate()["verdict"] == "identical"
    changed.edit("results/tiny/means.tsv", "2.625", "2.6250")
    assert changed.reproduce("--finished", sign=False).returncode == 3
    assert "changed after the job" in str(changed.predicate()["outputs"])


def test_finished_without_a_run_is_refused(changed: studies.Study):
    changed.edit("config/tiny.yaml", "1.5", "1.6")
    assert "knows no run under permit" in no_verdict(changed, "--finished")


def causes_of(said: str) -> dict[str, str]:
    lines = [line.strip() for line in said.splitlines()]
    return {line.partition(":")[0]: line.rpartition(": ")[2] for line in lines if "explained by" in line}


def test_drift_is_told_and_bisected(changed: studies.Study):
    """The parameter moves the means and, through them, the picture; the code moves the note; nothing moves the rest."""
    old = changed.out / "certificate.json"
    shutil.move(old, changed.root / "old.json")
    changed.edit("config/tiny.yaml", "1.5", "3.0")
    changed.edit("scripts/tiny/means.py", "written by tiny", "written by a changed script")
    run = changed.reproduce("--against", "old.json", "--bisect")
    assert run.returncode == 1, run.stdout
    lines = [line.strip() for line in run.stdout.splitlines()]
    assert "What differs between then and now: code, parameter." in lines
    assert "config/tiny.yaml: factor was changed: 1.5 -> 3.0" in lines
    assert "scripts/tiny/means.py was changed" in lines
    assert causes_of(run.stdout) == {
        "results/tiny/means.tsv": "parameter", "results/tiny/plot.png": "parameter", "results/tiny/note.txt": "code",
    }  # fmt: skip
    page = (changed.out / "certificate.html").read_text()
    assert "What changed since the older certificate" in page and "2.625" in page and "5.25" in page


def test_changed_input_is_found_as_the_cause(changed: studies.Study):
    """Input of then comes from the commit of then; both persons' rows stay, so that nothing moves the counts."""
    shutil.move(changed.out / "certificate.json", changed.root / "old.json")
    changed.edit("test_data/values.tsv", "2.5", "4.0")
    run = changed.reproduce("--against", "old.json", "--bisect")
    assert run.returncode == 1, run.stdout
    assert "What differs between then and now: input." in run.stdout
    assert causes_of(run.stdout) == {
        "results/tiny/means.tsv": "input", "results/tiny/plot.png": "input", "results/tiny/people.tsv": "input",
    }  # fmt: skip


def environment(folder: Path, version: str) -> str:
    """This environment and one package more, whose version says what it writes; its interpreter."""
    venv.create(folder, symlinks=True)
    own = next(folder.glob("lib/python*/site-packages"))
    rest = sysconfig.get_path("purelib")
    (own / "rest.pth").write_text(f"import site; site.addsitedir({rest!r})\n")
    (own / "greeting.py").write_text(f"TEXT = 'greeting {version}'\n")
    about = own / f"greeting-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: greeting\nVersion: {version}\n")
    return str(folder / "bin" / "python")


@pytest.mark.slow
def test_changed_environment_is_found_as_the_cause(changed: studies.Study, tmp_path: Path):
    changed.edit("scripts/tiny/means.py", "import csv", "import csv, greeting")
    changed.edit("scripts/tiny/means.py", '"written by tiny\\n"', "greeting.TEXT")
    studies.commit(changed)
    then, now = (environment(tmp_path / version, version) for version in ("1.0", "2.0"))
    (changed.out / "certificate.json").unlink()
    first = changed.reproduce(python=then, KIMED_SOFTWARE_PATHS=sys.prefix)
    assert first.returncode == 1 and (changed.out / "certificate.json").exists(), first.stdout
    assert changed.predicate()["environment"]["packages"]["greeting"] == "1.0"
    shutil.move(changed.out / "certificate.json", changed.root / "old.json")
    back = ("--against", "old.json", "--bisect", "--old-environment", str(tmp_path / "1.0"))
    run = changed.reproduce(*back, python=now, KIMED_SOFTWARE_PATHS=sys.prefix)
    assert run.returncode == 1, run.stdout
    assert "What differs between then and now: environment." in run.stdout
    assert causes_of(run.stdout) == {"results/tiny/note.txt": "environment"}
    wrong = changed.reproduce(*back[:-1], str(tmp_path / "2.0"), python=now, KIMED_SOFTWARE_PATHS=sys.prefix)
    assert "greeting 2.0 instead of 1.0" in wrong.stdout


def test_partial_run_is_certified_as_incomplete(changed: studies.Study):
    """One rule fails; the others' outputs are as published, also of one that could use a graphics processor."""
    changed.edit("workflows/tiny/Snakefile", "    params: factor", "    resources: gpu=1\n    params: factor")
    changed.edit("scripts/tiny/plot.py", "picture.save", "raise SystemExit(3); picture.save")
    run = changed.reproduce()
    assert run.returncode == 4, run.stdout
    predicate = changed.predicate()
    assert predicate["verdict"] == "incomplete run" and predicate["run"]["complete"] is False
    verdicts = {output["name"]: output["verdict"] for output in predicate["outputs"]}
    assert verdicts["results/tiny/plot.png"] == "missing" and verdicts["results/tiny/means.tsv"] == "identical"
    assert cli.main(["certificate", "verify", str(changed.out / "certificate.json"), "--key", str(PUBLIC)]) == 3
    assert "the run did not finish" in (changed.out / "certificate.html").read_text()


def no_verdict(study: studies.Study, *arguments: str, sign: bool = True) -> str:
    """What is said where nothing is certified: no older certificate is left in place as if it were this one's."""
    before = len(study.entries("reproduction"))
    shutil.rmtree(study.out)
    run = study.reproduce(*arguments, sign=sign)
    assert run.returncode == 2, run.stdout
    assert not study.out.exists() and len(study.entries("reproduction")) == before
    return run.stdout


def test_changed_input_is_refused(changed: studies.Study):
    changed.edit("test_data/values.tsv", "1.0", "1.1")
    assert "data set synthetic-cohort: manifest" in no_verdict(changed, sign=False)


def test_changed_workflow_is_refused(changed: studies.Study):
    changed.edit("scripts/tiny/means.py", "SHIFT = 0.0", "SHIFT = 0.1")
    assert "workflow: the source tree has digest" in no_verdict(changed, sign=False)


def test_changed_lock_is_refused(changed: studies.Study):
    changed.edit("requirements/dev.lock", "9.27.1", "9.27.2")
    assert "requirements/dev.lock: sha256" in no_verdict(changed, sign=False)


def test_older_schema_of_expected_results_is_refused(changed: studies.Study):
    changed.edit("workflows/tiny/expected/expected.json", "kimed-expected/1", "kimed-expected/0")
    assert "kimed-expected/0" in no_verdict(changed)


def test_missing_expected_results_are_refused(changed: studies.Study):
    (changed.root / "workflows/tiny/expected/expected.json").unlink()
    assert "workflows/tiny/expected" in no_verdict(changed)


def test_tampered_expected_file_is_refused(changed: studies.Study):
    changed.edit("workflows/tiny/expected/files/means.tsv", "2.625", "2.626")
    assert "means.tsv" in no_verdict(changed)


@pytest.fixture(scope="module")
def crate(reproduced: tuple[studies.Study, object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The crate of a run in a clone of its own."""
    root = tmp_path_factory.mktemp("published") / "clone"
    shutil.copytree(reproduced[0].root, root, symlinks=True)
    command = [sys.executable, "-m", "kimed_spe.enclosure", "-s", "workflows/tiny/Snakefile", "--cores", "2"]
    subprocess.run([*command, "--executor", "spe"], cwd=root, capture_output=True, check=True)
    export = ("crate", "export", str(root.parent / "crate"), "--key", "profiles/spe/demo/keys/demo-register.pem")
    run = studies.Study(root, {}).spe(*export)
    assert run.returncode == 0, run.stdout
    return root.parent / "crate"


def test_crate_is_reproduced_in_another_clone(crate: Path, changed: studies.Study):
    run = changed.spe("reproduce", str(crate), "--cores", "2")
    assert run.returncode == 0, run.stdout
    predicate = changed.predicate()
    assert predicate["reference"]["kind"] == "crate" and len(predicate["reference"]["signed_by"]) == 1
    assert {output["verdict"] for output in predicate["outputs"]} == {"identical"}


def damage(crate: Path, folder: Path, how: str) -> Path:
    """A copy of the crate with one released result changed or gone."""
    shutil.copytree(crate, folder / "crate")
    target = next((folder / "crate").rglob("means.tsv"))
    if how == "changed":
        target.write_text(target.read_text().replace("2.625", "2.626"))
    else:
        target.unlink()
    return folder / "crate"


@pytest.mark.parametrize("how", ["changed", "gone"])
def test_tampered_crate_is_refused(crate: Path, changed: studies.Study, tmp_path: Path, how: str):
    run = changed.spe("reproduce", str(damage(crate, tmp_path, how)))
    assert run.returncode == 2 and "means.tsv" in run.stdout and "Nothing was certified" in run.stdout


def test_crate_of_other_inputs_is_refused(crate: Path, changed: studies.Study):
    """The clone has other data, under a valid permit of its own."""
    changed.edit("test_data/values.tsv", "1.0", "1.1")
    changed.permit()
    run = changed.spe("reproduce", str(crate))
    assert run.returncode == 2 and "test_data/values.tsv: sha256" in run.stdout


def test_unknown_workflow_is_refused(changed: studies.Study):
    run = changed.spe("reproduce", "tinny")
    assert run.returncode == 2 and "neither a workflow" in run.stdout


def test_folder_in_use_is_refused(changed: studies.Study, tmp_path: Path):
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "x").write_text("")
    assert "not empty" in no_verdict(changed, "--in", str(tmp_path / "used"), sign=False)


def test_folder_inside_a_repository_is_refused(changed: studies.Study):
    assert "inside the repository" in no_verdict(changed, "--in", str(changed.root / "here"), sign=False)


def test_demonstration_key_certifies_no_real_run(reproduced: tuple[studies.Study, object], tmp_path: Path):
    """At a site, the certificate's key must be the site's."""
    from types import SimpleNamespace

    from kimed_spe import reproduce

    study, _ = reproduced
    content = study.predicate() | {"permit": {"id": "P", "sha256": "0" * 64, "demonstration": False}}
    signer = signing.read_signer(study.root / "profiles/spe/demo/keys/demo-certificate.pem")
    patch = pytest.MonkeyPatch()
    patch.setattr(reproduce, "predicate", lambda *_: content)
    with pytest.raises(PermissionError, match="certifies demonstrations only"):
        reproduce.issue(
            SimpleNamespace(),
            signer,
            SimpleNamespace(),
            tmp_path / "c.json",
            started="2026-01-01T00:00:00Z",
            command=(),
        )
    patch.undo()
    assert not (tmp_path / "c.json").exists()


def test_calibration_measures_the_spread(changed: studies.Study):
    """A rule whose result depends on the number of cores is found, and its tolerance is not earned by luck."""
    changed.edit("scripts/tiny/means.py", "SHIFT = 0.0", "SHIFT = 0.001 * snakemake.threads")
    changed.edit("workflows/tiny/Snakefile", "    params: factor", "    threads: 2\n    params: factor")
    run = changed.reproduce("--calibrate", "1")
    written = json.loads((changed.root / "workflows/tiny/expected/spread.json").read_text())
    assert written["runs"] == [{"cores": 2, "software": "host"}, {"cores": 1, "software": "host"}]
    means = written["outputs"]["results/tiny/means.tsv"]
    assert means["bit_identical"] is False
    # 2.627 with two threads, 2.626 with one.
    assert means["spread"]["relative"] == pytest.approx(0.001 / 2.627, rel=1e-2)
    people = written["outputs"]["results/tiny/people.tsv"]
    assert people == {"bit_identical": True, "files": 1, "spread": {}}
    assert written["outputs"]["results/tiny/per/{person}.txt"]["files"] == 2
    assert os.environ.get("KIMED_SOFTWARE") or "conda mode: not available here" in run.stdout or shutil.which("conda")
