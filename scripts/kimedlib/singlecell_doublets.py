"""Doublets within one sample: co-expression (cxds) and neighbourhood of simulated doublets, combined.

Both scores follow published methods; they are written out here because the packaged ones either
are R only or build approximate neighbour graphs whose results depend on the number of threads.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats
from sklearn.decomposition import TruncatedSVD
from sklearn.neighbors import NearestNeighbors

Vector = NDArray[np.float64]


def coexpression_score(counts: sparse.csr_matrix, genes: int = 500) -> Vector:
    """Sum over gene pairs that a cell co-expresses although cells of one type rarely do.

    Parameters
    ----------
    counts
        Cells x genes, raw.
    genes
        Number of genes, those whose presence varies most.

    Returns
    -------
    numpy.ndarray
        One score per cell, (cells,); only ranks have a meaning.

    References
    ----------
    cxds: Bais & Kostka, Bioinformatics 36:1150 (2020), doi:10.1093/bioinformatics/btz698.
    """
    present = (counts > 0).astype(np.float64)
    share = np.asarray(present.mean(axis=0)).ravel()
    chosen = np.sort(np.argsort(-share * (1 - share), kind="stable")[:genes])
    present, share = np.asarray(present[:, chosen].todense()), share[chosen]
    cells = present.shape[0]
    # Pairs seen as "exactly one of the two": far more often than chance marks mutually exclusive genes.
    exclusive = present.T @ (1 - present)
    exclusive += exclusive.T
    chance = share[:, None] * (1 - share[None, :])
    chance += chance.T
    surprise = -stats.binom.logsf(exclusive - 1, cells, np.clip(chance, 1e-12, 1 - 1e-12))
    np.fill_diagonal(surprise, 0)
    surprise = np.minimum(surprise, 700.0)
    score: Vector = np.einsum("ij,ij->i", present @ surprise, present)
    return score


def simulated_neighbour_score(counts: sparse.csr_matrix, random: np.random.Generator, components: int = 30) -> Vector:
    """Share of simulated doublets (sums of two random cells) among a cell's neighbours.

    Parameters
    ----------
    counts
        Cells x genes, raw.
    random
        Source of the random pairs.
    components
        Number of principal axes; limited by the size of the sample.

    Returns
    -------
    numpy.ndarray
        (cells,), between 0 and 1.

    References
    ----------
    Scrublet: Wolock et al., Cell Systems 8:281 (2019), doi:10.1016/j.cels.2018.11.005 (twice as many
    simulated as observed cells, k = sqrt(cells)/2 adjusted to the larger pool).
    """
    cells = counts.shape[0]
    first, second = random.integers(0, cells, size=(2, 2 * cells))
    pool = sparse.vstack([counts, counts[first] + counts[second]]).tocsr().astype(np.float64)
    depth = np.maximum(np.asarray(pool.sum(axis=1)).ravel(), 1)
    scaled = sparse.diags(np.median(depth[:cells]) / depth) @ pool
    scaled.data = np.log1p(scaled.data)
    observed = scaled[:cells]
    mean = np.asarray(observed.mean(axis=0)).ravel()
    variance = np.asarray(observed.multiply(observed).mean(axis=0)).ravel() - mean**2
    dispersion = np.divide(variance, mean, out=np.zeros_like(mean), where=mean > 0)
    chosen = np.sort(np.argsort(-dispersion, kind="stable")[: max(500, len(mean) // 4)])
    # Genes count equally, as in Scrublet; without centring the matrix stays sparse.
    scaled = scaled[:, chosen] @ sparse.diags(1 / np.sqrt(np.maximum(variance[chosen], 1e-8)))
    axes = max(2, min(components, len(chosen) - 1, cells - 1))
    decomposition = TruncatedSVD(n_components=axes, algorithm="arpack", random_state=0).fit(scaled[:cells])
    positions = decomposition.transform(scaled).round(6)
    neighbours = max(3, round(0.5 * np.sqrt(cells)) * 3)
    index = NearestNeighbors(n_neighbors=min(neighbours, len(positions) - 1)).fit(positions)
    found = index.kneighbors(positions[:cells], return_distance=False)
    share: Vector = (found[:, 1:] >= cells).mean(axis=1)
    return share


def doublet_scores(
    counts: sparse.csr_matrix, random: np.random.Generator, genes: int, rounds: int
) -> tuple[Vector, Vector, Vector]:
    """Mean rank of both scores, and the ranks of `coexpression_score` and of `simulated_neighbour_score`, in (0, 1].

    Combining them does better than either alone (docs/benchmarks.md); the simulation is averaged over `rounds`.
    """
    simulated = np.mean([simulated_neighbour_score(counts, random) for _ in range(rounds)], axis=0)
    ranks = stats.rankdata(coexpression_score(counts, genes)), stats.rankdata(simulated)
    cells = counts.shape[0]
    return (ranks[0] + ranks[1]) / (2 * cells), ranks[0] / cells, ranks[1] / cells


def called(score: Vector, rate: float) -> NDArray[np.bool_]:
    """The `rate` share of cells with the highest score, (cells,)."""
    number = round(rate * len(score))
    flagged = np.zeros(len(score), dtype=bool)
    flagged[np.argsort(-score, kind="stable")[:number]] = True
    return flagged


def expected_rate(cells: int) -> float:
    """Doublet rate of 10x Chromium: about 0.8 % per 1,000 recovered cells (10x Genomics user guide CG000315)."""
    return min(0.008 * cells / 1000, 0.25)
