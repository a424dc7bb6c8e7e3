"""Ambient RNA of one sample: how much of each cell's counts it is, and counts without it (SoupX)."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse, stats
from statsmodels.stats.multitest import multipletests

Vector = NDArray[np.float64]
# SoupX's own settings: share of genes too rare in the soup, most markers, prior of the contamination (mean, standard
# deviation), bounds of the contamination, false discovery rate of "does not express".
RARE, MARKERS, PRIOR, BOUNDS, LEVEL = 0.9, 100, (0.05, 0.1), (0.001, 0.8), 0.2
# Genes that are common enough in the soup however few there are: a panel has no rare ones.
COMMON = 500
# Least tf-idf of a marker. SoupX stops where none reaches the first and asks for a lower one; much soup shows every
# gene everywhere.
TF_IDF, ENOUGH = (1.0, 0.8, 0.6, 0.4, 0.2, 0.1), 10
GRID = np.linspace(*BOUNDS, 800)


def membership(clusters: NDArray[np.int64]) -> sparse.csr_matrix:
    """1 where a cell is of a cluster (clusters x cells), to add up cells."""
    return sparse.csr_matrix((np.ones(len(clusters)), (clusters, np.arange(len(clusters)))))


def marker_genes(counts: sparse.csr_matrix, clusters: NDArray[np.int64], shares: Vector) -> NDArray[np.int64]:
    """Genes that few clusters show and that the soup holds much of, most telling first.

    References
    ----------
    `quickMarkers` and `autoEstCont` of SoupX: Young & Behjati, GigaScience 9:giaa151 (2020).
    """
    sizes = np.bincount(clusters)
    member = membership(clusters)
    shown = (member @ (counts > 0).astype(np.float64)).toarray()
    everywhere = shown.sum(axis=0)
    # SoupX weighs a gene's presence in a cluster against its presence in all cells.
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = shown / sizes[:, None] * np.log(len(clusters) / everywhere)
    best = np.nan_to_num(weights, nan=0.0, posinf=0.0).max(axis=0)
    known = shares[shares > 0]
    common = shares > np.quantile(known, max(0.0, min(RARE, 1 - COMMON / len(known))))
    limit = next((limit for limit in TF_IDF if (common & (best >= limit)).sum() >= ENOUGH), TF_IDF[-1])
    telling = np.flatnonzero(common & (best >= limit))
    result: NDArray[np.int64] = telling[np.argsort(-best[telling], kind="stable")][:MARKERS]
    return result


def contamination(
    counts: sparse.csr_matrix, clusters: NDArray[np.int64], shares: Vector
) -> tuple[float, tuple[float, float], int]:
    """Share of molecules that are ambient: mode of the mean posterior over pairs of cluster and gene it cannot express.

    A cluster cannot express a gene if it shows less of it than if it held soup alone (Poisson test, BH). For each such
    pair, observed over expected counts is an estimate; its posterior has a gamma prior.

    Parameters
    ----------
    counts
        Cells x genes, raw.
    clusters
        (cells,), 0 to n - 1.
    shares
        Share of each gene in the soup, (genes,).

    Returns
    -------
    tuple
        The share (NaN if no pair tells), its range (posterior above half its maximum), and the number of pairs.

    References
    ----------
    `autoEstCont` of SoupX: Young & Behjati, GigaScience 9:giaa151 (2020), doi:10.1093/gigascience/giaa151.
    """
    genes = marker_genes(counts, clusters, shares)
    member = membership(clusters)
    depth = np.asarray(member @ np.asarray(counts.sum(axis=1), dtype=np.float64).ravel())
    observed = (member @ counts[:, genes].astype(np.float64)).toarray()
    expected = depth[:, None] * shares[genes][None, :]
    nothing = (float("nan"), (float("nan"), float("nan")), 0)
    if not len(genes):
        return nothing
    # Small p: more than a droplet of soup alone would show, so the cluster expresses it.
    more = stats.poisson.sf(observed - 1, expected * BOUNDS[1])
    silent = (multipletests(more.ravel(), method="fdr_bh")[1] >= LEVEL).reshape(more.shape) & (observed < expected)
    pairs = np.argwhere(silent)
    if not len(pairs):
        return nothing
    seen, full = observed[silent], expected[silent]
    mean, deviation = PRIOR
    shape = 1 + (mean * (mean + np.sqrt(mean**2 + 4 * deviation**2))) / (2 * deviation**2)
    rate = (mean + np.sqrt(mean**2 + 4 * deviation**2)) / (2 * deviation**2)
    posterior = stats.gamma.pdf(GRID[None, :], (shape + seen)[:, None], scale=1 / (rate + full)[:, None])
    density = posterior.mean(axis=0)
    top = int(np.argmax(density))
    half = np.flatnonzero(density >= density[top] / 2)
    return float(GRID[top]), (float(GRID[half[0]]), float(GRID[half[-1]])), len(pairs)


def allotted(amount: Vector, limits: Vector, weights: Vector, groups: NDArray[np.int64]) -> Vector:
    """Share out each group's amount over its members by weight, none beyond its limit; the rest goes to the others.

    Parameters
    ----------
    amount
        (groups,), at most the sum of the group's limits is shared out.
    limits, weights, groups
        (members,); groups are numbers from 0.

    Returns
    -------
    numpy.ndarray
        (members,).
    """
    ratio = np.where(weights > 0, limits / np.maximum(weights, 1e-300), np.inf)
    # Members in the order in which they are full.
    order = np.lexsort((ratio, groups))
    group, limit, weight = groups[order], limits[order], weights[order]
    first = np.searchsorted(group, group)
    full, ahead = np.cumsum(limit) - limit, np.cumsum(weight) - weight
    full, ahead = full - full[first], ahead - ahead[first]
    # What the full ones before leave, by the weights that are left: the level at which a member and all after it stand.
    total = np.bincount(group, weights=weight, minlength=len(amount))
    level = (amount[group] - full) / np.maximum(total[group] - ahead, 1e-300)
    is_full = level * weight >= limit
    # The first member that is not full gives the level of its group.
    common = np.zeros(len(amount))
    still = np.flatnonzero(~is_full)[::-1]
    common[group[still]] = level[still]
    result = np.empty(len(order))
    result[order] = np.where(is_full, limit, np.clip(common[group] * weight, 0, limit))
    return result


def without_ambient(
    counts: sparse.csr_matrix, clusters: NDArray[np.int64], shares: Vector, share: float, random: np.random.Generator
) -> sparse.csr_matrix:
    """Counts less the soup: per cluster by the soup's profile, never more than was counted, then to the cells.

    Fractions are rounded at random so that their expectation stays; values are whole numbers.

    References
    ----------
    `adjustCounts` (subtraction, with clusters) of SoupX: Young & Behjati, GigaScience 9:giaa151 (2020).
    """
    member = membership(clusters)
    depth = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    together = (member @ counts.astype(np.float64)).tocsr()
    group = np.repeat(np.arange(together.shape[0]), np.diff(together.indptr))
    removed = allotted(np.asarray(member @ depth) * share, together.data, shares[together.indices], group)
    # Each pair of cluster and gene is a group of the cells that show the gene.
    pair = sparse.csr_matrix((np.arange(1, together.nnz + 1), together.indices, together.indptr), shape=together.shape)
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    place = np.asarray(pair[clusters[rows], counts.indices]).ravel() - 1
    values = counts.data.astype(np.float64)
    kept = values - allotted(removed, values, depth[rows], place)
    whole = np.floor(kept)
    whole += random.random(len(kept)) < kept - whole
    result = sparse.csr_matrix((whole, counts.indices.copy(), counts.indptr.copy()), shape=counts.shape)
    result.eliminate_zeros()
    return result


def changed_genes(before: sparse.csr_matrix, after: sparse.csr_matrix, names: pd.Index, shares: Vector) -> pd.DataFrame:
    """Columns gene, soup_share, counts_before, counts_after; the genes of the soup that lost most first."""
    totals = [np.asarray(matrix.sum(axis=0), dtype=np.float64).ravel() for matrix in (before, after)]
    table = pd.DataFrame(
        {"gene": names, "soup_share": shares, "counts_before": totals[0], "counts_after": totals[1]}
    )  # fmt: skip
    lost = table["counts_before"] - table["counts_after"]
    return table.iloc[np.argsort(-lost.to_numpy(), kind="stable")].reset_index(drop=True)
