"""AnnData: single changes that must be seen, and changes that mean nothing, which must not."""

from collections.abc import Callable
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from compare_cases import Case, both_tests, see_damage
from scipy import sparse


def cells() -> ad.AnnData:
    random = np.random.default_rng(2)
    counts = sparse.csr_matrix(random.poisson(0.4, (120, 30)).astype(np.float32))
    data = ad.AnnData(counts)
    data.obs_names, data.var_names = [f"c{n}" for n in range(120)], [f"g{n}" for n in range(30)]
    data.layers["counts"] = counts.copy()
    data.obs["leiden"] = pd.Categorical([str(n % 4) for n in range(120)])
    data.obs["type"] = pd.Categorical([["T", "B", "NK"][n % 3] for n in range(120)])
    data.obs["n_counts"] = np.asarray(counts.sum(axis=1)).ravel()
    data.var["variable"] = [n % 2 == 0 for n in range(30)]
    data.obsm["X_umap"] = random.normal(size=(120, 2))
    data.obsm["X_pca"] = random.normal(size=(120, 5))
    data.obsp["connectivities"] = sparse.random(120, 120, 0.05, "csr", random_state=3)
    data.uns["pca"] = {"variance_ratio": np.array([0.5, 0.2]), "use": "seurat"}
    return data


CELLS = {"clusters": ["leiden"], "embeddings": ["X_umap"]}


UMAP = {**CELLS, "neighbour_loss": 0.02}


def h5ad(path: Path, change: Callable[[ad.AnnData], None] | None = None, **options) -> Path:
    data = cells()
    if change:
        change(data)
    data.write_h5ad(path, **options)
    return path


def edit(places: str, value):
    """Change of one element of an AnnData, named as an expression."""

    def change(data: ad.AnnData) -> None:
        exec(f"data.{places} = value", {"data": data, "value": value, "np": np})

    return change


def column(name: str, row: int, value) -> Callable[[ad.AnnData], None]:
    def change(data: ad.AnnData) -> None:
        values = list(data.obs[name])
        values[row] = value
        data.obs[name] = pd.Categorical(values) if isinstance(value, str) else values

    return change


def matrix(where: str) -> Callable[[ad.AnnData], None]:
    def change(data: ad.AnnData) -> None:
        target = data.X if where == "X" else data.layers["counts"] if where == "layer" else data.obsp["connectivities"]
        dense = target.toarray()
        dense[7, 5] += 1
        new = sparse.csr_matrix(dense)
        if where == "X":
            data.X = new
        elif where == "layer":
            data.layers["counts"] = new
        else:
            data.obsp["connectivities"] = new

    return change


def rotate(data: ad.AnnData) -> None:
    turn = np.array([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]])
    data.obsm["X_umap"] = data.obsm["X_umap"] @ turn * [1, -1] + 5


def relabel(data: ad.AnnData) -> None:
    data.obs["leiden"] = pd.Categorical(data.obs["leiden"].map({"0": "7", "1": "0", "2": "x", "3": "2"}))


def store(data: ad.AnnData) -> None:
    data.X = data.X.toarray()
    data.layers["counts"] = sparse.csc_matrix(data.layers["counts"])
    data.obs["type"] = data.obs["type"].cat.reorder_categories(["NK", "T", "B"])


MUTATIONS = {
    "one count of X": Case("h5ad", "a.h5ad", h5ad, lambda p: h5ad(p, matrix("X")), UMAP),
    "one count of a layer": Case("h5ad", "a.h5ad", h5ad, lambda p: h5ad(p, matrix("layer")), UMAP),
    "one edge": Case("h5ad", "a.h5ad", h5ad, lambda p: h5ad(p, matrix("obsp")), UMAP),
    "cluster of one cell": Case("h5ad", "a.h5ad", h5ad, lambda p: h5ad(p, column("leiden", 3, "1")), UMAP),
    "two clusters merged": Case(
        "h5ad",
        "a.h5ad",
        h5ad,
        lambda p: h5ad(p, edit("obs['leiden']", ["0" if n % 4 < 2 else str(n % 4) for n in range(120)])),
        UMAP,
    ),
    "type of one cell": Case("h5ad", "a.h5ad", h5ad, lambda p: h5ad(p, column("type", 3, "B")), UMAP),
    "one number of obs": Case("h5ad", "a.h5ad", h5ad, lambda p: h5ad(p, column("n_counts", 3, 1.5)), UMAP),
    "two genes swapped": Case(
        "h5ad", "a.h5ad", h5ad, lambda p: h5ad(p, edit("var_names", [f"g{n}" for n in (1, 0, *range(2, 30))])), UMAP
    ),
    "two cells swapped": Case(
        "h5ad", "a.h5ad", h5ad, lambda p: h5ad(p, edit("obs_names", [f"c{n}" for n in (1, 0, *range(2, 120))])), UMAP
    ),
    "variable genes": Case(
        "h5ad",
        "a.h5ad",
        h5ad,
        lambda p: h5ad(p, edit("var['variable']", [True, *[n % 2 == 0 for n in range(1, 29)], True])),
        UMAP,
    ),
    "one value of a projection": Case(
        "h5ad", "a.h5ad", h5ad, lambda p: h5ad(p, edit("obsm['X_pca'][4, 2]", 9.0)), UMAP
    ),
    "embedding shuffled": Case(
        "h5ad", "a.h5ad", h5ad, lambda p: h5ad(p, edit("obsm['X_umap']", cells().obsm["X_umap"][::-1])), UMAP
    ),
    "setting in uns": Case("h5ad", "a.h5ad", h5ad, lambda p: h5ad(p, edit("uns['pca']['use']", "cell_ranger")), UMAP),
    "column gone": Case("h5ad", "a.h5ad", h5ad, lambda p: h5ad(p, lambda d: d.obs.pop("type")), UMAP),
}
BENIGN = {
    "names of clusters": Case("h5ad", "a.h5ad", h5ad, lambda p: h5ad(p, relabel), CELLS),
    "storage of matrices, order of categories": Case("h5ad", "a.h5ad", h5ad, lambda p: h5ad(p, store), CELLS),
    "compression": Case("h5ad", "a.h5ad", h5ad, lambda p: h5ad(p, compression="gzip"), CELLS),
    "rotated and reflected embedding": Case("h5ad", "a.h5ad", h5ad, lambda p: h5ad(p, rotate), UMAP),
    "order of cells that means nothing": Case(
        "h5ad",
        "a.h5ad",
        h5ad,
        lambda p: (cells()[::-1].copy().write_h5ad(p), p)[1],
        {"embeddings": ["X_umap"], "unordered": True},
    ),
}

test_one_change_is_seen, test_what_means_nothing_is_no_alarm = both_tests(MUTATIONS, BENIGN)


def test_a_truncated_file_is_never_a_pass(tmp_path):
    see_damage("h5ad", (h5ad)(tmp_path / "a.h5ad"))
