"""Merge samples and find clusters: variable genes, components, integration, neighbours, Leiden, UMAP."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from kimedlib.atomic import atomic_path
from kimedlib.logs import log_to
from kimedlib.seeding import generator
from kimedlib.singlecell_balanced import neighbours_of, without_batches
from kimedlib.singlecell_blocks import CellFiles, CellMatrices, complete_file, stacked
from kimedlib.singlecell_embedding import (
    Matrix,
    log_normalised,
    principal_components,
    proportionally_fitted,
)  # fmt: skip
from kimedlib.singlecell_informative import chance_variance, informative_components, informative_residuals
from kimedlib.singlecell_integration import GRAPHS, choose_integration, combat, harmony, read_latent
from kimedlib.singlecell_layout import picture
from kimedlib.singlecell_merging import genes_in_use, merged
from kimedlib.singlecell_residuals import Residuals
from kimedlib.singlecell_resolution import stable_clusters
from kimedlib.singlecell_significance import COLUMNS as TESTED
from kimedlib.singlecell_significance import significant_clusters
from kimedlib.singlecell_threads import in_order, one_thread, started
from kimedlib.table_files import write_table

# Candidates and limits for the automatic number of components.
COMPONENT_BOUNDS = (5, 50)


def write_matrices(
    cells: CellFiles, chosen: NDArray[np.bool_], state: str, path: Path, *, normalisation: str = "log1p",
    threads: int = 1,
) -> sparse.csr_matrix | Residuals:  # fmt: skip
    """Start the H5AD with X (log-normalised) and layers["counts"] (for counts); values of the `chosen` genes, float64.

    The values are X, or for counts what `normalisation` makes of them; X, from which markers are found, stays the same.
    """
    counted, variable = state == "counts", np.flatnonzero(chosen)
    normalisation = normalisation if counted else "log1p"
    mean_depth = float(cells.obs["counts"].mean()) if normalisation == "pflog1ppf" else 0.0
    narrow, depths, total = [], [], np.zeros(len(cells.var))

    def prepared(block: sparse.csr_matrix) -> tuple[sparse.csr_matrix, NDArray[np.float32], sparse.csr_matrix]:
        values = log_normalised(block) if counted else block.astype(np.float64)
        kept = values
        if normalisation == "pflog1ppf":
            kept = proportionally_fitted(block, mean_depth)
        elif normalisation == "pearson":
            kept = block
        return block, values.data.astype(np.float32), kept[:, variable].astype(np.float64, copy=False)

    with h5py.File(path, "w") as handle:
        matrices = CellMatrices(handle, ["X", "layers/counts"] if counted else ["X"], len(cells.var), threads)
        for block, values, kept in in_order(prepared, (block for _, block in cells.blocks()), threads):
            narrow.append(kept)
            if normalisation == "pearson":
                depths.append(np.asarray(block.sum(axis=1), dtype=np.float64).ravel())
                total += np.bincount(block.indices, weights=block.data, minlength=len(total))
            matrices.append(block, values, *([block.data] if counted else []))
        matrices.close()
    if normalisation == "pearson":
        return Residuals(stacked(narrow), np.concatenate(depths), (total / total.sum())[variable])
    return stacked(narrow)


def candidates(
    positions: Matrix, narrow: sparse.csr_matrix | Residuals, batches: pd.Series, methods: list[str], seed: int, *,
    latent: Matrix | None = None,
) -> dict[str, Matrix]:  # fmt: skip
    """Components by integration method; only uncorrected ones where there is one batch or the graph is corrected.

    `latent` is scVI's.
    """
    if batches.nunique() < 2:
        return {"none": positions}
    known: dict[str, Callable[[], Matrix]] = {
        "none": lambda: positions,
        "combat": lambda: combat(narrow, batches, positions.shape[1]),
        "harmony": lambda: harmony(positions, batches, seed),
        "bbknn": lambda: positions,
    }
    if latent is not None:
        known["scvi"] = lambda: latent
    # Uncorrected components are what several methods are judged against.
    wanted = {*methods, "none"} if len(methods) > 1 else set(methods)
    return {name: made() for name, made in known.items() if name in wanted}


def described(
    cells: CellFiles, chosen: NDArray[np.bool_], reduced: tuple[Matrix, Matrix, Matrix], corrected: Matrix
) -> ad.AnnData:
    """Cells without matrices, with components before (`reduced`: scores, loadings, variances) and after integration."""
    positions, loadings, variances = reduced
    data = ad.AnnData(obs=cells.obs, var=cells.var)
    data.var["highly_variable"] = chosen
    data.obsm["X_pca"] = corrected.astype(np.float32)
    data.obsm["X_pca_unintegrated"] = positions.astype(np.float32)
    data.varm["PCs"] = np.zeros((data.n_vars, loadings.shape[1]), dtype=np.float32)
    data.varm["PCs"][chosen] = loadings
    data.uns["pca"] = {"variance": variances}
    return data


def add_neighbours(
    data: ad.AnnData, indices: NDArray[np.int64], distances: Matrix, graph: sparse.csr_matrix, method: str
) -> None:  # fmt: skip
    """The graph, under the names that scanpy's tools look for."""
    data.obsp["connectivities"] = graph.astype(np.float32)
    rows = np.repeat(np.arange(len(indices)), indices.shape[1])
    data.obsp["distances"] = sparse.csr_matrix(
        (distances.ravel().astype(np.float32), (rows, indices.ravel())), shape=graph.shape
    )
    parameters = {
        "n_neighbors": int(indices.shape[1]),
        "method": method,
        "use_rep": "X_pca",
        "metric": "euclidean",
    }
    data.uns["neighbors"] = {"connectivities_key": "connectivities", "distances_key": "distances", "params": parameters}


