"""Everything that is wrong with a sheet's files, at once, with place and remedy."""

import shutil
from pathlib import Path

import imaging_steps
import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from pydicom import dcmread
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from kimedlib.check_imaging import check_files, check_training_files

COLUMNS = ["sample", "patient_id", "modality", "task", "image", "label", "reference_volume_ml"]


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    imaging_steps.simulate(folder)
    return folder


def found(rows: list[tuple[str, ...]]) -> str:
    frame = pd.DataFrame([dict(zip(COLUMNS, (*row, "", ""), strict=False)) for row in rows]).fillna("")
    return "\n".join(str(problem) for problem in check_files(frame[COLUMNS[: len(frame.columns)]], "sheet.tsv"))


def test_good_sheet(raw):
    frame = pd.DataFrame(imaging_steps.sheet_rows(raw))
    assert check_files(frame, "sheet.tsv") == []


def test_missing_and_empty_folders_and_wrong_modality_at_once(raw, tmp_path):
    (tmp_path / "empty").mkdir()
    text = found(
        [
            ("a", "P1", "CT", "lesion", str(tmp_path / "nowhere")),
            ("b", "P1", "CT", "lesion", str(tmp_path / "empty")),
            ("c", "P1", "CT", "lesion", str(raw / "raw/mr")),
            ("d", "P1", "CT", "brain", str(raw / "raw/ct")),
        ]
    )
    for part in ("there is no folder", "zero slices", "holds MR, the sheet says CT", "task brain on CT", "->"):
        assert part in text


def test_bad_files_of_a_series(raw, tmp_path):
    series = tmp_path / "series"
    shutil.copytree(raw / "raw/ct", series)
    (series / "readme.txt").write_text("hello")
    (series / "003.dcm").write_bytes((series / "003.dcm").read_bytes()[:700])
    text = found([("a", "P1", "CT", "lesion", str(series))])
    assert "readme.txt: is not a DICOM file" in text
    assert "003.dcm: is cut off" in text
    assert "slices missing" in text


def test_values_of_the_files_are_not_repeated(raw, tmp_path, capfd, caplog, recwarn):
    """pydicom warns of a value by repeating it, Python of a number that is none: both may name a patient."""
    series = tmp_path / "series"
    shutil.copytree(raw / "raw/ct", series)
    plants = {"003": {"InstanceNumber": b"Mustermann"}, "004": {"ImagePositionPatient": b"1\\2\\Mustermann"}}
    plants |= {"005": {"StudyDate": b"Mustermann", "StudyInstanceUID": b"1.2.Mustermann", "Modality": b"MUSTERMANN"}}
    for name, values in plants.items():
        dataset = dcmread(series / f"{name}.dcm")
        for keyword, value in values.items():
            tag = tag_for_keyword(keyword)
            vr = dictionary_VR(tag)
            dataset[keyword] = RawDataElement(BaseTag(tag), vr, len(value), value, 0, False, True)
        dataset.save_as(series / f"{name}.dcm")
    one = tmp_path / "one"
    one.mkdir()
    shutil.copy(series / "005.dcm", one)
    for record in (caplog, recwarn):
        record.clear()
    text = found([("a", "P1", "CT", "lesion", str(series)), ("b", "P1", "CT", "lesion", str(one))])
    for part in ("003.dcm: InstanceNumber is no number", "004.dcm: ImagePositionPatient is no number"):
        assert part in text
    assert "one holds no modality of the standard, the sheet says CT" in text
    said = text + caplog.text + "".join(str(warning.message) for warning in recwarn) + "".join(capfd.readouterr())
    assert "mustermann" not in said.lower()


def test_cut_uncompressed_file(raw, tmp_path):
    (tmp_path / "s").mkdir()
    dataset = dcmread(raw / "raw/ct/001.dcm")
    dataset.decompress(generate_instance_uid=False)
    dataset.PixelData = dataset.PixelData[:-100]
    dataset.save_as(tmp_path / "s/1.dcm", enforce_file_format=True)
    assert "is cut off: 100 bytes of pixel data are missing" in found([("a", "P1", "CT", "none", str(tmp_path / "s"))])


def test_mixed_series_and_patients(raw, tmp_path):
    series = tmp_path / "series"
    shutil.copytree(raw / "raw/ct", series)
    shutil.copy(raw / "raw/scout/001.dcm", series / "scout.dcm")
    assert "holds 2 series" in found([("a", "P1", "CT", "lesion", str(series))])
    other = dcmread(series / "001.dcm")
    other.PatientID = "somebody else"
    other.save_as(series / "001.dcm")
    assert "holds 2 patients" in found([("a", "P1", "CT", "lesion", str(series))])


