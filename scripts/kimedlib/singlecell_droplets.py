"""Which barcodes of an unfiltered matrix hold a cell: barcode ranks, ambient profile, test against it (EmptyDrops)."""

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize_scalar
from scipy.special import gammaln
from scipy.stats import combine_pvalues
from statsmodels.stats.multitest import multipletests

Vector = NDArray[np.float64]
# Empty droplets that the spread of the ambient profile is estimated from, and its bounds (natural logarithms).
AMBIENT_DROPLETS, SPREAD_BOUNDS = 5_000, (0.0, 18.0)
# Largest barcodes that a knee is not sought among: a handful of giants is no plateau.
GIANTS = 50
# Retained barcodes that must together differ from the soup (Fisher's combined p of so few simulations).
CONTROLS, FEW, DIFFER = 50, 500, 0.001
# Ambient barcodes that are tested as well, and where their p-values count: a control of the test.
NULL_DROPLETS, NULL_LEVEL = 500, 0.05
# Molecules times simulations that are held at once.
HELD = 1_000_000


@dataclass(frozen=True)
class Ranks:
    """Counts at the knee and at the inflection of the barcode rank curve, and from where on barcodes are cells."""

    knee: float
    inflection: float
    retained: float


@dataclass(frozen=True)
class Ambient:
    """What empty droplets hold.

    Attributes
    ----------
    shares
        Share of each gene, above 0 for all, (genes,), sum 1.
    droplets
        Number of droplets it comes from.
    """

    shares: Vector
    droplets: int


def barcode_ranks(totals: NDArray[np.int64], lower: int) -> Ranks | None:
    """Knee and inflection of log counts over log rank; None where too few barcodes are above `lower`.

    The inflection is the steepest place, the knee the point farthest above the line from the plateau to it. Barcodes
    above the knee are cells, and those above the inflection with a tenth of the largest cells' counts.

    References
    ----------
    `barcodeRanks` of DropletUtils, Lun et al., Genome Biol 20:63 (2019), doi:10.1186/s13059-019-1662-y; the tenth of
    the 99th percentile: Zheng et al., Nat Commun 8:14049 (2017), doi:10.1038/ncomms14049 (Cell Ranger).
    """
    values, numbers = np.unique(totals[totals > lower], return_counts=True)
    values, numbers = values[::-1], numbers[::-1]
    if len(values) < 3:
        return None
    # The middle rank of barcodes with equal counts.
    ranks = np.cumsum(numbers) - (numbers - 1) / 2
    across, up = np.log10(ranks), np.log10(values)
    first = int(np.searchsorted(ranks, min(GIANTS, ranks[-1] / 10)))
    if len(across) - first < 3:
        return None
    # Steps between single barcodes are steep by chance: slopes over 0.08 decades of ranks.
    places = np.linspace(across[first], across[-1], max(5, int((across[-1] - across[first]) / 0.02)))
    curve = np.interp(places, across, up)
    steep = int(np.argmin(curve[4:] - curve[:-4])) + 2
    rise = (curve[steep] - curve[0]) / max(places[steep] - places[0], 1e-12)
    above = curve[: steep + 1] - (curve[0] + rise * (places[: steep + 1] - places[0]))
    knee, inflection = float(10 ** curve[int(np.argmax(above))]), float(10 ** curve[steep])
    largest = float(np.quantile(totals[totals >= knee], 0.99))
    return Ranks(knee, inflection, min(knee, max(inflection, largest / 10)))


def ambient_profile(counts: sparse.csr_matrix, totals: NDArray[np.int64], lower: int) -> Ambient:
    """Shares of the genes in all barcodes with at most `lower` counts; genes never seen share the unseen mass.

    The unseen mass is Good's estimate: the number of genes seen once by all molecules.

    References
    ----------
    Good, Biometrika 40:237 (1953).
    """
    empty = np.flatnonzero((totals <= lower) & (totals > 0))
    seen = np.asarray(counts[empty].sum(axis=0), dtype=np.float64).ravel()
    unseen = seen == 0
    mass = min(float((seen == 1).sum()) / max(seen.sum(), 1), 0.5) if unseen.any() else 0.0
    shares = (1 - mass) * seen / max(seen.sum(), 1)
    if unseen.any():
        shares[unseen] = max(mass, 1e-9) / unseen.sum()
    return Ambient(shares / shares.sum(), len(empty))


