"""collect_singlecell_features: one row per patient with stable columns."""

import pandas as pd


def test_one_row_per_patient(study, step, tmp_path):
    step("singlecell/collect_singlecell_features").main(
        cells=study.folder / "cells.h5ad", gene_sets=study.gene_sets, features=tmp_path / "f.tsv",
        patients=["p5", "p_in_quarantine"], settings=study.config["features"],
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "f.tsv", sep="\t")
    assert list(table["patient_id"]) == [*(f"p{number}" for number in range(6)), "p_in_quarantine"]
    assert table.columns[0] == "patient_id" and table.iloc[-1, 1:].isna().all()
    table = table.iloc[:-1]
    assert {"fraction_cd8_t", "clr_cd14_monocyte", "interferon_score", "median_genes"} <= set(table)
    assert table.filter(like="fraction_").sum(axis=1).sub(1).abs().max() < 1e-5
    assert table["interferon_score"].gt(0).all()
