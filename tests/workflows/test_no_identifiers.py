"""After the whole chain nothing that it wrote names a patient; what the hospital delivered names all of them."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kimed_spe import scan
from kimed_spe.cli import main


@pytest.fixture(scope="module")
def identifiers(repository: Path) -> dict[int, str]:
    """Everything that the generator planted: names, numbers, dates, addresses, telephones, staff, stations."""
    table = repository / "test_data/truth/phi.tsv"
    if not table.is_file():
        pytest.skip("test_data/truth/phi.tsv is not in this checkout")
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {number: row["token"] for number, row in enumerate(rows, 2)}


def found(folder: Path, identifiers: dict[int, str]) -> list[scan.Hit]:
    return [item for item in scan.scan([folder], identifiers) if isinstance(item, scan.Hit)]


def test_scan_finds_every_identifier_in_what_was_delivered(repository: Path, identifiers: dict[int, str]):
    seen = {identifiers[hit.form.number] for hit in found(repository / "test_data/imaging", identifiers)}
    assert seen == set(identifiers.values())


def test_no_identifier_is_in_what_the_chain_wrote(
    cohort_run: Path, repository: Path, capsys: pytest.CaptureFixture[str]
):
    """By the documented command. MultiQC's page has data in gzip and base64, and megabytes of program text."""
    table = repository / "test_data/truth/phi.tsv"
    status = main(["scan", "--identifiers", str(table), "--column", "token", "--json", str(cohort_run)])
    told = json.loads(capsys.readouterr().out)
    assert status == 0 and told["hits"] == []
    assert {Path(gap["path"]).suffix for gap in told["gaps"]} <= {".cram"}


def test_data_of_a_page_are_searched(cohort_run: Path):
    """The search above would prove little if it did not see a patient's pseudonym that the page must have."""
    page = cohort_run / "genomics" / "multiqc.html"
    seen = [item for item in scan.scan([page], {1: "P001"}) if isinstance(item, scan.Hit)]
    assert any("base64" in hit.where and "gzip" in hit.where for hit in seen)


def test_chain_wrote_logs_and_benchmarks_that_were_searched(cohort_run: Path):
    """The search above would prove little if they lay elsewhere."""
    for kind in ("logs", "benchmarks"):
        assert len(list(cohort_run.glob(f"*/{kind}/*/*"))) > 20


def test_no_identifier_is_in_the_register_of_the_only_step_that_sees_them(
    repository: Path, identifiers: dict[int, str], permitted: dict[str, str], tmp_path: Path
):
    root = repository / "results" / f"identifiers-{os.getpid()}"
    target = root.relative_to(repository) / "imaging/decisions/P001_ct.json"
    command = [sys.executable, "-m", "snakemake", "--profile", "spe", str(target), "--config"]
    command.append(f"pathvars={{root: {root.relative_to(repository)}}}")
    register = tmp_path / "register"
    environment = {**os.environ, **permitted, "KIMED_REGISTER": str(register)}
    try:
        run = subprocess.run(command, cwd=repository, env=environment, text=True, capture_output=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
        (tmp_path / "said").write_text(run.stdout + run.stderr)
        assert '"kind":"job"' in (register / "log.jsonl").read_text()
        assert (root / "imaging/logs/deidentify_series/P001_ct.log").exists()
        for place in (register, tmp_path / "said", root):
            assert found(place, identifiers) == [], place
    finally:
        shutil.rmtree(root, ignore_errors=True)
