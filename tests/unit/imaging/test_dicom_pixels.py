"""Text is found, anatomy is not taken for text; real files of the pydicom package are judged rightly."""

import imaging_steps
import numpy as np
import pytest
import simulate_images
from pydicom import dcmread
from pydicom.data import get_testdata_file

from kimedlib.dicom_masking import treat_pixels
from kimedlib.dicom_pixel_text import shows_text
from kimedlib.dicom_pixels import refusal_reasons
from kimedlib.imaging_phantom import Grid, liver_ct, t1_head


@pytest.mark.parametrize("text", ["Quellenbacher", "ID 48151623", "*03.04.1950"])
@pytest.mark.parametrize("inverted", [False, True])
def test_text_is_found(text, inverted):
    background = np.random.default_rng(1).normal(300, 20, (160, 80)).astype(np.float32)
    picture = simulate_images.text_picture([text], (160, 80), background).T
    assert shows_text(-picture if inverted else picture)
    assert not shows_text(background.T)


def test_anatomy_is_no_text():
    random = np.random.default_rng(2)
    for settings, make in (
        ("ct", lambda grid: liver_ct(grid, 8, 15, 9, random)),
        ("mr", lambda grid: t1_head(grid, 1200, 4, random)),
    ):
        grid = Grid(tuple(imaging_steps.IMAGES[settings]["shape"]), tuple(imaging_steps.IMAGES[settings]["spacing_mm"]))
        volume = np.rint(make(grid).image)
        assert not any(shows_text(volume[:, :, index].T) for index in range(grid.shape[2]))


def test_constant_picture():
    assert not shows_text(np.zeros((20, 20)))


@pytest.mark.parametrize(
    ("name", "headers", "pixels"),
    [
        ("CT_small.dcm", [], []),
        ("MR_small.dcm", [], []),
        ("MR_small_jpeg_ls_lossless.dcm", [], []),
        ("MR_truncated.dcm", [], ["pixel data cannot be decoded (ValueError)"]),
        ("examples_ybr_color.dcm", ["Ultrasound Multi-frame Image Storage may hold text"], []),
        ("SC_rgb_rle.dcm", ["Secondary Capture Image Storage may hold text"], []),
    ],
)
def test_files_of_the_pydicom_package(name, headers, pixels):
    dataset = dcmread(get_testdata_file(name))
    assert refusal_reasons(dataset) == headers
    assert sorted(treat_pixels([dataset], "refuse", [])[0]) == sorted(headers + pixels)
