"""The engine on one object with everything that other tools were seen to leak."""

from collections import Counter

import imaging_steps
import pytest
from pydicom import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from kimedlib.dicom_deidentify import Deidentifier, deidentify, load_key, shifted_date
from kimedlib.dicom_profile import load_profile

OPTIONS = ["modified_dates", "patient_characteristics"]


# the traps are not valid DICOM, and pydicom says so
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def sequence_item(**values):
    found = Dataset()
    for name, value in values.items():
        setattr(found, name, value)
    return found


def traps() -> Dataset:
    """An object that hides the patient in many places."""
    dataset = sequence_item(
        SOPClassUID=CTImageStorage, SOPInstanceUID="1.2.3.19470203.1", StudyInstanceUID="1.2.3.4",
        SeriesInstanceUID="1.2.3.5",
        PatientName="Birkenauer^Käthe", PatientID="MRN-4711", PatientBirthDate="19300102",
        PatientAge="094Y", PatientSex="F",
        StudyDate="20240310", AcquisitionDate="20240312", StudyTime="101112", BodyPartExamined="BIRKENAUER",
        ImageType=["ORIGINAL", "PRIMARY"], Modality="CT", StudyDescription="for Birkenauer", ContentDate="no date",
        PerformedProcedureStepStartDate="20240311",
    )  # fmt: skip
    dataset.AnatomicRegionSequence = [
        sequence_item(
            CodeValue="1",
            CodingSchemeDesignator="X",
            CodeMeaning="liver of Birkenauer",
            ReferencedImageSequence=[
                sequence_item(ReferencedSOPClassUID=CTImageStorage, ReferencedSOPInstanceUID="1.2.3.19470203.1")
            ],
        )
    ]
    block = dataset.AnatomicRegionSequence[0].private_block(0x0011, "MAKER", create=True)
    block.add_new(1, "LO", "Birkenauer")
    for tag, representation, value in (
        (0x00104999, "UN", b"MRN-4711"), (0x60020022, "LO", "Birkenauer"), (0x60024000, "LT", "Birkenauer"),
        (0x50000010, "US", 1), (0x50003000, "OW", b"Birkenauer"), (0x00090010, "LO", "MAKER"),
        (0x00091001, "UN", b"MRN-4711"),
    ):  # fmt: skip
        dataset.add_new(tag, representation, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.SourceApplicationEntityTitle = "BIRKENAUER"
    dataset.preamble = b"Birkenauer".ljust(128)
    return dataset


@pytest.fixture
def cleaned():
    audit = Counter()
    engine = Deidentifier(load_key(imaging_steps.KEY), load_profile(imaging_steps.PROFILE, OPTIONS))
    return deidentify(traps(), engine, "P001", audit), audit, engine


def test_no_trap_survives(cleaned, tmp_path):
    dataset, audit, _ = cleaned
    dataset.save_as(tmp_path / "out.dcm", enforce_file_format=True)
    content = (tmp_path / "out.dcm").read_bytes().lower()
    for token in (b"birkenauer", b"mrn-4711", "käthe".encode(), b"19300102", b"19470203", b"202403", b"maker", b"094y"):
        assert token not in content, token
    assert not any("birkenauer" in str(entry).lower() or "mrn" in str(entry).lower() for entry in audit)


def test_useful_things_stay(cleaned):
    dataset, _, _ = cleaned
    assert dataset.PatientSex == "F"
    assert dataset.PatientAge == "090Y"
    assert dataset.StudyTime == "101112"
    assert dataset.ImageType == ["ORIGINAL", "PRIMARY"]
    assert dataset.AnatomicRegionSequence[0].CodeValue == "1"
    assert dataset.SOPClassUID == CTImageStorage


def test_references_still_match(cleaned):
    dataset, _, _ = cleaned
    reference = dataset.AnatomicRegionSequence[0].ReferencedImageSequence[0]
    assert reference.ReferencedSOPInstanceUID == dataset.SOPInstanceUID == dataset.file_meta.MediaStorageSOPInstanceUID
    assert reference.ReferencedSOPClassUID == CTImageStorage


def test_dates_keep_their_distance(cleaned):
    dataset, _, engine = cleaned
    days = engine.shift_days("P001")
    assert 1 <= days <= 3650
    assert dataset.StudyDate == shifted_date("20240310", days)
    assert dataset.AcquisitionDate == shifted_date("20240312", days)
    assert "ContentDate" not in dataset  # was no date


def test_without_date_option_no_date_is_left():
    engine = Deidentifier(load_key(imaging_steps.KEY), load_profile(imaging_steps.PROFILE, []))
    dataset = deidentify(traps(), engine, "P001", Counter())
    assert dataset.LongitudinalTemporalInformationModified == "REMOVED"
    assert dataset.StudyDate in ("", None)
    assert "PatientAge" not in dataset


def test_mapping_needs_the_key():
    profile = load_profile(imaging_steps.PROFILE, OPTIONS)
    one, two = (Deidentifier(load_key(key), profile) for key in (imaging_steps.KEY, "x" * 16))
    assert one.uid("1.2.3") == one.uid("1.2.3") != two.uid("1.2.3")
    assert len(one.uid("1.2.3")) <= 64
    assert "key of more" not in repr(one)


def test_shifted_date_time_keeps_the_time():
    assert shifted_date("20240301101112.5", 1) == "20240229101112.5"
