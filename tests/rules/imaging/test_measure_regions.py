"""Measurements of a known region; refusals listed; one row per patient."""

import measure_regions
import nibabel as nib
import numpy as np
import pandas as pd
import pytest


def test_tables(chain):
    features = pd.read_csv(chain / "features.tsv", sep="\t")
    assert list(features["patient_id"]) == ["P001"]
    assert features["brain_volume_ml"][0] == pytest.approx(1200, rel=0.05)
    assert "lesion_volume_ml" in features
    refused = pd.read_csv(chain / "refused.tsv", sep="\t")
    assert set(refused["sample"]) == {"P001_screen_save", "P001_scout"}


def test_known_region(tmp_path):
    mask = np.zeros((20, 20, 20), np.uint8)
    mask[5:15, 5:15, 5:15] = 1
    values = np.where(mask, 40, -100).astype(np.int16)
    values[7, 7, 7] = 50
    for name, data in (("image", values), ("mask", mask)):
        nib.save(nib.Nifti1Image(data, np.diag([2.0, 2.0, 2.0, 1.0])), tmp_path / f"{name}.nii.gz")
    rows = measure_regions.measure_image(tmp_path / "image.nii.gz", tmp_path / "mask.nii.gz", {1: "a", 2: "b"}, 10)
    assert rows[0]["volume_ml"] == pytest.approx(8.0)
    assert rows[0]["inner_mean"] == pytest.approx(40 + 10 / 8**3)
    assert rows[1] == {"region": "b", "volume_ml": 0.0}


def test_patients_without_measurement_stay_in_the_table():
    measured = pd.DataFrame(
        [{"sample": "s", "patient_id": "P1", "modality": "MR", "region": "brain", "volume_ml": 1.0}]
    )
    table = measure_regions.patient_features(measured, ["P2", "P1"])
    assert list(table["patient_id"]) == ["P1", "P2"]
    assert np.isnan(table["brain_volume_ml"][1])