def reduced(
    narrow: sparse.csr_matrix | Residuals, wanted: int | str, seed: int, threads: int
) -> tuple[Matrix, Matrix, Matrix]:
    """Scores, loadings and variances of the wanted number of components, or of the informative ones for `auto`."""
    if wanted != "auto":
        return principal_components(narrow, int(wanted), threads)
    random = generator(seed, "components")
    # By chance needs no components of the values, so both are found at the same time.
    if isinstance(narrow, Residuals):
        found = started(partial(informative_residuals, narrow, random, COMPONENT_BOUNDS), threads)
    else:
        found = started(partial(chance_variance, narrow, random), threads)
    positions, loadings, variances = principal_components(narrow, COMPONENT_BOUNDS[1], threads)
    number = found() if isinstance(narrow, Residuals) else informative_components(variances, found(), COMPONENT_BOUNDS)
    return positions[:, :number], loadings[:, :number], variances[:number]


def main(
    *, samples: list[Path], cells: Path, integration: Path, resolutions: Path, splits: Path, seed: int,
    source: dict[str, str], embedding: dict[str, Any], latent: Path | None = None, threads: int = 1,
) -> None:  # fmt: skip
    """Write one H5AD: log-normalised X, layers["counts"] (for counts), obs["cluster"], obsm X_pca, X_umap.

    The tables say how the integration method and the resolution were chosen, and which clusters were merged.

    Parameters
    ----------
    embedding
        Section of the config; see config/schemas/singlecell.schema.yaml.
    latent
        Components that `train_scvi` wrote.
    threads
        Change the time only, no bit of the result.

    Raises
    ------
    InputProblems
        No common genes, or no gene varies.
    """
    files = merged(samples, source["genes"])
    modelled = read_latent(latent, files.obs.index) if latent else None
    batches = files.obs[embedding["batch"]].astype(str)
    with atomic_path(cells) as temporary:
        with one_thread():
            normalisation = embedding["normalisation"]
            chosen = genes_in_use(files, batches, embedding["variable_genes"], normalisation, threads)
            narrow = write_matrices(
                files, chosen, source["state"], temporary, normalisation=normalisation, threads=threads
            )
            logging.info("%d cells, %d genes", *map(len, (files.obs, files.var)))
            components = reduced(narrow, embedding["components"], seed, threads)
            offered = candidates(components[0], narrow, batches, embedding["integration"], seed, latent=modelled)
            del narrow
            method, judged = choose_integration(offered, batches, embedding["neighbours"], seed)
            corrected = offered[method]
            apart = batches if method in GRAPHS else None
            indices, distances = neighbours_of(corrected, apart, embedding["neighbours"], threads)
            wanted = embedding["resolution"], embedding["neighbours"]
            clusters, graph, resolution, tried = stable_clusters(
                corrected, indices, *wanted, seed, threads=threads, batches=apart
            )
            tested = pd.DataFrame(columns=TESTED)
            if embedding["resolution"] == "auto":
                comparable = corrected if apart is None else without_batches(corrected, clusters, batches)
                clusters, tested = significant_clusters(comparable, clusters, batches, seed, threads)
            logging.info("%d components, integration %s", corrected.shape[1], method)
            logging.info("resolution %s, %d clusters", resolution, clusters.max() + 1)
            layout = picture(corrected, (indices, distances), embedding, seed, apart)
        data = described(files, chosen, components, corrected)
        names = [str(number) for number in range(clusters.max() + 1)]
        data.obs["cluster"] = pd.Categorical(clusters.astype(str), categories=names)
        data.obsm["X_umap"] = layout
        kind = "shared_neighbours" if apart is None else "batch_balanced_shared_neighbours"
        add_neighbours(data, indices, distances, graph, kind)
        data.uns["integration"] = {"method": method}
        data.uns["leiden"] = {"params": {"resolution": resolution}}
        complete_file(temporary, data)
        write_table(judged, integration, "%.6g")
        write_table(tried, resolutions, "%.6g")
        write_table(tested, splits, "%.6g")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            samples=[Path(path) for path in snakemake.input.samples],
            cells=Path(snakemake.output.cells),
            integration=Path(snakemake.output.integration),
            resolutions=Path(snakemake.output.resolutions),
            splits=Path(snakemake.output.splits),
            seed=snakemake.params.seed,
            source=snakemake.params.source,
            embedding=snakemake.params.embedding,
            latent=Path(snakemake.input.latent) if snakemake.input.latent else None,
            threads=snakemake.threads,
        )
