"""Segmentations keep every voxel: read back with plain pydicom and numpy, compared in patient coordinates."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import write_dicom_seg
from clinic_steps import CODES, SERIES, segment
from pydicom import dcmread


def voxels_of_nifti(path, value):
    """Patient coordinates (DICOM axes, rounded to 0.01 mm) of the voxels with a label."""
    image = nib.load(path)
    where = np.argwhere(np.asarray(image.dataobj) == value)
    return set(map(tuple, np.round(nib.affines.apply_affine(np.diag([-1, -1, 1, 1]) @ image.affine, where), 2) + 0.0))


def voxels_of_seg(dataset, segment_number):
    """The same of a segment, by the frame's own functional groups; bits unpacked here, not by highdicom."""
    rows, columns, frames = dataset.Rows, dataset.Columns, int(dataset.NumberOfFrames)
    bits = np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), bitorder="little")[: rows * columns * frames]
    shared = dataset.SharedFunctionalGroupsSequence[0]
    orientation = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    row_step, column_step = map(float, shared.PixelMeasuresSequence[0].PixelSpacing)
    found = set()
    for frame, said in zip(bits.reshape(frames, rows, columns), dataset.PerFrameFunctionalGroupsSequence, strict=True):
        # shared by all frames where there is one segment only
        whose = said if "SegmentIdentificationSequence" in said else shared
        if whose.SegmentIdentificationSequence[0].ReferencedSegmentNumber != segment_number:
            continue
        corner = np.array(said.PlanePositionSequence[0].ImagePositionPatient, float)
        for row, column in np.argwhere(frame):
            place = corner + orientation[:3] * column_step * column + orientation[3:] * row_step * row
            found.add(tuple(np.round(place, 2) + 0.0))
    return found


@pytest.mark.parametrize(("sample", "mask"), [("P001_ct", "regions/P001_ct"), ("P001_mr", "brains/P001_mr")])
def test_lossless(chain, clinic, sample, mask):
    dataset = dcmread(clinic / "seg" / f"{sample}.dcm")
    wanted = voxels_of_nifti(chain / f"{mask}.nii.gz", 1)
    assert len(wanted) > 50
    assert voxels_of_seg(dataset, 1) == wanted


def test_references_and_codes(chain, clinic):
    dataset = dcmread(clinic / "seg/P001_ct.dcm")
    sources = [dcmread(path, stop_before_pixels=True) for path in sorted((chain / "deidentified/P001_ct").iterdir())]
    assert dataset.SOPClassUID.name == "Segmentation Storage"
    for keyword in ("PatientID", "StudyInstanceUID", "FrameOfReferenceUID", "PatientIdentityRemoved"):
        assert dataset.get(keyword) == sources[0].get(keyword), keyword
    referenced = {
        item.ReferencedSOPInstanceUID for item in dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    }
    assert referenced <= {source.SOPInstanceUID for source in sources}
    kind = dataset.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0]
    assert [kind.CodeValue, kind.CodingSchemeDesignator, kind.CodeMeaning] == CODES["lesion"]["type"]
    brain = dcmread(clinic / "seg/P001_mr.dcm").SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0]
    assert (brain.CodeValue, brain.CodingSchemeDesignator) == ("12738006", "SCT")


def test_same_bytes_again(chain, clinic, tmp_path):
    segment(chain, tmp_path)
    for path in sorted((clinic / "seg").iterdir()):
        assert path.read_bytes() == (tmp_path / "seg" / path.name).read_bytes()


def test_mask_of_another_grid_is_said_and_others_are_written(chain, tmp_path):
    image = nib.load(chain / "regions/P001_ct.nii.gz")
    (tmp_path / "masks").mkdir()
    moved = nib.Nifti1Image(np.asarray(image.dataobj), image.affine @ np.diag([1, 1, 1.1, 1]))
    nib.save(moved, tmp_path / "masks/P001_ct.nii.gz")
    segment(chain, tmp_path, masks=[tmp_path / "masks"])
    said = pd.read_csv(tmp_path / "seg.tsv", sep="\t", keep_default_na=False).set_index("sample")
    assert "grid of the source" in said.loc["P001_ct", "refused"]
    assert said.loc["P001_mr", "object"] == "P001_mr.dcm"


def test_sources_that_cannot_be_referred_to(chain):
    sources = write_dicom_seg.sources_in_order(chain / SERIES["P001_ct"])
    assert write_dicom_seg.unsuitable(sources) == ""
    sources[1].NumberOfFrames = 4
    assert "multi-frame" in write_dicom_seg.unsuitable(sources)
    del sources[1].NumberOfFrames, sources[2].ImagePositionPatient
    assert "ImagePositionPatient is missing" in write_dicom_seg.unsuitable(sources)
