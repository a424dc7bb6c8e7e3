"""Negative binomial models of small counts for many measurements at once, tested as edgeR does."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from kimedlib.singlecell_embedding import Matrix

ROUNDS, HALVINGS, TOLERANCE = 60, 12, 1e-12
# Counts of an absent measurement tend to minus infinity; farther off than this nothing changes any more.
FARTHEST = 30.0
DISPERSIONS = (1e-6, 10.0)


@dataclass(frozen=True)
class Fit:
    """Coefficients (measurements x parameters), expected counts (measurements x units), deviance (measurements,)."""

    coefficients: Matrix
    expected: Matrix
    deviance: Matrix


def deviance(counts: Matrix, expected: Matrix, dispersion: float) -> Matrix:
    """Deviance of the negative binomial with variance m + dispersion * m^2 (measurements,)."""
    first = special.xlogy(counts, counts / expected)
    second = (counts + 1 / dispersion) * np.log((1 + dispersion * counts) / (1 + dispersion * expected))
    total: Matrix = 2 * np.maximum(first - second, 0).sum(axis=1)
    return total


def fitted(counts: Matrix, matrix: Matrix, offset: Matrix, dispersion: float) -> Fit:
    """Log-linear model of each measurement by Fisher scoring; steps that raise the deviance are halved.

    Parameters
    ----------
    counts
        Measurements x units.
    matrix
        Units x parameters, of full rank.
    offset
        Log of each unit's total (units,).
    """
    begin = np.log(counts + 0.5) - offset
    coefficients = begin @ np.linalg.pinv(matrix).T
    limit = offset + np.array([[-FARTHEST], [FARTHEST]])

    def expectation(place: Matrix) -> Matrix:
        result: Matrix = np.exp(np.clip(place @ matrix.T + offset, *limit))
        return result

    expected = expectation(coefficients)
    best = deviance(counts, expected, dispersion)
    ridge = 1e-10 * np.eye(matrix.shape[1])
    products = np.einsum("up,uq->upq", matrix, matrix).reshape(len(matrix), -1)
    open_rows = np.arange(len(counts))
    for _ in range(ROUNDS):
        mean, seen = expected[open_rows], counts[open_rows]
        variance = 1 + dispersion * mean
        information = ((mean / variance) @ products).reshape(len(seen), *ridge.shape) + ridge
        score = ((seen - mean) / variance) @ matrix
        step = np.clip(np.linalg.solve(information, score[..., None])[..., 0], -5, 5)
        gain = (score * step).sum(axis=1) > TOLERANCE * (1 + best[open_rows])
        rows, step = open_rows[gain], step[gain]
        open_rows = rows
        for _ in range(HALVINGS):
            trial = expectation(coefficients[rows] + step)
            new = deviance(counts[rows], trial, dispersion)
            better = new < best[rows]
            done = rows[better]
            coefficients[done] += step[better]
            expected[done], best[done] = trial[better], new[better]
            rows, step = rows[~better], step[~better] / 2
            if not len(rows):
                break
        open_rows = np.setdiff1d(open_rows, rows)
        if not len(open_rows):
            break
    return Fit(coefficients, expected, best)


def freedom(counts: Matrix, expected: Matrix, matrix: Matrix) -> NDArray[np.int64]:
    """Residual degrees of freedom; units without cells that none are expected of give none (edgeR's rule)."""
    result = np.full(len(counts), matrix.shape[0] - matrix.shape[1], dtype=np.int64)
    absent = (counts < 1e-4) & (expected < 1e-4)
    for row in np.flatnonzero(absent.any(axis=1)):
        kept = matrix[~absent[row]]
        result[row] = len(kept) - np.linalg.matrix_rank(kept) if len(kept) else 0
    return result


def common_dispersion(counts: Matrix, matrix: Matrix, offset: Matrix) -> float:
    """Dispersion with which all measurements together are as far from their expectation as the model says.

    Pearson's statistic equals the degrees of freedom (method of moments), bisected on the log scale.
    """
    low, high = np.log(DISPERSIONS)
    for _ in range(24):
        middle = float(np.exp((low + high) / 2))
        fit = fitted(counts, matrix, offset, middle)
        pearson = ((counts - fit.expected) ** 2 / (fit.expected + middle * fit.expected**2)).sum()
        if pearson > freedom(counts, fit.expected, matrix).sum():
            low = np.log(middle)
        else:
            high = np.log(middle)
    return float(np.round(np.exp((low + high) / 2), 6))


def squeezed(variances: Matrix, degrees: NDArray[np.int64]) -> tuple[Matrix, float]:
    """Variances drawn towards their common value, and the degrees of freedom of that (limma's `squeezeVar`).

    References
    ----------
    Smyth, Stat Appl Genet Mol Biol 3:3 (2004), doi:10.2202/1544-6115.1027.
    """
    usable = degrees > 0
    if usable.sum() < 2:
        return variances, 0.0
    part, half = variances[usable], degrees[usable] / 2
    logs = np.log(np.maximum(part, 1e-5 * np.median(part) if np.median(part) > 0 else 1e-5))
    centred = logs - special.digamma(half) + np.log(half)
    spread = centred.var(ddof=1) - special.polygamma(1, half).mean()
    if spread <= 0:
        return np.full(len(variances), np.exp(centred.mean())), float("inf")
    guess = 0.5 + 1 / spread
    for _ in range(50):
        slope = special.polygamma(1, guess)
        change = slope * (1 - slope / spread) / special.polygamma(2, guess)
        guess += change
        if -change / guess < 1e-8:
            break
    prior = 2 * float(guess)
    centre = np.exp(centred.mean() + special.digamma(prior / 2) - np.log(prior / 2))
    return (degrees * np.where(usable, variances, 0) + prior * centre) / (degrees + prior), prior


def quasi_likelihood_test(
    counts: Matrix, matrix: Matrix, offset: Matrix, dispersion: float
) -> tuple[Matrix, Matrix, Matrix]:
    """log2 fold change of the last parameter, F statistic and p-value of each measurement.

    References
    ----------
    Lund et al., Stat Appl Genet Mol Biol 11:8 (2012), doi:10.1515/1544-6115.1826; edgeR's `glmQLFTest`.
    """
    full, reduced = (fitted(counts, part, offset, dispersion) for part in (matrix, matrix[:, :-1]))
    degrees = freedom(counts, full.expected, matrix)
    variance, prior = squeezed(full.deviance / np.maximum(degrees, 1), degrees)
    statistic = np.maximum(reduced.deviance - full.deviance, 0) / np.maximum(variance, 1e-12)
    total = np.minimum(degrees + prior, degrees.sum())
    p_values = stats.f.sf(statistic, 1, np.maximum(total, 1))
    return full.coefficients[:, -1] / np.log(2), statistic, np.where(total > 0, p_values, np.nan)
