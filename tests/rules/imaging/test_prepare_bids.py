"""One data set, no identifying keys, refused series listed and not converted."""

import json

import nibabel as nib
import numpy as np
import pandas as pd
import prepare_bids
import pytest


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


def test_nifti_header_texts_are_dropped(tmp_path):
    image = nib.Nifti1Image(np.ones((4, 4, 4), np.int16), np.eye(4))
    image.header["descrip"] = b"Mueller^Anna"
    nib.save(image, tmp_path / "in.nii.gz")
    prepare_bids.copy_nifti(tmp_path / "in.nii.gz", tmp_path / "out")
    assert b"Mueller" not in nib.load(tmp_path / "out.nii.gz").to_bytes()


def test_nothing_to_convert(chain, tmp_path):
    sheet = tmp_path / "sheet.tsv"
    sheet.write_text("sample\tpatient_id\tmodality\ttask\timage\nP001_scout\tP001\tCT\tnone\tx\n")
    with pytest.raises(ValueError, match="every series was refused"):
        prepare_bids.main(
            sheet=sheet, images=[chain / "deidentified/P001_scout"], decisions=[chain / "decisions/P001_scout.json"],
            bids=tmp_path / "bids", conversion=tmp_path / "conversion.tsv", review=tmp_path / "review.tsv",
        )  # fmt: skip
