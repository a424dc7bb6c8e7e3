"""Effect sizes and tests against published values, scipy and simulation."""

import numpy as np
import pytest
from scipy import stats

from kimedlib.statistics_effects import adjusted_p, hedges_g, odds_ratio, permutation_p, risk_difference


def test_hedges_g_is_the_corrected_difference():
    first, second = np.array([1.0, 2, 3, 4, 5]), np.array([3.0, 4, 5, 6, 7])
    estimate, low, high = hedges_g(first, second)
    # d = 2 / sqrt(2.5); Hedges' usual approximation of the correction is 1 - 3 / (4 df - 1)
    assert estimate == pytest.approx(2 / np.sqrt(2.5) * (1 - 3 / (4 * 8 - 1)), rel=2e-3)
    assert low < estimate < high


def test_hedges_g_limits_give_back_the_observed_t():
    rng = np.random.default_rng(1)
    first, second = rng.normal(0, 1, 7), rng.normal(1, 1, 9)
    estimate, low, high = hedges_g(first, second)
    t = stats.ttest_ind(second, first).statistic
    scale = estimate / t
    for limit, tail in ((low, 0.975), (high, 0.025)):
        assert stats.nct.cdf(t, 14, limit / scale) == pytest.approx(tail, abs=1e-6)


def test_hedges_g_interval_covers_the_truth():
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(120):
        _, low, high = hedges_g(rng.normal(0, 1, 6), rng.normal(1.5, 1, 6))
        covered += low <= 1.5 <= high
    assert 0.89 <= covered / 120 <= 0.99


def test_hedges_g_is_unknown_without_variation():
    assert np.isnan(hedges_g(np.ones(3), np.ones(3))).all()
    assert np.isnan(hedges_g(np.ones(1), np.arange(3.0))).all()


def test_extreme_separation_has_finite_limits():
    estimate, low, high = hedges_g(np.array([0.0, 0.01, 0.02, 0.0]), np.array([10.0, 10.01, 10.0, 10.02]))
    assert 0 < low < estimate < high < np.inf


def test_odds_ratio_of_the_lady_tasting_tea():
    # Fisher's example as in R's fisher.test help: 3 of 4 right; estimate 6.408309, limits 0.3135693 and 309.4238
    truth, guess = np.array([0.0, 0, 0, 1]), np.array([1.0, 1, 1, 0])
    estimate, low, high, p_value = odds_ratio(truth, guess)
    assert estimate == pytest.approx(6.408309, rel=1e-3)
    assert p_value == pytest.approx(0.4857, abs=1e-4)
    assert low < 1 < high
    one_sided = stats.contingency.odds_ratio([[3, 1], [1, 3]]).confidence_interval(0.95, alternative="greater").low
    assert one_sided == pytest.approx(0.3135693, rel=1e-3)


def test_odds_ratio_with_an_empty_cell_is_bounded_on_one_side():
    estimate, low, high, p_value = odds_ratio(np.array([1.0] * 5 + [0]), np.zeros(6))
    assert estimate == 0 and low == 0 and 0 < high < 1
    assert p_value == pytest.approx(stats.fisher_exact([[0, 6], [5, 1]]).pvalue)


def test_odds_ratio_of_an_empty_group_or_a_constant_is_unknown():
    assert np.isnan(odds_ratio(np.array([]), np.ones(3))).all()
    assert np.isnan(odds_ratio(np.ones(3), np.ones(3))[:3]).all()


def test_risk_difference_is_newcombes():
    # Newcombe (1998), method 10, 56/70 against 48/80: 0.2000, 0.0524 to 0.3339
    first, second = np.repeat([1.0, 0.0], [48, 32]), np.repeat([1.0, 0.0], [56, 14])
    assert risk_difference(first, second) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


def test_permutation_p_is_exact_for_small_groups():
    rng = np.random.default_rng(0)
    # complete separation of 4 and 4: two of 70 regroupings are as extreme
    assert permutation_p([np.arange(4.0), np.arange(4.0) + 10], 9999, rng) == pytest.approx(2 / 70)
    assert permutation_p([np.array([1.0, 2, 3]), np.array([1.0, 2, 3])], 9999, rng) == 1


def test_permutation_p_of_drawn_permutations_holds_its_level():
    rng = np.random.default_rng(3)
    p_values = [
        permutation_p([rng.normal(size=8), rng.normal(size=8), rng.normal(size=8)], 199, rng) for _ in range(200)
    ]
    assert 0.01 <= np.mean(np.array(p_values) <= 0.05) <= 0.1


def test_permutation_p_needs_two_per_group():
    assert np.isnan(permutation_p([np.array([1.0]), np.arange(4.0)], 999, np.random.default_rng(0)))


def test_adjusted_p_is_benjamini_and_hochbergs_and_keeps_gaps():
    adjusted = adjusted_p(np.array([0.01, np.nan, 0.04, 0.03]))
    assert adjusted[[0, 2, 3]] == pytest.approx([0.03, 0.04, 0.04])
    assert np.isnan(adjusted[1])
    assert np.isnan(adjusted_p(np.array([np.nan]))).all()
