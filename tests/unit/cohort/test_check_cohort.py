"""All that is wrong with clinical and feature tables, in one list."""

from pathlib import Path

import pandas as pd
import pytest
from conftest import REPOSITORY

from kimedlib.check_cohort import check_feature_table, check_files
from kimedlib.problems import InputProblems
from kimedlib.sheet import read_sheet

SCHEMA = REPOSITORY / "config/schemas/cohort.samples.schema.yaml"
HEADER = "patient_id\tsex\tage_years\ttreatment\tsurvival_days\tevent\tresponse\n"


def sheet(folder: Path, name: str, patients: list[str]) -> str:
    path = folder / f"{name}.tsv"
    path.write_text("sample\tpatient_id\n" + "".join(f"s{index}\t{who}\n" for index, who in enumerate(patients)))
    return str(path)


def clinical(patients: list[str]) -> pd.DataFrame:
    columns = HEADER.strip().split("\t")
    return pd.DataFrame([[who, "male", "60", "treated", "100", "1", "0"] for who in patients], columns=columns)


def test_clinical_values_are_checked_line_by_line(tmp_path: Path):
    path = tmp_path / "clinical.tsv"
    path.write_text(
        HEADER
        + "P001\tmale\t60\ttreated\t100\t1\t0\nP001\tdiverse\t160\tplacebo\t0\t2\tyes\nP 3\tmale\t60\ttreated\t\t\t\n"
    )
    with pytest.raises(InputProblems) as caught:
        read_sheet(path, SCHEMA)
    places = {problem.place for problem in caught.value.problems}
    columns = ("sex", "age_years", "treatment", "survival_days", "event", "response")
    assert {f"line 3, column {name}" for name in columns} <= places
    assert "line 4, column patient_id" in places
    assert any("stands already in line 2" in problem.found for problem in caught.value.problems)


def test_good_tables_have_no_problems(tmp_path: Path):
    patients = ["P001", "P002", "P003", "P004"]
    sheets = {"one": sheet(tmp_path, "one", patients[:3]), "two": sheet(tmp_path, "two", patients[1:])}
    assert check_files(clinical(patients), "clinical.tsv", sheets) == []


def test_patients_must_be_known_on_both_sides(tmp_path: Path):
    sheets = {"one": sheet(tmp_path, "one", ["P001", "P009"]), "two": sheet(tmp_path, "two", ["X1"])}
    frame = clinical(["P001", "P002", "P003", "P004"])
    frame.loc[1, "event"] = ""
    found = "\n".join(map(str, check_files(frame, "clinical.tsv", sheets)))
    assert "patient_id P009: is not in clinical.tsv" in found
    assert "patient_id X1: is not in clinical.tsv" in found
    assert "shares no patient with clinical.tsv" in found
    assert found.count("has no sample in any modality") == 3
    assert "line 3: has survival_days without event" in found


def test_tiny_cohorts_are_refused_and_unreadable_sheets_left_to_their_workflow(tmp_path: Path):
    found = check_files(clinical(["P001", "P002"]), "clinical.tsv", {"one": str(tmp_path / "none.tsv")})
    assert [problem.found for problem in found] == ["has 2 patients"]


def test_feature_tables_are_checked_whole(tmp_path: Path):
    path = tmp_path / "features.tsv"
    path.write_text("patient_id\ta\ta\tsex\nP001\t1\t\tmale\nP001\tx\t2\t\nP002\tinf\t1\t\nP003\t1\n")
    found = "\n".join(map(str, check_feature_table(path, {"P001", "P003"}, ["a*"])))
    assert "columns stand twice: a" in found
    assert "patient 'P001' stands already in line 2" in found
    assert "'x' is not a finite number" in found and "'inf' is not a finite number" in found
    assert "patient 'P002' is not in the clinical table" in found
    assert "male" not in found
    assert "line 5: has 2 cells, the header 4" in found


@pytest.mark.parametrize("text", ["", "sample\ta\n"])
def test_feature_table_begins_with_the_patient(tmp_path: Path, text: str):
    path = tmp_path / "features.tsv"
    path.write_text(text)
    assert "patient_id" in check_feature_table(path, set(), [])[0].found
