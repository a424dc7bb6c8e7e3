"""Self-test of de-identification: a token in every place that can hold one, in objects of eleven SOP classes.

Each attribute of PS3.15 Table E.1-1 is a place, and so are hiding places that no table names. The bytes of the written
file and the decoded pixels are searched.
"""

import io

import imaging_steps
import numpy as np
import pytest
from planted_identifiers import HIDING, OBJECTS, base, hide, survivors, written
from pydicom import DataElement, dcmread, dcmwrite
from pydicom.data import get_testdata_file
from pydicom.datadict import dictionary_VR
from pydicom.tag import Tag

from kimedlib.dicom_profile import OPTIONS, load_profile

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

ALL_BUT_FULL_DATES = [name for name in OPTIONS if name != "full_dates"]


@pytest.mark.parametrize("name", OBJECTS)
def test_nothing_planted_survives(name: str):
    planted = hide(name)
    buffer = io.BytesIO()
    dcmwrite(buffer, planted.dataset, enforce_file_format=True, implicit_vr=False, little_endian=True)
    before = survivors(buffer.getvalue(), planted.tokens)
    assert len(before) >= 500, "the tokens were not planted"
    content = written(planted.dataset, [])
    assert survivors(content, planted.tokens) == {}
    again = dcmread(io.BytesIO(content))
    if "PixelData" in again:
        assert again.pixel_array.size
        bits = int(again.BitsStored)
        if again.PixelRepresentation == 0 and bits < again.BitsAllocated:
            assert int(np.frombuffer(again.PixelData, f"<u{again.BitsAllocated // 8}").max()) < 1 << bits


@pytest.mark.parametrize("options", [*([name] for name in OPTIONS), ALL_BUT_FULL_DATES], ids="+".join)
def test_options_keep_what_they_name_and_nothing_else(options: list[str]):
    """The research values of each option survive; a text marked `clean` loses the token, which is no known word."""
    planted = hide("CT")
    profile = load_profile(imaging_steps.PROFILE, options)
    kept = {token for token, tag in planted.tags.items() if profile.mark(tag)[1] == "K"}
    if "full_dates" in options:  # a time zone that is none, and signed or binary time stamps go all the same
        kept = {token for token in kept if dictionary_VR(planted.tags[token]) in ("DA", "DT")}
    found = survivors(written(planted.dataset, options), planted.tokens)
    assert set(found) == kept
    if set(options) & {"uids", "device_identity", "institution_identity", "full_dates"}:
        assert kept


def test_the_search_finds_what_is_there():
    assert survivors("...Öchslwanger".encode(), {"Öchslwanger": "x", "other": "y"}) == {"Öchslwanger": "x"}
    assert survivors("ab".encode("utf-16le"), {"ab": "x"}) == {"ab": "x"}


@pytest.mark.parametrize("disabled", ["unwanted", "repeats_identifier", "trim", "unnamed"])
def test_an_engine_without_one_of_its_parts_is_caught(disabled: str, monkeypatch: pytest.MonkeyPatch):
    from kimedlib import dicom_deidentify

    monkeypatch.setattr(dicom_deidentify.Cleaner, disabled, lambda *_: None)
    planted = hide("CT")
    assert survivors(written(planted.dataset, []), planted.tokens)


@pytest.mark.parametrize(
    ("options", "expected"), [([], None), (["full_dates"], "+0100"), (["modified_dates"], "+0100")]
)
def test_time_zone(options: list[str], expected: str | None):
    dataset = base("CT")
    dataset.TimezoneOffsetFromUTC = "+0100"
    assert dcmread(io.BytesIO(written(dataset, options))).get("TimezoneOffsetFromUTC") == expected


def test_a_time_that_is_none_goes():
    dataset = base("CT")
    dataset.add(DataElement(Tag(0x00080032), "TM", "Quastenberg", validation_mode=0))
    assert b"Quastenberg" not in written(dataset, ["modified_dates"])


def test_values_of_research_stay():
    """What no profile touches: geometry, acquisition, pixels."""
    dataset = base("CT")
    before = dataset.pixel_array.copy()
    shown = {
        name: dataset[name].value
        for name in ("Rows", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "KVP", "SliceThickness",
                     "RescaleSlope", "Modality", "ImageType", "ConvolutionKernel", "Manufacturer", "SOPClassUID")
        if name in dataset
    }  # fmt: skip
    after = dcmread(io.BytesIO(written(dataset, [])))
    assert len(shown) >= 10
    assert {name: after[name].value for name in shown} == shown
    assert np.array_equal(after.pixel_array, before)