def spread(counts: sparse.csr_matrix, shares: Vector) -> float:
    """Concentration of the Dirichlet-multinomial that empty droplets follow; the higher, the more they are alike.

    Parameters
    ----------
    counts
        Empty droplets x genes.
    """
    totals = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    share, data = shares[counts.indices], counts.data.astype(np.float64)

    def unlikely(logarithm: float) -> float:
        alpha = np.exp(logarithm)
        inside = gammaln(alpha * share + data) - gammaln(alpha * share)
        return -float(len(totals) * gammaln(alpha) - gammaln(alpha + totals).sum() + inside.sum())

    return float(np.exp(minimize_scalar(unlikely, bounds=SPREAD_BOUNDS, method="bounded").x))


def likelihoods(counts: sparse.csr_matrix, shares: Vector, alpha: float) -> Vector:
    """Log-likelihood of each barcode's counts under the Dirichlet-multinomial of the ambient profile, (barcodes,)."""
    totals = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    share, data = shares[counts.indices], counts.data.astype(np.float64)
    parts = gammaln(alpha * share + data) - gammaln(alpha * share) - gammaln(data + 1)
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    inside = np.bincount(rows, weights=parts, minlength=counts.shape[0])
    result: Vector = gammaln(totals + 1) + gammaln(alpha) - gammaln(alpha + totals) + inside
    return result


