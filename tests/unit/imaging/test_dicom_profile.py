"""The table of the standard as data."""

import imaging_steps
import pytest
from pydicom.datadict import private_dictionary_VR

from kimedlib.dicom_profile import OPTIONS, SAFE_PRIVATE, load_profile


def test_actions():
    profile = load_profile(imaging_steps.PROFILE, ["modified_dates"])
    assert len(profile.exact) > 600
    assert profile.action(0x00100010) == "Z"  # patient's name
    assert profile.action(0x00080018) == "U"  # SOP instance UID
    assert profile.action(0x00104000) == "X"  # patient comments
    assert profile.action(0x50120010) == "X"  # curve of any group
    assert profile.action(0x60024000) == "X"  # overlay comments of any group
    assert profile.action(0x00280010) is None  # rows
    assert profile.mark(0x00080020) == ("modified_dates", "C")
    assert profile.mark(0x00100040) == ("", "")


def test_of_alternatives_the_valid_one_for_every_type():
    profile = load_profile(imaging_steps.PROFILE, [])
    assert profile.action(0x00080022) == "Z"  # X/Z
    assert profile.action(0x0008002A) == "D"  # X/Z/D


def test_unknown_option():
    with pytest.raises(ValueError, match="unknown option everything"):
        load_profile(imaging_steps.PROFILE, ["everything"])


def test_broken_row(tmp_path):
    columns = ["tag", "basic", *OPTIONS, "name"]
    (tmp_path / "t.tsv").write_text("\t".join(columns) + "\n123\tX\n")
    with pytest.raises(ValueError, match="no row of Table"):
        load_profile(tmp_path / "t.tsv", [])


def test_two_ways_with_dates():
    with pytest.raises(ValueError, match="exclude each other"):
        load_profile(imaging_steps.PROFILE, ["full_dates", "modified_dates"])


def test_number_of_attributes_per_option():
    """Counted in the standard's table as innolitics/dicom-standard published it, not in ours."""
    counted = {
        "clean_descriptors": 125, "clean_graphics": 4, "clean_structured_content": 3, "device_identity": 57,
        "full_dates": 165, "institution_identity": 10, "modified_dates": 165, "patient_characteristics": 13, "uids": 59,
    }  # fmt: skip
    # rows with digits left open are not among the marks: three of the graphics
    repeating = {"clean_graphics": 3}
    for name, number in counted.items():
        marks = load_profile(imaging_steps.PROFILE, [name]).marks
        assert len(marks) == number - repeating.get(name, 0), name


@pytest.mark.parametrize(("creator", "group", "element", "representation"), sorted(SAFE_PRIVATE))
def test_safe_private_attributes_are_what_they_are_called(creator, group, element, representation):
    assert private_dictionary_VR(group << 16 | 0x1000 | element, creator) == representation
