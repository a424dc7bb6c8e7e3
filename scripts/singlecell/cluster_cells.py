"""Merge samples and find clusters: variable genes, components, integration, neighbours, Leiden, UMAP."""

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from kimedlib.atomic import atomic_path
from kimedlib.logs import log_to
from kimedlib.problems import InputProblems, Problem
from kimedlib.seeding import generator
from kimedlib.singlecell_embedding import (
    Matrix,
    informative_components,
    leiden,
    log_normalised,
    nearest,
    principal_components,
    shared_neighbour_graph,
    variable_genes,
)  # fmt: skip
from kimedlib.singlecell_integration import choose_integration, combat, harmony
from kimedlib.singlecell_resolution import COLUMNS, stable_resolution
from kimedlib.singlecell_threads import compiled_code_cache, one_thread
from kimedlib.table_files import write_table

MINIMUM_GENES = 20
# Candidates and limits for the automatic number of components.
COMPONENT_BOUNDS = (5, 50)


def merged(paths: list[Path], genes: str) -> ad.AnnData:
    """All cells with the genes that every sample (`intersection`) or any sample (`union`) measured.

    Raises
    ------
    InputProblems
        The samples share hardly any gene names.
    """
    parts = [ad.read_h5ad(path) for path in paths]
    data = ad.concat(parts, join="inner" if genes == "intersection" else "outer", fill_value=0, merge="first")
    if data.n_vars < MINIMUM_GENES:
        found = f"the samples have {data.n_vars} genes in common"
        raise InputProblems([Problem("sample sheet", "column counts", found, "use one naming of genes in all samples")])
    seen = np.asarray((data.X > 0).sum(axis=0)).ravel()
    return data[:, np.flatnonzero(seen >= min(3, data.n_obs))].copy()


def candidates(
    positions: Matrix, narrow: sparse.csr_matrix, batches: pd.Series, methods: list[str], seed: int
) -> dict[str, Matrix]:
    """Components by integration method; only uncorrected ones where there is one batch."""
    if batches.nunique() < 2:
        return {"none": positions}
    known: dict[str, Callable[[], Matrix]] = {
        "none": lambda: positions,
        "combat": lambda: combat(narrow, batches, positions.shape[1]),
        "harmony": lambda: harmony(positions, batches, seed),
    }
    # Uncorrected components are what several methods are judged against.
    wanted = {*methods, "none"} if len(methods) > 1 else set(methods)
    return {name: made() for name, made in known.items() if name in wanted}


def umap_layout(
    positions: NDArray[np.float64],
    indices: NDArray[np.int64],
    distances: NDArray[np.float64],
    minimum_distance: float,
    seed: int,
) -> NDArray[np.float32]:
    """Two-dimensional picture of the neighbourhoods, (cells, 2).

    References
    ----------
    McInnes et al., arXiv:1802.03426 (2018).
    """
    with compiled_code_cache(), warnings.catch_warnings():
        # Tensorflow (not installed) and transforms of new cells (not wanted) are announced as warnings.
        warnings.simplefilter("ignore")
        from umap import UMAP

        layout: NDArray[np.float32] = UMAP(
            n_neighbors=indices.shape[1], min_dist=minimum_distance, random_state=seed, n_jobs=1, init="pca",
            precomputed_knn=(indices, distances.astype(np.float32), None),
        ).fit_transform(positions.astype(np.float32))  # fmt: skip
    return layout


