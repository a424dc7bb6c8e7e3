"""Effect sizes with confidence intervals and permutation tests for small groups."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.optimize import brentq
from scipy.special import gammaln

Floats = npt.NDArray[np.float64]
Interval = tuple[float, float, float]

UNKNOWN: Interval = (np.nan, np.nan, np.nan)


def hedges_g(first: Floats, second: Floats, level: float = 0.95) -> Interval:
    """Standardised mean difference, `second` minus `first`, corrected for small samples (Hedges 1981).

    Returns
    -------
    tuple
        Estimate and the confidence limits from the non-central t distribution (Steiger & Fouladi 1997);
        NaN where a group has fewer than 2 values or nothing varies.
    """
    n_first, n_second = len(first), len(second)
    if n_first < 2 or n_second < 2:
        return UNKNOWN
    freedom = n_first + n_second - 2
    pooled = ((n_first - 1) * first.var(ddof=1) + (n_second - 1) * second.var(ddof=1)) / freedom
    if pooled <= 0:
        return UNKNOWN
    scale = np.sqrt(1 / n_first + 1 / n_second)
    t = (second.mean() - first.mean()) / np.sqrt(pooled) / scale
    correction = float(np.exp(gammaln(freedom / 2) - gammaln((freedom - 1) / 2)) / np.sqrt(freedom / 2))

    def limit(probability: float) -> float:
        """Non-centrality under which t is that quantile; far out scipy's distribution gives NaN, so grow from t."""
        width = 1.0
        while not stats.nct.cdf(t, freedom, t - width) > probability > stats.nct.cdf(t, freedom, t + width):
            width *= 1.5
        return float(brentq(lambda shift: stats.nct.cdf(t, freedom, shift) - probability, t - width, t + width))

    tail = (1 - level) / 2
    step = float(scale) * correction
    return float(t) * step, limit(1 - tail) * step, limit(tail) * step


def odds_ratio(first: Floats, second: Floats, level: float = 0.95) -> tuple[float, float, float, float]:
    """Conditional odds ratio of 1 against 0 in `second` over `first`, exact limits, and Fisher's exact p.

    Returns
    -------
    tuple
        Estimate, lower and upper limit (0 and infinity where a cell is empty), p-value.
    """
    table = [[int((second == 1).sum()), int((second == 0).sum())], [int((first == 1).sum()), int((first == 0).sum())]]
    if min(sum(table[0]), sum(table[1])) == 0:
        return (*UNKNOWN, np.nan)
    p_value = float(stats.fisher_exact(table).pvalue)
    if table[0][0] + table[1][0] == 0 or table[0][1] + table[1][1] == 0:
        return (*UNKNOWN, p_value)
    result = stats.contingency.odds_ratio(table, kind="conditional")
    limits = result.confidence_interval(confidence_level=level)
    return float(result.statistic), float(limits.low), float(limits.high), p_value


def risk_difference(first: Floats, second: Floats, level: float = 0.95) -> Interval:
    """Difference of the shares of 1, `second` minus `first`, with Newcombe's (1998) score limits."""
    if not len(first) or not len(second):
        return UNKNOWN
    shares, limits = [], []
    for group in (first, second):
        interval = stats.binomtest(int(group.sum()), len(group)).proportion_ci(level, method="wilson")
        shares.append(float(group.mean()))
        limits.append((float(interval.low), float(interval.high)))
    difference = shares[1] - shares[0]
    below = np.hypot(shares[1] - limits[1][0], limits[0][1] - shares[0])
    above = np.hypot(limits[1][1] - shares[1], shares[0] - limits[0][0])
    return difference, float(difference - below), float(difference + above)


def permutation_p(groups: Sequence[Floats], permutations: int, rng: np.random.Generator) -> float:
    """Permutation test of equal means of two or more groups.

    The statistic is the sum of squares between groups. All regroupings are enumerated where there are at
    most `permutations`, so that the p-value is exact; otherwise that many are drawn.
    """
    if len(groups) < 2 or min(len(group) for group in groups) < 2:
        return np.nan
    middle = float(np.concatenate(groups).mean())

    def between(*samples: Floats, axis: int = -1) -> Floats:
        return np.asarray(sum((sample - middle).sum(axis=axis) ** 2 / sample.shape[axis] for sample in samples))

    result = stats.permutation_test(
        list(groups), between, n_resamples=permutations, vectorized=True, alternative="greater", rng=rng
    )
    return float(result.pvalue)


def adjusted_p(p_values: Floats) -> Floats:
    """Benjamini-Hochberg q-values; NaN stays NaN and does not count as a test."""
    adjusted = np.full(len(p_values), np.nan)
    tested = ~np.isnan(p_values)
    if tested.any():
        adjusted[tested] = stats.false_discovery_control(p_values[tested])
    return adjusted
