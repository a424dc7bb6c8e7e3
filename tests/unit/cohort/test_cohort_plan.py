"""The plan of the synthetic cohort: balance, stability, links that scale, and no links at effect size 0."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import REPOSITORY

from kimedlib.cohort_plan import families, patient_ids, patients_with, plan_patients

SETTINGS = yaml.safe_load((REPOSITORY / "config/synthetic.yaml").read_text())["cohort"]


def plan(count: int, effect_size: float = 1.0, seed: int = 5) -> pd.DataFrame:
    return pd.DataFrame(plan_patients(seed, count, effect_size, SETTINGS))


def test_identifiers_have_at_least_three_digits():
    assert patient_ids(2) == ["P001", "P002"]
    assert patient_ids(1000)[0] == "P0001"


def test_a_patient_does_not_depend_on_the_size_of_the_cohort():
    small, large = plan(12), plan(500)
    pd.testing.assert_frame_equal(small, large.head(12))


@pytest.mark.parametrize("seed", range(5))
def test_default_cohort_is_balanced(seed: int):
    frame = plan(12, seed=seed)
    assert frame["subtype"].value_counts().to_dict() == {"A": 6, "B": 6}
    assert set(frame.groupby(["subtype", "treatment"]).size()) == {3}
    assert (frame["has_images"] == "no").sum() == (frame["has_tumour_reads"] == "no").sum() == 1
    assert (frame["has_cells"] == "yes").all()
    assert not ((frame["has_images"] == "no") & (frame["has_tumour_reads"] == "no")).any()


def test_gaps_are_known_without_the_plan():
    frame = plan(36)
    assert patients_with("images", 5, 36) == frame.loc[frame["has_images"] == "yes", "patient_id"].tolist()


def test_families_have_one_to_three_members_who_share_a_name():
    frame = plan(300)
    sizes = frame["family_id"].value_counts()
    assert set(sizes) == {1, 2, 3}
    assert len(frame[["family_id", "family_name"]].drop_duplicates()) == len(sizes)
    assert not frame.duplicated(["family_id", "given_name"]).any()
    assert families(5, 300)[:2] == families(5, 2)


def test_people_are_consistent():
    frame = plan(400)
    assert frame["medical_record_number"].is_unique
    assert frame["medical_record_number"].str.fullmatch(r"\d{8}").all()
    reference = dt.date.fromisoformat(SETTINGS["reference_date"])
    for born, age in zip(frame["birth_date"], frame["age_years"], strict=True):
        day = dt.date.fromisoformat(born)
        assert age == reference.year - day.year - ((day.month, day.day) > (reference.month, reference.day))
    assert frame["age_years"].between(*SETTINGS["age_years"]).all()


def group_difference(frame: pd.DataFrame, column: str) -> float:
    values = frame[column].astype(float)
    a, b = values[frame["subtype"] == "A"], values[frame["subtype"] == "B"]
    return float((b.mean() - a.mean()) / np.sqrt((a.var() + b.var()) / 2))


LINKED = {
    "driver_mutated": -1, "somatic_count": 1, "cd8_log_ratio": -1, "interferon_log2fc": -1,
    "lesion_volume_ml": 1, "lesion_heterogeneity_hu": 1, "survival_days": -1, "response": -1,
}  # fmt: skip


def test_links_have_the_planted_direction_and_grow_with_effect_size():
    halves, wholes = plan(2000, 0.5), plan(2000, 1.0)
    for column, sign in LINKED.items():
        half, whole = group_difference(halves, column), group_difference(wholes, column)
        assert sign * whole > 0.5, column
        assert abs(half) < abs(whole), column
    assert abs(group_difference(wholes, "brain_volume_ml")) < 0.1


def test_effect_size_zero_removes_every_link():
    frame = plan(2000, 0.0)
    for column in [*LINKED, "brain_volume_ml"]:
        # 4 standard errors of a standardised difference between 1000 and 1000 patients
        assert abs(group_difference(frame, column)) < 4 * np.sqrt(2 / 1000), column


def test_planted_means_are_those_of_the_config():
    frame = plan(4000)
    for subtype, side in (("A", -1), ("B", 1)):
        members = frame[frame["subtype"] == subtype]
        for column in ("cd8_log_ratio", "interferon_log2fc", "lesion_heterogeneity_hu"):
            expected = SETTINGS[column]["mean"] + side * SETTINGS[column]["effect"]
            assert members[column].mean() == pytest.approx(expected, abs=0.2 * SETTINGS[column]["sd"])
        volume = SETTINGS["lesion_volume_ml"]
        middle = np.log(volume["mean"]) + side * volume["effect"]
        assert np.log(members["lesion_volume_ml"]).mean() == pytest.approx(middle, abs=0.02)


def test_survival_follows_the_planted_hazard():
    frame = plan(4000)
    reference = frame[(frame["subtype"] == "A") & (frame["treatment"] == "untreated")]
    # nobody is lost before the shortest follow-up, so the share alive then is Weibull without censoring
    settings = SETTINGS["survival"]
    day = settings["follow_up_days"][0]
    expected = 2.0 ** -((day / settings["median_days"]) ** settings["shape"])
    assert (reference["survival_days"] > day).mean() == pytest.approx(expected, abs=0.04)
