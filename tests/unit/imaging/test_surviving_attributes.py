"""What research needs survives de-identification: surviving_attributes.tsv lists it, `always` and by option.

The list is ours: the attributes that geometry, signal and timing of CT, MR and PET depend on and that Table E.1-1 of
PS3.15 does not name, and the main ones of each option.
"""

import csv
from collections import Counter
from datetime import datetime
from pathlib import Path

import imaging_steps
import pytest
from pydicom import Dataset, FileMetaDataset
from pydicom.datadict import dictionary_VR
from pydicom.uid import ExplicitVRLittleEndian

from kimedlib.dicom_deidentify import deidentify, of_project
from kimedlib.dicom_profile import load_profile

LIST = list(
    csv.DictReader(Path(__file__).with_name("surviving_attributes.tsv").read_text().splitlines(), delimiter="\t")
)
OPTIONS = sorted({row["option"] for row in LIST} - {"always"})


def values(option: str) -> dict[str, str]:
    return {row["attribute"]: row["value"] for row in LIST if row["option"] == option}


def original() -> Dataset:
    """An object with all attributes of the list, two dates and the identifiers that every object has."""
    dataset = Dataset()
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "Birkenauer^Käthe", "MRN-4711", "19620102"
    for name, text in ((row["attribute"], row["value"]) for row in LIST):
        kind = {"US": int, "SS": int, "FD": float}.get(dictionary_VR(name), str)
        parts = [kind(part) for part in text.split("\\")]
        setattr(dataset, name, parts if len(parts) > 1 else parts[0])
    dataset.StudyDate, dataset.AcquisitionDate = "20240310", "20240312"
    dataset.PixelData = bytes(32)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def cleaned(options: list[str]) -> Dataset:
    profile = load_profile(imaging_steps.PROFILE, options)
    return deidentify(original(), of_project(b"a key of more than sixteen", "P001", profile), Counter())


def lost(found: Dataset, option: str) -> list[str]:
    """Attributes of the option that are missing, empty or have another value."""
    before = original()
    return [name for name in values(option) if name not in found or found[name].value != before[name].value]


@pytest.mark.parametrize("options", [[], *([option] for option in OPTIONS)], ids=str)
def test_geometry_signal_and_timing_always_survive(options):
    assert lost(cleaned(options), "always") == []


@pytest.mark.parametrize("option", OPTIONS)
def test_what_an_option_keeps_survives_with_it_and_not_without(option):
    assert lost(cleaned([option]), option) == []
    assert lost(cleaned([]), option) == list(values(option))


def test_intervals_survive_modified_dates():
    found = cleaned(["modified_dates"])
    assert found.StudyDate != original().StudyDate
    first, second = (datetime.strptime(text, "%Y%m%d") for text in (found.StudyDate, found.AcquisitionDate))
    assert (second - first).days == 2


def test_all_options_together_keep_all_lists():
    found = cleaned([option for option in OPTIONS if option != "modified_dates"])
    assert [lost(found, option) for option in ("always", *OPTIONS) if option != "modified_dates"] == [[]] * len(OPTIONS)
