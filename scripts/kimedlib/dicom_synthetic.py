"""DICOM series of invented patients as a hospital would send them: valid, and identifying on purpose.

Modules and attribute types follow DICOM PS3.3 A.3 (CT), A.4 (MR) and A.8.1 (secondary capture). Unique
identifiers are hashes below the UUID root 2.25 (PS3.5 annex B.2), so that the same seed gives the same bytes.
"""

import datetime as dt
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import UID, CTImageStorage, MRImageStorage, RLELossless, SecondaryCaptureImageStorage

PRIVATE_CREATOR = "KIMED SYNTHETIC 1"
STORAGE = {"CT": CTImageStorage, "MR": MRImageStorage, "OT": SecondaryCaptureImageStorage}


def hashed_uid(*keys: str) -> UID:
    """A unique identifier that depends on `keys` only."""
    digest = hashlib.sha256("\0".join(keys).encode()).digest()
    return UID(f"2.25.{int.from_bytes(digest[:16], 'big')}")


@dataclass(frozen=True)
class Identity:
    """What identifies a patient and a visit, and therefore must not survive de-identification."""

    family_name: str
    given_name: str
    record_number: str
    birth_date: dt.date
    sex: str
    study_date: dt.date
    address: str
    telephone: str
    institution: str
    physician: str
    operator: str
    accession: str
    station: str
    relative: str

    @property
    def person_name(self) -> str:
        """Name in DICOM notation."""
        return f"{self.family_name}^{self.given_name}"

    @property
    def age(self) -> str:
        """Age at the study, DICOM age string."""
        before = (self.study_date.month, self.study_date.day) < (self.birth_date.month, self.birth_date.day)
        return f"{self.study_date.year - self.birth_date.year - before:03d}Y"

    def tokens(self) -> dict[str, str]:
        """Texts to search for after de-identification, by what they are."""
        return {
            "family_name": self.family_name,
            "given_name": self.given_name,
            "record_number": self.record_number,
            "birth_date": f"{self.birth_date:%Y%m%d}",
            "address": self.address,
            "telephone": self.telephone,
            "institution": self.institution,
            "physician": self.physician,
            "operator": self.operator,
            "accession": self.accession,
            "station": self.station,
            "relative": self.relative,
        }


@dataclass(frozen=True)
class Series:
    """What all images of a series share.

    Attributes
    ----------
    name
        Folder name, unique per patient.
    spacing
        Column, row, slice distance in millimetres.
    extra
        Further attributes by keyword (modality modules, image type, burned-in annotation).
    """

    name: str
    number: int
    modality: str
    description: str
    spacing: tuple[float, float, float]
    intercept: int
    extra: dict[str, Any]


def item(**values: Any) -> Dataset:
    """A sequence item."""
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def common_attributes(identity: Identity, series: Series, key: str) -> Dataset:
    """Patient, study, series, equipment and image attributes that do not differ between slices."""
    study = f"{key}/study"
    date, time = f"{identity.study_date:%Y%m%d}", f"09{series.number % 60:02d}00"
    dataset = item(
        SpecificCharacterSet="ISO_IR 192",
        SOPClassUID=STORAGE[series.modality],
        PatientName=identity.person_name, PatientID=identity.record_number,
        PatientBirthDate=f"{identity.birth_date:%Y%m%d}", PatientSex=identity.sex, PatientAge=identity.age,
        PatientAddress=identity.address, PatientTelephoneNumbers=identity.telephone,
        StudyInstanceUID=hashed_uid(study), StudyDate=date, StudyTime="090000", StudyID="1",
        AccessionNumber=identity.accession, ReferringPhysicianName=identity.physician,
        Modality=series.modality, SeriesInstanceUID=hashed_uid(study, series.name), SeriesNumber=series.number,
        SeriesDescription=series.description, SeriesDate=date, SeriesTime=time,
        AcquisitionDate=date, AcquisitionTime=time, ContentDate=date, ContentTime=time, AcquisitionNumber=1,
        OperatorsName=identity.operator, InstitutionName=identity.institution, StationName=identity.station,
        Manufacturer="KIMed synthetic", ManufacturerModelName="Phantom", SoftwareVersions="1",
        PatientPosition="HFS", FrameOfReferenceUID=hashed_uid(study, "frame"), PositionReferenceIndicator="",
        SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2",
        BitsAllocated=16, BitsStored=16, HighBit=15, PixelRepresentation=1 if series.modality == "CT" else 0,
    )  # fmt: skip
    for keyword, value in series.extra.items():
        setattr(dataset, keyword, value)
    return dataset


