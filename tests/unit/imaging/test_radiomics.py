"""Biomarkers against published consensus values and other implementations.

ibsi_digital_phantom.tsv: consensus values and tolerances of IBSI for its digital phantom (Zwanenburg et al., Radiology
2020; 295:328-338); the phantom is the table of its reference manual (arXiv:1612.07003v11, figure 5.1).
"""

import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import yaml
from scipy.spatial.distance import pdist, squareform
from skimage.feature import graycomatrix

from kimedlib.radiomics import biomarkers, settings_of
from kimedlib.radiomics_grid import Bins, Perturbation, Region, Settings, discretise, prepare_region
from kimedlib.radiomics_shape import autocorrelation, ellipsoid_area
from kimedlib.radiomics_stability import intraclass_correlation, judge, noise_level, perturbations
from kimedlib.radiomics_texture import IN_PLANE, cooccurrences, runs_along, texture_features

# by slice, rows of y, then x
PHANTOM = [
    [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
    [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [1, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
    [[1, 4, 4, 1, 1], [1, 1, 1, 1, 1], [1, 1, 9, 1, 1], [1, 1, 6, 1, 1]],
    [[1, 4, 4, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
]
OUTSIDE = [(0, 2, 1), (2, 2, 2), (3, 0, 2), (3, 0, 3), (4, 0, 2), (4, 0, 3)]
PUBLISHED = list(
    csv.DictReader(Path(__file__).with_name("ibsi_digital_phantom.tsv").read_text().splitlines(), delimiter="\t")
)
ALL = Settings(aggregation=("2d", "2.5d", "3d"))


def phantom() -> tuple[np.ndarray, np.ndarray]:
    """Image and mask, shape (5, 4, 4)."""
    image = np.array(PHANTOM).transpose(2, 1, 0)
    mask = np.ones(image.shape, bool)
    mask[tuple(np.transpose(OUTSIDE))] = False
    return image, mask


@pytest.fixture(scope="module")
def measured() -> dict[str, float]:
    return biomarkers(*phantom(), (2.0, 2.0, 2.0), ALL)


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row["feature"])
def test_digital_phantom(measured, row):
    found = float(f"{measured[row['feature']]:.3g}")
    assert found == pytest.approx(float(row["value"]), rel=1e-9, abs=float(row["tolerance"]))


def test_all_published_features_of_the_phantom_and_no_others(measured):
    assert set(measured) == {row["feature"] for row in PUBLISHED}
    assert len(measured) == 482


@pytest.mark.real_data
def test_every_configuration(kimed_data, repository):
    ibsi = kimed_data / "imaging/ibsi"
    wanted = list(csv.DictReader((ibsi / "ibsi1_reference_with_tolerance.csv").read_text().splitlines()))
    said = yaml.safe_load((repository / "config/real/imaging_ibsi.yaml").read_text())["radiomics"]["biomarkers"]
    folder = ibsi / "ibsi_1_ct_radiomics_phantom/nifti"
    image, mask = (nib.load(folder / name) for name in ("image/phantom.nii.gz", "mask/mask.nii.gz"))
    spacing = tuple(float(size) for size in image.header.get_zooms())
    data, inside = image.get_fdata(), np.asanyarray(mask.dataobj) > 0
    judged = 0
    for name, section in said.items():
        if name == "digital_phantom":
            continue
        found = biomarkers(data, inside, spacing, settings_of(section))
        for row in (row for row in wanted if row["config"] == name):
            value, tolerance = float(row["reference"]), float(row["tolerance"])
            assert float(f"{found[row['mirp_feature_key']]:.3g}") == pytest.approx(value, rel=1e-9, abs=tolerance), row
            judged += 1
    assert judged == 1804 - 482


def test_cooccurrence_equals_that_of_scikit_image():
    levels = np.random.default_rng(1).integers(1, 6, (9, 7, 1))
    found = cooccurrences(np.pad(levels, 1), IN_PLANE, slices=False).sum(axis=(0, 1))
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    other = graycomatrix(levels[:, :, 0].astype(np.uint8), [1], angles, symmetric=True)
    for offset, angle in (((1, 0), 2), ((0, 1), 0)):
        one = cooccurrences(np.pad(levels, 1), [(*offset, 0)], slices=False)[0, 0]
        np.testing.assert_array_equal(one, other[1:6, 1:6, 0, angle])
    assert found.sum() == 2 * (8 * 7 + 9 * 6 + 2 * 8 * 6)


def test_runs_equal_those_of_a_naive_count():
    levels = np.random.default_rng(2).integers(0, 3, (6, 5, 4))
    padded = np.pad(levels, 1)
    for step in ((1, 0, 0), (0, 0, 1), (1, -1, 0), (1, 1, -1)):
        found = sorted((int(level), size) for _, grey, size in runs_along(padded, step) for level in grey)
        naive = []
        for place in zip(*np.nonzero(padded), strict=True):
            before = tuple(np.subtract(place, step))
            if padded[before] == padded[place]:
                continue
            size, here = 1, tuple(np.add(place, step))
            while padded[here] == padded[place]:
                size, here = size + 1, tuple(np.add(here, step))
            naive.append((int(padded[place]), size))
        assert found == sorted(naive), step


def test_moran_and_geary_equal_the_double_sum():
    random = np.random.default_rng(3)
    inside = random.random((7, 6, 5)) > 0.4
    image, spacing = random.normal(size=inside.shape), (1.0, 1.5, 3.0)
    found = autocorrelation(Region(image, inside, inside, spacing))
    weight = squareform(1 / pdist(np.argwhere(inside) * spacing))
    x = image[inside] - image[inside].mean()
    count, total = len(x), weight.sum()
    assert found["morph_moran_i"] == pytest.approx(count / total * (x @ weight @ x) / (x @ x))
    squares = (weight * (x[:, None] - x[None, :]) ** 2).sum()
    assert found["morph_geary_c"] == pytest.approx((count - 1) / (2 * total) * squares / (x @ x))


def test_area_of_ellipsoids():
    assert ellipsoid_area(2, 2, 2) == pytest.approx(16 * np.pi)
    # the manual's series (3.1) with numpy's Legendre polynomials
    a, b, c = 3.0, 2.0, 1.5
    alpha, beta = np.sqrt(1 - (b / a) ** 2), np.sqrt(1 - (c / a) ** 2)
    terms = [(alpha * beta) ** order / (1 - 4 * order**2) for order in range(21)]
    series = np.polynomial.legendre.legval((alpha**2 + beta**2) / (2 * alpha * beta), terms)
    assert ellipsoid_area(a, b, c) == pytest.approx(4 * np.pi * a * b * series)
    assert ellipsoid_area(2, 2, 1.0) == pytest.approx(ellipsoid_area(2, 1.99999, 1.0), rel=1e-3)


def ball(size: int = 40, radius: float = 12.0) -> np.ndarray:
    return ((np.indices((size,) * 3) - (size - 1) / 2) ** 2).sum(axis=0) <= radius**2


@pytest.mark.parametrize("spline", [1, 3])
def test_interpolation_is_aligned_by_centre(spline):
    # a ramp keeps its values wherever it is sampled; the centre of the grid stays the centre
    data = np.broadcast_to(np.arange(40.0)[:, None, None] * 3, (40, 40, 40))
    region = prepare_region(data, ball(), (1.5, 1.5, 1.5), Settings((1.0, 2.0, 1.5), spline))
    assert region.spacing == (1.0, 2.0, 1.5)
    assert region.values.mean() == pytest.approx(39 / 2 * 3, abs=1e-6)
    assert np.diff(region.image[15:-15, 10, 10]) == pytest.approx(2.0, abs=1e-3)
    volume = np.count_nonzero(region.shape) * 3.0
    assert volume == pytest.approx(np.count_nonzero(ball()) * 1.5**3, rel=0.02)


@pytest.mark.parametrize(
    ("change", "ratio"),
    [
        (Perturbation(rotation_degrees=30), 1.0),
        (Perturbation(shift=(0.25, 0.25, 0.25)), 1.0),
        (Perturbation(growth=0.1), 1.1),
        (Perturbation(growth=-0.2), 0.8),
        (Perturbation(noise=5.0), 1.0),
    ],
)
def test_perturbations(change, ratio):
    data = np.zeros((40, 40, 40))
    plain = prepare_region(data, ball(), (1, 1, 1), Settings())
    found = prepare_region(data, ball(), (1, 1, 1), Settings(), change)
    assert np.count_nonzero(found.shape) / np.count_nonzero(plain.shape) == pytest.approx(ratio, rel=0.01)
    assert found.values.std() == pytest.approx(change.noise, rel=0.05)


def test_rotation_turns_in_millimetres():
    # a bar along x of an anisotropic image, turned by 90 degrees, lies along y and is as long in mm
    mask = np.zeros((40, 40, 9), bool)
    mask[10:30, 18:22, 3:6] = True
    turned = prepare_region(mask * 1.0, mask, (1, 2, 1), Settings((1, 1, 1)), Perturbation(rotation_degrees=90))
    extent = np.ptp(np.argwhere(turned.shape), axis=0) + 1
    assert extent == pytest.approx([8, 20, 3], abs=1)


def test_resegmentation_leaves_the_shape():
    data = np.where(ball(radius=6), 300.0, 0.0)
    region = prepare_region(data, ball(), (1, 1, 1), Settings(window=(100, 400)))
    assert np.count_nonzero(region.inside) == np.count_nonzero(ball(radius=6))
    assert np.array_equal(region.shape.sum(), ball().sum())
    with pytest.raises(ValueError, match="no voxel of the region is left"):
        prepare_region(data, ball(), (1, 1, 1), Settings(window=(400, 500)))
    with pytest.raises(ValueError, match="region is empty"):
        prepare_region(data, np.zeros_like(ball()), (1, 1, 1), Settings())


def test_discretisation():
    values = np.array([-10.0, 0, 24.9, 25, 99.9, 100])[None, None, :]
    inside = np.ones(values.shape, bool)
    region = Region(values, inside, inside, (1, 1, 1))
    assert discretise(region, Bins("width", 25), None).ravel().tolist() == [1, 1, 2, 2, 5, 5]
    assert discretise(region, Bins("multiples", 25), None).ravel().tolist() == [1, 2, 2, 3, 5, 6]
    assert discretise(region, Bins("width", 25), (-50.0, 400.0)).ravel().tolist() == [2, 3, 3, 4, 6, 7]
    assert discretise(region, Bins("number", 2), None).ravel().tolist() == [1, 1, 1, 1, 2, 2]
    with pytest.raises(ValueError, match="no grey levels"):
        discretise(region, Bins(), None)
    with pytest.raises(ValueError, match="at most 4000"):
        discretise(region, Bins("width", 0.001), None)


def test_smallest_regions_have_finite_features():
    mask = np.zeros((9, 9, 9), bool)
    mask[4, 4, 4] = True
    data = np.random.default_rng(4).integers(1, 9, mask.shape)
    for region in (mask, mask | np.roll(mask, 1, axis=2)):
        found = biomarkers(data, region, (1, 1, 2), ALL)
        assert np.isfinite(list(found.values())).all()
    levels = np.where(mask, 3, 0)
    assert texture_features(levels, mask, ("3d",))["rlm_sre_3d_avg"] == 1


def test_intraclass_correlation_of_shrout_and_fleiss():
    # table 2 of the paper: 6 targets, 4 judges; table 4: ICC(1,1) = 0.17
    judges = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)
    value, low = intraclass_correlation(judges)
    assert value == pytest.approx(0.17, abs=0.005)
    assert low == pytest.approx(-0.13, abs=0.005)


def test_verdicts():
    random = np.random.default_rng(5)
    regions = random.normal(size=(12, 1)) * 10
    assert judge(regions + random.normal(size=(12, 8)) * 0.1, 0.9)[2] == "yes"
    assert judge(random.normal(size=(12, 8)), 0.5)[2] == "no"
    assert judge(np.ones((12, 8)), 0.5)[2] == "no"
    assert judge(np.repeat(regions, 8, axis=1), 0.9) == (1.0, 1.0, "yes")
    assert judge(regions[:2] + np.zeros((2, 8)), 0.5)[2] == "too_few"


def test_noise_level_finds_what_was_planted():
    smooth = np.indices((60, 60, 20)).sum(axis=0) * 2.0
    noisy = smooth + np.random.default_rng(6).normal(0, 7, smooth.shape)
    assert noise_level(noisy) == pytest.approx(7, rel=0.03)
    assert noise_level(smooth) == 0
    said = {"rotations": [-5, 5], "shifts": [0.25], "growth": [0.1], "noise": 2, "seed": 3}
    made = perturbations(said, 7.0)
    assert len(made) == 6
    assert {change.seed for change in made if change.noise} == {3, 4}
