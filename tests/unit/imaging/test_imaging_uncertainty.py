"""Intervals hold as often as they promise, doubt lies where labels are uncertain, planted changes are told."""

import numpy as np
import pytest

from kimedlib.imaging_uncertainty import (
    calibration_score,
    doubt_map,
    doubtful_voxels,
    reach,
    relative_change,
    volume_interval,
)


def test_doubt():
    shares = np.zeros((3, 2, 1, 1), np.float32)
    shares[:, 0, 0, 0] = 1 / 3
    shares[0, 1, 0, 0] = 1
    assert doubt_map(shares).ravel() == pytest.approx([1, 0], abs=1e-6)
    assert doubtful_voxels(np.full((2, 100, 1, 1), 0.5, np.float32), 1) == pytest.approx(25)
    assert doubtful_voxels(np.zeros((2, 5, 1, 1), np.float32), 1) == 1


@pytest.mark.parametrize(("count", "level"), [(40, 0.9), (9, 0.9), (4, 0.8)])
def test_coverage_is_what_is_promised(count, level):
    """Errors of any shape, in proportion to doubt: over many repetitions the interval holds the truth often enough."""
    random = np.random.default_rng(count)
    held = []
    for _ in range(4000):
        doubt = random.uniform(10, 200, count + 1)
        truth = random.uniform(500, 3000, count + 1)
        found = truth + doubt * (random.standard_t(3, count + 1) + 0.4)
        scores = [calibration_score(*row) for row in zip(found[1:], truth[1:], doubt[1:], strict=True)]
        low, high, promised = volume_interval(found[0], doubt[0], scores)
        assert promised == pytest.approx(level)
        held.append(low <= truth[0] <= high)
    assert level - 0.02 <= np.mean(held) <= level + 1 / (count + 1) + 0.02


def test_no_scores():
    with pytest.raises(ValueError, match="no case"):
        reach([])


def test_change():
    change, low, high, clear = relative_change((10, 9, 11), (12, 11.5, 13))
    assert (change, low, high, clear) == (
        pytest.approx(20),
        pytest.approx(100 * (11.5 / 11 - 1)),
        pytest.approx(400 / 9),
        True,
    )
    assert not relative_change((10, 9, 11), (10.5, 9.5, 11.5))[3]
    with pytest.raises(ValueError, match="is 0"):
        relative_change((0, 0, 0), (1, 1, 1))
