"""call_droplets: cells of an unfiltered matrix; filtered ones are refused, libraries without cells quarantined."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from singlecell_droplets import unfiltered

from kimedlib.cells_reading import read_cells
from kimedlib.cells_writing import write_h5
from kimedlib.problems import InputProblems

SETTINGS = {"lower": 100, "false_discovery_rate": 0.01, "simulations": 1000}


def run(folder: Path, counts: Path, module, on_failure: str = "quarantine", **changes) -> Path:
    folder.mkdir(exist_ok=True)
    module.main(
        counts=counts, cells=folder / "s.h5ad", droplets=folder / "s.tsv.gz", ranks=folder / "r.tsv",
        ambient=folder / "a.tsv.gz", figure=folder / "f.png", sample={"sample": "s", "subset": ""}, seed=1,
        source={"h5ad_matrix": "X", "state": "counts"}, settings=SETTINGS | changes, on_failure=on_failure,
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


def part(path: Path, chosen: np.ndarray, target: Path) -> Path:
    some = read_cells(path)[np.flatnonzero(chosen)].copy()
    ad.AnnData(some.X, obs=some.obs, var=some.var).write_h5ad(target)
    return target


def test_a_library_without_cells_hands_on_none_and_says_why(raw, tmp_path, step, caplog):
    path, truth = raw
    empty = part(path, truth == "empty", tmp_path / "empty.h5ad")
    folder = run(tmp_path / "out", empty, step("singlecell/call_droplets"))
    assert ad.read_h5ad(folder / "s.h5ad").shape == (0, 1500)
    assert pd.read_csv(folder / "r.tsv", sep="\t")[["barcodes", "cells"]].sum().tolist() == [4000, 0]
    assert "QUARANTINE: " in caplog.text and "sample s: no cell: none of 4000 barcodes differs" in caplog.text


def test_a_library_without_cells_ends_the_run_if_asked_to(raw, tmp_path, step):
    path, truth = raw
    empty = part(path, truth == "empty", tmp_path / "empty.h5ad")
    with pytest.raises(InputProblems, match=r"(?s)no cell: none of 4000 barcodes differs.*take it out of the sheet"):
        run(tmp_path / "out", empty, step("singlecell/call_droplets"), on_failure="stop")
    assert not list((tmp_path / "out").iterdir())


def test_a_library_in_which_hardly_anything_was_counted_is_no_filtered_one(raw, tmp_path, step):
    path, truth = raw
    dead = part(path, np.arange(len(truth)) % 200 == 5, tmp_path / "dead.h5ad")
    counts = read_cells(dead)
    counts.X = sparse.csr_matrix(np.diag(1.0 + np.arange(counts.n_obs) % 9) @ np.eye(counts.n_obs, counts.n_vars))
    counts.write_h5ad(dead)
    folder = run(tmp_path / "out", tmp_path / "dead.h5ad", step("singlecell/call_droplets"))
    assert counts.n_obs < 50 and ad.read_h5ad(folder / "s.h5ad").n_obs == 0


@pytest.mark.parametrize("number", [1, 3])
def test_too_few_cells_for_a_cliff_are_still_called(raw, tmp_path, step, number):
    path, truth = raw
    chosen = (truth == "empty").to_numpy() | (truth == "large").to_numpy() & (np.arange(len(truth)) < number)
    few, module = part(path, chosen, tmp_path / "few.h5ad"), step("singlecell/call_droplets")
    folder = run(tmp_path / "out", few, module, false_discovery_rate=0.2)
    cells = ad.read_h5ad(folder / "s.h5ad")
    # All of them, and of empty ones hardly more than the share that was asked for.
    assert (truth[cells.obs_names] == "large").sum() == number and cells.n_obs <= number + 2
    if number == 1:
        with pytest.raises(InputProblems, match=r"(?s)no cell: 1 of 4001 .*so few simulations.*raise `droplets.sim"):
            run(tmp_path / "stop", few, module, on_failure="stop")
