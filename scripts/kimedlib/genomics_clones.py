"""Clones of a tumour by the allele fractions of its mutations: a mixture of binomials, as many as the data ask for."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

MAXIMUM_CLONES = 3
MINIMUM_VARIANTS = 5
ROUNDS = 500
CLOSE = 1e-8


class Clones(NamedTuple):
    """Clusters of allele fractions, the largest fraction first.

    Attributes
    ----------
    fractions, weights
        Allele fraction and share of mutations of each cluster.
    member
        Cluster of each mutation.
    """

    fractions: list[float]
    weights: list[float]
    member: list[int]

    @property
    def purity(self) -> float:
        """Share of tumour cells if the highest cluster is clonal and heterozygous where there are two copies."""
        return min(1.0, 2 * self.fractions[0])


def log_likelihoods(shown: np.ndarray, totals: np.ndarray, fractions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted log likelihood of each mutation in each cluster, shape (mutations, clusters)."""
    tiny = np.finfo(float).tiny
    ways = gammaln(totals + 1) - gammaln(shown + 1) - gammaln(totals - shown + 1)
    inside = xlogy(shown[:, None], fractions) + xlog1py((totals - shown)[:, None], -fractions)
    return np.asarray(np.log(np.maximum(weights, tiny)) + ways[:, None] + inside)


def fitted(shown: np.ndarray, totals: np.ndarray, count: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Mixture of `count` binomials by expectation maximisation from quantiles: log likelihood, fractions, weights."""
    observed = shown / totals
    fractions = np.clip(np.quantile(observed, (np.arange(count) + 0.5) / count), 0.01, 0.99)
    weights = np.full(count, 1 / count)
    previous = -math.inf
    for _ in range(ROUNDS):
        parts = log_likelihoods(shown, totals, fractions, weights)
        likelihood = float(np.logaddexp.reduce(parts, axis=1).sum())
        shares = np.exp(parts - np.logaddexp.reduce(parts, axis=1)[:, None])
        if likelihood - previous < CLOSE:
            break
        previous = likelihood
        weights = shares.mean(axis=0)
        fractions = np.clip((shares * shown[:, None]).sum(axis=0) / (shares * totals[:, None]).sum(axis=0), 1e-3, 0.999)
    return likelihood, fractions, weights


def clones(shown: Sequence[int], totals: Sequence[int]) -> Clones | None:
    """Clusters by the Bayesian information criterion.

    Parameters
    ----------
    shown, totals
        Fragments with the mutation, and all, of each mutation.

    Returns
    -------
    Clones or None
        None with fewer than `MINIMUM_VARIANTS` mutations. Copy numbers are not taken into account.
    """
    if len(shown) < MINIMUM_VARIANTS:
        return None
    ones, alls = np.array(shown), np.array(totals)
    candidates = []
    for count in range(1, MAXIMUM_CLONES + 1):
        likelihood, fractions, weights = fitted(ones, alls, count)
        candidates.append(((2 * count - 1) * math.log(len(ones)) - 2 * likelihood, count, fractions, weights))
    _, _, fractions, weights = min(candidates, key=lambda one: one[:2])
    order = np.argsort(-fractions)
    fractions, weights = fractions[order], weights[order]
    member = log_likelihoods(ones, alls, fractions, weights).argmax(axis=1)
    return Clones([float(one) for one in fractions], [float(one) for one in weights], [int(one) for one in member])
