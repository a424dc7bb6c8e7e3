"""The campaign's cohort study is what it says, and its judge sees what is wrong with one."""

import csv
from pathlib import Path

import pytest
from faults import cohort
from faults.studies import Study

PATIENTS = {"P001", "P002", "P003", "P004"}


def people(path: Path) -> set[str]:
    with path.open(newline="") as file:
        return {row["patient_id"] for row in csv.DictReader(file, delimiter="\t")}


def test_fewer_patients_in_all_sheets(tmp_path: Path, repository: Path):
    study = cohort.build(tmp_path, None, 4)
    sheets = sorted((study.root / "config").glob("*.samples.tsv"))
    assert len(sheets) == 4 and people(study.root / cohort.CLINICAL) == PATIENTS
    for sheet in sheets:
        trainers = {name for name in people(sheet) if name.startswith("T")}
        assert people(sheet) - trainers == PATIENTS, sheet.name
        whole = people(repository / "config" / sheet.name)
        assert whole > people(sheet) and {name for name in whole if name.startswith("T")} == trainers


@pytest.fixture
def pair(tmp_path: Path, repository: Path) -> tuple[Study, Study]:
    """A truth and a study with one result of each workflow, the same."""
    found = []
    for name in ("truth", "study"):
        root = tmp_path / name / "project"
        root.mkdir(parents=True)
        (root / "workflows").symlink_to(repository / "workflows")
        for workflow in cohort.WORKFLOWS:
            path = root / "results" / workflow / RESULTS[workflow]
            path.parent.mkdir(parents=True)
            path.write_text("patient_id\tvalue\nP001\t1.5\n")
        found.append(cohort.study(root, None))
    return found[0], found[1]


RESULTS = {
    "genomics": "genomics_features.tsv", "singlecell": "singlecell_features.tsv",
    "imaging": "imaging_features.tsv", "clinical_text": "risk.tsv", "cohort": "features.tsv",
}  # fmt: skip


def test_the_judge_of_a_cohort(pair: tuple[Study, Study]):
    truth, study = pair
    assert cohort.differences(truth, study) == [] and len(cohort.results(truth)) == 5
    (study.root / "results/imaging/imaging_features.tsv").write_text("patient_id\tvalue\nP001\t2.5\n")
    (study.root / "results/genomics/genomics_features.tsv").unlink()
    (study.root / "results/cohort/missingness.tsv").write_text("nobody asked for this\n")
    assert cohort.differences(truth, study) == [
        "results/cohort/missingness.tsv: not comparable", "results/genomics/genomics_features.tsv: missing",
        "results/imaging/imaging_features.tsv: differs",
    ]  # fmt: skip
    (truth.root / "results/clinical_text/risk.tsv").unlink()
    (study.root / "results/clinical_text/risk.tsv").unlink()
    assert "no results of clinical_text" in cohort.differences(truth, study)
