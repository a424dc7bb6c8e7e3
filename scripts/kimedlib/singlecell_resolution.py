"""Leiden resolution by stability: the finest clustering whose every cluster is found again in subsamples."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from kimedlib.singlecell_embedding import Matrix, leiden, nearest, shared_neighbour_graph

# Tried from fine to coarse.
RESOLUTIONS = (1.2, 1.0, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05)
REPEATS, SHARE = 8, 0.8
# Hennig calls clusters with a mean Jaccard overlap of 0.75 and more valid and stable.
STABLE = 0.75
# Resolutions mean the same in a random part of the cells; the choice need not pay for all of them.
CELLS = 10_000
COLUMNS = ["resolution", "clusters", "lowest_overlap", "mean_overlap", "chosen"]


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


def stable_resolution(positions: Matrix, neighbours: int, seed: int) -> tuple[float, pd.DataFrame]:
    """The finest of `RESOLUTIONS` at which every cluster is stable, and the evidence.

    Each of `REPEATS` subsamples holds `SHARE` of the cells and is clustered anew, neighbours included. If no
    resolution is stable, the one of the highest lowest overlap is taken.

    Parameters
    ----------
    positions
        Cells x components.

    Returns
    -------
    tuple
        The resolution and a table with `COLUMNS`, one row per resolution that was tried, coarsest first.

    References
    ----------
    Hennig, Comput Stat Data Anal 52:258 (2007), doi:10.1016/j.csda.2006.11.025; for single cells Tang et al.,
    Bioinformatics 37:2212 (2021), doi:10.1093/bioinformatics/btaa956.
    """
    random = np.random.default_rng(seed)
    if len(positions) > CELLS:
        positions = positions[np.sort(random.choice(len(positions), CELLS, replace=False))]
    graph = shared_neighbour_graph(nearest(positions, neighbours)[0])
    parts: list[tuple[NDArray[np.int64], sparse.csr_matrix]] = []
    for _ in range(REPEATS):
        chosen = np.sort(random.choice(len(positions), max(2, round(SHARE * len(positions))), replace=False))
        parts.append((chosen, shared_neighbour_graph(nearest(positions[chosen], neighbours)[0])))
    rows = []
    for resolution in RESOLUTIONS:
        clusters = leiden(graph, resolution, seed)
        found = [best_overlaps(clusters[chosen], leiden(part, resolution, seed)) for chosen, part in parts]
        # The last clusters may be absent from a subsample, which then has fewer rows.
        width = int(clusters.max()) + 1
        overlaps = np.array([np.append(row, np.full(width - len(row), np.nan)) for row in found])
        seen = ~np.isnan(overlaps)
        means = np.where(seen, overlaps, 0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
        rows.append((resolution, width, round(float(means.min()), 6), round(float(means.mean()), 6), False))
        if means.min() >= STABLE:
            break
    table = pd.DataFrame(rows, columns=COLUMNS)
    best = table["lowest_overlap"].idxmax() if table["lowest_overlap"].iloc[-1] < STABLE else table.index[-1]
    table.loc[best, "chosen"] = True
    return rows[int(best)][0], table[::-1].reset_index(drop=True)
