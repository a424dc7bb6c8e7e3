"""The genomics demonstrator on the test data: what was planted is found, in every patient."""

import csv
import json

import pytest
import yaml

from kimedlib.genomics_qc import quality_problems


def read_rows(path):
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


@pytest.fixture(scope="module")
def results(cohort_run):
    return cohort_run / "genomics"


@pytest.fixture(scope="module")
def scores(results):
    return {(row["sample"], row["metric"]): float(row["value"]) for row in read_rows(results / "scores.tsv")}


@pytest.fixture(scope="module")
def plan(repository):
    return {row["patient_id"]: row for row in read_rows(repository / "test_data" / "truth" / "patients.tsv")}


@pytest.mark.parametrize(
    ("kind", "metric", "floor"),
    [
        ("germline", "snv.f1", 0.99),
        ("germline", "indel.f1", 0.95),
        ("somatic", "snv.f1", 0.95),
        ("somatic", "indel.f1", 0.8),
    ],
)
def test_planted_variants_are_found(scores, kind, metric, floor):
    assert scores[kind, metric] >= floor


def test_enough_variants_were_planted_to_tell(scores):
    assert scores["germline", "snv.tp"] > 100
    assert scores["somatic", "snv.tp"] > 80


def test_drivers_are_those_of_the_plan(results, plan):
    for row in read_rows(results / "genomics_features.tsv"):
        patient = plan[row["patient_id"]]
        expected = patient["driver_mutated"] if patient["has_tumour_reads"] == "yes" else ""
        assert row["driver_mutated"] == expected


def test_somatic_counts_follow_the_plan(results, plan):
    for row in read_rows(results / "genomics_features.tsv"):
        patient = plan[row["patient_id"]]
        if patient["has_tumour_reads"] == "yes":
            planted = int(patient["somatic_count"]) + int(patient["driver_mutated"])
            assert abs(int(row["somatic_snv_count"]) + int(row["somatic_indel_count"]) - planted) <= 2


def test_sex_and_identity_are_right(results, plan):
    rows = read_rows(results / "qc.tsv")
    assert {row["status"] for row in rows} == {"good"}
    assert all(row["estimated_sex"] == plan[row["patient_id"]]["sex"] for row in rows)


def test_every_wrong_sex_in_the_sheet_would_be_found(results, repository):
    settings = yaml.safe_load((repository / "config" / "genomics.yaml").read_text())["qc"]
    paths = sorted((results / "qc" / "samples").glob("*.json"))
    assert len(paths) == 23
    for path in paths:
        quality = json.loads(path.read_text())
        wrong = {"male": "female", "female": "male"}[quality["expected_sex"]]
        problems = quality_problems({**quality, "expected_sex": wrong}, settings)
        assert problems == [f"sex {quality['estimated_sex']}, expected {wrong}"]


def test_every_patient_has_a_row(results, plan):
    assert [row["patient_id"] for row in read_rows(results / "genomics_features.tsv")] == sorted(plan)
