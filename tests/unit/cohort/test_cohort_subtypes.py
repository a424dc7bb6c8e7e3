"""Discovery of subtypes: what it finds, what it must not find, what missing values do."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from kimedlib.cohort_subtypes import (
    aligned,
    balanced_weights,
    cluster_count,
    component_test,
    consensus,
    consensus_labels,
    ordered_labels,
    principal_coordinates,
    scale_features,
    separation,
    shared_distances,
)

BLOCKS = ["one"] * 3 + ["two"] * 4


def noise(seed: int, patients: int = 16) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(patients, len(BLOCKS)))


def test_scaling_centres_strata_and_bounds_outliers():
    values = np.array([[1.0, 5], [2, 5], [3, 5], [11, 5], [12, 5], [13, np.nan]])
    scaled = scale_features(values, ["a"] * 3 + ["b"] * 3)
    assert scaled[:3, 0].mean() == pytest.approx(0, abs=1e-12) == pytest.approx(scaled[3:, 0].mean(), abs=1e-12)
    assert scaled[:, 0].std(ddof=1) == pytest.approx(1)
    assert (scaled[:5, 1] == 0).all() and np.isnan(scaled[5, 1])
    wild = np.append(np.random.default_rng(0).normal(size=30), 1e6)[:, None]
    assert np.abs(scale_features(wild, ["a"] * 31)).max() < 4
    assert np.isnan(scale_features(np.full((4, 1), np.nan), ["a"] * 4)).all()


def test_every_modality_weighs_the_same():
    weights = balanced_weights(BLOCKS)
    assert weights[:3].sum() == pytest.approx(0.5) == pytest.approx(weights[3:].sum())


def test_distances_are_weighted_euclidean_where_nothing_is_missing():
    values, weights = noise(1), balanced_weights(BLOCKS)
    expected = (((values[:, None] - values[None]) ** 2) * weights).sum(axis=2)
    assert shared_distances(values, weights) == pytest.approx(expected)


def test_distances_use_shared_features_only():
    values = np.array([[0.0, 0, 9], [1, np.nan, 9], [np.nan, 2, 9]])[:, :2]
    distances = shared_distances(values, np.array([0.5, 0.5]))
    assert distances[0, 1] == pytest.approx(1) and distances[0, 2] == pytest.approx(4)
    assert distances[1, 2] == pytest.approx(2.5)  # nothing shared: the mean of the others
    assert (np.diag(distances) == 0).all()


def test_coordinates_give_back_distances():
    points = np.random.default_rng(2).normal(size=(9, 2))
    squared = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    coordinates, shares = principal_coordinates(squared, 2)
    assert ((coordinates[:, None] - coordinates[None]) ** 2).sum(axis=2) == pytest.approx(squared)
    assert shares.sum() == pytest.approx(1)


def test_number_of_clusters_is_one_more_than_leading_real_axes():
    assert cluster_count([], 0.05, 0.01) == 1
    assert cluster_count([0.2, 0.001], 0.05, 0.01) == 1
    assert cluster_count([0.04, 0.04, 0.001], 0.05, 0.01) == 2
    assert cluster_count([0.001, 0.01, 0.01], 0.05, 0.01) == 4


def p_value(values: np.ndarray, strata: list[str] | None = None, seed: int = 0) -> float:
    groups = strata or ["all"] * len(values)
    rng = np.random.default_rng(seed)
    return float(
        component_test(values, BLOCKS, groups, components=1, permutations=99, alpha=0.05, further_alpha=0.01, rng=rng)[
            2
        ][0]
    )


def test_p_values_are_uniform_without_shared_structure():
    p_values = np.array([p_value(noise(seed)) for seed in range(120)])
    # binomial(120, 0.05): more than 13 happens once in 1000 times
    assert (p_values <= 0.05).sum() <= 13
    assert 0.4 < p_values.mean() < 0.6


def test_clusters_within_one_modality_are_no_subtype():
    p_values = []
    for seed in range(40):
        values = noise(seed)
        values[::2, :3] += 6
        p_values.append(p_value(values))
    assert np.mean(np.array(p_values) <= 0.05) <= 0.2


def test_a_known_group_is_not_found_again():
    arms = ["treated", "untreated"] * 8
    values = noise(3)
    values[::2] += 4
    assert p_value(scale_features(values, ["all"] * 16)) <= 0.02
    assert p_value(scale_features(values, arms), arms) > 0.05


def test_groups_that_modalities_share_are_found_despite_gaps():
    truth = np.repeat([0, 1], 8)
    values = noise(4) + 2.5 * truth[:, None]
    values[0, :3] = np.nan
    values[9, 3:] = np.nan
    scaled = scale_features(values, ["all"] * 16)
    assert p_value(scaled) <= 0.02
    agreement = consensus(scaled, BLOCKS, 2, resamples=60, share=0.8, rng=np.random.default_rng(0))
    labels, confidence = consensus_labels(agreement, 2)
    assert adjusted_rand_score(truth, labels) == 1
    assert agreement == pytest.approx(agreement.T) and (agreement >= 0).all() and (agreement <= 1).all()
    assert (confidence > 0.6).all()


def test_three_groups_are_found_as_three():
    truth = np.repeat([0, 1, 2], 12)
    rng = np.random.default_rng(5)
    centres = rng.normal(size=(3, len(BLOCKS))) * 0.3
    centres[0] += [3, 0, 0, 3, 0, 0, 0]
    centres[1] += [0, 3, 0, 0, 3, 3, 0]
    scaled = scale_features(rng.normal(size=(36, len(BLOCKS))) * 0.6 + centres[truth], ["all"] * 36)
    p_values = component_test(
        scaled, BLOCKS, ["all"] * 36, components=3, permutations=199, alpha=0.05, further_alpha=0.01, rng=rng
    )[2]
    assert cluster_count(p_values.tolist(), 0.05, 0.01) == 3
    labels, _ = consensus_labels(consensus(scaled, BLOCKS, 3, resamples=60, share=0.8, rng=rng), 3)
    assert adjusted_rand_score(truth, labels) > 0.85


def test_names_of_clusters_do_not_depend_on_chance():
    assert ordered_labels([7, 7, 2, 2, 2]).tolist() == [2, 2, 1, 1, 1]
    assert ordered_labels([4, 9, 4, 9]).tolist() == [1, 2, 1, 2]
    assert aligned(np.array([2, 2, 1]), np.array([1, 1, 2])).tolist() == [1, 1, 2]


def test_separation_is_eta_squared():
    values = np.array([[0.0, 1, 5], [0, 2, 5], [2, 1, np.nan], [2, 2, 5]])
    shares = separation(values, np.array([1, 1, 2, 2]))
    assert shares[:2] == pytest.approx([1, 0]) and np.isnan(shares[2])
