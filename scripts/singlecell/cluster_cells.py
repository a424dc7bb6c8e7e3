"""Merge samples and find clusters: variable genes, components, integration, neighbours, Leiden, UMAP."""

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

from kimedlib.atomic import atomic_path
from kimedlib.logs import log_to
from kimedlib.seeding import generator
from kimedlib.singlecell_balanced import neighbours_of, without_batches
from kimedlib.singlecell_blocks import CellFiles, CellMatrices, complete_file, stacked
from kimedlib.singlecell_embedding import (
    DECIMALS,
    Matrix,
    log_normalised,
    principal_components,
    proportionally_fitted,
)  # fmt: skip
from kimedlib.singlecell_genes import batch_codes
from kimedlib.singlecell_informative import informative_components, informative_residuals
from kimedlib.singlecell_integration import GRAPHS, choose_integration, combat, harmony, read_latent
from kimedlib.singlecell_merging import genes_in_use, merged
from kimedlib.singlecell_residuals import Residuals
from kimedlib.singlecell_resolution import stable_clusters
from kimedlib.singlecell_significance import COLUMNS as TESTED
from kimedlib.singlecell_significance import significant_clusters
from kimedlib.singlecell_threads import compiled_code_cache, one_thread
from kimedlib.singlecell_uncompiled import uncompiled
from kimedlib.table_files import write_table

# Candidates and limits for the automatic number of components.
COMPONENT_BOUNDS = (5, 50)
# Scale of UMAP's layout, its own default.
SPREAD = 1.0
# Cells that UMAP did not lay out stand in the middle of so many that it did.
AMID = 3


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
    with h5py.File(path, "w") as handle:
        matrices = CellMatrices(handle, ["X", "layers/counts"] if counted else ["X"], len(cells.var), threads)
        for _, block in cells.blocks():
            values = log_normalised(block) if counted else block.astype(np.float64)
            if normalisation == "pflog1ppf":
                narrow.append(proportionally_fitted(block, mean_depth)[:, variable])
            elif normalisation == "pearson":
                narrow.append(block[:, variable].astype(np.float64))
                depths.append(np.asarray(block.sum(axis=1), dtype=np.float64).ravel())
                total += np.bincount(block.indices, weights=block.data, minlength=len(total))
            else:
                narrow.append(values[:, variable])
            matrices.append(block, values.data.astype(np.float32), *([block.data] if counted else []))
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


def umap_layout(
    positions: NDArray[np.float64],
    neighbours: tuple[NDArray[np.int64], Matrix],
    minimum_distance: float,
    begin: str,
    seed: int,
) -> NDArray[np.float32]:
    """Two-dimensional picture of the neighbourhoods (indices and distances), (cells, 2).

    The same on every kind of processor, unless it begins spectral: UMAP's own curve of similarities and beginning
    have last bits that differ between processors, and from other bits another layout grows.

    Parameters
    ----------
    begin
        Where cells stand at first: `plane` of the first two components, or `spectral`, the shape of the graph.

    References
    ----------
    McInnes et al., arXiv:1802.03426 (2018).
    """
    indices, distances = neighbours
    with compiled_code_cache(), warnings.catch_warnings():
        # Tensorflow (not installed) and transforms of new cells (not wanted) are announced as warnings.
        warnings.simplefilter("ignore")
        # UMAP would seek neighbours with it; here they are given.
        with uncompiled("pynndescent"):
            from umap import UMAP
            from umap.umap_ import find_ab_params

        a, b = (round(float(value), DECIMALS) for value in find_ab_params(SPREAD, minimum_distance))
        plane = (10 * positions[:, :2] / max(float(np.abs(positions[:, :2]).max()), 1e-12)).astype(np.float32)
        layout: NDArray[np.float32] = UMAP(
            n_neighbors=indices.shape[1], a=a, b=b, random_state=seed, n_jobs=1,
            init=plane if begin == "plane" else begin,
            precomputed_knn=(indices, distances.astype(np.float32), None),
        ).fit_transform(positions.astype(np.float32))  # fmt: skip
    return layout


def picture(
    positions: Matrix, neighbours: tuple[NDArray[np.int64], Matrix], embedding: dict[str, Any], seed: int,
    batches: pd.Series | None = None,
) -> NDArray[np.float32]:  # fmt: skip
    """UMAP of at most `umap_cells` random cells, (cells, 2); others stand amid the nearest of those.

    With `umap_cells` 0, the first two components. `batches` are given where positions can be compared within them only.
    """
    limit, distance = embedding["umap_cells"], embedding["umap_minimum_distance"]
    begin = "plane" if batches is None else "spectral"
    if limit == 0:
        return positions[:, :2].astype(np.float32)
    if len(positions) <= limit:
        return umap_layout(positions, neighbours, distance, begin, seed)
    chosen = np.sort(generator(seed, "umap").choice(len(positions), limit, replace=False))
    some = positions[chosen]
    among = None if batches is None else batches.iloc[chosen]
    drawn = umap_layout(some, neighbours_of(some, among, embedding["neighbours"]), distance, begin, seed)
    layout: NDArray[np.float32] = np.zeros((len(positions), 2), dtype=np.float32)
    groups = np.zeros(len(positions), dtype=np.int64) if batches is None else batch_codes(batches)
    for group in np.unique(groups):
        inside = groups == group
        # A batch of which no cell was drawn is seen from all.
        near = np.flatnonzero(inside[chosen]) if inside[chosen].any() else np.arange(len(chosen))
        tree = NearestNeighbors(n_neighbors=min(AMID, len(near)), algorithm="kd_tree").fit(some[near])
        around = near[tree.kneighbors(positions[inside], return_distance=False)]
        layout[inside] = drawn[around].mean(axis=1, dtype=np.float64)
    layout[chosen] = drawn
    return layout


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
    positions, loadings, variances = principal_components(narrow, COMPONENT_BOUNDS[1], threads)
    random = generator(seed, "components")
    if isinstance(narrow, Residuals):
        number = informative_residuals(narrow, random, COMPONENT_BOUNDS)
    else:
        number = informative_components(narrow, variances, random, COMPONENT_BOUNDS)
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
                clusters, tested = significant_clusters(comparable, clusters, batches, seed)
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
