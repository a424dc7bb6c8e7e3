"""compare_composition: fractions per sample, a test where the design allows it, else the reason."""

from importlib.util import find_spec

import pandas as pd
import pytest


def run(study, step, folder, sheet, **changes):
    step("singlecell/compare_composition").main(
        cells=study.folder / "cells.tsv.gz", sheet=sheet, marker_table=study.markers, table=folder / "c.tsv",
        test=folder / "t.tsv", settings={**study.config["comparison"], **changes}, seed=1,
    )  # fmt: skip
    return pd.read_csv(folder / "c.tsv", sep="\t"), pd.read_csv(folder / "t.tsv", sep="\t")


def test_fractions_and_test(study, step, tmp_path):
    shares, test = run(study, step, tmp_path, study.sheet)
    assert shares.groupby("sample")["fraction"].sum().tolist() == pytest.approx([1.0] * 6)
    assert len(test) == 8 and set(test["status"]) == {"tested"}
    assert ((test["ci_low"] < test["effect"]) & (test["effect"] < test["ci_high"])).all()


def test_bayesian_model_stands_beside_the_test(study, step, tmp_path):
    _, test = run(study, step, tmp_path, study.sheet, bayesian=True)
    assert ((test["bayes_low"] < test["bayes_effect"]) & (test["bayes_effect"] < test["bayes_high"])).all()
    # Two models of the same change; the prior draws the Bayesian one towards none.
    assert test["bayes_effect"].corr(test["effect"]) > 0.8 and abs(test["bayes_effect"].sum()) < 1e-4


def test_one_donor_per_condition_is_said(study, step, tmp_path):
    sheet = [{**row, "condition": "treated" if row["sample"] == "s1" else "untreated"} for row in study.sheet]
    _, test = run(study, step, tmp_path, sheet)
    assert test["status"].tolist() == ["skipped: condition 'treated' has 1 donor, 2 are needed"]


def test_control_stands_beside_the_p_values(study, step, tmp_path):
    _, test = run(study, step, tmp_path, study.sheet)
    # Within batches of four and of two: 6 x 2 ways, and the opposite of the real one is as extreme.
    assert set(test["relabelings"]) == {12} and (test["permutation_p"] >= 2 / 12 - 1e-5).all()
    assert test["null_rate"].between(0, 1).all() and "propeller_p" not in test


def test_second_test_needs_a_library(study, step, tmp_path):
    if find_spec("scanpro"):
        _, test = run(study, step, tmp_path, study.sheet, propeller=True)
        assert test["propeller_p"].between(0, 1).all()
    else:
        with pytest.raises(RuntimeError, match="pip install --no-deps scanpro"):
            run(study, step, tmp_path, study.sheet, propeller=True)


def test_two_libraries_of_one_donor_are_not_two_donors(study, step, tmp_path):
    sheet = [{**row, "patient_id": "p1"} if row["condition"] == "treated" else row for row in study.sheet]
    shares, test = run(study, step, tmp_path, sheet)
    assert test["status"].tolist() == ["skipped: condition 'treated' has 1 donor, 2 are needed"]
    assert shares["sample"].nunique() == 6
