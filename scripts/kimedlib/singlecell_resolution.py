"""Leiden resolution by stability: the finest clustering whose every cluster is found again in subsamples."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from kimedlib.singlecell_balanced import neighbours_of
from kimedlib.singlecell_embedding import (
    DECIMALS,
    Matrix,
    Network,
    communities,
    nearest_among,
    network,
    shared_neighbour_graph,
)  # fmt: skip
from kimedlib.singlecell_threads import in_processes, started

# Tried from fine to coarse.
RESOLUTIONS = (1.2, 1.0, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05)
REPEATS, SHARE = 8, 0.8
# So many times the wanted neighbours hold those wanted of a subsample for nearly every cell.
WIDE = 2
# Hennig calls clusters with a mean Jaccard overlap of 0.75 and more valid and stable.
STABLE = 0.75
# Where clusters are sought that are stable; a larger set must show the same ones. In 5,000 a cut through one planted
# type still passed for stable (docs/benchmarks.md).
CELLS = 10_000
# Passes of Leiden over all cells where they are more: beyond two, as in scanpy, hardly a cell moves.
PASSES = 2
COLUMNS = ["cells", "resolution", "clusters", "lowest_overlap", "mean_overlap", "chosen"]


def best_overlaps(clusters: NDArray[np.int64], again: NDArray[np.int64]) -> Matrix:
    """Jaccard overlap of each cluster with the most similar one of another clustering of the same cells, (clusters,).

    NaN for a cluster of which the cells hold none.
    """
    shared = np.zeros((clusters.max() + 1, again.max() + 1))
    np.add.at(shared, (clusters, again), 1)
    sizes = shared.sum(axis=1)
    either = sizes[:, None] + shared.sum(axis=0)[None, :] - shared
    overlaps: Matrix = np.where(sizes > 0, (shared / np.maximum(either, 1)).max(axis=1), np.nan)
    return overlaps


def overlap_summary(found: list[Matrix], clusters: NDArray[np.int64]) -> tuple[float, float]:
    """Lowest and mean overlap of the clusters, each the mean over the clusterings it was compared with."""
    # The last clusters may be absent from a subsample, which then has fewer rows.
    width = int(clusters.max()) + 1
    overlaps = np.array([np.append(row, np.full(width - len(row), np.nan)) for row in found])
    seen = ~np.isnan(overlaps)
    means = np.where(seen, overlaps, 0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return round(float(means.min()), 6), round(float(means.mean()), 6)


def table_of(rows: list[tuple[int, float, int, float, float]]) -> pd.DataFrame:
    """The evidence, coarsest first; chosen is the last row if it is stable, else the one of highest lowest overlap."""
    table = pd.DataFrame([(*row, False) for row in rows], columns=COLUMNS)
    best = table["lowest_overlap"].idxmax() if table["lowest_overlap"].iloc[-1] < STABLE else table.index[-1]
    table.loc[best, "chosen"] = True
    return table[::-1].reset_index(drop=True)


def stable_resolution(
    positions: Matrix, neighbours: int, seed: int, threads: int = 1, batches: pd.Series | None = None
) -> tuple[float, pd.DataFrame, NDArray[np.int64]]:  # fmt: skip
    """The finest of `RESOLUTIONS` at which every cluster is stable, and the evidence.

    Each of `REPEATS` subsamples holds `SHARE` of the cells and is clustered anew, neighbours included. If no
    resolution is stable, the one of the highest lowest overlap is taken. Above `CELLS` cells, a random part stands for
    all, and as for all cells there each resolution begins with the clusters of the one before.

    Parameters
    ----------
    positions
        Cells x components.
    batches
        Of each cell, where neighbours are sought in each batch (BBKNN).

    Returns
    -------
    tuple
        The resolution, a table with `COLUMNS` (one row per resolution that was tried, coarsest first), and the clusters
        at that resolution, (cells,).

    References
    ----------
    Hennig, Comput Stat Data Anal 52:258 (2007), doi:10.1016/j.csda.2006.11.025; for single cells Tang et al.,
    Bioinformatics 37:2212 (2021), doi:10.1093/bioinformatics/btaa956.
    """
    random, many = np.random.default_rng(seed), len(positions) > CELLS
    if many:
        part = some_cells(len(positions), random)
        positions, batches = positions[part], None if batches is None else batches.iloc[part]
    wide = neighbours_of(positions, batches, neighbours if batches is not None else WIDE * neighbours, threads)[0]
    whole = network(shared_neighbour_graph(wide if batches is not None else wide[:, :neighbours]))
    parts = []
    for _ in range(REPEATS):
        chosen = np.sort(random.choice(len(positions), max(2, round(SHARE * len(positions))), replace=False))
        if batches is None:
            found_there = nearest_among(positions, chosen, wide, neighbours)
        else:
            found_there = neighbours_of(positions[chosen], batches.iloc[chosen], neighbours, threads)[0]
        parts.append((chosen, network(shared_neighbour_graph(found_there))))
    rows, found = [], {}
    graphs, starts = [whole, *(part for _, part in parts)], [None] * (REPEATS + 1)
    for resolution in RESOLUTIONS:
        begun = partial(begun_communities, resolution=resolution, seed=seed, iterations=PASSES if many else -1)
        clusters, *others = in_processes(begun, list(zip(graphs, starts, strict=True)), threads)
        found[resolution] = clusters
        starts = [clusters, *others] if many else starts
        overlaps = [best_overlaps(clusters[chosen], other) for (chosen, _), other in zip(parts, others, strict=True)]
        lowest, mean = overlap_summary(overlaps, clusters)
        rows.append((len(positions), resolution, int(clusters.max()) + 1, lowest, mean))
        if lowest >= STABLE:
            break
    table = table_of(rows)
    best = float(table.loc[table["chosen"], "resolution"].iloc[0])
    return best, table, found[best]


def begun_communities(begun: tuple[Network, NDArray[np.int64] | None], **settings: Any) -> NDArray[np.int64]:
    """`communities` of a graph and the clusters to begin with."""
    return communities(begun[0], start=begun[1], **settings)


def of_nearest_centre(positions: Matrix, part: NDArray[np.int64], clusters: NDArray[np.int64]) -> NDArray[np.int64]:
    """For every cell the cluster whose centre is nearest, (cells,); `part` are those that have one, which they keep."""
    centres = np.vstack([positions[part[clusters == name]].mean(axis=0) for name in range(clusters.max() + 1)])
    apart = (centres**2).sum(axis=1) - 2 * (positions @ centres.T)
    found: NDArray[np.int64] = apart.round(DECIMALS).argmin(axis=1).astype(np.int64)
    found[part] = clusters
    return found


def some_cells(cells: int, random: np.random.Generator) -> NDArray[np.int64]:
    """`CELLS` of so many cells at random, ascending."""
    chosen: NDArray[np.int64] = np.sort(random.choice(cells, CELLS, replace=False))
    return chosen


def stable_clusters(
    positions: Matrix,
    indices: NDArray[np.int64],
    resolution: float | str,
    neighbours: int,
    seed: int,
    *,
    threads: int = 1,
    batches: pd.Series | None = None,
) -> tuple[NDArray[np.int64], sparse.csr_matrix, float, pd.DataFrame]:
    """Clusters of all cells at the given resolution, or for `auto` at a stable one.

    Above `CELLS` cells, the stable clusters are sought in a random part, and Leiden begins with them: every other cell
    in the cluster whose centre is nearest. The same resolution cuts more cells finer, so it is lowered until every
    cluster of all cells is one of that part's. Each lower resolution begins with the clusters of the one before.

    Parameters
    ----------
    indices
        Nearest neighbours of all cells, (cells, neighbours).
    batches
        Of each cell, where neighbours are sought in each batch (BBKNN).

    Returns
    -------
    tuple
        Clusters (cells,), the graph they are of, the resolution, and a table with `COLUMNS` (empty if not `auto`).
    """
    if resolution != "auto":
        graph = shared_neighbour_graph(indices)
        passes = PASSES if len(positions) > CELLS else -1
        found = communities(network(graph), float(resolution), seed, iterations=passes)
        return found, graph, float(resolution), pd.DataFrame(columns=COLUMNS)
    search = partial(stable_resolution, positions, neighbours, seed, threads, batches)
    if len(positions) <= CELLS:
        stable, table, clusters = search()
        return clusters, shared_neighbour_graph(indices), stable, table
    # The graph of all cells is made meanwhile.
    result = started(search, threads)
    graph = shared_neighbour_graph(indices)
    edges, rows, tried = network(graph), [], {}
    stable, table, clusters = result()
    part = some_cells(len(positions), np.random.default_rng(seed))
    before = of_nearest_centre(positions, part, clusters)
    for lower in (value for value in RESOLUTIONS if value <= stable):
        before = tried[lower] = communities(edges, lower, seed, iterations=PASSES, start=before)
        lowest, mean = overlap_summary([best_overlaps(tried[lower][part], clusters)], tried[lower])
        rows.append((len(positions), lower, int(tried[lower].max()) + 1, lowest, mean))
        if lowest >= STABLE:
            break
    of_all = table_of(rows)
    best = float(of_all.loc[of_all["chosen"], "resolution"].iloc[0])
    table["chosen"] = False
    return tried[best], graph, best, pd.concat([of_all, table], ignore_index=True)
