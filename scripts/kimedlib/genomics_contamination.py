"""Reads of somebody else in a sample: share, interval and source, from alleles at polymorphic sites.

The likelihood is that of verifyBamID (Jun et al. 2012, doi:10.1016/j.ajhg.2012.09.004), with two changes. Errors are
those that each sample shows where nobody varies, by kind of substitution: damaged bases (C>T of old or fixed tissue)
look like foreign reads at sites of the same kind. Sites that may be heterozygous are left out: small shares hardly
change them, and that fewer reads of one allele are aligned does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

MINIMUM_DEPTH = 8
MINIMUM_TELLING = 8  # sites for a share of foreign reads
ERROR = 0.0005 / 3  # bases of quality 30 and more that show a certain other base, before a sample's own are counted
ERROR_WEIGHT = 20_000  # bases that this is worth
NOT_HETEROZYGOUS = np.log(1000)  # log odds of the reads' own share over one half from which a site is used
UNLIKE_ERRORS = 0.1  # share of reads from which a difference is none
SHARES = np.concatenate([[0.0], np.geomspace(0.0005, 0.5, 100)])
LEVEL = 0.01  # of the test against no foreign reads; real false alarms are rarer (docs/benchmarks.md)
INTERVAL = 3.841 / 2  # half the 95 % quantile of chi-square with one degree of freedom: profile likelihood
BASES = "ACGT"


@dataclass(frozen=True)
class Contamination:
    """Share of foreign reads.

    Attributes
    ----------
    share
        Most likely share, 0-0.5.
    low, high
        95 % interval.
    log_odds
        Natural log likelihood of that share over none.
    sites
        Sites that were used.
    """

    share: float
    low: float
    high: float
    log_odds: float
    sites: int

    def certain(self, tried: int) -> bool:
        """Whether the share differs from none, as the best of `tried` explanations (likelihood ratio test, Bonferroni).

        The share lies at the edge of what it can be, so half of the chi-square's mass counts (Self and Liang 1987,
        doi:10.1080/01621459.1987.10478472).
        """
        return self.log_odds > NormalDist().inv_cdf(1 - LEVEL / tried) ** 2 / 2


def genotype_prior(frequencies: np.ndarray) -> np.ndarray:
    """Hardy-Weinberg probabilities of 0, 1, 2 other alleles, shape (sites, 3)."""
    return np.stack([(1 - frequencies) ** 2, 2 * frequencies * (1 - frequencies), frequencies**2], axis=1)


def certain_prior(genotype: np.ndarray) -> np.ndarray:
    """Probabilities of 0, 1, 2 other alleles where a genotype is known, shape (sites, 3)."""
    return np.stack([np.where(genotype == dose, 0.999, 0.0005) for dose in range(3)], axis=1)


def error_rates(seen: np.ndarray) -> np.ndarray:
    """How often a base is read as another, shape (4, 4), from reads by true and read base (same shape)."""
    totals = seen.sum(axis=1, keepdims=True)
    rates: np.ndarray = (seen + ERROR * ERROR_WEIGHT) / (totals + ERROR_WEIGHT)
    return rates


def site_errors(rates: np.ndarray, alleles: Sequence[tuple[str, str]]) -> np.ndarray:
    """Rates at which the reference base of each site is read as the other, and back; shape (sites, 2)."""
    pairs = [(BASES.index(reference), BASES.index(other)) for reference, other in alleles]
    return np.array([(rates[one, two], rates[two, one]) for one, two in pairs]).reshape(len(pairs), 2)


def against_heterozygous(counts: np.ndarray) -> np.ndarray:
    """Log likelihood of the share of alleles that the reads show over that of one half, shape (sites,)."""
    depth = np.maximum(1, counts.sum(axis=1, keepdims=True))
    share = counts / depth
    odds: np.ndarray = (counts * np.log(np.maximum(2 * share, 1e-9))).sum(axis=1)
    return odds


def contamination(
    counts: np.ndarray,
    own: np.ndarray,
    foreign: np.ndarray,
    errors: np.ndarray | None = None,
    copies: np.ndarray | float = 1.0,
) -> Contamination | None:
    """Share of reads of somebody else.

    Parameters
    ----------
    counts
        Fragments per allele, shape (sites, 2).
    own, foreign
        Probabilities of 0, 1, 2 other alleles in the sample and in the contaminating person, shape (sites, 3).
    errors
        Of `site_errors`; `ERROR` everywhere if not given.
    copies
        Copies of the site in the foreign genome over those in the own: other than 1 on X only; shape (sites,).

    Returns
    -------
    Contamination or None
        None if fewer than `MINIMUM_TELLING` sites have enough reads and are not heterozygous.
    """
    usable = (counts.sum(axis=1) >= MINIMUM_DEPTH) & (against_heterozygous(counts) > NOT_HETEROZYGOUS)
    if int(usable.sum()) < MINIMUM_TELLING:
        return None
    errors = np.full((len(counts), 2), ERROR) if errors is None else errors
    copies = np.broadcast_to(np.asarray(copies, dtype=float), len(counts))[usable]
    counts, own, foreign, errors = counts[usable], own[usable], foreign[usable], errors[usable]
    doses = np.array([0.0, 0.5, 1.0])
    prior = np.log(np.maximum(own[:, :, None] * foreign[:, None, :], 1e-12)).reshape(len(counts), 9)
    logs = np.zeros(len(SHARES))
    for number, share in enumerate(SHARES):
        theirs = (share * copies / (1 - share + share * copies))[:, None, None]
        expected = ((1 - theirs) * doses[None, :, None] + theirs * doses[None, None, :]).reshape(len(counts), 9)
        shown = expected * (1 - errors[:, 1:]) + (1 - expected) * errors[:, :1]
        terms = prior + counts[:, 1:] * np.log(shown) + counts[:, :1] * np.log1p(-shown)
        logs[number] = np.logaddexp.reduce(terms, axis=1).sum()
    best = int(logs.argmax())
    within = SHARES[logs >= logs[best] - INTERVAL]
    low, high = float(within[0]), float(within[-1])
    return Contamination(float(SHARES[best]), low, high, float(logs[best] - logs[0]), len(counts))
