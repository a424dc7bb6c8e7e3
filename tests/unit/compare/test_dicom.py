"""DICOM objects: single changes that must be seen, and changes that mean nothing, which must not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from compare_cases import Case, both_tests, see_damage
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian


def dicom(path: Path, change: Callable[[Dataset], None] | None = None, syntax=ExplicitVRLittleEndian) -> Path:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = (
        CTImageStorage,
        "1.2.3",
        syntax,
    )
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID, data.Modality, data.PatientID = CTImageStorage, "1.2.3", "CT", "P001"
    data.SliceThickness, data.ImagePositionPatient, data.InstanceCreationTime = "2.50", ["0", "1", "2"], "101010"
    item = Dataset()
    item.ReferencedSOPInstanceUID = "1.2.4"
    data.ReferencedImageSequence = [item]
    block = data.private_block(0x0011, "KIMED", create=True)
    block.add_new(0x01, "LO", "private text")
    data.Rows, data.Columns, data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 16, 12, 11
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    data.PixelData = np.arange(256, dtype="<u2").tobytes()
    if change:
        change(data)
    data.save_as(path, enforce_file_format=True)
    return path


def set_(name, value):
    return lambda data: setattr(data, name, value)


MUTATIONS = {
    "one tag of DICOM": Case("dicom", "a.dcm", dicom, lambda p: dicom(p, set_("PatientID", "P002")), {}),
    "one nested tag": Case(
        "dicom",
        "a.dcm",
        dicom,
        lambda p: dicom(p, lambda d: setattr(d.ReferencedImageSequence[0], "ReferencedSOPInstanceUID", "1.2.5")),
        {},
    ),
    "one private tag": Case(
        "dicom", "a.dcm", dicom, lambda p: dicom(p, lambda d: setattr(d[0x00111001], "value", "other text")), {}
    ),
    "tag removed": Case("dicom", "a.dcm", dicom, lambda p: dicom(p, lambda d: d.__delattr__("Modality")), {}),
    "position": Case(
        "dicom", "a.dcm", dicom, lambda p: dicom(p, set_("ImagePositionPatient", ["0", "1", "2.001"])), {}
    ),
    "one pixel of DICOM": Case(
        "dicom", "a.dcm", dicom, lambda p: dicom(p, lambda d: setattr(d, "PixelData", b"\1\0" + d.PixelData[2:])), {}
    ),
}
BENIGN = {
    "transfer syntax": Case("dicom", "a.dcm", dicom, lambda p: dicom(p, syntax=ImplicitVRLittleEndian), {}),
    "ignored time": Case(
        "dicom",
        "a.dcm",
        dicom,
        lambda p: dicom(p, set_("InstanceCreationTime", "111111")),
        {"ignored": ["InstanceCreationTime"]},
    ),
    "decimal string": Case("dicom", "a.dcm", dicom, lambda p: dicom(p, set_("SliceThickness", "2.5")), {}),
}

test_one_change_is_seen, test_what_means_nothing_is_no_alarm = both_tests(MUTATIONS, BENIGN)


def test_a_truncated_file_is_never_a_pass(tmp_path):
    see_damage("dicom", (dicom)(tmp_path / "a.dcm"))
