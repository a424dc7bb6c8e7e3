"""Filters against their formulas on the impulse phantom of IBSI 2, and its reference values on the CT phantom."""

import math
from pathlib import Path

import numpy as np
import pytest
import yaml

from kimedlib.imaging_nifti import load_canonical, load_labels, voxel_sizes
from kimedlib.radiomics import biomarkers, settings_of
from kimedlib.radiomics_filters import LAWS, WAVELETS, Filter, response_map, turns
from kimedlib.radiomics_grid import Settings, prepare_region

MM = 2.0
HEIGHT = 255.0
CHANGES = {
    "laws": {"kind": "laws", "kernels": "E5L5S5", "pooling": "max"},
    "laws energy": {"kind": "laws", "kernels": "E3W5R5", "pooling": "max", "energy": 2},
    "wavelet": {"kind": "wavelet", "wavelet": "db3", "kernels": "LHH", "level": 2, "pooling": "mean"},
    "gabor": {"kind": "gabor", "sigma_mm": 4, "wavelength_mm": 4, "ratio": 0.5, "step_degrees": 45, "pooling": "mean"},
    "log": {"kind": "log", "sigma_mm": 3},
    "mean": {"kind": "mean", "size": 3},
    "simoncelli": {"kind": "simoncelli", "level": 1},
}


