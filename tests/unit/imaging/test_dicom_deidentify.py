"""The engine on one object with everything that other tools were seen to leak."""

from collections import Counter

import imaging_steps
import pytest
from pydicom import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from kimedlib.dicom_deidentify import deidentify, load_key, of_linkage, of_project
from kimedlib.dicom_profile import load_profile
from kimedlib.problems import InputProblems
from kimedlib.pseudonyms import Linkage, dicom_uid, shift_date

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
    engine = of_project(load_key(imaging_steps.KEY), "P001", load_profile(imaging_steps.PROFILE, OPTIONS))
    return deidentify(traps(), engine, audit), audit, engine


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
    assert -3650 <= engine.shift_days <= -1
    assert dataset.StudyDate == shift_date("20240310", engine.shift_days)
    assert dataset.AcquisitionDate == shift_date("20240312", engine.shift_days)
    assert dataset.ContentDate == "19000101"  # was no date


def test_without_date_option_no_date_is_left():
    engine = of_project(load_key(imaging_steps.KEY), "P001", load_profile(imaging_steps.PROFILE, []))
    dataset = deidentify(traps(), engine, Counter())
    assert dataset.LongitudinalTemporalInformationModified == "REMOVED"
    assert dataset.StudyDate in ("", None)
    assert "PatientAge" not in dataset


def test_mapping_needs_the_key():
    profile = load_profile(imaging_steps.PROFILE, OPTIONS)
    one, two = (of_project(load_key(key), "P001", profile) for key in (imaging_steps.KEY, "x" * 16))
    assert one.uid("1.2.3") == one.uid("1.2.3") != two.uid("1.2.3")
    assert len(one.uid("1.2.3")) <= 64
    assert "key of more" not in repr(one) and str(one.shift_days) not in repr(one)


def test_what_the_trust_centre_issued_is_used():
    profile = load_profile(imaging_steps.PROFILE, OPTIONS)
    linkage = Linkage({"mrn-4711": "ABCDE"}, {"mrn-4711": b"k" * 32}, {"mrn-4711": 31})
    engine = of_linkage(linkage, " mrn-4711 ", "ABCDE", "series", profile)
    dataset = deidentify(traps(), engine, Counter())
    assert dataset.PatientID == "ABCDE" and dataset.StudyDate == "20240410"
    assert engine.uid("1.2.3") == dicom_uid("1.2.3", b"k" * 32)


@pytest.mark.parametrize(("number", "expected", "said"), [("mrn-0815", "ABCDE", "lacks"), ("mrn-4711", "P", "sheet")])
def test_a_patient_of_whom_the_trust_centre_says_otherwise_is_refused(number, expected, said):
    linkage = Linkage({"mrn-4711": "ABCDE"}, {"mrn-4711": b"k" * 32}, {"mrn-4711": 31})
    with pytest.raises(InputProblems, match=said) as raised:
        of_linkage(linkage, number, expected, "series", load_profile(imaging_steps.PROFILE, OPTIONS))
    assert number not in str(raised.value)
