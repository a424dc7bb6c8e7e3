"""The page holds images and regions as they are, needs no network, and a browser draws both."""

import base64
import gzip
import json
import re
import shutil
import subprocess

import draw_viewer
import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from kimedlib.imaging_viewer import entry, page, reduced

REPORT = "workflows/imaging/report"


@pytest.fixture(scope="module")
def viewer(chain, tmp_path_factory, repository):
    path = tmp_path_factory.mktemp("viewer") / "viewer.html"
    draw_viewer.main(
        bids=chain / "bids", conversion=chain / "conversion.tsv", measurements=chain / "measurements.tsv",
        brains=chain / "brains", model=[chain / "model/model.json"], masks=[chain / "regions"], outlines=[],
        template=repository / REPORT / "viewer.html", niivue=repository / REPORT / "niivue.umd.js.gz",
        licence=repository / REPORT / "niivue.LICENSE", viewer=path, images=4,
    )  # fmt: skip
    return path


def data_of(path):
    return json.loads(re.search(r'id="data">(.*?)</script>', path.read_text(encoding="utf-8"), re.DOTALL)[1])


def unpacked(text: str) -> nib.Nifti1Image:
    return nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(text)))


def test_page_holds_images_and_regions(chain, viewer):
    data = data_of(viewer)
    assert [found["sample"] for found in data] == ["P001_ct", "P001_mr"]
    mask = nib.load(chain / "brains/P001_mr.nii.gz")
    shown = unpacked(data[1]["labels"])
    assert np.array_equal(np.asarray(shown.dataobj), np.asarray(mask.dataobj))
    assert np.allclose(shown.affine, mask.affine)
    assert unpacked(data[1]["image"]).shape == mask.shape and data[1]["names"] == ["brain"]
    assert viewer.stat().st_size < 3_000_000


def test_page_loads_nothing_from_elsewhere(viewer):
    text = viewer.read_text(encoding="utf-8")
    assert "default-src 'none'" in text and "Redistributions in binary form" in text
    assert not re.search(r'(src|href)="(https?:)?//', text)


def test_large_images_are_reduced_and_stay_in_place():
    data = np.zeros((150, 160, 170), np.float32)
    data[60:90, 40:80, 100:130] = 100
    labels = (data > 0).astype(np.uint8)
    affine = np.diag([1.0, 1.1, 1.2, 1])
    affine[:3, 3] = -70, -80, -90
    found = entry("a", data, nib.Nifti1Image(data, affine), labels, names={1: "x"}, modality="MR")
    small = unpacked(found["labels"])
    assert np.prod(small.shape) <= 2_000_000

    def centre(image, values):
        where = np.argwhere(np.asarray(values) > 0).mean(axis=0)
        return nib.affines.apply_affine(image.affine, where)

    before = nib.affines.apply_affine(affine, np.argwhere(labels).mean(axis=0))
    assert np.abs(centre(small, small.dataobj) - before).max() < 1.2
    grey = unpacked(found["image"])
    assert np.abs(centre(grey, np.asarray(grey.dataobj) > 127) - before).max() < 1.2
    assert reduced(np.full((4, 4, 4), 3.0), 2, labels=False).tolist() == np.full((2, 2, 2), 3.0).tolist()


def test_another_library_is_refused(repository):
    template = (repository / REPORT / "viewer.html").read_text()
    with pytest.raises(ValueError, match="not version"):
        page(template, gzip.compress(b"alert(1)"), "", [])
    library = (repository / REPORT / "niivue.umd.js.gz").read_bytes()
    with pytest.raises(ValueError, match="mark @DATA@ once"):
        page(template.replace("@DATA@", ""), library, "", [])


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_a_browser_draws_image_and_regions(viewer, tmp_path):
    """Grey anatomy and the colour of the region (orange) are on the screen."""
    command = [
        "chromium", "--headless", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader", f"--user-data-dir={tmp_path / 'profile'}", "--window-size=900,800",
        "--virtual-time-budget=20000",
    ]  # fmt: skip
    subprocess.run(
        [*command, f"--screenshot={tmp_path / 'page.png'}", viewer.as_uri()],
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    pixels = np.asarray(Image.open(tmp_path / "page.png").convert("RGB")).astype(int)[200:]
    red, green, blue = np.moveaxis(pixels, 2, 0)
    grey = (red > 60) & (red < 250) & (abs(red - green) < 4) & (abs(green - blue) < 4)
    orange = (red > green + 20) & (green > blue + 20)
    assert grey.sum() > 5000 and orange.sum() > 100