def impulse(size: int = 33) -> np.ndarray:
    """One voxel of 255 in the middle, voxels of 2 mm, after the phantom `impulse` of the manual (1.4)."""
    image = np.zeros((size,) * 3)
    image[(size // 2,) * 3] = HEIGHT
    return image


def response(said: dict, image: np.ndarray | None = None, *, by_slice: bool = False, boundary: str = "zero"):
    return response_map(
        impulse() if image is None else image, (MM,) * 3, Filter(by_slice=by_slice, boundary=boundary, **said)
    )


def test_mean_and_what_lies_beyond_the_image():
    found = response({"kind": "mean", "size": 15})
    inside = np.zeros((33,) * 3, bool)
    inside[9:24, 9:24, 9:24] = True
    assert found[inside] == pytest.approx(HEIGHT / 15**3)
    assert np.abs(found[~inside]).max() < 1e-12
    ramp = np.broadcast_to(np.arange(9.0)[:, None, None], (9, 9, 9))
    edges = {"zero": (0 + 1) / 3, "nearest": (0 + 0 + 1) / 3, "mirror": (0 + 0 + 1) / 3, "periodic": (8 + 0 + 1) / 3}
    for boundary, expected in edges.items():
        assert response({"kind": "mean", "size": 3}, ramp, by_slice=True, boundary=boundary)[0, 4, 4] == pytest.approx(
            expected if boundary != "zero" else 1 / 3
        )


def test_laplacian_of_gaussian_is_its_formula():
    found, sigma = response({"kind": "log", "sigma_mm": 3.0}), 3.0 / MM
    offsets = np.indices((33,) * 3) - 16
    squares = (offsets**2).sum(axis=0)
    kernel = (squares / sigma**4 - 3 / sigma**2) * np.exp(-squares / (2 * sigma**2)) / (2 * math.pi * sigma**2) ** 1.5
    near = np.abs(offsets).max(axis=0) <= 6
    np.testing.assert_allclose(found[near], HEIGHT * kernel[near], atol=1e-9)
    assert np.abs(found[~near]).max() == 0


def test_laws_kernels_stand_along_left_back_and_top():
    """The response to an impulse is the kernel itself: E5 to the left, L5 to the back, S5 upwards."""
    found = response({"kind": "laws", "kernels": "E5L5S5"})[14:19, 14:19, 14:19]
    unit = [np.array(LAWS[name]) / np.linalg.norm(LAWS[name]) for name in ("E5", "L5", "S5")]
    np.testing.assert_allclose(found[::-1, ::-1], HEIGHT * np.einsum("i,j,k->ijk", *unit), atol=1e-9)


def test_gabor_is_the_envelope_of_its_wave():
    found = response(
        {"kind": "gabor", "sigma_mm": 6.0, "wavelength_mm": 4.0, "ratio": 0.5, "angle_degrees": 60}, by_slice=True
    )
    left, back = (np.indices((33, 33)) - 16) * -MM
    first = left * math.cos(math.pi / 3) + back * math.sin(math.pi / 3)
    second = -left * math.sin(math.pi / 3) + back * math.cos(math.pi / 3)
    np.testing.assert_allclose(
        found[:, :, 16], HEIGHT * np.exp(-(first**2 + 0.25 * second**2) / 72), atol=1e-9
    )  # fmt: skip
    assert np.abs(found[:, :, :16]).max() < 1e-9


def test_wavelets_are_orthogonal_and_split_the_image():
    for name, low in WAVELETS.items():
        assert low.sum() == pytest.approx(math.sqrt(2))
        for shift in range(0, len(low), 2):
            assert (low[shift:] * low[: len(low) - shift]).sum() == pytest.approx(1.0 if shift == 0 else 0.0), name
    image = np.random.default_rng(1).normal(size=(16, 16, 16))
    parts = [
        response(
            {"kind": "wavelet", "wavelet": "db3", "kernels": kernels, "level": 1}, image, by_slice=True,
            boundary="periodic",
        )
        for kernels in ("LL", "LH", "HL", "HH")
    ]  # fmt: skip
    # undecimated: each of two axes holds everything twice
    assert sum((part**2).sum() for part in parts) == pytest.approx(4 * (image**2).sum())


def test_simoncelli_levels_share_every_frequency():
    """The squares of the shares of neighbouring levels sum to one."""
    place = np.arange(33)
    wave = np.cos(2 * math.pi * 5 * place / 33)[:, None, None] * np.ones((33, 33, 33))
    power = sum((response({"kind": "simoncelli", "level": level}, wave) ** 2).mean() for level in (1, 2, 3))
    assert power == pytest.approx((wave**2).mean())
    flat = response({"kind": "simoncelli", "level": 1}, np.ones((31, 31, 31)))
    assert np.abs(flat).max() < 1e-12


def test_turns_are_all_and_no_mirror_images():
    for count, number in ((2, 4), (3, 24)):
        matrices = set()
        for order, flips in turns(count):
            matrix = np.zeros((count, count))
            matrix[np.arange(count), order] = [-1 if flip else 1 for flip in flips]
            assert np.linalg.det(matrix) == pytest.approx(1)
            matrices.add(matrix.tobytes())
        assert len(matrices) == number


@pytest.mark.parametrize("name", CHANGES)
def test_pooled_filters_do_not_know_directions(name: str):
    """A turned image has the turned response."""
    image = np.random.default_rng(2).normal(size=(21, 21, 21))
    turned = np.rot90(image, axes=(0, 1))
    one, other = (response(CHANGES[name], part, boundary="mirror") for part in (image, turned))
    np.testing.assert_allclose(np.rot90(one, axes=(0, 1)), other, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "simoncelli"])
def test_only_what_is_near_the_region_is_computed(name: str):
    """The part that is cut out for speed gives the response of the whole image."""
    image = np.random.default_rng(3).normal(size=(80, 60, 50))
    mask = np.zeros(image.shape, bool)
    mask[40:44, 25:30, 22:26] = True
    said = Filter(by_slice=False, boundary="mirror", **CHANGES[name])
    region = prepare_region(image, mask, (MM,) * 3, Settings(filter=said))
    assert region.image.size < image.size
    expected = response_map(image, (MM,) * 3, said)[mask]
    np.testing.assert_allclose(region.values, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"kind": "laws", "kernels": "L5E5"}, "give one per axis, 3 of L5"),
        ({"kind": "laws", "kernels": "L5E5X5"}, "give one per axis"),
        ({"kind": "wavelet", "kernels": "LHLH"}, "give one per axis, 3 of L, H"),
        ({"kind": "mean", "size": 4}, "odd"),
        ({"kind": "gabor", "pooling": "mean", "step_degrees": 50}, "divides 360"),
    ],
    ids=["too few", "unknown", "too many", "even", "step"],
)
def test_filters_that_cannot_be(said: dict, message: str):
    with pytest.raises(ValueError, match=message):
        Filter(by_slice=False, **said)


@pytest.mark.real_data
@pytest.mark.parametrize("way", ["1_a", "2_a", "3_a", "4_a", "5_a", "6_a", "7_a", "8_a", "9_a"])
def test_reference_values_of_ibsi2(way: str, kimed_data: Path, repository: Path):
    """`make bench WORKFLOW=imaging` judges all 18 configurations, through the workflow."""
    folder = kimed_data / "imaging/ibsi/ibsi_1_ct_radiomics_phantom/nifti"
    data, image = load_canonical(folder / "image/phantom.nii.gz")
    mask = load_labels(folder / "mask/mask.nii.gz", image) == 1
    ways = yaml.safe_load((repository / "config/real/imaging_ibsi.yaml").read_text())["radiomics"]["filters"]
    found = biomarkers(data, mask, voxel_sizes(image), settings_of(ways[f"ibsi2_{way}"]))
    lines = (repository / "tests/benchmarks/ibsi2_reference_values.tsv").read_text().splitlines()
    wanted = [line.split("\t") for line in lines if line.startswith(way.upper().replace("_", "."))]
    assert len(wanted) == 18
    for _, feature, value, tolerance in wanted:
        assert abs(float(f"{found[feature]:.3g}") - float(value)) <= float(tolerance) * 1.0001, feature
