"""Features against the consensus values of IBSI for its digital phantom (Radiology 2020; 295:328-338, CC BY 4.0)."""

import numpy as np
import pytest

from kimedlib.imaging_radiomics import region_features, shape_features

IMAGE = [
    [[1, 1, 1, 1], [1, 1, 1, 1], [4, 1, 1, 1], [4, 4, 1, 1]],
    [[4, 4, 4, 4], [4, 1, 1, 1], [1, 1, 1, 1], [4, 4, 1, 1]],
    [[4, 4, 4, 4], [6, 6, 1, 1], [6, 3, 9, 1], [6, 6, 6, 6]],
    [[1, 1, 1, 1], [1, 1, 1, 1], [4, 1, 1, 1], [4, 1, 1, 1]],
    [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]],
]
OUTSIDE = [(0, 2, 1), (2, 2, 2), (3, 0, 2), (3, 0, 3), (4, 0, 2), (4, 0, 3)]
# (consensus value, tolerance)
CONSENSUS = {
    "mesh_volume_mm3": (556, 4), "voxel_volume_mm3": (592, 4), "surface_mm2": (388, 3),
    "surface_to_volume_per_mm": (0.698, 0.004), "sphericity": (0.843, 0.005), "maximum_diameter_mm": (13.1, 0.1),
    "mean": (2.15, 0), "variance": (3.05, 0), "skewness": (1.08, 0), "kurtosis": (-0.355, 0), "median": (1, 0),
    "minimum": (1, 0), "percentile_10": (1, 0), "percentile_90": (4, 0), "maximum": (6, 0),
    "interquartile_range": (3, 0), "range": (5, 0), "mean_absolute_deviation": (1.55, 0),
    "robust_mean_absolute_deviation": (1.11, 0), "median_absolute_deviation": (1.15, 0),
    "coefficient_of_variation": (0.812, 0), "quartile_dispersion": (0.6, 0), "energy": (567, 0),
    "root_mean_square": (2.77, 0), "entropy": (1.27, 0), "uniformity": (0.512, 0),
}  # fmt: skip


@pytest.fixture(scope="module")
def features():
    mask = np.ones((5, 4, 4), bool)
    for place in OUTSIDE:
        mask[place] = False
    return region_features(np.array(IMAGE, np.float32), mask, (2.0, 2.0, 2.0), 1.0)


@pytest.mark.parametrize("name", CONSENSUS)
def test_consensus(features, name):
    value, tolerance = CONSENSUS[name]
    # the consensus is published with three significant digits
    rounding = 0.5 * 10 ** (np.floor(np.log10(abs(value))) - 2)
    assert features[name] == pytest.approx(value, abs=tolerance + rounding * 1.0001)


def test_every_feature_is_tested(features):
    assert set(features) == set(CONSENSUS)


def test_sphere():
    grid = np.indices((41, 41, 41)) - 20
    found = shape_features((grid**2).sum(axis=0) <= 15**2, (1.0, 1.0, 1.0))
    assert found["mesh_volume_mm3"] == pytest.approx(4 / 3 * np.pi * 15**3, rel=0.01)
    assert found["maximum_diameter_mm"] == pytest.approx(31, abs=0.6)
    assert 0.9 < found["sphericity"] <= 1


def test_empty_region():
    with pytest.raises(ValueError, match="empty"):
        region_features(np.zeros((3, 3, 3), np.float32), np.zeros((3, 3, 3), bool), (1, 1, 1), 1)
