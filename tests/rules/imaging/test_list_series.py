"""Each kind of series is recognised, each defect refused; nobody is named, whatever files are called."""

import csv
import sys
import tarfile
from collections import Counter

import numpy as np
import pytest
from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.uid import (
    CTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    RTStructureSetStorage,
    UltrasoundMultiFrameImageStorage,
)

from kimedlib.check_imaging import check_trees
from kimedlib.dicom_synthetic import hashed_uid, item, write_slice
from kimedlib.problems import InputProblems

NAME = "Mustermann"
AXIAL, SAGITTAL = [1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1]
NORMAL = {tuple(AXIAL): (0, 0, 1), tuple(SAGITTAL): (-1, 0, 0)}


@pytest.fixture(scope="module")
def list_series(repository):
    sys.path.insert(0, str(repository / "scripts" / "imaging"))
    import list_series

    return list_series


def image(series: str, number: int, place: float, *, way=AXIAL, **values) -> Dataset:
    """A slice of 8 x 8 pixels; `SliceLocation` is wrong by a third, as on real scanners."""
    dataset = item(
        SOPClassUID=MRImageStorage, SOPInstanceUID=hashed_uid(series, str(number)), Modality="MR",
        SeriesInstanceUID=hashed_uid(series), PatientID=f"{NAME}-17", PatientName=NAME, SeriesDescription=NAME,
        ImageOrientationPatient=way, ImagePositionPatient=[step * place for step in NORMAL[tuple(way)]],
        PixelSpacing=[1.5, 1.2], SliceLocation=place * 0.66, InstanceNumber=number, SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2", BitsAllocated=16, BitsStored=16, HighBit=15, PixelRepresentation=0,
    )  # fmt: skip
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def save(path, dataset, shape=(8, 8)):
    """Write uncompressed; without suffix or not is the caller's choice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if shape:
        dataset.Rows, dataset.Columns = shape
        frames = int(dataset.get("NumberOfFrames", 1))
        dataset.PixelData = np.zeros((frames, *shape), dtype=np.uint16).tobytes()
        dataset["PixelData"].VR = "OW"
    dcmwrite(path, dataset, enforce_file_format=True)


def enhanced(series: str, places) -> Dataset:
    dataset = image(series, 1, 0, SOPClassUID=EnhancedMRImageStorage, NumberOfFrames=len(places))
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        delattr(dataset, keyword)
    dataset.SharedFunctionalGroupsSequence = [
        item(
            PlaneOrientationSequence=[item(ImageOrientationPatient=SAGITTAL)],
            PixelMeasuresSequence=[item(PixelSpacing=[1, 2])],
        )
    ]
    dataset.PerFrameFunctionalGroupsSequence = [
        item(PlanePositionSequence=[item(ImagePositionPatient=[-place, 0, 0])]) for place in places
    ]
    return dataset


def mosaic(number: int, tiles: int | None) -> Dataset:
    dataset = image(f"mosaic {tiles}", number, 0, ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"])
    dataset.AcquisitionNumber, dataset.SpacingBetweenSlices = number, 4
    if tiles:
        dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", tiles)
    return dataset


def series_of(name: str) -> list[Dataset]:
    """Planted series; the place steps are 4 mm unless the defect is there."""
    stack = [0, 4, 8, 12]
    planted = {
        "volume": [image(name, n, p) for n, p in enumerate(stack)],
        "sagittal": [image(name, n, p, way=SAGITTAL) for n, p in enumerate(stack)],
        "repeated": [image(name, n, p, AcquisitionNumber=n // 4) for n, p in enumerate(stack * 2)],
        "cine": [image(name, n, p, TriggerTime=n // 3 * 50) for n, p in enumerate([0, 8, 24] * 3)],
        "gap": [image(name, n, p) for n, p in enumerate([0, 4, 12, 16, 20])],
        "doubled": [image(name, n, p) for n, p in enumerate([0, 4, 4, 8])],
        "orientations": [image(name, n, 0, way=way) for n, way in enumerate((AXIAL, SAGITTAL))],
        "echoes": [image(name, n, p, EchoTime=2 + n // 4) for n, p in enumerate(stack * 2)],
        "acquisitions": [image(name, n, p, AcquisitionNumber=n // 4) for n, p in enumerate([*stack, 0, 4])],
        "patients": [image(name, n, p, PatientID=str(n)) for n, p in enumerate(stack)],
        "spacings": [image(name, n, p, PixelSpacing=[1, 1 + n]) for n, p in enumerate(stack)],
        "burned": [image(name, n, p, BurnedInAnnotation="YES") for n, p in enumerate(stack)],
        "slanted": [image(name, n, p) for n, p in enumerate(stack)],
        "unplaced": [image(name, n, p) for n, p in enumerate(stack)],
        "text": [image(name, 0, 0, PixelSpacing=[1, 1])],
    }
    for dataset in planted["slanted"]:
        dataset.ImageOrientationPatient = [1, 0, 0, 0.7071, 0.7071, 0]
    for dataset in planted["unplaced"]:
        del dataset.ImagePositionPatient
    return planted[name]


KINDS = {  # name: kind, slices, volumes, spacing, orientation, axes
    "volume": ("single-frame", "4", "1", "4.0", "axial", "LPS"),
    "sagittal": ("single-frame", "4", "1", "4.0", "sagittal", "PIR"),
    "repeated": ("single-frame", "4", "2", "4.0", "axial", "LPS"),
    "cine": ("cine", "3", "", "12.0", "axial", "LPS"),
}
DEFECTS = {
    "gap": "slices missing: 1 gaps up to 8.00 mm, else 4.00 mm apart",
    "doubled": "1 frames repeat a place with nothing that tells them apart",
    "orientations": "mixed: 2 orientations",
    "echoes": "mixed: 2 echoes",
    "acquisitions": "mixed: 2 acquisitions, places are there 1 to 2 times",
    "patients": "mixed: 4 patients",
    "spacings": "mixed: 4 pixel spacings",
    "burned": "BurnedInAnnotation is YES",
    "slanted": "row and column directions are not at right angles",
    "unplaced": "cannot be placed",
}


def listed(list_series, repository, folder, linkage=None):
    out = folder.parent / "inventory.tsv"
    key = repository / "config/imaging.demo.key"
    list_series.main(trees={"planted": folder}, key_file=key, linkage=linkage, table=out)
    with out.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t")), out.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", KINDS)
def test_kinds(list_series, repository, tmp_path, name):
    for number, dataset in enumerate(series_of(name)):
        save(tmp_path / "tree" / NAME / f"depth{number % 2}/x" / f"IM{number}", dataset)
    (row,), text = listed(list_series, repository, tmp_path / "tree")
    told = tuple(row[column] for column in ("kind", "slices", "volumes", "spacing_mm", "orientation", "axes"))
    assert told == KINDS[name]
    assert (row["decision"], row["reasons"], row["pixel_mm"], row["rows"]) == ("accepted", "", "1.5 x 1.2", "8")
    assert NAME not in text and hashed_uid(name) not in text


@pytest.mark.parametrize("name", DEFECTS)
def test_defects(list_series, repository, tmp_path, name):
    for number, dataset in enumerate(series_of(name)):
        save(tmp_path / "tree" / f"{number}", dataset)
    (row,), text = listed(list_series, repository, tmp_path / "tree")
    assert row["decision"] == "refused" and DEFECTS[name] in row["reasons"]
    assert NAME not in text


def test_enhanced_mosaic_multi_frame_and_compressed(list_series, repository, tmp_path):
    tree = tmp_path / "tree"
    save(tree / "a", enhanced("e", [0, 3, 6]))
    save(tree / "b", enhanced("g", [0, 3, 9, 12]))
    for number in (1, 2):
        save(tree / f"m{number}", mosaic(number, 9), (24, 24))
    save(tree / "n", mosaic(1, None), (24, 24))
    save(tree / "u", image("u", 1, 0, SOPClassUID=UltrasoundMultiFrameImageStorage, NumberOfFrames=3))
    write_slice(tree / "r", image("r", 1, 0, SOPClassUID=CTImageStorage), np.ones((8, 8), dtype=np.uint16), None)
    rows, _ = listed(list_series, repository, tree)
    said = {row["first_file"]: row for row in rows}  # a 1, b 2, m1 3, m2 4, n 5, r 6, u 7
    assert [said["1"][name] for name in ("kind", "frames", "slices", "spacing_mm", "pixel_mm", "axes", "decision")] == [
        "enhanced", "3", "3", "3.0", "1 x 2", "PIR", "accepted",
    ]  # fmt: skip
    assert "slices missing: 1 gaps up to 6.00 mm" in said["2"]["reasons"]
    assert [said["3"][name] for name in ("kind", "frames", "slices", "volumes", "decision")] == [
        "mosaic", "18", "9", "2", "accepted",
    ]  # fmt: skip
    assert "does not say how many" in said["5"]["reasons"]
    assert (said["6"]["transfer_syntax"], said["6"]["decision"]) == ("RLE Lossless", "accepted")
    assert said["7"]["kind"] == "multi-frame" and "frames have no places" in said["7"]["reasons"]


def test_what_is_no_image_or_no_whole_file(list_series, repository, tmp_path):
    tree = tmp_path / "tree"
    save(tree / "1", image("s", 1, 0, SOPClassUID=RTStructureSetStorage, Modality=NAME.upper()[:16]), shape=None)
    save(tree / "2", image("copied", 1, 0))
    (tree / "3.dcm").write_bytes((tree / "2").read_bytes())
    save(tree / "4", image("cut", 1, 0))
    (tree / "4").write_bytes((tree / "4").read_bytes()[:-20])
    save(tree / "6", image("cut in the header", 1, 0))
    (tree / "6").write_bytes((tree / "6").read_bytes()[:-300])
    (tree / f"{NAME}.txt").write_text(NAME)
    (tree / "5").write_bytes(b"")
    rows, text = listed(list_series, repository, tree)
    assert {row["decision"] for row in rows} == {"refused"}
    said = {row["first_file"]: row for row in rows}
    assert (said["1"]["kind"], said["1"]["modality"]) == ("no image", "other")
    assert "1 files are copies of others" in said["2"]["reasons"]
    assert said["4"]["reasons"].startswith("cut off") and said["4"]["series"] == ""
    assert "cut off" in said["6"]["reasons"]
    assert (said["5"]["reasons"], said["5"]["files"]) == ("no DICOM", "2")
    assert NAME.upper() not in text.upper()


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom says on writing what must not be said on reading
def test_plain_objects_with_functional_groups_and_invalid_values(list_series, repository, tmp_path, caplog, recwarn):
    """Seen in Sunnybrook: plain MR objects with functional groups, identifiers with leading zeros."""
    for number, dataset in enumerate(series_of("volume")):
        dataset.PerFrameFunctionalGroupsSequence = [item(StackID="1")]
        dataset.SeriesInstanceUID, dataset.StudyInstanceUID = "1.2.099.17", "1.2.099.18"
        save(tmp_path / "tree" / str(number), dataset)
    caplog.clear()
    recwarn.clear()
    (row,), text = listed(list_series, repository, tmp_path / "tree")
    assert (row["kind"], row["slices"], row["decision"]) == ("single-frame", "4", "accepted")
    assert "1.2.099" not in text + caplog.text + "".join(str(warning.message) for warning in recwarn)


def test_identifiers_are_those_of_the_trust_centre(list_series, repository, tmp_path):
    for number, dataset in enumerate(series_of("volume")):
        save(tmp_path / "tree" / str(number), dataset)
    save(tmp_path / "tree" / "z", image("other", 1, 0, PatientID="unknown-9"))
    linkage = tmp_path / "linkage.tsv"
    linkage.write_text(f"identifier\tpseudonym\tuid_key\tdate_shift_days\n{NAME}-17\tP007\t{'ab' * 32}\t-9\n")
    rows, text = listed(list_series, repository, tmp_path / "tree", linkage)
    assert {(row["patient"], row["decision"]) for row in rows} == {("P007", "accepted"), ("", "refused")}
    again, same = listed(list_series, repository, tmp_path / "tree", linkage)
    assert same == text and again == rows and "unknown-9" not in text


@pytest.mark.real_data
def test_sunnybrook_and_dcm_qa(list_series, repository, kimed_data, tmp_path):
    """Five cines with slices of 8 or 10 mm, a head of 196 slices, four mosaics that show 5 slices twice."""
    for packed in sorted((kimed_data / "imaging").glob("*/*.tar.gz")):
        if packed.parent.name in ("sunnybrook", "dcm_qa"):
            with tarfile.open(packed) as archive:
                archive.extractall(tmp_path / "tree", filter="data")
    rows, _ = listed(list_series, repository, tmp_path / "tree")
    found = [row for row in rows if row["series"]]
    assert {row["decision"] for row in found} == {"accepted"}
    cines = sorted(row["spacing_mm"] for row in found if row["kind"] == "cine")
    assert cines == ["10.0", "10.0", "8.0", "8.0", "8.0"]
    others = Counter((row["kind"], row["slices"], row["volumes"]) for row in found if row["kind"] != "cine")
    assert others == {("single-frame", "196", "1"): 1, ("mosaic", "5", "2"): 4}


def test_folders_that_are_not_there(tmp_path):
    with pytest.raises(InputProblems, match=r"2 problems(.|\n)*no folder(.|\n)*holds no file"):
        check_trees({"a": str(tmp_path / "none"), "b": str(tmp_path)})
