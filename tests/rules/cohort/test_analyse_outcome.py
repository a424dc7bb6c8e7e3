from pathlib import Path

import cohort_steps
import pandas as pd
import pytest


def test_curves_begin_at_one_and_never_rise(study: Path):
    curves = pd.read_csv(study / "curves.tsv", sep="\t")
    assert set(curves["grouping"]) == {"all", "subtype", "treatment"}
    for _, curve in curves.groupby(["grouping", "group"]):
        assert curve["survival"].iloc[0] == 1
        assert (curve["survival"].diff().dropna() <= 0).all()


def test_every_row_states_patients_and_events(study: Path):
    rows = pd.read_csv(study / "outcome.tsv", sep="\t")
    people = pd.read_csv(study / "clinical.tsv", sep="\t")
    assert rows.loc[rows["measure"] == "log_rank", "n"].tolist() == [12, 12]
    assert (rows.loc[rows["measure"] == "hazard_ratio", "events"] == people["event"].sum()).all()
    assert rows["n"].gt(0).all() and rows["method"].notna().all()
    assert set(rows.loc[rows["p_value"].notna(), "measure"]) == {"log_rank", "odds_ratio"}


def test_rates_are_those_of_the_table(study: Path):
    people = pd.read_csv(study / "clinical.tsv", sep="\t")
    rows = pd.read_csv(study / "outcome.tsv", sep="\t")
    rates = rows[(rows["measure"] == "response_rate") & (rows["grouping"] == "treatment")].set_index("comparison")
    expected = people.groupby("treatment")["response"].mean()
    assert rates["estimate"].to_dict() == pytest.approx(expected.to_dict(), abs=1e-4)


def test_planted_hazard_is_inside_the_interval_of_a_large_cohort(tmp_path: Path):
    cohort_steps.join(tmp_path, cohort_steps.write_inputs(tmp_path, 103, 1.0, patients=200))
    truth = pd.read_csv(tmp_path / "patients.tsv", sep="\t")
    # The planted subtypes themselves: B is S2, A is S1
    truth.assign(subtype=truth["subtype"].map({"A": "S1", "B": "S2"})).to_csv(
        tmp_path / "subtypes.tsv", sep="\t", index=False
    )
    cohort_steps.outcome(tmp_path)
    rows = pd.read_csv(tmp_path / "outcome.tsv", sep="\t")
    hazards = rows[rows["measure"] == "hazard_ratio"].set_index("comparison")
    # exp of log_hazard_subtype and log_hazard_treatment in config/synthetic.yaml
    for comparison, planted in (("S2 vs S1", 2.718281828**1.4), ("treated vs untreated", 2.718281828**-0.7)):
        assert hazards.loc[comparison, "ci_low"] < planted < hazards.loc[comparison, "ci_high"]


def test_one_subtype_is_described_but_not_compared(empty_study: Path):
    rows = pd.read_csv(empty_study / "outcome.tsv", sep="\t")
    assert set(rows.loc[rows["grouping"] == "subtype", "comparison"]) == {"S1"}


def test_no_outcome_at_all_is_said(study: Path, tmp_path: Path):
    people = pd.read_csv(study / "features.tsv", sep="\t")
    people[["survival_days", "event"]] = None
    people.to_csv(tmp_path / "features.tsv", sep="\t", index=False)
    (tmp_path / "subtypes.tsv").write_bytes((study / "subtypes.tsv").read_bytes())
    with pytest.raises(ValueError, match="no survival_days and event"):
        cohort_steps.outcome(tmp_path)
