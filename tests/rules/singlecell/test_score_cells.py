"""score_cells: agrees with planted labels, and sees when labels are wrong."""

from types import SimpleNamespace

import anndata as ad
import pandas as pd
import pytest

from kimedlib.problems import InputProblems


def run(study, step, folder, labels):
    labels.to_csv(folder / "labels.tsv", sep="\t", index=False)
    step("singlecell/score_cells").main(
        cells=study.folder / "cells.h5ad", tables=study.tables, marker_table=study.markers,
        rows=[{**row, "labels": str(folder / "labels.tsv")} for row in study.sheet], scores=folder / "s.tsv",
        settings=study.config["labels"],
    )  # fmt: skip
    return pd.read_csv(folder / "s.tsv", sep="\t").set_index("metric")["value"]


def test_planted_labels_agree(study, step, tmp_path):
    scores = run(study, step, tmp_path, study.labels)
    assert scores["annotation_accuracy"] > 0.95 and scores["nmi"] > 0.85 and scores["doublet_auroc"] > 0.75
    # Nothing was integrated, and nothing had to be.
    assert scores["batch_pcr_comparison"] == 0 and scores["batch_pcr"] == scores["unintegrated_batch_pcr"] < 0.1
    assert scores["graph_connectivity"] > 0.9


def test_shuffled_labels_do_not(study, step, tmp_path):
    wrong = study.labels.assign(cell_type=study.labels["cell_type"].sample(frac=1, random_state=1).to_numpy())
    scores = run(study, step, tmp_path, wrong)
    assert abs(scores["ari"]) < 0.05 and scores["annotation_accuracy"] < 0.5 and scores["graph_connectivity"] < 0.9


def test_missing_column_is_named(study, step, tmp_path):
    with pytest.raises(InputProblems, match="column cell_type: no such column"):
        run(study, step, tmp_path, study.labels.drop(columns="cell_type"))


def test_labels_of_other_cells_are_refused(study, step, tmp_path):
    with pytest.raises(InputProblems, match="no cell of the samples has a label"):
        run(study, step, tmp_path, study.labels.assign(barcode="other"))


def test_a_corrected_graph_has_no_silhouettes(study, step, tmp_path):
    data = ad.read_h5ad(study.folder / "cells.h5ad")
    data.uns["integration"] = {"method": "bbknn"}
    data.write_h5ad(tmp_path / "cells.h5ad")
    scores = run(SimpleNamespace(**vars(study) | {"folder": tmp_path}), step, tmp_path, study.labels)
    widths = [name for name in scores.index if "_asw" in name]
    assert widths and all(name.startswith("unintegrated_") for name in widths)
    assert "graph_connectivity" in scores and "unintegrated_batch_pcr" in scores and "batch_pcr" not in scores
