from pathlib import Path

import cohort_steps
import numpy as np
import pandas as pd


def test_planted_differences_have_the_planted_direction(study: Path):
    plan = pd.read_csv(study / "patients.tsv", sep="\t").set_index("patient_id")
    found = pd.read_csv(study / "subtypes.tsv", sep="\t").set_index("patient_id")
    b_is_second = (plan.loc[found.index[found["subtype"] == "S2"], "subtype"] == "B").mean() > 0.5
    rows = pd.read_csv(study / "comparisons.tsv", sep="\t")
    rows = rows[rows["contrast"] == "S2 vs S1"].set_index("feature")
    directions = {
        "genomics.somatic_snv_count": 1,
        "singlecell.clr_cd8_t_cell": -1,
        "imaging.lesion_heterogeneity_hu": 1,
    }
    for feature, sign in directions.items():
        assert np.sign(rows.loc[feature, "estimate"]) == (sign if b_is_second else -sign), feature
        assert rows.loc[feature, "groups_from"] == f"subtypes found without {feature.split('.')[0]}"
    assert rows.loc["imaging.lesion_heterogeneity_hu", "q_value"] < 0.05
    assert rows.loc["imaging.brain_volume_ml", "q_value"] > 0.05


def test_every_test_states_its_numbers(study: Path):
    rows = pd.read_csv(study / "comparisons.tsv", sep="\t")
    tested = rows[rows["p_value"].notna()]
    assert (tested[["n_reference", "n_compared"]] >= 1).all().all()
    assert tested["note"].str.contains("small groups").all()


def test_a_cohort_without_subtypes_gets_no_subtype_contrast(empty_study: Path):
    rows = pd.read_csv(empty_study / "comparisons.tsv", sep="\t")
    assert set(rows["contrast"]) == {"treated vs untreated"}
    assert (rows["q_value"].dropna() > 0.01).all()


def test_same_input_same_bytes(study: Path):
    before = (study / "comparisons.tsv").read_bytes()
    assert cohort_steps.compare(study).read_bytes() == before