def test_two_network_tasks(raw):
    text = found([("a", "P1", "CT", "lesion", str(raw / "raw/ct")), ("b", "P1", "CT", "labels", str(raw / "raw/ct"))])
    assert "one run trains one network" in text


def test_nifti(tmp_path):
    image = nib.Nifti1Image(np.ones((5, 5, 5), np.int16), np.eye(4))
    nib.save(image, tmp_path / "image.nii.gz")
    nib.save(nib.Nifti1Image(np.ones((5, 5, 6), np.uint8), np.eye(4)), tmp_path / "shape.nii.gz")
    nib.save(nib.Nifti1Image(np.ones((5, 5, 5), np.uint8), np.diag([2.0, 1, 1, 1])), tmp_path / "affine.nii.gz")
    (tmp_path / "cut.nii.gz").write_bytes((tmp_path / "image.nii.gz").read_bytes()[:-20])
    (tmp_path / "text.nii").write_text("no image")
    rows = [
        ("a", "P1", "MR", "labels", "image", "shape.nii.gz"),
        ("b", "P1", "MR", "labels", "image", "affine.nii.gz"),
        ("c", "P1", "MR", "labels", "cut", ""),
        ("d", "P1", "MR", "labels", "text.nii", ""),
        ("e", "P1", "MR", "labels", "nowhere", ""),
    ]
    names = {"image": "image.nii.gz", "cut": "cut.nii.gz", "nowhere": "nowhere.nii.gz"}
    text = found(
        [
            (*row[:4], str(tmp_path / names.get(row[4], row[4])), str(tmp_path / row[5]) if row[5] else "")
            for row in rows
        ]
    )
    for part in (
        "shape (5, 5, 6)",
        "affine differs",
        "cut.nii.gz: is not a readable",
        "text.nii: is not",
        "there is no file",
    ):
        assert part in text, part


def test_training_sheet(tmp_path):
    nib.save(nib.Nifti1Image(np.ones((5, 5, 5), np.int16), np.eye(4)), tmp_path / "image.nii.gz")
    frame = pd.DataFrame(
        [{"case_id": "t", "image": str(tmp_path / "image.nii.gz"), "label": str(tmp_path / "no.nii.gz")}]
    )
    assert "there is no file" in str(check_training_files(frame, "training.tsv")[0])


def test_outlines(tmp_path):
    def volume(name: str, values: np.ndarray, step: float = 1.0) -> str:
        nib.save(nib.Nifti1Image(values, np.diag([step, step, step, 1.0])), tmp_path / name)
        return str(tmp_path / name)

    image = volume("image.nii.gz", np.zeros((6, 6, 6), np.int16))
    good = np.zeros((6, 6, 6), np.uint8)
    good[2:4] = 1
    rows = [
        ("PT", "uptake", ""),
        ("CT", "uptake", ""),
        ("CT", "outline", volume("good.nii.gz", good)),
        ("CT", "outline", volume("several.nii.gz", good * 3)),
        ("PT", "uptake", volume("search.nii.gz", good * 3)),
        ("CT", "outline", ""),
        ("CT", "outline", volume("values.nii.gz", good * 2.5)),
        ("CT", "outline", volume("empty.nii.gz", good * 0)),
        ("CT", "outline", volume("grid.nii.gz", good, 2.0)),
        ("CT", "outline", str(tmp_path / "nowhere.nii.gz")),
        ("CT", "none", str(tmp_path / "good.nii.gz")),
    ]
    frame = pd.DataFrame(rows, columns=["modality", "task", "outline"]).assign(image=image, patient_id="P", label="")
    frame["sample"] = [f"s{number}" for number in range(len(frame))]
    text = [str(problem) for problem in check_files(frame, "sheet.tsv")]
    expected = (
        "task uptake on CT", "search.nii.gz: holds values 3", "task outline without an outline",
        "values.nii.gz: holds values 2.5",
        "empty.nii.gz: marks nothing", "affine differs", "there is no file", "an outline but task none",
    )  # fmt: skip
    assert len(text) == len(expected)
    for part, line in zip(expected, text, strict=True):
        assert part in line
        assert "->" in line
