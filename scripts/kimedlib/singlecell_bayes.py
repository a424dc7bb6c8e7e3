"""Composition by a Bayesian Dirichlet-multinomial regression: counts themselves, not ratios of them, are modelled."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.special import digamma, gammaln, ndtr, polygamma, softmax

from kimedlib.singlecell_design import Design, design_matrix

Matrix = NDArray[np.float64]
# Standard deviations of the normal priors on the natural-log scale: a type's level, what donors or batches differ by,
# and the condition, where 1 means that a change by e is nothing unusual.
LEVEL_SD, TERM_SD, CONDITION_SD = 5.0, 1.0, 1.0
# Concentrations that are tried, and their log-normal prior; 50: a share of 30 % has a standard deviation of 6 points.
CONCENTRATIONS = np.geomspace(3, 3000, 13)
USUAL_CONCENTRATION, CONCENTRATION_SD = 50.0, 1.5
COLUMNS = ["bayes_effect", "bayes_low", "bayes_high", "bayes_probability"]


@dataclass(frozen=True)
class Regression:
    """Counts (units x types), design (units x parameters, the condition last) and prior deviations (parameters,).

    Shares of the types in unit s are softmax(x_s b); `concentration` is the sum of the Dirichlet's weights: how alike
    units of the same design are.
    """

    counts: Matrix
    matrix: Matrix
    deviations: Matrix
    concentration: float

    def shares(self, flat: Matrix) -> Matrix:
        """Of the types, (units x types)."""
        result: Matrix = softmax(self.matrix @ flat.reshape(self.matrix.shape[1], -1), axis=1)
        return np.maximum(result, 1e-12)

    def loss(self, flat: Matrix) -> tuple[float, Matrix]:
        """Negative log posterior (but for a constant) and its gradient."""
        shares, totals = self.shares(flat), self.counts.sum(axis=1)
        weights = self.concentration * shares
        likely = gammaln(self.concentration) - gammaln(self.concentration + totals)
        likely = likely + (gammaln(weights + self.counts) - gammaln(weights)).sum(axis=1)
        pull = weights * (digamma(weights + self.counts) - digamma(weights))
        slope = pull - shares * pull.sum(axis=1, keepdims=True)
        scaled = flat.reshape(self.matrix.shape[1], -1) / self.deviations[:, None]
        gradient = self.matrix.T @ slope - scaled / self.deviations[:, None]
        return float(-likely.sum() + 0.5 * (scaled**2).sum()), -gradient.ravel()

    def curvature(self, flat: Matrix) -> Matrix:
        """Second derivatives of `loss`, (parameters x types) squared."""
        shares = self.shares(flat)
        weights, types = self.concentration * shares, shares.shape[1]
        pull = self.concentration * (digamma(weights + self.counts) - digamma(weights))
        bend = self.concentration**2 * (polygamma(1, weights + self.counts) - polygamma(1, weights))
        result = np.diag(np.repeat(1 / self.deviations**2, types))
        for unit, row in enumerate(self.matrix):
            share = shares[unit]
            apart = pull[unit] - pull[unit] @ share
            jacobian = np.diag(share) - np.outer(share, share)
            block = jacobian @ (bend[unit][:, None] * jacobian) + np.diag(share * apart)
            block -= np.outer(share, share) * (apart[:, None] + apart[None])
            result -= np.kron(np.outer(row, row), block)
        return result


def mixture_quantile(level: float, means: Matrix, errors: Matrix, shares: Matrix) -> float:
    """Of a mixture of normal distributions, by bisection."""
    low, high = float((means - 12 * errors).min()), float((means + 12 * errors).max())
    return float(brentq(lambda value: shares @ ndtr((value - means) / errors) - level, low, high, xtol=1e-9))


def bayesian_effects(
    counts: pd.DataFrame, samples: pd.DataFrame, design: Design, contrast: str, level: float = 0.95
) -> pd.DataFrame:
    """Posterior of the condition's effect on each type against the mean of all types (natural logarithm).

    For each of `CONCENTRATIONS` the posterior is taken for normal around its mode, and the parts are weighed by
    Laplace's approximation of their evidence, as integrated nested Laplace approximations do: no random numbers.

    Parameters
    ----------
    counts
        Cells (units x types).
    samples
        Same index: units of the two conditions; columns patient_id, condition, batch.

    Returns
    -------
    pandas.DataFrame
        Index types; `COLUMNS`: mean, credible interval, and the probability that the effect has the sign of the mean.

    References
    ----------
    Dirichlet-multinomial regression: Chen & Li, Ann Appl Stat 7:418 (2013), doi:10.1214/12-AOAS592; for cell types,
    with another prior, scCODA: Büttner et al., Nat Commun 12:6876 (2021), doi:10.1038/s41467-021-27150-6; the
    approximation: Rue et al., J R Stat Soc B 71:319 (2009), doi:10.1111/j.1467-9868.2008.00700.x.
    """
    matrix, observed = design_matrix(samples, design, contrast), counts.to_numpy(dtype=np.float64)
    deviations = np.array([LEVEL_SD, *[TERM_SD] * (matrix.shape[1] - 2), CONDITION_SD])
    types = counts.shape[1]
    flat = np.zeros(matrix.shape[1] * types)
    flat[:types] = np.log(observed.mean(axis=0) + 0.5)
    flat[:types] -= flat[:types].mean()
    centring = np.eye(types) - 1 / types
    effects, errors, evidence = [], [], []
    for concentration in CONCENTRATIONS:
        model = Regression(observed, matrix, deviations, float(concentration))
        flat = minimize(model.loss, flat, jac=True, method="L-BFGS-B", options={"maxiter": 500, "ftol": 1e-11}).x
        curvature = model.curvature(flat)
        effects.append(centring @ flat[-types:])
        covariance = np.linalg.inv(curvature)[-types:, -types:]
        errors.append(np.sqrt(np.maximum(np.diag(centring @ covariance @ centring), 1e-12)))
        prior = -0.5 * (np.log(concentration / USUAL_CONCENTRATION) / CONCENTRATION_SD) ** 2
        evidence.append(prior - model.loss(flat)[0] - 0.5 * np.linalg.slogdet(curvature)[1])
    shares = softmax(np.array(evidence))
    rows = []
    for means, widths in zip(np.array(effects).T, np.array(errors).T, strict=True):
        low, high = (mixture_quantile(one, means, widths, shares) for one in ((1 - level) / 2, (1 + level) / 2))
        above = float(shares @ ndtr(means / widths))
        rows.append((float(shares @ means), low, high, max(above, 1 - above)))
    return pd.DataFrame(rows, columns=COLUMNS, index=counts.columns)
