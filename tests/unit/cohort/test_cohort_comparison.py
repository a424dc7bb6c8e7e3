"""Comparisons: the trap of testing features on groups they made, and how it is avoided."""

import numpy as np
import pandas as pd
import pytest

from kimedlib.cohort_comparison import compare_all, compare_feature, contrasts, split

PATIENTS = [f"P{index:03d}" for index in range(12)]


def tables(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Twelve patients with two modalities of pure noise."""
    rng = np.random.default_rng(seed)
    features = pd.DataFrame(
        {
            "patient_id": PATIENTS,
            "treatment": ["treated", "untreated"] * 6,
            "sex": ["female", "male", "male"] * 4,
            "age_years": rng.integers(40, 80, 12),
            **{f"{modality}.f{index}": rng.normal(size=12) for modality in ("one", "two") for index in range(3)},
        }
    )
    names = [name for name in features if "." in name]
    dictionary = pd.DataFrame(
        {"feature": names, "modality": [name.split(".")[0] for name in names], "kind": "number", "used": "yes"}
    )
    return features, dictionary


def halves(values: pd.Series) -> list[str]:
    return ["S2" if value > values.median() else "S1" for value in values]


def test_contrasts_are_pairs_or_each_against_the_rest():
    assert contrasts(["S1", "S1"]) == []
    assert contrasts(["S2", "S1"]) == [("S2", "S1")]
    assert contrasts(["S1", "S2", "S3"])[0] == ("S1", "others")


def test_split_leaves_missing_values_and_patients_out():
    values = pd.Series([1.0, 2, np.nan, 4, 5], index=list("abcde"))
    groups = {"a": "S1", "b": "S2", "c": "S2", "d": "S3", "e": ""}
    first, second = split(values, groups, ("S2", "others"))
    assert first.tolist() == [1, 4] and second.tolist() == [2]


def test_testing_a_feature_on_its_own_groups_would_be_circular_and_held_out_groups_are_not():
    naive, proper = [], []
    for seed in range(60):
        features, dictionary = tables(seed)
        own = halves(features["one.f0"])
        other = halves(features["two.f0"])
        subtypes = pd.DataFrame({"patient_id": PATIENTS, "subtype": own, "without_one": other, "without_two": own})
        result = compare_all(features, dictionary, subtypes, level=0.95, permutations=999, seed=1)
        row = result[(result["contrast"] == "S2 vs S1") & (result["feature"] == "one.f0")].iloc[0]
        assert row["groups_from"] == "subtypes found without one"
        proper.append(row["p_value"] <= 0.05)
        value = features.set_index("patient_id")["one.f0"]
        groups = dict(zip(PATIENTS, own, strict=True))
        circular = compare_feature(value, "number", ("S2", "S1"), groups, groups, level=0.95, permutations=999, seed=1)
        naive.append(circular["p_value"] <= 0.05)
    assert np.mean(naive) == 1
    assert np.mean(proper) <= 0.13  # binomial(60, 0.05): more than 8 happens once in 100 times


def test_table_says_what_was_tested_and_how_many():
    features, dictionary = tables(0)
    features.loc[0, "one.f1"] = np.nan
    subtypes = pd.DataFrame({"patient_id": PATIENTS, "subtype": ["S1"] * 6 + ["S2"] * 6})
    subtypes["without_one"] = subtypes["without_two"] = subtypes["subtype"]
    result = compare_all(features, dictionary, subtypes, level=0.95, permutations=999, seed=1)
    assert result.groupby("contrast").size().to_dict() == {"S2 vs S1": 8, "treated vs untreated": 8}
    row = result[(result["contrast"] == "S2 vs S1") & (result["feature"] == "one.f1")].iloc[0]
    assert (row["n_reference"], row["n_compared"]) == (5, 6)
    assert row["ci_low"] < row["estimate"] < row["ci_high"]
    assert "small groups (n = 5)" in row["note"]
    assert (result["q_value"] >= result["p_value"]).all()
    assert result.loc[result["feature"] == "clinical.female", "measure"].tolist() == ["odds_ratio"] * 2


def test_without_subtypes_only_the_arms_are_compared():
    features, dictionary = tables(0)
    subtypes = pd.DataFrame({"patient_id": PATIENTS, "subtype": "S1", "without_one": "S1", "without_two": "S1"})
    result = compare_all(features, dictionary, subtypes, level=0.95, permutations=999, seed=1)
    assert set(result["contrast"]) == {"treated vs untreated"}


@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_effect_has_the_sign_of_the_compared_group(shift: float):
    values = pd.Series(np.arange(8.0) % 4, index=list("abcdefgh")) + np.repeat([0, shift], 4)
    groups = dict(zip("abcdefgh", ["S1"] * 4 + ["S2"] * 4, strict=True))
    row = compare_feature(values, "number", ("S2", "S1"), groups, groups, level=0.95, permutations=999, seed=1)
    assert (row["estimate"] > 1) == (shift > 0)