def main(
    *, samples: list[Path], cells: Path, integration: Path, resolutions: Path, seed: int, source: dict[str, str],
    embedding: dict[str, Any],
) -> None:  # fmt: skip
    """Write one H5AD: log-normalised X, layers["counts"] (for counts), obs["cluster"], obsm X_pca, X_umap.

    The tables say how the integration method and the resolution were chosen.

    Parameters
    ----------
    embedding
        Section of the config; see config/schemas/singlecell.schema.yaml.

    Raises
    ------
    InputProblems
        No common genes, or no gene varies.
    """
    data = merged(samples, source["genes"])
    values = log_normalised(data.X) if source["state"] == "counts" else sparse.csr_matrix(data.X, dtype=np.float64)
    batches = data.obs[embedding["batch"]].astype(str)
    with one_thread():
        chosen = variable_genes(data.X, batches, embedding["variable_genes"])
        if chosen.sum() < MINIMUM_GENES:
            raise InputProblems(
                [Problem("sample sheet", "column counts", f"{chosen.sum()} genes vary", "check the matrices")]
            )
        narrow = values[:, np.flatnonzero(chosen)]
        wanted = embedding["components"]
        positions, loadings, variances = principal_components(
            narrow, COMPONENT_BOUNDS[1] if wanted == "auto" else wanted
        )
        if wanted == "auto":
            number = informative_components(narrow, variances, generator(seed, "components"), COMPONENT_BOUNDS)
            positions, loadings, variances = positions[:, :number], loadings[:, :number], variances[:number]
        offered = candidates(positions, narrow, batches, embedding["integration"], seed)
        method, judged = choose_integration(offered, batches, embedding["neighbours"], seed)
        corrected = offered[method]
        resolution, tried = embedding["resolution"], pd.DataFrame(columns=COLUMNS)
        if resolution == "auto":
            resolution, tried = stable_resolution(corrected, embedding["neighbours"], seed)
        indices, distances = nearest(corrected, embedding["neighbours"])
        graph = shared_neighbour_graph(indices)
        clusters = leiden(graph, resolution, seed)
        layout = umap_layout(corrected, indices, distances, embedding["umap_minimum_distance"], seed)
    logging.info("%d cells, %d genes, %d components, %d clusters", *data.shape, corrected.shape[1], clusters.max() + 1)
    logging.info("integration %s, resolution %s", method, resolution)
    write_table(judged, integration, "%.6g")
    write_table(tried, resolutions, "%.6g")

    if source["state"] == "counts":
        data.layers["counts"] = sparse.csr_matrix(data.X, dtype=np.float32)
    data.X = values.astype(np.float32)
    data.var["highly_variable"] = chosen
    data.obs["cluster"] = pd.Categorical(
        clusters.astype(str), categories=[str(number) for number in range(clusters.max() + 1)]
    )
    data.obsm["X_pca"] = corrected.astype(np.float32)
    data.obsm["X_pca_unintegrated"] = positions.astype(np.float32)
    data.obsm["X_umap"] = layout.astype(np.float32)
    data.varm["PCs"] = np.zeros((data.n_vars, loadings.shape[1]), dtype=np.float32)
    data.varm["PCs"][chosen] = loadings
    data.obsp["connectivities"] = graph.astype(np.float32)
    rows = np.repeat(np.arange(len(indices)), indices.shape[1])
    data.obsp["distances"] = sparse.csr_matrix(
        (distances.ravel().astype(np.float32), (rows, indices.ravel())), shape=graph.shape
    )
    # The names that scanpy's tools look for.
    parameters = {
        "n_neighbors": int(indices.shape[1]),
        "method": "shared_neighbours",
        "use_rep": "X_pca",
        "metric": "euclidean",
    }
    data.uns["neighbors"] = {"connectivities_key": "connectivities", "distances_key": "distances", "params": parameters}
    data.uns["pca"] = {"variance": variances}
    data.uns["integration"] = {"method": method}
    data.uns["leiden"] = {"params": {"resolution": float(resolution)}}
    with atomic_path(cells) as temporary:
        data.write_h5ad(temporary, compression="gzip")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            samples=[Path(path) for path in snakemake.input.samples],
            cells=Path(snakemake.output.cells),
            integration=Path(snakemake.output.integration),
            resolutions=Path(snakemake.output.resolutions),
            seed=snakemake.params.seed,
            source=snakemake.params.source,
            embedding=snakemake.params.embedding,
        )
