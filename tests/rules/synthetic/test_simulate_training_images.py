"""The training pool is labelled, varied, and made of other streams than the cohort."""

from pathlib import Path

import imaging_steps
import nibabel as nib
import numpy as np
import pytest
import simulate_training_images


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pool")
    run(folder)
    return folder


def run(folder: Path) -> None:
    names = simulate_training_images.case_names(2)
    images, labels = ([folder / f"{name}_{kind}.nii.gz" for name in names] for kind in ("image", "label"))
    simulate_training_images.main(images, labels, folder / "training.tsv", 5, imaging_steps.IMAGES)


def test_labels_lie_on_their_images(pool):
    for name in simulate_training_images.case_names(2):
        image, label = (nib.load(pool / f"{name}_{kind}.nii.gz") for kind in ("image", "label"))
        assert image.shape == label.shape
        inside = np.asarray(label.dataobj) > 0
        values = np.asarray(image.dataobj)
        assert inside.any()
        assert abs(values[inside].mean() - 30) < 15  # planted mean of the lesion, HU


def test_cases_differ(pool):
    first, second = (np.asarray(nib.load(pool / f"{name}_label.nii.gz").dataobj) for name in ("T001", "T002"))
    assert first.sum() != second.sum()


def test_same_seed_same_bytes(pool, tmp_path):
    run(tmp_path)
    assert (tmp_path / "T002_image.nii.gz").read_bytes() == (pool / "T002_image.nii.gz").read_bytes()


def test_window_holds_the_whole_lesion():
    lesion = np.zeros((64, 64, 4), bool)
    lesion[2:9, 50:60, 1:3] = True
    for number in range(20):
        window = simulate_training_images.crop_window(lesion, np.random.default_rng(number))
        assert lesion[window].sum() == lesion.sum()
        assert lesion[window].shape[:2] == (48, 48)
