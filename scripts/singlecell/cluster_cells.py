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
from kimedlib.singlecell_blocks import CellFiles, CellMatrices, complete_file, stacked
from kimedlib.singlecell_embedding import (
    Matrix,
    informative_components,
    log_normalised,
    nearest,
    principal_components,
    proportionally_fitted,
)  # fmt: skip
from kimedlib.singlecell_integration import choose_integration, combat, harmony, read_latent
from kimedlib.singlecell_merging import genes_in_use, merged
from kimedlib.singlecell_resolution import stable_clusters
from kimedlib.singlecell_significance import COLUMNS as TESTED
from kimedlib.singlecell_significance import significant_clusters
from kimedlib.singlecell_threads import compiled_code_cache, one_thread
from kimedlib.table_files import write_table

# Candidates and limits for the automatic number of components.
COMPONENT_BOUNDS = (5, 50)
# Cells that UMAP did not lay out stand in the middle of so many that it did.
AMID = 3


def write_matrices(
    cells: CellFiles, chosen: NDArray[np.bool_], state: str, path: Path, *, normalisation: str = "log1p",
    threads: int = 1,
) -> sparse.csr_matrix:  # fmt: skip
    """Start the H5AD with X (log-normalised) and layers["counts"] (for counts); values of the `chosen` genes, float64.

    The values are X, or for counts what `normalisation` makes of them; X, from which markers are found, stays the same.
    """
    counted, narrow, variable = state == "counts", [], np.flatnonzero(chosen)
    fitted = counted and normalisation == "pflog1ppf"
    depth = float(cells.obs["counts"].mean()) if fitted else 0.0
    with h5py.File(path, "w") as handle:
        matrices = CellMatrices(handle, ["X", "layers/counts"] if counted else ["X"], len(cells.var), threads)
        for _, block in cells.blocks():
            values = log_normalised(block) if counted else block.astype(np.float64)
            narrow.append((proportionally_fitted(block, depth) if fitted else values)[:, variable])
            matrices.append(block, values.data.astype(np.float32), *([block.data] if counted else []))
        matrices.close()
    return stacked(narrow)


def candidates(
    positions: Matrix, narrow: sparse.csr_matrix, batches: pd.Series, methods: list[str], seed: int, *,
    latent: Matrix | None = None,
) -> dict[str, Matrix]:  # fmt: skip
    """Components by integration method; only uncorrected ones where there is one batch. `latent` is scVI's."""
    if batches.nunique() < 2:
        return {"none": positions}
    known: dict[str, Callable[[], Matrix]] = {
        "none": lambda: positions,
        "combat": lambda: combat(narrow, batches, positions.shape[1]),
        "harmony": lambda: harmony(positions, batches, seed),
    }
    if latent is not None:
        known["scvi"] = lambda: latent
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


def picture(
    positions: Matrix, neighbours: tuple[NDArray[np.int64], Matrix], embedding: dict[str, Any], seed: int
) -> NDArray[np.float32]:
    """UMAP of at most `umap_cells` random cells, (cells, 2); others stand amid the nearest of those.

    With `umap_cells` 0, the first two components.
    """
    limit, distance = embedding["umap_cells"], embedding["umap_minimum_distance"]
    if limit == 0:
        return positions[:, :2].astype(np.float32)
    if len(positions) <= limit:
        return umap_layout(positions, *neighbours, distance, seed)
    chosen = np.sort(generator(seed, "umap").choice(len(positions), limit, replace=False))
    some = positions[chosen]
    drawn = umap_layout(some, *nearest(some, embedding["neighbours"]), distance, seed)
    around = NearestNeighbors(n_neighbors=AMID, algorithm="kd_tree").fit(some).kneighbors(positions)[1]
    layout: NDArray[np.float32] = drawn[around].mean(axis=1, dtype=np.float64).astype(np.float32)
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
    data: ad.AnnData, indices: NDArray[np.int64], distances: Matrix, graph: sparse.csr_matrix
) -> None:  # fmt: skip
    """The graph, under the names that scanpy's tools look for."""
    data.obsp["connectivities"] = graph.astype(np.float32)
    rows = np.repeat(np.arange(len(indices)), indices.shape[1])
    data.obsp["distances"] = sparse.csr_matrix(
        (distances.ravel().astype(np.float32), (rows, indices.ravel())), shape=graph.shape
    )
    parameters = {
        "n_neighbors": int(indices.shape[1]),
        "method": "shared_neighbours",
        "use_rep": "X_pca",
        "metric": "euclidean",
    }
    data.uns["neighbors"] = {"connectivities_key": "connectivities", "distances_key": "distances", "params": parameters}


def reduced(narrow: sparse.csr_matrix, wanted: int | str, seed: int, threads: int) -> tuple[Matrix, Matrix, Matrix]:
    """Scores, loadings and variances of the wanted number of components, or of the informative ones for `auto`."""
    if wanted != "auto":
        return principal_components(narrow, int(wanted), threads)
    positions, loadings, variances = principal_components(narrow, COMPONENT_BOUNDS[1], threads)
    number = informative_components(narrow, variances, generator(seed, "components"), COMPONENT_BOUNDS)
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
            chosen = genes_in_use(files, batches, embedding["variable_genes"])
            narrow = write_matrices(
                files, chosen, source["state"], temporary, normalisation=embedding["normalisation"], threads=threads
            )
            logging.info("%d cells, %d genes", *map(len, (files.obs, files.var)))
            components = reduced(narrow, embedding["components"], seed, threads)
            offered = candidates(components[0], narrow, batches, embedding["integration"], seed, latent=modelled)
            del narrow
            method, judged = choose_integration(offered, batches, embedding["neighbours"], seed)
            corrected = offered[method]
            indices, distances = nearest(corrected, embedding["neighbours"], threads)
            wanted = embedding["resolution"], embedding["neighbours"]
            clusters, graph, resolution, tried = stable_clusters(corrected, indices, *wanted, seed, threads=threads)
            tested = pd.DataFrame(columns=TESTED)
            if embedding["resolution"] == "auto":
                clusters, tested = significant_clusters(corrected, clusters, batches, seed)
            logging.info("%d components, integration %s", corrected.shape[1], method)
            logging.info("resolution %s, %d clusters", resolution, clusters.max() + 1)
            layout = picture(corrected, (indices, distances), embedding, seed)
        data = described(files, chosen, components, corrected)
        names = [str(number) for number in range(clusters.max() + 1)]
        data.obs["cluster"] = pd.Categorical(clusters.astype(str), categories=names)
        data.obsm["X_umap"] = layout
        add_neighbours(data, indices, distances, graph)
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
