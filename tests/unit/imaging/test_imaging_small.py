"""Small pure functions: scores, gates, plans, tables, preprocessing."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import ndimage

from kimedlib import imaging_plan
from kimedlib.imaging_network import build_network, keep_largest, normalise, predict, weights_digest
from kimedlib.imaging_nifti import load_labels
from kimedlib.imaging_phantom import Grid, occupancy
from kimedlib.imaging_qc import check_image
from kimedlib.imaging_refine import half_contrast
from kimedlib.imaging_scores import dice, volume_error_pct


def test_dice():
    a, b = np.array([1, 1, 0, 0], bool), np.array([1, 0, 1, 0], bool)
    assert dice(a, b) == 0.5
    assert dice(a & False, b & False) == 1.0


def test_volume_error():
    assert volume_error_pct(9, 10) == pytest.approx(-10)
    with pytest.raises(ValueError, match="no volume"):
        volume_error_pct(1, 0)


@pytest.mark.parametrize("volume", [2.0, 6.0, 25.0])
def test_rendered_volume(volume):
    grid = Grid((64, 64, 20), (2.4, 2.4, 3.2))
    share = occupancy(grid, np.zeros(3), np.array([1.1, 0.9, 1.0]), np.full(5, 0.1), volume)
    assert share.sum() * grid.voxel_ml == pytest.approx(volume, rel=2e-3)
    assert (share >= 0.5).sum() * grid.voxel_ml == pytest.approx(volume, rel=0.05)


def test_shape_that_does_not_fit():
    with pytest.raises(ValueError, match="does not fit"):
        occupancy(Grid((20, 20, 8), (2.0, 2.0, 2.0)), np.zeros(3), np.ones(3), np.zeros(5), 40.0)


def test_gates_name_what_is_wrong():
    image = nib.Nifti1Image(np.zeros((10, 10, 4), np.float32), np.diag([1.0, 1, 40, 1]))
    data = np.asarray(image.dataobj).copy()
    data[0, 0, 0] = np.nan
    checks = check_image(data, image, modality="CT", task="lesion", slice_distance_mm=5, minimum_slices=8)
    failed = {check.name for check in checks if not check.passed}
    assert failed == {"finite", "not_empty", "voxel_size", "anisotropy", "slice_distance", "slices", "hounsfield"}


def test_plan():
    frame = pd.DataFrame(
        {
            "sample": ["a", "b", "c"],
            "task": ["none", "brain", "labels"],
            "image": ["packaged:x.dcm", "y.nii.gz", "z"],
            "label": ["", "packaged:m.nii.gz", ""],
            "reference_volume_ml": ["", "", ""],
        }
    )
    assert imaging_plan.dicom_samples(frame) == {"a": "<results>/packaged/x.dcm", "c": "z"}
    assert imaging_plan.image_sources(frame, deidentify=True) == [
        "<results>/deidentified/a",
        "y.nii.gz",
        "<results>/deidentified/c",
    ]
    assert imaging_plan.image_sources(frame, deidentify=False)[2] == "z"
    assert imaging_plan.label_sources(frame) == ["<results>/packaged/m.nii.gz"]
    assert imaging_plan.needs_network(frame)
    assert imaging_plan.has_reference(frame)
    assert not imaging_plan.has_reference(frame[:1])


def test_normalise():
    data = np.array([-1000, -50, 75, 200, 1000], np.float32)
    assert normalise(data, {"kind": "window", "low": -50, "high": 200}).tolist() == [-1, -1, 0, 1, 1]
    scaled = normalise(np.arange(1000, dtype=np.float32), {"kind": "percentile"})
    assert abs(scaled.mean()) < 1e-3
    assert scaled.std() == pytest.approx(1, abs=1e-3)
    with pytest.raises(ValueError, match="constant"):
        normalise(np.ones(10, np.float32), {"kind": "percentile"})


def test_largest_part_of_each_label():
    labels = np.zeros((6, 3, 3), np.uint8)
    labels[0, 0, 0], labels[2:4, 0, 0], labels[5] = 1, 1, 2
    kept = keep_largest(labels)
    assert kept[0, 0, 0] == 0
    assert kept[2:4, 0, 0].tolist() == [1, 1]
    assert (kept == 2).sum() == 9


def test_prediction_has_the_shape_of_the_image():
    torch.manual_seed(0)
    network = build_network(4, [2, 2], 2).eval()
    labels = predict(
        network,
        np.random.default_rng(0).normal(size=(21, 18, 9)).astype(np.float32),
        (16, 16, 8),
        [0],
        torch.device("cpu"),
    )
    assert labels.shape == (21, 18, 9)
    digest = weights_digest(network)
    next(network.parameters()).data[0] += 1e-3
    assert weights_digest(network) != digest


def test_label_on_another_grid(tmp_path):
    nib.save(nib.Nifti1Image(np.zeros((3, 3, 3), np.uint8), np.eye(4)), tmp_path / "l.nii.gz")
    with pytest.raises(ValueError, match="resample the label"):
        load_labels(tmp_path / "l.nii.gz", nib.Nifti1Image(np.zeros((3, 3, 4), np.uint8), np.eye(4)))


@pytest.mark.parametrize("shift", [-1, 1])
def test_outline_moves_to_half_contrast(shift):
    grid = Grid((40, 40, 24), (2.0, 2.0, 3.0))
    share = occupancy(grid, np.zeros(3), np.ones(3), np.zeros(5), 8.0)
    data = (110 - 80 * share + np.random.default_rng(1).normal(0, 9, grid.shape)).astype(np.float32)
    truth = share >= 0.5
    first = ndimage.binary_dilation(truth) if shift > 0 else ndimage.binary_erosion(truth)
    assert abs(volume_error_pct(first.sum(), truth.sum())) > 20
    assert abs(volume_error_pct(half_contrast(data, first).sum(), truth.sum())) < 4


def test_no_contrast_no_change():
    mask = np.zeros((9, 9, 9), bool)
    mask[3:6, 3:6, 3:6] = True
    assert np.array_equal(half_contrast(np.ones((9, 9, 9), np.float32), mask), mask)


def test_biomarkers_are_planned_where_a_way_fits_a_region():
    ways = {"ct": {"modalities": ["CT"]}}
    frame = pd.DataFrame({"task": ["lesion", "brain"], "modality": ["CT", "MR"]})
    assert imaging_plan.needs_biomarkers(frame, ways)
    assert not imaging_plan.needs_biomarkers(frame, {})
    assert not imaging_plan.needs_biomarkers(frame[1:], ways)
    assert not imaging_plan.needs_biomarkers(frame, {"mr": {"modalities": ["MR"]}})
    assert imaging_plan.needs_biomarkers(frame.assign(task="uptake"), {"mr": {"modalities": ["MR"]}})
