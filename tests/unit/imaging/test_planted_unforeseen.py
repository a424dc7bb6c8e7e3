"""Hiding places that the engine's author had not thought of: nothing survives in the bytes that are written."""

import io

import planted_unforeseen
import pytest
from planted_identifiers import base, written
from pydicom import DataElement, Dataset, dcmread, dcmwrite
from pydicom.tag import Tag

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
OPTIONS: dict[str, list[str]] = {
    "basic": [],
    "as shipped": ["modified_dates", "patient_characteristics"],
    "descriptors": ["clean_descriptors", "clean_graphics", "clean_structured_content", "safe_private"],
}


def plain(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True, implicit_vr=False, little_endian=True)
    return buffer.getvalue()


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("place", planted_unforeseen.PLACES)
def test_nothing_survives(place: str, options: str):
    needles = planted_unforeseen.PLACES[place][1]
    if place != "command group":
        before = plain(planted_unforeseen.hide(place))
        assert any(needle in before for needle in needles), "it was not planted"
    content = written(planted_unforeseen.hide(place), OPTIONS[options])
    assert [needle for needle in needles if needle in content] == []
    assert dcmread(io.BytesIO(content)).pixel_array.size


def test_short_names_in_ideographs():
    """Two letters are a name in Japanese, Korean and Chinese; escapes of ISO 2022 are read."""
    dataset = base("CT")
    dataset.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    dataset.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    dataset.add(DataElement(Tag(0x00181020), "LO", "山田", validation_mode=0))
    dataset.add(DataElement(Tag(0x00181016), "LO", "太郎 2", validation_mode=0))
    dataset.add(DataElement(Tag(0x00181160), "SH", "やまだ", validation_mode=0))
    again = dcmread(io.BytesIO(plain(dataset)))
    assert "山田" in str(again.SoftwareVersions)
    content = written(again, [])
    for text in ("山田", "太郎", "やまだ"):
        for coding in ("utf-8", "iso2022_jp", "utf-16le"):
            assert text.encode(coding) not in content
    assert b"$B" not in content


def test_geometry_and_numbers_stay():
    """What looks like no identifier is kept: the stricter search costs no numbers."""
    dataset = base("CT")
    before = {name: str(dataset[name].value) for name in (
        "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceLocation", "KVP", "Rows", "Columns",
        "RescaleIntercept", "RescaleSlope", "WindowCenter", "SliceThickness", "InstanceNumber", "GantryDetectorTilt",
    ) if name in dataset}  # fmt: skip
    dataset.PatientID = "123456"
    dataset.add_new(0x00081161, "UL", [1, 2, 3])
    dataset.add_new(0x00189602, "FD", 1000.5)
    after = dcmread(io.BytesIO(written(dataset, [])))
    assert {name: str(after[name].value) for name in before} == before
    assert list(after[0x00081161].value) == [1, 2, 3]
    assert after[0x00189602].value == 1000.5