def simulated_likelihoods(
    shares: Vector, alpha: float, totals: NDArray[np.int64], simulations: int, random: np.random.Generator
) -> Vector:
    """The same of droplets that hold nothing but ambient molecules, at each of the `totals`: (simulations, totals).

    Each simulation draws one molecule after the other (Hoppe's urn, which gives the Dirichlet-multinomial), so that
    its first n molecules are a droplet of n.
    """
    length = int(totals.max())
    drawn = np.arange(length)
    cumulated = np.cumsum(shares)
    # The t-th molecule repeats one of those before with probability t / (alpha + t).
    repeats = random.random((simulations, length)) < drawn / (alpha + drawn)
    source = np.where(repeats, (random.random((simulations, length)) * drawn).astype(np.int64), drawn)
    while True:
        further = np.take_along_axis(source, source, axis=1)
        if np.array_equal(further, source):
            break
        source = further
    fresh = np.searchsorted(cumulated, random.random((simulations, length)) * cumulated[-1], side="right")
    genes = np.take_along_axis(np.minimum(fresh, len(shares) - 1), source, axis=1)
    # How many of the same gene came before: place within the run of equal genes.
    order = np.argsort(genes, axis=1, kind="stable")
    ordered = np.take_along_axis(genes, order, axis=1)
    fresh_run = np.ones_like(ordered, dtype=bool)
    fresh_run[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    start = np.maximum.accumulate(np.where(fresh_run, drawn, 0), axis=1)
    before = np.empty_like(ordered)
    np.put_along_axis(before, order, drawn - start, axis=1)
    steps = np.log(alpha * shares[genes] + before) - np.log(before + 1) + np.log((drawn + 1) / (alpha + drawn))
    result: Vector = np.cumsum(steps, axis=1)[:, totals - 1]
    return result


def chance(
    counts: sparse.csr_matrix, ambient: Ambient, alpha: float, simulations: int, random: np.random.Generator
) -> Vector:  # fmt: skip
    """P-value of each barcode: how often ambient droplets of its size are as unlikely, (barcodes,)."""
    observed = likelihoods(counts, ambient.shares, alpha)
    totals = np.asarray(counts.sum(axis=1)).ravel().astype(np.int64)
    sizes, place = np.unique(totals, return_inverse=True)
    members = np.split(np.argsort(place, kind="stable"), np.cumsum(np.bincount(place))[:-1])
    as_unlikely = np.zeros(len(observed))
    block = max(1, HELD // int(sizes[-1]))
    for start in range(0, simulations, block):
        drawn = simulated_likelihoods(ambient.shares, alpha, sizes, min(block, simulations - start), random)
        drawn.sort(axis=0)
        for column, barcodes in enumerate(members):
            as_unlikely[barcodes] += np.searchsorted(drawn[:, column], observed[barcodes] + 1e-9, side="right")
    result: Vector = (as_unlikely + 1) / (simulations + 1)
    return result


def thinned(counts: sparse.csr_matrix, size: int, random: np.random.Generator) -> sparse.csr_matrix:
    """`size` molecules of each barcode, drawn without replacement; all have as many."""
    result = sparse.csr_matrix(counts, dtype=np.int64, copy=True)
    for start, end in itertools.pairwise(counts.indptr):
        result.data[start:end] = random.multivariate_hypergeometric(result.data[start:end], size)
    result.eliminate_zeros()
    return result


def called_droplets(
    counts: sparse.csr_matrix, lower: int, level: float, simulations: int, random: np.random.Generator
) -> tuple[pd.DataFrame, Ambient, Ranks | None]:
    """Call of each barcode: `cell`, `empty` or `ambient` (at most `lower` counts, from which the profile comes).

    Barcodes with as many counts as `barcode_ranks` retains are cells, if `CONTROLS` of them, thinned to so many,
    together differ from the ambient profile (a library without cells has a knee too). Others above `lower` are cells
    where they differ at a false discovery rate of `level`: smaller cells are kept, large empty droplets are not.

    Parameters
    ----------
    counts
        All barcodes x genes, raw.

    Returns
    -------
    tuple
        Table with `counts`, `rank`, `call`, `p_value`, `fdr` (both only where tested), `null_rate` (share of the
        largest `ambient` barcodes with p < 0.05: about 0.05, more where cells are among them and `lower` is too
        high), one row per barcode; the profile; and the ranks (None if there are none).

    References
    ----------
    EmptyDrops: Lun et al., Genome Biol 20:63 (2019), doi:10.1186/s13059-019-1662-y.
    """
    totals = np.asarray(counts.sum(axis=1)).ravel().astype(np.int64)
    ambient, ranks = ambient_profile(counts, totals, lower), barcode_ranks(totals, lower)
    table = pd.DataFrame({"counts": totals, "rank": pd.Series(-totals).rank(method="average").to_numpy()})
    table["call"], table["p_value"], table["fdr"] = "ambient", np.nan, np.nan
    above = totals > lower
    sure = above & (totals >= (ranks.retained if ranks else np.inf))
    if above.any():
        empty = np.flatnonzero((totals <= lower) & (totals > 0))
        some = empty[np.unique(np.linspace(0, len(empty) - 1, min(len(empty), AMBIENT_DROPLETS)).astype(int))]
        alpha = spread(counts[some], ambient.shares)
        chosen = np.flatnonzero(sure)
        chosen = chosen[np.unique(np.linspace(0, len(chosen) - 1, min(len(chosen), CONTROLS)).astype(int))]
        if len(chosen):
            some_sure = thinned(counts[chosen], int(totals[chosen].min()), random)
            if combine_pvalues(chance(some_sure, ambient, alpha, FEW, random), "fisher").pvalue > DIFFER:
                sure[:] = False
        tested = np.flatnonzero(above & ~sure)
        if len(tested):
            table.loc[tested, "p_value"] = chance(counts[tested], ambient, alpha, simulations, random)
    # Retained barcodes are in the list of tests with p = 0, as in EmptyDrops.
    values = np.where(sure, 0.0, table["p_value"])[above]
    adjusted = np.full(len(table), np.nan)
    if len(values):
        adjusted[above] = multipletests(values, method="fdr_bh")[1]
    table["fdr"] = np.where(table["p_value"].notna(), adjusted, np.nan)
    table["null_rate"] = np.nan
    if above.any():
        largest = np.sort(empty[np.argsort(-totals[empty], kind="stable")[:NULL_DROPLETS]])
        table["null_rate"] = float((chance(counts[largest], ambient, alpha, FEW, random) < NULL_LEVEL).mean())
    table.loc[above, "call"] = "empty"
    table.loc[sure | (adjusted <= level), "call"] = "cell"
    return table, ambient, ranks
