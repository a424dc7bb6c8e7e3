from pathlib import Path

import cohort_steps
import pandas as pd
import pytest


def scores(folder: Path) -> dict[str, float]:
    return pd.read_csv(folder / "scores.tsv", sep="\t").set_index("metric")["value"].to_dict()


def test_agreement_is_far_from_chance_when_planted(study: Path):
    values = scores(study)
    assert values["subtype_ari"] >= 0.8 and values["subtype_ari_p"] < 0.01
    assert values["subtypes_found"] == values["subtypes_planted"] == 2 and values["patients"] == 12


def test_nothing_found_scores_zero(empty_study: Path):
    values = scores(empty_study)
    assert values["subtype_ari"] == 0 and values["subtype_ari_p"] == 1


def test_names_of_subtypes_do_not_matter(tmp_path: Path):
    (tmp_path / "subtypes.tsv").write_text("patient_id\tsubtype\nP1\tS2\nP2\tS2\nP3\tS1\nP4\tS1\n")
    (tmp_path / "patients.tsv").write_text("patient_id\tsubtype\nP1\tA\nP2\tA\nP3\tB\nP4\tB\n")
    cohort_steps.score(tmp_path)
    assert scores(tmp_path)["subtype_ari"] == 1


def test_strangers_cannot_be_scored(tmp_path: Path):
    (tmp_path / "subtypes.tsv").write_text("patient_id\tsubtype\nP1\tS2\n")
    (tmp_path / "patients.tsv").write_text("patient_id\tsubtype\nQ1\tA\n")
    with pytest.raises(ValueError, match="shares no patient"):
        cohort_steps.score(tmp_path)
