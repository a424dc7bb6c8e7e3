"""transfer_labels: known types are found again, unseen ones are unknown, wrong references are refused."""

import hashlib

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from kimedlib.problems import InputProblems
from kimedlib.singlecell_transfer import UNKNOWN

SETTINGS = {
    "matrix": "layers/counts", "label_column": "known", "label_table": "", "batch_column": "sample",
    "minimum_shared_genes": 0.5, "variable_genes": 300, "minimum_confidence": 0.5, "novelty_level": 0.05,
}  # fmt: skip


@pytest.fixture(scope="module")
def sides(study, tmp_path_factory):
    """Samples 0 to 2 with their planted types for the reference, the others for the query."""
    folder = tmp_path_factory.mktemp("sides")
    data = ad.read_h5ad(study.folder / "cells.h5ad")
    truth = study.labels.set_index(study.labels["sample"] + "_" + study.labels["barcode"])
    data.obs["known"] = truth.reindex(data.obs_names)["cell_type"].astype(str)
    known = data.obs["sample"].isin(["s0", "s1", "s2"]).to_numpy()
    data[known].copy().write_h5ad(folder / "reference.h5ad")
    data[~known].copy().write_h5ad(folder / "query.h5ad")
    return folder


def run(step, folder, out, reference, **changes):
    settings = SETTINGS | {"sha256": hashlib.sha256(reference.read_bytes()).hexdigest()} | changes
    step("singlecell/transfer_labels").main(
        cells=folder / "query.h5ad", reference=reference, table=out / "t.tsv.gz", clusters=out / "c.tsv",
        figure=out / "f.png", seed=1, source={"state": "counts"}, batch="sample", settings=settings,
    )  # fmt: skip
    found = pd.read_csv(out / "t.tsv.gz", sep="\t")
    truth = ad.read_h5ad(folder / "query.h5ad").obs["known"].astype(str).to_numpy()
    return found, truth, pd.read_csv(out / "c.tsv", sep="\t")


def test_types_are_found_again_with_honest_confidence(sides, step, tmp_path):
    found, truth, clusters = run(step, sides, tmp_path, sides / "reference.h5ad")
    learnt = np.isin(truth, found["label"].unique())
    called = (found["transferred"] != UNKNOWN).to_numpy()
    assert (found["transferred"] == truth)[learnt & called].mean() > 0.9
    assert called[learnt].mean() > 0.85
    assert abs(found["confidence"][learnt].mean() - (found["label"] == truth)[learnt].mean()) < 0.08
    assert (clusters["cells"].sum(), (tmp_path / "f.png").read_bytes()[:4]) == (len(found), b"\x89PNG")


def test_a_type_that_the_reference_lacks_is_unknown(sides, step, tmp_path):
    reference = ad.read_h5ad(sides / "reference.h5ad")
    reference[(reference.obs["known"] != "B").to_numpy()].copy().write_h5ad(tmp_path / "without.h5ad")
    found, truth, _ = run(step, sides, tmp_path, tmp_path / "without.h5ad")
    assert (found["transferred"][truth == "B"] == UNKNOWN).mean() > 0.8
    assert (found["transferred"] == truth)[np.isin(truth, ["CD4 T", "CD14 monocyte"])].mean() > 0.8


def test_wrong_references_are_refused(sides, step, tmp_path):
    reference = sides / "reference.h5ad"
    with pytest.raises(InputProblems, match="correct the digest"):
        run(step, sides, tmp_path, reference, sha256="0" * 64)
    with pytest.raises(InputProblems, match="column absent: no such column"):
        run(step, sides, tmp_path, reference, label_column="absent")
    renamed = ad.read_h5ad(reference)
    renamed.var_names = [f"ENSG{number:011d}" for number in range(renamed.n_vars)]
    renamed.write_h5ad(tmp_path / "renamed.h5ad")
    with pytest.raises(InputProblems, match="shares 0 genes with the cells"):
        run(step, sides, tmp_path, tmp_path / "renamed.h5ad")
    assert not list(tmp_path.glob("*.tsv*"))