def test_safe_private_numbers_stay():
    dataset = base("MR")
    dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, "IS", "1000")
    dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x08, "CS", "Zq1")
    after = dcmread(io.BytesIO(written(dataset, ["safe_private"])))
    block = after.private_block(0x0019, "SIEMENS MR HEADER")
    assert block[0x0C].value == 1000 and 0x08 not in block
    assert "113111" in {code.CodeValue for code in after.DeidentificationMethodCodeSequence}


@pytest.mark.parametrize(("age", "expected"), [("089Y", "089Y"), ("093Y", "090Y"), ("999M", "999M"), ("old", None)])
def test_ages(age: str, expected: str | None):
    dataset = base("CT")
    dataset.add(DataElement(Tag(0x00101010), "AS", age, validation_mode=0))
    after = dcmread(io.BytesIO(written(dataset, ["patient_characteristics"])))
    assert after.get("PatientAge") == expected


def test_descriptions_keep_known_words_only():
    dataset = base("CT")
    dataset.PatientName = "Wolff^Ada"
    dataset.SeriesDescription = "Thorax Lung 5.0 axial Quastenberg"
    dataset.StudyDescription = "liver of Wolff"
    dataset.ProtocolName = "MR brain T1 5 ms"
    after = dcmread(io.BytesIO(written(dataset, ["clean_descriptors"])))
    assert after.SeriesDescription == "Thorax Lung 5.0 axial"
    assert after.ProtocolName == "MR brain T1 5 ms"
    assert "StudyDescription" not in after


def test_overlay_without_text_stays_and_its_words_go():
    dataset = base("CT")
    shape = (dataset.Rows, dataset.Columns)
    bitmap = np.zeros(shape, dtype=np.uint8)
    bitmap[30:60, 30:60] = 1
    for element, representation, value in (
        (0x10, "US", shape[0]), (0x11, "US", shape[1]), (0x22, "LO", "Zq9"), (0x40, "CS", "R"),
        (0x50, "SS", [1, 1]), (0x100, "US", 1), (0x102, "US", 0),
        (0x3000, "OW", np.packbits(bitmap.ravel(), bitorder="little").tobytes()),
    ):  # fmt: skip
        dataset.add_new(Tag(0x6000, element), representation, value)
    after = dcmread(io.BytesIO(written(dataset, ["clean_graphics"])))
    assert np.array_equal(after.overlay_array(0x6000), bitmap)
    assert Tag(0x6000, 0x22) not in after


def test_references_agree_between_objects():
    """The same identifier gives the same pseudonym in every object and is never the original."""
    plan, structures = base("RT plan"), base("RT structure set")
    shared = structures.SOPInstanceUID
    plan.ReferencedStructureSetSequence[0].ReferencedSOPInstanceUID = shared
    first, second = (dcmread(io.BytesIO(written(dataset, []))) for dataset in (plan, structures))
    assert first.ReferencedStructureSetSequence[0].ReferencedSOPInstanceUID == second.SOPInstanceUID != shared


def test_places_are_as_many_as_promised():
    planted = hide("CT")
    assert len(set(planted.tokens.values())) >= 560
    assert len({base(name).SOPClassUID for name in OBJECTS}) == len(OBJECTS) >= 8
    assert len(HIDING) >= 40


def test_floating_point_pixels_keep_their_bits_and_lose_what_follows():
    dataset = base("MR")
    values = np.linspace(-3, 1e5, dataset.Rows * dataset.Columns, dtype="<f4")
    for name in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation", "SmallestImagePixelValue"):
        if name in dataset:
            delattr(dataset, name)
    dataset.BitsAllocated = 32
    dataset.FloatPixelData = values.tobytes() + b"Zq0001xk"
    after = dcmread(io.BytesIO(written(dataset, [])))
    assert after.FloatPixelData == values.tobytes()


def test_signed_pixels_keep_their_values():
    """Twelve stored bits of sixteen, negative values with their sign in the unused bits."""
    dataset = base("CT")
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 1
    values = np.resize(np.array([-2048, -1, 0, 1, 2047], dtype="<i2"), dataset.Rows * dataset.Columns)
    dataset.PixelData = values.tobytes()
    assert dcmread(io.BytesIO(written(dataset, []))).PixelData == values.tobytes()


@pytest.mark.parametrize(
    "file", ["MR_small_bigendian.dcm", "ExplVR_BigEnd.dcm", "rtdose_expb.dcm", "SC_rgb_small_odd_big_endian.dcm"]
)
def test_big_endian_pixels_keep_their_values(file: str):
    dataset = dcmread(get_testdata_file(file))
    before = dataset.pixel_array.copy()
    assert np.array_equal(dcmread(io.BytesIO(written(dataset, []))).pixel_array, before)
