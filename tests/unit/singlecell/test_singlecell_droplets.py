"""Droplets: cells are called, empty ones are not; the soup's share comes back and its counts go."""

import numpy as np
import pytest
from scipy import sparse, stats
from singlecell_droplets import contaminated, unfiltered

from kimedlib.singlecell_ambient import allotted, contamination, without_ambient
from kimedlib.singlecell_droplets import (
    Ambient,
    ambient_profile,
    barcode_ranks,
    called_droplets,
    chance,
    likelihoods,
    spread,
)  # fmt: skip


@pytest.fixture(scope="module")
def droplets():
    counts, truth = unfiltered(3)
    return counts, truth, called_droplets(counts, 100, 0.001, 4000, np.random.default_rng(0))


def test_small_cells_are_called_and_large_empty_droplets_are_not(droplets):
    _, truth, (table, _, _) = droplets
    cell = (table["call"] == "cell").to_numpy()
    assert cell[truth == "large"].mean() > 0.98 and cell[truth == "small"].mean() > 0.95
    assert not cell[truth == "empty"].any() and cell[truth == "large empty"].mean() <= 0.01


def test_p_values_of_empty_droplets_are_uniform(droplets):
    _, truth, (table, _, _) = droplets
    null = table.loc[truth == "large empty", "p_value"].dropna()
    assert len(null) > 90 and stats.kstest(null, "uniform").pvalue > 0.01


def test_null_rate_is_the_level_and_tells_of_cells_among_the_ambient_barcodes(droplets):
    counts, truth, (table, _, _) = droplets
    assert 0.02 < table["null_rate"].iloc[0] < 0.09
    totals = np.asarray(counts.sum(axis=1)).ravel()
    above_small = int(totals[truth == "small"].max())
    spoilt, _, _ = called_droplets(counts, above_small, 0.001, 500, np.random.default_rng(0))
    assert spoilt["null_rate"].iloc[0] > 0.12


def test_profile_and_spread_are_those_planted(droplets):
    counts, truth, (_, ambient, _) = droplets
    soup = np.asarray(counts[truth == "empty"].sum(axis=0)).ravel()
    assert ambient.shares.min() > 0 and ambient.shares.sum() == pytest.approx(1)
    assert np.corrcoef(ambient.shares, soup)[0, 1] > 0.9999
    assert 2000 < spread(counts[truth == "large empty"], ambient.shares) < 12_500  # 5,000


def test_likelihood_is_the_dirichlet_multinomials():
    random = np.random.default_rng(1)
    counts, shares = random.integers(0, 5, (6, 8)), random.dirichlet(np.ones(8))
    expected = [stats.dirichlet_multinomial.logpmf(row, 40 * shares, row.sum()) for row in counts]
    assert likelihoods(sparse.csr_matrix(counts), shares, 40.0) == pytest.approx(expected)


def test_simulated_droplets_follow_the_same_law():
    """Chance of a two-gene droplet, summed by hand over all droplets of its size that are as unlikely."""
    shares, alpha, size = np.array([0.9, 0.1]), 5.0, 12
    every = np.array([[size - second, second] for second in range(size + 1)])
    logs = stats.dirichlet_multinomial.logpmf(every, alpha * shares, size)
    exact = [np.exp(logs[logs <= one + 1e-9]).sum() for one in logs]
    found = chance(sparse.csr_matrix(every), Ambient(shares, 1), alpha, 40_000, np.random.default_rng(2))
    assert found == pytest.approx(exact, abs=0.01)


def test_unseen_genes_share_the_mass_of_those_seen_once():
    counts = sparse.csr_matrix(np.array([[6, 1, 1, 0, 0], [0, 1, 1, 0, 0], [900, 0, 0, 50, 50]]))
    shares = ambient_profile(counts, np.array([8, 2, 1000]), 100).shares
    assert shares[0] > shares[1] > shares[3] == shares[4] > 0


def test_knee_lies_on_the_edge_of_the_plateau():
    totals = np.concatenate([np.full(500, 5000) + np.arange(500), np.geomspace(4000, 60, 300), np.full(20_000, 40)])
    ranks = barcode_ranks(totals.astype(int), 30)
    assert 3000 < ranks.knee < 5100 and ranks.inflection < ranks.knee and ranks.retained <= ranks.knee
    assert barcode_ranks(np.array([1, 2, 3]), 100) is None


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1, 0.2])
def test_planted_contamination_comes_back(share):
    """Seeds that were not looked at while the rule was written."""
    for seed in (41, 42):
        counts, _, types, soup = contaminated(seed, share)
        found, (low, high), pairs = contamination(counts, types, soup)
        assert found == pytest.approx(share, rel=0.15) and low <= share <= high and pairs >= 8


def test_foreign_markers_go_and_own_counts_stay():
    counts, own, types, soup = contaminated(43, 0.1)
    after = without_ambient(counts, types, soup, 0.1, np.random.default_rng(0)).toarray()
    assert (after == np.floor(after)).all() and (after >= 0).all() and (after <= counts.toarray()).all()
    before = counts.toarray()
    never = np.array([own[types == kind].sum(axis=0) == 0 for kind in range(5)])[types]
    assert after[never].sum() < 0.1 * before[never].sum()
    assert np.abs(after - own).sum() < 0.85 * np.abs(before - own).sum()
    assert (before.sum() - after.sum()) / before.sum() == pytest.approx(0.1, abs=0.002)


def test_without_markers_nothing_is_claimed():
    random = np.random.default_rng(0)
    alike = sparse.csr_matrix(random.poisson(5, (100, 40)))
    share, _, pairs = contamination(alike, np.repeat([0, 1], 50), np.full(40, 1 / 40))
    assert np.isnan(share) and pairs == 0


def test_allotment_fills_in_proportion_and_never_beyond_the_limit():
    """Against bisection for the common level of the members that are not full."""
    random = np.random.default_rng(0)
    groups, limits = np.sort(random.integers(0, 3, 30)), random.integers(0, 6, 30).astype(float)
    weights = random.random(30) + 0.01
    amounts = np.array([0.7, 0.4, 1.0]) * np.bincount(groups, limits)
    found = allotted(amounts, limits, weights, groups)
    for group, amount in enumerate(amounts):
        inside = groups == group
        low, high = 0.0, 1e6
        for _ in range(200):
            middle = (low + high) / 2
            enough = np.minimum(limits[inside], middle * weights[inside]).sum() >= amount
            low, high = (low, middle) if enough else (middle, high)
        assert found[inside] == pytest.approx(np.minimum(limits[inside], high * weights[inside]), abs=1e-6)
