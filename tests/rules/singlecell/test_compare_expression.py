"""compare_expression: finds genes that respond, is quiet on exchanged labels, says what it skips."""

import pandas as pd


def run(study, step, folder, sheet=None, **changes):
    step("singlecell/compare_expression").main(
        cells=study.folder / "cells.h5ad", sheet=sheet or study.sheet, table=folder / "e.tsv", summary=folder / "s.tsv",
        settings={**study.config["comparison"], "permutation_control": False, **changes},
    )  # fmt: skip
    return pd.read_csv(folder / "e.tsv", sep="\t"), pd.read_csv(folder / "s.tsv", sep="\t").set_index("cell_type")


def test_planted_responses_come_first(study, step, tmp_path):
    genes, summary = run(study, step, tmp_path, permutation_control=True)
    top = genes[genes["cell_type"] == "CD4 T"].head(6)
    assert (top["log2_fold_change"].abs() > 1).all() and (top["p_adjusted"] < 0.05).all()
    assert top["gene"].str.startswith("SYN").all()
    assert summary.loc["CD4 T", "status"] == "tested" and summary.loc["CD4 T", "false_de_rate"] < 0.05
    assert summary.loc["CD4 T", "null_rate"] < 0.1
    assert summary.loc["Megakaryocyte", "status"].startswith("skipped: condition")


def test_too_few_donors_is_said_for_every_type(study, step, tmp_path):
    genes, summary = run(study, step, tmp_path, minimum_donors=4)
    assert genes.empty and summary["status"].str.contains("4 are needed").all()


def test_libraries_of_one_donor_are_added_up(study, step, tmp_path):
    sheet = [{**row, "patient_id": "p1"} if row["condition"] == "treated" else row for row in study.sheet]
    genes, summary = run(study, step, tmp_path, sheet)
    assert genes.empty and "condition 'treated' has 1 donor" in summary.loc["CD4 T", "status"]
