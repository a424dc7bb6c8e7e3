"""The committed test data come from the seed, and a patient's data do not depend on who else is in the cohort."""

import gzip
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml


def content(path: Path) -> bytes:
    """Bytes of a file, unpacked if it is gzipped."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def test_plan_and_clinical_table_of_test_data_come_from_the_config(snakemake_run, repository: Path, tmp_path: Path):
    paths = ("truth/patients.tsv", "cohort/clinical.tsv")
    snakemake_run("synthetic", tmp_path, *(str(tmp_path / "synthetic" / path) for path in paths))
    for path in paths:
        assert (tmp_path / "synthetic" / path).read_bytes() == (repository / "test_data" / path).read_bytes()


def test_sheets_in_config_are_those_of_test_data(repository: Path):
    for name in ("genomics", "singlecell", "imaging", "clinical_text"):
        sheet = repository / "test_data/sheets" / f"{name}.samples.tsv"
        assert (repository / "config" / f"{name}.samples.tsv").read_bytes() == sheet.read_bytes()
    cines = "imaging.cine.samples.tsv"
    assert (repository / "config/cine" / cines).read_bytes() == (repository / "test_data/sheets" / cines).read_bytes()


def test_sheets_name_existing_files_and_respect_gaps(repository: Path):
    plan = pd.read_csv(repository / "test_data/truth/patients.tsv", sep="\t").set_index("patient_id")
    sheets = {
        name: pd.read_csv(repository / f"config/{name}.samples.tsv", sep="\t", dtype=str)
        for name in ("genomics", "singlecell", "imaging", "clinical_text")
    }
    for sheet in sheets.values():
        for value in sheet.to_numpy().ravel():
            if str(value).startswith("test_data/"):
                assert (repository / value).exists(), value
    tumours = sheets["genomics"].query("role == 'tumour'")
    assert set(tumours["patient_id"]) == set(plan.index[plan["has_tumour_reads"] == "yes"])
    assert set(sheets["imaging"]["patient_id"]) == set(plan.index[plan["has_images"] == "yes"])
    assert set(sheets["singlecell"]["patient_id"]) == set(plan.index)


def test_test_data_are_small_enough_for_a_repository(repository: Path):
    sizes = [path.stat().st_size for path in (repository / "test_data").rglob("*") if path.is_file()]
    assert sum(sizes) < 10e6


def test_a_patient_of_500_is_the_patient_of_12(snakemake_run, repository: Path, tmp_path: Path):
    """Also: same seed, same bytes, for one patient of every kind of data; 3 of 1,500 simulations run."""
    reads = "genomics/reads/P001_normal_R"
    targets = [f"{reads}1.fastq.gz", f"{reads}2.fastq.gz", "singlecell/P001", "imaging/P001"]
    root = tmp_path / "synthetic"
    snakemake_run("synthetic", tmp_path, *(str(root / name) for name in targets), config={"patients": 500})
    made = [
        path for name in targets for path in ([root / name] if (root / name).is_file() else (root / name).rglob("*"))
    ]
    files = [path for path in made if path.is_file() and path.name != ".snakemake_timestamp"]
    assert len(files) > 40
    for path in files:
        assert content(path) == content(repository / "test_data" / path.relative_to(root)), path.relative_to(root)


def test_large_cohort_is_planned_one_job_per_patient_and_kind(snakemake_run, tmp_path: Path):
    run = snakemake_run("synthetic", tmp_path, "--dry-run", "--quiet", "rules", config={"patients": 40})
    assert run.returncode == 0
    counts = dict(re.findall(r"^(simulate_\w+) +(\d+)$", run.stdout, flags=re.MULTILINE))
    assert counts["simulate_cells"] == "40"
    assert int(counts["simulate_images"]) in range(36, 41)


def test_config_with_a_wrong_key_is_refused_with_a_remedy(snakemake_run, repository: Path, tmp_path: Path):
    settings = yaml.safe_load((repository / "config/synthetic.yaml").read_text())["cohort"]
    wrong = {"patients": 2, "effect_size": "big", "cohort": {**settings, "reference_date": "yesterday"}}
    run = snakemake_run("synthetic", tmp_path, "--dry-run", config=wrong, check=False)
    assert run.returncode != 0
    assert "3 problems" in run.stdout and "effect_size" in run.stdout and "reference_date" in run.stdout


@pytest.mark.slow
def test_all_of_test_data_is_written_again_with_the_same_bytes(snakemake_run, repository: Path, tmp_path: Path):
    snakemake_run("synthetic", tmp_path)
    root = tmp_path / "synthetic"
    compared = 0
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if (
            not path.is_file()
            or name.parts[0] in ("logs", "benchmarks", "sheets")
            or path.name == ".snakemake_timestamp"
        ):
            continue
        assert content(path) == content(repository / "test_data" / name), name
        compared += 1
    assert compared > 500
