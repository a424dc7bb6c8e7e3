"""The whole demonstrator on test_data against what was planted."""

from pathlib import Path

import pandas as pd
import pytest


def table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", keep_default_na=False)


@pytest.fixture(scope="module")
def truth(repository) -> pd.DataFrame:
    return table(repository / "test_data/truth/lesions.tsv").set_index(["patient_id", "structure"])


@pytest.mark.parametrize(("structure", "limit"), [("lesion", 0.05), ("brain", 0.03)])
def test_planted_volumes(cohort_run, truth, structure, limit):
    features = pd.read_csv(cohort_run / "imaging/imaging_features.tsv", sep="\t").set_index("patient_id")
    planted = truth.xs(structure, level="structure")["volume_ml"].astype(float)
    error = (features[f"{structure}_volume_ml"] / planted - 1).abs()
    assert len(error) == 11
    assert error.median() <= limit


def test_heterogeneity_orders_patients_as_planted(cohort_run, truth):
    features = pd.read_csv(cohort_run / "imaging/imaging_features.tsv", sep="\t").set_index("patient_id")
    planted = truth.xs("lesion", level="structure")["texture_sd_hu"].astype(float)
    assert features["lesion_heterogeneity_hu"].corr(planted, method="spearman") > 0.8


def test_overlap(cohort_run):
    scores = table(cohort_run / "imaging/scores.tsv").set_index(["sample", "metric"])["value"]
    assert float(scores["all", "mean_dice_lesion"]) >= 0.92
    assert float(scores["all", "mean_dice_brain"]) >= 0.95


def test_network_never_saw_a_patient_of_the_cohort(repository):
    training = set(table(repository / "config/imaging.training.tsv")["case_id"])
    assert not training & set(table(repository / "config/imaging.samples.tsv")["patient_id"])


def test_burned_in_series_are_refused(cohort_run, repository):
    refused = set(table(cohort_run / "imaging/refused.tsv")["sample"])
    sheet = table(repository / "config/imaging.samples.tsv")
    assert refused == set(sheet.loc[sheet["task"] == "none", "sample"])
    assert len(refused) == 6


def test_no_planted_token_in_any_output(cohort_run, repository):
    tokens = table(repository / "test_data/truth/phi.tsv")["token"].astype(str)
    parts = {part.lower() for token in tokens for part in {token, *token.split("^")} if len(part) >= 4}
    searched = 0
    for path in sorted((cohort_run / "imaging").rglob("*")):
        if not path.is_file():
            continue
        searched += 1
        content = path.read_bytes().lower()
        for part in parts:
            assert part.encode() not in content, (path, part)
            assert part.encode("latin-1") not in content, (path, part)
    assert searched > 500


@pytest.mark.slow
@pytest.mark.real_data
def test_a_melon_is_no_brain_and_a_head_is(kimed_data, tmp_path):
    from benchmarks import bench, imaging_cases

    manifest = {
        "cases": [
            {"id": "melon", "kind": "must_refuse_as_brain", "archive": "dcm_qa/dcm_qa_deident_melon_T1_196dcm.tar.gz"},
            {"id": "head", "kind": "must_accept_as_brain", "image": "brainchop/t1_crop.nii.gz"},
        ]
    }
    found = {}
    for number, run in enumerate(imaging_cases.prepare(manifest, kimed_data / "imaging", tmp_path)):
        bench.run_workflow(run, tmp_path / str(number), 2)
        found |= run.metrics(tmp_path / str(number))
    assert found == {"melon.refused": 1.0, "head.accepted": 1.0}