def add_hidden_identity(dataset: Dataset, identity: Identity) -> None:
    """Identity where simple tools do not look: sequences in sequences, private elements, overlay, padding."""
    dataset.OtherPatientIDsSequence = [item(PatientID=identity.record_number, TypeOfPatientID="TEXT")]
    dataset.RequestAttributesSequence = [
        item(
            RequestedProcedureID="1",
            ScheduledProcedureStepID="1",
            ScheduledProtocolCodeSequence=[
                item(CodeValue="1", CodingSchemeDesignator="99KIMED", CodeMeaning=f"for {identity.family_name}")
            ],
        )
    ]
    dataset.PatientComments = f"call {identity.relative}, {identity.telephone}"
    block = dataset.private_block(0x0009, PRIVATE_CREATOR, create=True)
    block.add_new(0x01, "LO", identity.person_name)
    block.add_new(0x02, "SQ", [item(PatientName=identity.person_name)])
    for element, representation, value in (
        (0x0010, "US", 4), (0x0011, "US", 4), (0x0022, "LO", f"marked by {identity.operator}"), (0x0040, "CS", "G"),
        (0x0050, "SS", [1, 1]), (0x0100, "US", 1), (0x0102, "US", 0), (0x3000, "OW", b"\xa5\x5a"),
    ):  # fmt: skip
        dataset.add_new(0x60000000 + element, representation, value)
    dataset.add_new(0xFFFCFFFC, "OB", identity.person_name.encode() + b"\0" * (len(identity.person_name.encode()) % 2))


def write_slice(path: Path, dataset: Dataset, pixels: NDArray[np.integer[Any]], identity: Identity | None) -> None:
    """Write one RLE-compressed file; with `identity` also the preamble and the file meta group name the patient.

    The pixel item comes without a basic offset table, which dcm2niix cannot read in RLE files.
    """
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = RLELossless
    dataset.file_meta.ImplementationClassUID = hashed_uid("kimed", "implementation")
    dataset.preamble = b"\0" * 128
    if identity is not None:
        dataset.file_meta.SourceApplicationEntityTitle = identity.station
        dataset.preamble = identity.person_name.encode()[:128].ljust(128, b"\0")
    frame = RLELosslessEncoder.encode(
        np.ascontiguousarray(pixels), encoding_plugin="pydicom", rows=pixels.shape[0], columns=pixels.shape[1],
        samples_per_pixel=1, bits_allocated=16, bits_stored=16, pixel_representation=dataset.PixelRepresentation,
        photometric_interpretation="MONOCHROME2", number_of_frames=1,
    )  # fmt: skip
    dataset.PixelData = encapsulate([frame], has_bot=False)
    dataset["PixelData"].is_undefined_length = True
    dataset["PixelData"].VR = "OB"
    dcmwrite(path, dataset, enforce_file_format=True)


def write_series(folder: Path, identity: Identity, series: Series, volume: NDArray[np.float32], key: str) -> list[str]:
    """Write one axial series, one file per slice; returns the file names.

    Parameters
    ----------
    volume
        Voxel values (columns, rows, slices), patient left, posterior, superior.
    key
        Where the identifiers come from: patient and seed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shape = volume.shape
    corner = [-(size - 1) / 2 * step for size, step in zip(shape, series.spacing, strict=True)]
    kind = np.int16 if series.modality == "CT" else np.uint16
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    names = []
    for index in range(shape[2]):
        dataset = common_attributes(identity, series, key)
        dataset.SOPInstanceUID = hashed_uid(key, series.name, str(index))
        dataset.InstanceNumber = index + 1
        if series.modality != "OT":
            position = corner[2] + index * series.spacing[2]
            dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
            dataset.ImagePositionPatient = [round(value, 4) for value in (corner[0], corner[1], position)]
            dataset.PixelSpacing = [series.spacing[1], series.spacing[0]]
            dataset.SliceThickness = series.spacing[2]
            # as on real scanners it may point the other way: geometry must not rely on it
            dataset.SliceLocation = round(-position, 4)
        if series.modality == "CT":
            dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = series.intercept, 1, "HU"
        if index == 0:
            add_hidden_identity(dataset, identity)
        stored = np.clip(np.rint(volume[:, :, index].T - series.intercept), low, high).astype(kind)
        name = f"{index + 1:03d}.dcm"
        write_slice(folder / name, dataset, stored, identity if index == 0 else None)
        names.append(name)
    return names
