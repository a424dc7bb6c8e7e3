"""Which neighbouring clusters are two groups, and which one elongated group that was cut: a test without labels."""

from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from kimedlib.singlecell_embedding import Matrix
from kimedlib.singlecell_threads import in_processes

LEVEL = 0.05
SIMULATIONS = 20
# All pairs of cells are compared; fewer cells of a cluster in a batch say nothing about it.
CELLS, LEAST = 1000, 10
COLUMNS = ["first", "second", "cells", "silhouette", "expected", "p_value", "merged"]


def two_means(positions: Matrix) -> NDArray[np.int64]:
    """Two groups of cells, begun at the halves of the longest axis (the last column), (cells,)."""
    upper = positions[:, -1] > np.median(positions[:, -1])
    begin = np.vstack([positions[~upper].mean(axis=0), positions[upper].mean(axis=0)])
    found: NDArray[np.int64] = KMeans(2, init=begin, n_init=1).fit(positions).labels_
    return found


def comparable_cells(
    clusters: NDArray[np.int64], pair: tuple[int, int], batches: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.int64]:
    """At most about `CELLS` cells of both clusters, from batches that hold `LEAST` of each; ascending."""
    inside = np.isin(clusters, pair)
    for batch in np.unique(batches[inside]):
        if min(np.sum((batches == batch) & (clusters == cluster)) for cluster in pair) < LEAST:
            inside &= batches != batch
    chosen = []
    for cluster in pair:
        members = np.flatnonzero(inside & (clusters == cluster))
        wanted = max(round(CELLS * len(members) / max(inside.sum(), CELLS)), min(len(members), LEAST))
        chosen.append(np.sort(random.choice(members, wanted, replace=False)))
    return np.sort(np.concatenate(chosen))


def split_test(
    positions: Matrix, clusters: NDArray[np.int64], pair: tuple[int, int], batches: NDArray[np.int64], seed: int
) -> tuple[int, float, float, float]:
    """Is the silhouette of two clusters higher than the best cut of one normal cloud of their shape gives?

    Cells are compared within batches: each batch's mean is taken off, so what is left of its effect tells nothing.

    Returns
    -------
    tuple
        Cells that were compared (0 where no batch holds enough of both), silhouette, its mean under the null, p-value.
        Without such cells the p-value is 0: what cannot be tested stays apart.
    """
    random = np.random.default_rng(seed)
    cells = comparable_cells(clusters, pair, batches, random)
    if len(cells) == 0:
        return 0, float("nan"), float("nan"), 0.0
    places = positions[cells]
    for batch in np.unique(batches[cells]):
        places[batches[cells] == batch] -= places[batches[cells] == batch].mean(axis=0)
    observed = float(silhouette_score(places, clusters[cells]))
    spread = np.sqrt(np.maximum(np.linalg.eigvalsh(np.atleast_2d(np.cov(places.T))), 0))
    clouds = (random.normal(size=places.shape) * spread for _ in range(SIMULATIONS))
    null = [silhouette_score(cloud, two_means(cloud)) for cloud in clouds]
    centre, width = float(np.mean(null)), float(np.std(null, ddof=1))
    return len(cells), observed, centre, float(stats.norm.sf((observed - centre) / max(width, 1e-12)))


def neighbouring(positions: Matrix, clusters: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Each cluster with the one whose centre is nearest; pairs once, ascending."""
    names = np.unique(clusters)
    centres = np.vstack([positions[clusters == name].mean(axis=0) for name in names])
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2) + np.diag(np.full(len(names), np.inf))
    closest = names[apart.argmin(axis=1)]
    return sorted({(int(min(pair)), int(max(pair))) for pair in zip(names, closest, strict=True)})


def significant_clusters(
    positions: Matrix, clusters: NDArray[np.int64], batches: pd.Series, seed: int, threads: int = 1
) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Clusters after neighbours that the test takes for one group were merged, the least significant pair first.

    Parameters
    ----------
    positions
        Cells x components, after integration.
    clusters
        Numbers from 0, (cells,).
    batches
        Of each cell.

    Returns
    -------
    tuple
        Clusters numbered from the largest to the smallest, and a table with `COLUMNS`, one row per test in order;
        `first` and `second` name clusters before any merging, by their lowest number.

    References
    ----------
    One normal cloud of the same covariance as null: Liu et al., JASA 103:1281 (2008), doi:10.1198/016214508000000454.
    Tests of splits of cell clusters: Grabski et al., Nat Methods 20:1196 (2023), doi:10.1038/s41592-023-01933-9.
    """
    merged, codes = clusters.copy(), np.unique(batches.astype(str), return_inverse=True)[1].astype(np.int64)
    tested: dict[tuple[int, int], tuple[int, float, float, float]] = {}
    rows: list[tuple[object, ...]] = []
    while len(np.unique(merged)) > 1:
        pairs = neighbouring(positions, merged)
        new = [pair for pair in pairs if pair not in tested]
        test = partial(split_test, positions, merged, batches=codes, seed=seed)
        for pair, found in zip(new, in_processes(test, new, threads), strict=True):
            tested[pair] = found
            rows.append((*pair, *found, False))
        least = max(pairs, key=lambda pair: tested[pair][3])
        if tested[least][3] <= LEVEL:
            break
        rows[max(number for number, row in enumerate(rows) if row[:2] == least)] = (*least, *tested[least], True)
        merged[merged == least[1]] = least[0]
        # A grown cluster is another one: its old tests say nothing.
        tested = {pair: found for pair, found in tested.items() if not set(pair) & set(least)}
    sizes = np.bincount(merged)
    rank = np.argsort(np.argsort(-sizes, kind="stable"), kind="stable")
    clusters = rank[merged].astype(np.int64)
    return clusters, pd.DataFrame(rows, columns=COLUMNS)
