"""One data set, no identifying keys, refused series listed and not converted."""

import gzip
import json
import shutil

import nibabel as nib
import numpy as np
import pandas as pd
import prepare_bids
import pytest
from pydicom import dcmread

from kimedlib.imaging_nifti import load_canonical, save_mask


def test_data_set(chain):
    assert json.loads((chain / "bids/dataset_description.json").read_text())["DatasetType"] == "raw"
    assert (chain / "bids/participants.tsv").read_text() == "participant_id\nsub-P001\n"
    image = nib.load(chain / "bids/sub-P001/ct/sub-P001_acq-P001ct_ct.nii.gz")
    assert image.shape == (44, 44, 16)
    assert np.allclose(image.header.get_zooms(), (3.4, 3.4, 4.0))


def test_image_lies_where_the_truth_lies(chain):
    image = nib.as_closest_canonical(nib.load(chain / "bids/sub-P001/ct/sub-P001_acq-P001ct_ct.nii.gz"))
    truth = nib.as_closest_canonical(nib.load(chain / "lesion.nii.gz"))
    assert np.allclose(image.affine, truth.affine, atol=1e-3)
    inside = np.asarray(truth.dataobj) > 0
    assert abs(np.asarray(image.dataobj)[inside].mean() - 30) < 15


def test_refused_series_are_listed(chain):
    table = pd.read_csv(chain / "conversion.tsv", sep="\t", keep_default_na=False).set_index("sample")
    assert "BurnedInAnnotation" in table.loc["P001_screen_save", "refused"]
    assert table.loc["P001_screen_save", "image"] == ""
    assert table.loc["P001_ct", "slice_distance_mm"] == pytest.approx(4.0)
    assert len(list((chain / "bids").rglob("*.nii.gz"))) == 2


def test_sidecar_keys():
    kept = prepare_bids.clean_sidecar(
        '{"Modality": "CT", "InstitutionName": "x", "StationName": "y", "PatientSex": "F"}'
    )
    assert kept == {"Modality": "CT"}


def test_two_images_of_a_kind_get_names_of_their_own():
    sheet = pd.DataFrame(
        {"sample": ["a_1", "a_2"], "patient_id": ["P1", "P1"], "modality": ["MR", "MR"], "task": ["brain", "brain"]}
    )
    assert [str(place) for place in prepare_bids.bids_places(sheet.assign(visit=""))] == [
        "sub-P1/anat/sub-P1_acq-a1_T1w",
        "sub-P1/anat/sub-P1_acq-a2_T1w",
    ]
    assert [str(place) for place in prepare_bids.bids_places(sheet.assign(visit=["1", "2"]))] == [
        "sub-P1/ses-1/anat/sub-P1_ses-1_T1w",
        "sub-P1/ses-2/anat/sub-P1_ses-2_T1w",
    ]


def test_nothing_of_a_nifti_file_but_its_voxels_goes_on(tmp_path):
    """Texts of the header, extensions, bytes before and behind the voxels, and names inside the compressed file."""
    image = nib.Nifti1Image(np.ones((4, 4, 4), np.int16), np.eye(4))
    for field in ("descrip", "aux_file", "db_name", "intent_name"):
        image.header[field] = b"Mueller^Anna"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"Mueller^Anna"))
    image.header.extensions.append(nib.nifti1.Nifti1Extension("dicom", b"Mueller^Anna" * 20))
    folder = tmp_path / "Mueller^Anna"
    folder.mkdir()
    with gzip.GzipFile(folder / "Mueller.nii.gz", "wb", mtime=0) as packed:
        packed.write(image.to_bytes() + b"Mueller^Anna")
    assert (folder / "Mueller.nii.gz").read_bytes().count(b"Mueller") == 1
    assert gzip.decompress((folder / "Mueller.nii.gz").read_bytes()).count(b"Mueller") >= 6
    prepare_bids.copy_nifti(folder / "Mueller.nii.gz", tmp_path / "out")
    written = (tmp_path / "out.nii.gz").read_bytes()
    assert b"Mueller" not in written
    assert b"Mueller" not in gzip.decompress(written)
    _, read = load_canonical(folder / "Mueller.nii.gz")
    save_mask(np.ones((4, 4, 4)), read, tmp_path / "mask.nii.gz")
    assert b"Mueller" not in gzip.decompress((tmp_path / "mask.nii.gz").read_bytes())


def test_comments_of_series_that_were_not_deidentified_here(chain, tmp_path):
    """dcm2niix writes image comments into the NIfTI header; series may come de-identified by somebody else."""
    shutil.copytree(chain / "deidentified/P001_ct", tmp_path / "series")
    for file in (tmp_path / "series").iterdir():
        dataset = dcmread(file)
        for keyword in ("ImageComments", "StudyDescription", "ProtocolName", "OperatorsName", "InstitutionName"):
            setattr(dataset, keyword, "Mueller^Anna")
        dataset.save_as(file)
    assert prepare_bids.convert_series(tmp_path / "series", tmp_path / "out") == ""
    assert b"Mueller" not in gzip.decompress((tmp_path / "out.nii.gz").read_bytes())
    assert "Mueller" not in (tmp_path / "out.json").read_text()
    said = bytes(228) + b"Mueller^Anna".ljust(24, b"\0") + bytes(100)
    assert prepare_bids.without_comments(said) == bytes(352)
    none = said.replace(b"Mueller^Anna", b"None".ljust(12, b"\0"))
    assert prepare_bids.without_comments(none) == none


def test_nothing_to_convert(chain, tmp_path):
    sheet = tmp_path / "sheet.tsv"
    sheet.write_text("sample\tpatient_id\tmodality\ttask\timage\nP001_scout\tP001\tCT\tnone\tx\n")
    with pytest.raises(ValueError, match="every series was refused"):
        prepare_bids.main(
            sheet=sheet, images=[chain / "deidentified/P001_scout"], decisions=[chain / "decisions/P001_scout.json"],
            bids=tmp_path / "bids", conversion=tmp_path / "conversion.tsv", review=tmp_path / "review.tsv",
        )  # fmt: skip
