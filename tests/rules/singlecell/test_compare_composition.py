"""compare_composition: fractions per sample, a test where the design allows it, else the reason."""

import pandas as pd
import pytest


def run(study, step, folder, sheet):
    step("singlecell/compare_composition").main(
        cells=study.folder / "cells.tsv.gz", sheet=sheet, marker_table=study.markers, table=folder / "c.tsv",
        test=folder / "t.tsv", settings=study.config["comparison"],
    )  # fmt: skip
    return pd.read_csv(folder / "c.tsv", sep="\t"), pd.read_csv(folder / "t.tsv", sep="\t")


def test_fractions_and_test(study, step, tmp_path):
    shares, test = run(study, step, tmp_path, study.sheet)
    assert shares.groupby("sample")["fraction"].sum().tolist() == pytest.approx([1.0] * 6)
    assert len(test) == 8 and set(test["status"]) == {"tested"}
    assert ((test["ci_low"] < test["effect"]) & (test["effect"] < test["ci_high"])).all()


def test_one_donor_per_condition_is_said(study, step, tmp_path):
    sheet = [{**row, "condition": "treated" if row["sample"] == "s1" else "untreated"} for row in study.sheet]
    _, test = run(study, step, tmp_path, sheet)
    assert test["status"].tolist() == ["skipped: condition 'treated' has 1 donor, 2 are needed"]
