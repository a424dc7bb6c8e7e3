"""Nothing planted survives, dates keep their distance, references match, text in pixels is refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import imaging_steps
import numpy as np
import pandas as pd
import pytest
from pydicom import DataElement, config, dcmread

from kimedlib.dicom_pixel_text import shows_text
from kimedlib.problems import InputProblems


def all_bytes(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() + path.name.encode() for path in sorted(folder.rglob("*")) if path.is_file())


def planted(folder: Path) -> list[str]:
    tokens = pd.read_csv(folder / "phi.tsv", sep="\t", dtype=str)["token"]
    return [part for token in tokens for part in {token, *token.split("^")} if len(part) >= 4]


@pytest.mark.parametrize("where", ["deidentified", "audit", "decisions", "bids", "overlays"])
def test_no_planted_token_in_any_byte(chain, where):
    raw, found = all_bytes(chain / "raw").lower(), all_bytes(chain / where).lower()
    for token in planted(chain):
        for encoding in ("utf-8", "latin-1"):
            assert token.lower().encode(encoding) not in found, token
        assert token.lower().encode() in raw.lower() or not token.isascii(), token


def test_text_in_pixels_is_refused(chain):
    for series, reason in (("screen_save", "BurnedInAnnotation is YES"), ("scout", "text in the pixels")):
        said = json.loads((chain / "decisions" / f"P001_{series}.json").read_text())
        assert not said["accepted"]
        assert reason in said["reasons"]
        assert not list((chain / "deidentified" / f"P001_{series}").iterdir())


def test_text_in_pixels_is_masked_where_the_config_says_so(chain, tmp_path):
    """A scout goes on without the name in it, listed for review; a screen save of an unknown device does not."""
    for series in ("scout", "screen_save"):
        imaging_steps.deidentify(tmp_path, chain / f"raw/{series}", series, pixels="mask")
    said = json.loads((tmp_path / "decisions/scout.json").read_text())
    assert said["accepted"] and [row["reason"] for row in said["review"]] == ["masked: text found"]
    assert not shows_text(dcmread(tmp_path / "deidentified/scout/0001.dcm").pixel_array)
    assert shows_text(dcmread(next((chain / "raw/scout").iterdir())).pixel_array)
    refused = json.loads((tmp_path / "decisions/screen_save.json").read_text())
    assert not refused["accepted"] and {"files": "all", "place": "series"}.items() <= refused["review"][0].items()


def test_objects_say_what_was_done(chain):
    dataset = dcmread(chain / "deidentified/P001_ct/0001.dcm")
    assert dataset.PatientIdentityRemoved == "YES"
    assert dataset.LongitudinalTemporalInformationModified == "MODIFIED"
    assert [code.CodeValue for code in dataset.DeidentificationMethodCodeSequence] == ["113100", "113107", "113108"]
    assert dataset.PatientID == "P001"
    assert dataset.PatientBirthDate == ""


def test_pixels_and_geometry_stay(chain):
    for number in (1, 7):
        before = dcmread(chain / f"raw/ct/{number:03d}.dcm")
        after = dcmread(chain / f"deidentified/P001_ct/{number:04d}.dcm")
        assert np.array_equal(before.pixel_array, after.pixel_array)
        assert before.ImagePositionPatient == after.ImagePositionPatient


def test_study_is_the_same_in_both_series_and_other_with_another_key(chain, tmp_path):
    ct, mr = (dcmread(chain / f"deidentified/P001_{name}/0001.dcm") for name in ("ct", "mr"))
    assert ct.StudyInstanceUID == mr.StudyInstanceUID
    assert ct.StudyDate == mr.StudyDate
    assert ct.StudyDate != dcmread(chain / "raw/ct/001.dcm").StudyDate
    imaging_steps.deidentify(tmp_path, chain / "raw/ct", "other", key="another key, also long enough")
    assert dcmread(tmp_path / "deidentified/other/0001.dcm").StudyInstanceUID != ct.StudyInstanceUID


def test_same_bytes_again(chain, tmp_path):
    imaging_steps.deidentify(tmp_path, chain / "raw/ct", "P001_ct")
    assert all_bytes(tmp_path / "deidentified/P001_ct") == all_bytes(chain / "deidentified/P001_ct")


def test_all_problems_of_a_series_at_once(chain, tmp_path):
    series = tmp_path / "series"
    shutil.copytree(chain / "raw/ct", series)
    (series / "notes.txt").write_text("not an image")
    (series / "005.dcm").unlink()
    shutil.copy(series / "007.dcm", series / "copy.dcm")
    with pytest.raises(InputProblems) as raised:
        imaging_steps.deidentify(tmp_path, series, "bad")
    text = str(raised.value)
    assert all(part in text for part in ("notes.txt: is not a DICOM file", "slices missing", "repeats the slice"))
    assert not (tmp_path / "decisions/bad.json").exists()


def test_log_does_not_repeat_invalid_values(chain, tmp_path, caplog, recwarn):
    series = tmp_path / "series"
    shutil.copytree(chain / "raw/ct", series)
    for path in series.iterdir():
        dataset = dcmread(path)
        dataset.add(DataElement("StudyInstanceUID", "UI", "1.2.mustermann", validation_mode=config.IGNORE))
        dataset.add(DataElement("StudyDate", "DA", "mustermann", validation_mode=config.IGNORE))
        dataset.save_as(path)
    caplog.clear()
    recwarn.clear()
    imaging_steps.deidentify(tmp_path, series, "a")
    said = caplog.text + "".join(str(warning.message) for warning in recwarn)
    assert b"mustermann" not in said.encode() + all_bytes(tmp_path / "deidentified") + all_bytes(tmp_path / "audit")


def test_short_key(chain, tmp_path):
    with pytest.raises(ValueError, match="openssl"):
        imaging_steps.deidentify(tmp_path, chain / "raw/ct", "x", key="short")


def spe(*arguments: object) -> None:
    command = [sys.executable, "-m", "kimed_spe.cli", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def linkage(chain, tmp_path_factory) -> Path:
    """What the trust centre issues for the number that the hospital wrote into the files."""
    folder = tmp_path_factory.mktemp("trust_centre")
    number = dcmread(chain / "raw/ct/001.dcm").PatientID
    (folder / "people.tsv").write_text(f"identifier\tpatient\n{number}\t{number}\n")
    place = ("--store", folder / "store", "--key", folder / "master.key", "--project", "p1")
    spe("pseudonym", "init", *place, "--purpose", "test")
    spe("pseudonym", "issue", folder / "people.tsv", *place, "-o", folder / "linkage.tsv")
    return folder / "linkage.tsv"


def test_linkage_of_the_trust_centre_rules_all_series_of_a_patient(chain, linkage, tmp_path):
    number, pseudonym, _, days = linkage.read_text().splitlines()[1].split("\t")
    for name in ("ct", "mr"):
        imaging_steps.deidentify(tmp_path, chain / f"raw/{name}", name, linkage=linkage, patient_id=pseudonym)
    ct, mr = (dcmread(tmp_path / f"deidentified/{name}/0001.dcm") for name in ("ct", "mr"))
    before = dcmread(chain / "raw/ct/001.dcm")
    assert ct.PatientID == ct.PatientName == mr.PatientID == pseudonym != number
    assert ct.StudyInstanceUID == mr.StudyInstanceUID != before.StudyInstanceUID
    moved = pd.Timestamp(ct.StudyDate) - pd.Timestamp(before.StudyDate)
    assert moved == pd.Timedelta(days=int(days)) and ct.StudyDate == mr.StudyDate
    assert number.encode() not in all_bytes(tmp_path / "deidentified") + all_bytes(tmp_path / "audit")
    without = dcmread(chain / "deidentified/P001_ct/0001.dcm")
    assert without.StudyInstanceUID != ct.StudyInstanceUID


def test_series_of_somebody_else_is_refused_and_nothing_written(chain, linkage, tmp_path):
    with pytest.raises(InputProblems, match="the sheet says P001"):
        imaging_steps.deidentify(tmp_path, chain / "raw/ct", "ct", linkage=linkage)
    header = linkage.read_text().splitlines()[0]
    (tmp_path / "empty.tsv").write_text(f"{header}\n")
    with pytest.raises(InputProblems, match="complete linkage file"):
        imaging_steps.deidentify(tmp_path, chain / "raw/ct", "ct", linkage=tmp_path / "empty.tsv")
    assert not list((tmp_path / "deidentified/ct").iterdir()) and not (tmp_path / "decisions").exists()


def test_names_of_folders_and_files_go_nowhere(chain, tmp_path, capfd, caplog):
    source = tmp_path / "Moehrenfurtner_Swantje_48151623"
    source.mkdir()
    for number, file in enumerate(sorted((chain / "raw/ct").iterdir()), 1):
        shutil.copyfile(file, source / f"MOEHRENF_{number:03d}_48151623.IMA")
    imaging_steps.deidentify(tmp_path, source, "s1")
    said = capfd.readouterr()
    texts = [said.out.encode(), said.err.encode(), caplog.text.encode()]
    for path in tmp_path.rglob("*"):
        if path.is_file() and source not in path.parents:
            texts += [path.read_bytes(), str(path.relative_to(tmp_path)).encode()]
    assert len(texts) > 10
    for text in texts:
        assert not any(name in text.lower() for name in (b"moehren", b"swantje", b"48151623"))
