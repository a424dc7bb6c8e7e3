"""Simulated series are valid DICOM, hold what was planned, and come out the same every time."""

import hashlib
from pathlib import Path

import imaging_steps
import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import simulate_images
from pydicom import dcmread

from kimedlib.dicom_series import read_all, series_problems

# Attributes of type 1 (a value) and 2 (present, may be empty) by module, DICOM PS3.3: patient C.7.1.1, study
# C.7.2.1, series C.7.3.1, frame of reference C.7.4.1, equipment C.7.5.1, image plane C.7.6.2, pixels C.7.6.3,
# SOP common C.12.1, CT image C.8.2.1, MR image C.8.3.1, secondary capture C.8.6.
TYPE_1 = {
    "all": "StudyInstanceUID Modality SeriesInstanceUID SOPClassUID SOPInstanceUID SamplesPerPixel "
    "PhotometricInterpretation Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation PixelData",
    "CT": "ImageType RescaleIntercept RescaleSlope FrameOfReferenceUID",
    "MR": "ImageType ScanningSequence SequenceVariant FrameOfReferenceUID PixelSpacing "
    "ImageOrientationPatient ImagePositionPatient",
    "OT": "ConversionType",
}
TYPE_2 = {
    "all": "PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime ReferringPhysicianName StudyID "
    "AccessionNumber SeriesNumber Manufacturer InstanceNumber",
    "CT": "KVP AcquisitionNumber PositionReferenceIndicator",
    "MR": "ScanOptions MRAcquisitionType EchoTime EchoTrainLength PositionReferenceIndicator",
    "OT": "PatientOrientation",
}


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("patient")
    imaging_steps.simulate(folder)
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name + path.parent.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("series", ["ct", "mr", "screen_save", "scout"])
def test_mandatory_attributes_are_there(patient, series):
    for path in (patient / "raw" / series).iterdir():
        dataset = dcmread(path)
        for group in ("all", dataset.Modality):
            for keyword in TYPE_1[group].split():
                assert keyword in dataset, (path, keyword)
                assert dataset[keyword].value not in ("", None), (path, keyword)
            for keyword in TYPE_2[group].split():
                assert keyword in dataset, (path, keyword)


def test_series_are_complete_and_unmixed(patient):
    for series in ("ct", "mr"):
        found, problems = read_all(patient / "raw" / series, pixels=True)
        assert not problems
        assert not series_problems("x", found)
        assert len(found) == imaging_steps.IMAGES[series]["shape"][2]


def test_planted_volumes_are_those_of_the_plan(patient):
    truth = pd.read_csv(patient / "lesions.tsv", sep="\t").set_index("structure")
    assert truth.loc["lesion", "volume_ml"] == pytest.approx(9.0, rel=2e-3)
    assert truth.loc["brain", "volume_ml"] == pytest.approx(1200.0, rel=2e-3)
    mask = nib.load(patient / "brain.nii.gz")
    assert np.count_nonzero(mask.dataobj) * abs(np.linalg.det(mask.affine[:3, :3])) / 1000 == pytest.approx(
        1200, rel=0.02
    )


def test_every_token_stands_in_the_raw_files(patient):
    raw = b"".join(path.read_bytes() for path in (patient / "raw" / "ct").iterdir())
    for token in pd.read_csv(patient / "phi.tsv", sep="\t", dtype=str)["token"]:
        assert token.encode() in raw, token


def test_same_seed_same_bytes(patient, tmp_path):
    imaging_steps.simulate(tmp_path)
    assert digests(tmp_path / "raw") == digests(patient / "raw")
    assert (tmp_path / "lesion.nii.gz").read_bytes() == (patient / "lesion.nii.gz").read_bytes()


def test_unknown_patient(patient, tmp_path):
    with pytest.raises(ValueError, match="no patient P999"):
        simulate_images.main(
            plan=patient / "patients.tsv", folder=tmp_path, lesion_mask=tmp_path / "a", brain_mask=tmp_path / "b",
            lesions=tmp_path / "c", phi=tmp_path / "d", patient_id="P999", seed=1, settings=imaging_steps.IMAGES,
        )  # fmt: skip
