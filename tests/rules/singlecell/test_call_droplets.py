"""call_droplets: cells of an unfiltered matrix with what empty droplets hold; filtered matrices are refused."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from singlecell_droplets import unfiltered

from kimedlib.cells_reading import read_cells
from kimedlib.cells_writing import write_h5
from kimedlib.problems import InputProblems

SETTINGS = {"lower": 100, "false_discovery_rate": 0.01, "simulations": 1000}


def run(folder: Path, counts: Path, module, **changes) -> Path:
    folder.mkdir(exist_ok=True)
    module.main(
        counts=counts, cells=folder / "s.h5ad", droplets=folder / "s.tsv.gz", ranks=folder / "r.tsv",
        ambient=folder / "a.tsv.gz", figure=folder / "f.png", sample={"sample": "s", "subset": ""}, seed=1,
        source={"h5ad_matrix": "X", "state": "counts"}, settings=SETTINGS | changes,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    counts, truth = unfiltered(7)
    path = tmp_path_factory.mktemp("raw") / "raw_feature_bc_matrix.h5"
    features = pd.DataFrame(
        {"gene_id": [f"ENSG{n:011d}" for n in range(1500)], "symbol": [f"G{n}" for n in range(1500)]}
    )
    write_h5(path, counts, [f"b{place}" for place in range(len(truth))], features)
    return path, pd.Series(truth, index=[f"b{place}" for place in range(len(truth))])


def test_cells_are_handed_on_with_their_counts_and_names(raw, tmp_path, step):
    path, truth = raw
    module = step("singlecell/call_droplets")
    first, second = (run(tmp_path / name, path, module) for name in ("one", "two"))
    cells, whole = read_cells(first / "s.h5ad"), read_cells(path)
    assert truth[cells.obs_names].isin(["large", "small"]).mean() > 0.99 and cells.n_obs > 270
    assert (cells.X != whole[cells.obs_names].X).nnz == 0 and (cells.var["gene_id"] == whole.var["gene_id"]).all()
    curve = pd.read_csv(first / "r.tsv", sep="\t")
    assert curve["cells"].sum() == cells.n_obs and curve["barcodes"].sum() == len(truth)
    profile = pd.read_csv(first / "a.tsv.gz", sep="\t")
    assert profile["share"].sum() == pytest.approx(1, abs=1e-6)
    assert {path.name for path in first.iterdir()} == {"s.h5ad", "s.tsv.gz", "r.tsv", "a.tsv.gz", "f.png"}
    for name in ("s.h5ad", "s.tsv.gz", "r.tsv", "a.tsv.gz", "f.png"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_a_filtered_matrix_is_refused(raw, tmp_path, step):
    path, truth = raw
    cells = read_cells(path)[truth[truth == "large"].index].copy()
    cells.write_h5ad(tmp_path / "filtered.h5ad")
    with pytest.raises(InputProblems, match=r"(?s)sample s: 0 of 200 .* 1 to 100 counts.*leave out `droplets`"):
        run(tmp_path / "out", tmp_path / "filtered.h5ad", step("singlecell/call_droplets"))
    assert not list((tmp_path / "out").iterdir())


def test_a_library_without_cells_is_refused(raw, tmp_path, step):
    path, truth = raw
    empty = read_cells(path)[np.flatnonzero(truth == "empty")].copy()
    ad.AnnData(empty.X, obs=empty.obs, var=empty.var).write_h5ad(tmp_path / "empty.h5ad")
    with pytest.raises(InputProblems, match="none of 4000 barcodes differs from the ambient profile"):
        run(tmp_path / "out", tmp_path / "empty.h5ad", step("singlecell/call_droplets"))
