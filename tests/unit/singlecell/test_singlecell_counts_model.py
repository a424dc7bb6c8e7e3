"""Quasi-likelihood tests equal edgeR's; the spatial FDR and neighbourhoods do what Milo's do."""

import numpy as np
import pytest

from kimedlib.singlecell_abundance import neighbourhoods, spatial_fdr
from kimedlib.singlecell_counts_model import common_dispersion, quasi_likelihood_test

COUNTS = np.array(
    [
        [12, 3, 8, 1, 9, 2], [0, 5, 1, 7, 0, 9], [4, 4, 6, 5, 3, 7], [0, 0, 2, 8, 3, 9],
        [20, 15, 18, 22, 25, 14], [2, 9, 1, 12, 3, 11], [7, 6, 9, 4, 8, 5], [1, 0, 2, 0, 1, 1],
    ], dtype=float,
)  # fmt: skip
OFFSET = np.log([150.0, 180, 120, 210, 160, 140])
CONDITION, DONOR = np.array([0, 1, 0, 1, 0, 1.0]), np.array([0, 0, 1, 1, 2, 2])
# R, edgeR 3.40.2: glmQLFit(counts, design, offset=..., dispersion=0.1, abundance.trend=FALSE), then
# glmQLFTest(fit, coef=ncol(design), poisson.bound=FALSE)$table$PValue. The fourth row's first donor has no cells.
EDGER = {
    "independent": [0.000641902, 0.00284856, 0.993497, 0.244731, 0.0379982, 0.00112149, 0.0373198, 0.0988235],
    "paired": [0.00187416, 0.00582944, 0.993254, 0.0343087, 0.0529681, 0.00185507, 0.0703147, 0.134622],
}


@pytest.mark.parametrize("name", sorted(EDGER))
def test_p_values_are_those_of_edger(name):
    donors = [DONOR == 1, DONOR == 2] if name == "paired" else []
    matrix = np.column_stack([np.ones(6), *donors, CONDITION]).astype(float)
    change, _, p_values = quasi_likelihood_test(COUNTS, matrix, OFFSET, 0.1)
    assert p_values == pytest.approx(EDGER[name], rel=1e-5)
    assert change[0] < 0 < change[1]


def test_dispersion_is_the_planted_one():
    random = np.random.default_rng(1)
    mean = random.gamma(3, 5, (400, 1)) * np.ones((1, 10))
    counts = random.poisson(random.gamma(1 / 0.3, 0.3 * mean)).astype(float)
    matrix = np.column_stack([np.ones(10), np.tile([0.0, 1.0], 5)])
    assert common_dispersion(counts, matrix, np.zeros(10)) == pytest.approx(0.3, abs=0.03)


def test_equal_distances_give_benjamini_hochberg_and_dense_ones_count_less():
    p_values = np.array([0.01, 0.04, np.nan, 0.03, 0.5])
    plain = spatial_fdr(p_values, np.ones(5))
    assert plain[[0, 1, 3, 4]] == pytest.approx([0.04, 0.04 * 4 / 3, 0.04 * 4 / 3, 0.5]) and np.isnan(plain[2])
    # Half the distance is twice the weight.
    assert spatial_fdr(np.array([0.01, 0.04]), np.array([0.5, 1.0])) == pytest.approx([0.015, 0.04])


def test_neighbourhoods_are_nearest_cells_around_dense_centres():
    random = np.random.default_rng(2)
    positions = np.vstack([random.normal(0, 1, (300, 4)), random.normal(12, 1, (300, 4))])
    members = neighbourhoods(positions, 60, 20, random)
    assert members.shape[1] == 21 and len(members) <= 60
    assert all(len(set(row)) == 21 for row in members) and len(set(members[:, 0])) == len(members)
    assert all(len(set(row // 300)) == 1 for row in members)
    away = np.linalg.norm(positions[members[0]] - positions[members[0, 0]], axis=1)
    assert (np.diff(away) >= 0).all() and away[-1] <= np.sort(
        np.linalg.norm(positions - positions[members[0, 0]], axis=1)
    )[21]
    # Centres are in denser places than the cells that they were sought from.
    radius = [np.linalg.norm(positions[row] - positions[row].mean(0), axis=1).max() for row in members]
    drawn = [np.sort(np.linalg.norm(positions - cell, axis=1))[20] for cell in positions[::10]]
    assert np.mean(radius) < np.mean(drawn)
