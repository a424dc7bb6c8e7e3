"""Pictures of neighbourhoods: UMAP, from code that set-up compiled where it did."""

import shutil
import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from kimedlib.atomic import atomic_path
from kimedlib.seeding import generator
from kimedlib.singlecell_balanced import neighbours_of
from kimedlib.singlecell_embedding import DECIMALS, Matrix, nearest
from kimedlib.singlecell_genes import batch_codes
from kimedlib.singlecell_threads import COMPILED, compiled_code_cache
from kimedlib.singlecell_uncompiled import uncompiled

# Scale of UMAP's layout, its own default.
SPREAD = 1.0
# Cells that UMAP did not lay out stand in the middle of so many that it did.
AMID = 3


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
    with compiled_code_cache():
        return drawn_layout(positions, neighbours, minimum_distance, begin, seed)


def drawn_layout(
    positions: Matrix, neighbours: tuple[NDArray[np.int64], Matrix], minimum_distance: float, begin: str, seed: int
) -> NDArray[np.float32]:
    """What `umap_layout` gives; numba keeps what it compiles where `compiled_code_cache` says."""
    indices, distances = neighbours
    with warnings.catch_warnings():
        # Tensorflow (not installed) and transforms of new cells (not wanted) are announced as warnings.
        warnings.simplefilter("ignore")
        # UMAP would seek neighbours with it; here they are given.
        with uncompiled("pynndescent"):
            from umap import UMAP, layouts, umap_
        from numba.extending import is_jitted

        # UMAP itself asks this for one function of four that are called here.
        for found in (*vars(umap_).values(), *vars(layouts).values()):
            if is_jitted(found):
                found.enable_caching()
        a, b = (round(float(value), DECIMALS) for value in umap_.find_ab_params(SPREAD, minimum_distance))
        plane = (10 * positions[:, :2] / max(float(np.abs(positions[:, :2]).max()), 1e-12)).astype(np.float32)
        layout: NDArray[np.float32] = UMAP(
            n_neighbors=indices.shape[1], a=a, b=b, random_state=seed, n_jobs=1,
            init=plane if begin == "plane" else begin,
            precomputed_knn=(indices, distances.astype(np.float32), None),
        ).fit_transform(positions.astype(np.float32))  # fmt: skip
    return layout


def compile_beforehand() -> None:
    """For set-up: compile what `umap_layout` needs and keep it in `COMPILED` of this environment."""
    positions = np.random.default_rng(0).normal(size=(60, 5))
    with compiled_code_cache() as folder:
        drawn_layout(positions, nearest(positions, 15), 0.3, "plane", 0)
        with atomic_path(COMPILED) as temporary:
            shutil.copytree(folder, temporary)


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
