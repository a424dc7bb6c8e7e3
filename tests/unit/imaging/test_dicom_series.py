"""Geometry comes from positions, never from SliceLocation."""

import numpy as np
import pytest
from pydicom import Dataset

from kimedlib.dicom_series import series_problems, slice_places, slice_spacing

# the traps are not valid DICOM, and pydicom says so
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def slices(places, **changes):
    found = []
    for number, place in enumerate(places):
        dataset = Dataset()
        dataset.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
        dataset.ImagePositionPatient = [-place, 0, 0]
        dataset.SliceLocation = place * 0.66  # the trap: real cardiac series have such values
        dataset.PatientID, dataset.SeriesInstanceUID = "p", "s"
        dataset.Rows = dataset.Columns = 4
        for keyword, values in changes.items():
            setattr(dataset, keyword, values[number])
        found.append((f"{number}.dcm", dataset))
    return found


def test_spacing_along_an_oblique_normal():
    assert slice_spacing(slice_places([dataset for _, dataset in slices([0, 8, 16, 24])])) == pytest.approx(8.0)


def test_complete_series():
    assert not series_problems("f", slices([0, 8, 16, 24]))


def test_missing_slice():
    assert "slices missing after" in str(series_problems("f", slices([0, 8, 24, 32, 40]))[0])


def test_repeated_slice_and_repetitions():
    assert "repeats the slice" in str(series_problems("f", [(_P(name), d) for name, d in slices([0, 8, 8, 16])])[0])
    phases = slices([0, 8, 0, 8], AcquisitionNumber=[1, 1, 2, 2])
    assert not series_problems("f", phases)


def test_sizes_differ():
    assert "2 sizes" in str(series_problems("f", slices([0, 8, 16], Rows=[4, 4, 5]))[0])


def test_without_positions():
    assert slice_places([Dataset()]).size == 0
    assert slice_spacing(np.empty(0)) == 0.0


class _P(str):
    """A path as far as the check needs one."""

    @property
    def name(self):
        return str(self)
