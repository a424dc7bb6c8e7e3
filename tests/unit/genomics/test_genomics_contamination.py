"""Shares of foreign reads on simulated genotypes and reads with planted shares, errors and imbalances."""

import numpy as np
import pytest

from kimedlib.genomics_contamination import (
    Contamination,
    against_heterozygous,
    certain_prior,
    contamination,
    error_rates,
    genotype_prior,
    site_errors,
)

SITES = 400


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.fixture
def frequencies(rng):
    return rng.uniform(0.05, 0.6, SITES)


def person(rng, frequencies):
    return (rng.random((2, len(frequencies))) < frequencies).sum(axis=0)


def reads(rng, one, two, share, depth=40, error=0.0001):
    """Fragments of a mixture of two people, shape (sites, 2)."""
    total = rng.poisson(depth, len(one))
    expected = (1 - share) * one / 2 + share * two / 2
    other = rng.binomial(total, expected * (1 - error) + (1 - expected) * error)
    return np.stack([total - other, other], axis=1)


@pytest.mark.parametrize("planted", [0.0, 0.005, 0.02, 0.05, 0.2])
@pytest.mark.parametrize("known", [False, True])
def test_planted_shares_are_measured(rng, frequencies, planted, known):
    one, two = person(rng, frequencies), person(rng, frequencies)
    prior = genotype_prior(frequencies)
    found = contamination(reads(rng, one, two, planted), prior, certain_prior(two) if known else prior)
    assert found.share == pytest.approx(planted, abs=0.002 + 0.15 * planted)
    assert found.low <= planted <= found.high or planted > 0.1  # large ones are told too low
    assert found.certain(1) == (planted > 0)


def test_intervals_hold_the_planted_share(rng, frequencies):
    prior, share = genotype_prior(frequencies[:60]), 0.02
    within = 0
    for _ in range(60):
        one, two = person(rng, frequencies[:60]), person(rng, frequencies[:60])
        found = contamination(reads(rng, one, two, share), prior, certain_prior(two))
        within += found.low <= share <= found.high
    assert within >= 52  # of 60; 57 expected, less than 52 in 1 of 100


@pytest.mark.parametrize(("sites", "least"), [(53, 0.85), (106, 0.95)])
def test_what_two_percent_need(rng, sites, least):
    """Sites x fragments of 1,600 find 95 of 100 (workflows/genomics/README.md), here with the frequencies alone."""
    found = 0
    for _ in range(40):
        frequencies = rng.uniform(0.05, 0.6, sites)
        one, two = person(rng, frequencies), person(rng, frequencies)
        prior = genotype_prior(frequencies)
        found += contamination(reads(rng, one, two, 0.02, depth=30), prior, prior).certain(12)
    assert found >= least * 40


def test_clean_samples_are_clean(rng, frequencies):
    prior, alarms = genotype_prior(frequencies[:60]), 0
    for _ in range(100):
        one, two = person(rng, frequencies[:60]), person(rng, frequencies[:60])
        alarms += contamination(reads(rng, one, one, 0.0), prior, certain_prior(two)).certain(1)
    assert alarms <= 2


def test_more_reads_of_one_allele_are_no_foreign_ones(rng, frequencies):
    one = person(rng, frequencies)
    total = rng.poisson(40, SITES)
    other = rng.binomial(total, np.where(one == 1, 0.4, one / 2))  # as where reads with other bases are lost
    found = contamination(np.stack([total - other, other], axis=1), genotype_prior(frequencies), certain_prior(one))
    assert found.share == 0
    assert found.sites < (one != 1).sum() + 5


def test_damaged_bases_are_no_foreign_ones(rng, frequencies):
    """0.3 % of C read as T, in a sample whose other errors are rare."""
    one, two = person(rng, frequencies), person(rng, frequencies)
    counts = reads(rng, one, one, 0.0, error=0.003)
    seen = np.diag([500_000.0] * 4)
    seen[1, 3] = seen[3, 1] = 1500
    errors = site_errors(error_rates(seen), [("C", "T")] * SITES)
    prior = genotype_prior(frequencies)
    assert contamination(counts, prior, certain_prior(two)).certain(1)
    assert not contamination(counts, prior, certain_prior(two), errors).certain(1)


def test_errors_of_few_bases_stay_near_what_is_usual():
    assert error_rates(np.zeros((4, 4)))[0, 1] == pytest.approx(0.0005 / 3)
    seen = np.diag([2e6] * 4)
    seen[0, 2] = 2000
    rates = error_rates(seen)
    assert rates[0, 2] == pytest.approx(0.001, rel=0.02)
    assert rates[2, 0] < 5e-6
    assert site_errors(rates, [("A", "G"), ("G", "A")]).tolist() == [
        [rates[0, 2], rates[2, 0]],
        [rates[2, 0], rates[0, 2]],
    ]


def test_copies_of_x_change_the_share_that_is_seen(rng, frequencies):
    """A man's reads in a woman's sample are half as many on X."""
    one, two = person(rng, frequencies), person(rng, frequencies)
    share = 0.1
    theirs = share * 0.5 / (1 - share + share * 0.5)
    counts, prior = reads(rng, one, two, theirs), genotype_prior(frequencies)
    known = certain_prior(two)
    assert contamination(counts, prior, known, copies=0.5).share == pytest.approx(share, rel=0.15)
    assert contamination(counts, prior, known).share == pytest.approx(theirs, rel=0.15)


def test_many_explanations_need_more():
    found = Contamination(share=0.01, low=0.001, high=0.02, log_odds=4.0, sites=50)
    assert found.certain(1) and found.certain(3) and not found.certain(12)


def test_too_few_sites_say_nothing():
    one = np.array([0, 1, 2])
    assert contamination(np.full((3, 2), 20), certain_prior(one), certain_prior(one)) is None
    assert against_heterozygous(np.array([[20, 20], [0, 20], [0, 0]])) == pytest.approx([0, 20 * np.log(2), 0])
