"""The table of the standard as data."""

import imaging_steps
import pytest

from kimedlib.dicom_profile import load_profile


def test_actions():
    profile = load_profile(imaging_steps.PROFILE, ["modified_dates"])
    assert len(profile.exact) > 600
    assert profile.action(0x00100010) == "Z"  # patient's name
    assert profile.action(0x00080018) == "U"  # SOP instance UID
    assert profile.action(0x00104000) == "X"  # patient comments
    assert profile.action(0x50120010) == "X"  # curve of any group
    assert profile.action(0x60024000) == "X"  # overlay comments of any group
    assert profile.action(0x00280010) is None  # rows
    assert 0x00080020 in profile.shifted
    assert not profile.kept


def test_of_alternatives_the_valid_one_for_every_type():
    profile = load_profile(imaging_steps.PROFILE, [])
    assert profile.action(0x00080022) == "Z"  # X/Z
    assert profile.action(0x0008002A) == "D"  # X/Z/D


def test_unknown_option():
    with pytest.raises(ValueError, match="unknown option everything"):
        load_profile(imaging_steps.PROFILE, ["everything"])


def test_broken_row(tmp_path):
    (tmp_path / "t.tsv").write_text("tag\tbasic\tmodified_dates\tpatient_characteristics\tname\n123\tX\t\t\tshort\n")
    with pytest.raises(ValueError, match="no row of Table"):
        load_profile(tmp_path / "t.tsv", [])
