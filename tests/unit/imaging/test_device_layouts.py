"""Pictures laid out as devices of many kinds do, with smooth letters: no letter is left, or the series is refused.

Invented pictures: none comes from a device. Layouts are those that operators know: header lines of ultrasound, four
corners of radiography and angiography, panel of endoscopy, table of a dose report, screen of bone densitometry.
"""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import UID

from kimedlib.dicom_masking import DeviceRegion, frames_of, load_regions, treat_pixels

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
LIST = Path(__file__).resolve().parents[3] / "config/imaging.pixel_regions.tsv"
NAME, NUMBER, DAY = "QUELLENBACHER ADA", "ID 48151623", "1931-04-09"
WHITE, YELLOW, GREEN = (255, 255, 255), (255, 255, 0), (0, 255, 0)
Text = tuple[int, int, str, int, tuple[int, int, int]]  # left, top, what, height, colour


def rows() -> list[dict[str, str]]:
    with LIST.open(encoding="utf-8") as lines:
        return list(csv.DictReader((line for line in lines if line[0] != "#"), delimiter="\t"))


VENDORS = {
    f"{row['manufacturer']} {row['model']} {row['rows']}x{row['columns']}".strip(): row
    for row in rows()
    if row["manufacturer"]
}
# SOP class, modality, rows, columns, texts
CORNERS: list[Text] = [
    (8, 8, NAME, 18, WHITE), (8, 32, NUMBER, 18, WHITE), (360, 8, DAY, 18, WHITE), (8, 470, "LAO 30 CRAN", 16, WHITE),
]  # fmt: skip
OTHERS: dict[str, tuple[str, str, int, int, list[Text]]] = {
    "angiography, four corners": ("1.2.840.10008.5.1.4.1.1.12.1", "XA", 512, 512, CORNERS),
    "radiography, four corners": ("1.2.840.10008.5.1.4.1.1.1.1", "DX", 512, 512, CORNERS),
    "computed radiography": ("1.2.840.10008.5.1.4.1.1.1", "CR", 512, 512, CORNERS),
    "mammography, side label": (
        "1.2.840.10008.5.1.4.1.1.1.2", "MG", 512, 400, [(250, 20, NAME, 14, WHITE), (250, 40, "R MLO", 20, WHITE)]
    ),
    "endoscopy, panel": (
        "1.2.840.10008.5.1.4.1.1.77.1.1", "ES", 480, 640,
        [(6, 20, "Name:", 14, GREEN), (6, 40, "Quellenbacher", 14, GREEN), (6, 70, "9/4/1931", 14, GREEN)],
    ),
    "photograph with a name plate": (
        "1.2.840.10008.5.1.4.1.1.77.1.4", "XC", 400, 600, [(200, 350, NAME, 24, WHITE)]
    ),
    "dose report": (
        "1.2.840.10008.5.1.4.1.1.7", "CT", 512, 512,
        [(10, 10, f"Patient Name: {NAME}", 14, WHITE), (10, 30, "Exam no: 48151623", 14, WHITE)],
    ),
    "bone densitometry, screen": (
        "1.2.840.10008.5.1.4.1.1.7", "OT", 480, 640, [(10, 10, f"Name: {NAME}", 12, YELLOW), (10, 30, DAY, 12, YELLOW)]
    ),
    "nuclear medicine, screen": ("1.2.840.10008.5.1.4.1.1.7", "NM", 512, 512, CORNERS),
    "ophthalmology, header": (
        "1.2.840.10008.5.1.4.1.1.77.1.5.1", "OP", 400, 600, [(10, 6, f"{NAME} {DAY}", 16, WHITE)]
    ),
}  # fmt: skip


def drawn(size: tuple[int, int], texts: list[Text]) -> tuple[np.ndarray, np.ndarray]:
    """A dark picture with a bright fan, and smooth letters in it; and where these are."""
    height, width = size
    y, x = np.mgrid[:height, :width]
    away = np.hypot(y - 0.12 * height, x - width / 2)
    fan = (away < 0.75 * height) & (np.abs(x - width / 2) < 0.8 * (y - 0.1 * height))
    noise = np.random.default_rng(height + width).normal(0, 10, size)
    grey = np.where(fan, 90 + 50 * np.sin(away / 9) + noise, 0).clip(0, 200).astype(np.uint8)
    canvas = Image.fromarray(np.repeat(grey[..., None], 3, axis=2))
    letters = Image.new("L", (width, height), 0)
    for left, top, text, tall, colour in texts:
        font = ImageFont.load_default(size=tall)
        ImageDraw.Draw(canvas).text((left, top), text, fill=colour, font=font)
        ImageDraw.Draw(letters).text((left, top), text, fill=255, font=font)
    return np.asarray(canvas), np.asarray(letters) > 0


def screen(
    kind: str, modality: str, size: tuple[int, int], texts: list[Text], maker: tuple[str, str] = ("", "")
) -> tuple[Dataset, np.ndarray]:
    """An object with such a picture; and where its letters are."""
    values, letters = drawn(size, texts)
    dataset = dcmread(get_testdata_file("CT_small.dcm"))
    dataset.SOPClassUID, dataset.Modality, dataset.BurnedInAnnotation = UID(kind), modality, "YES"
    dataset.Manufacturer, dataset.ManufacturerModelName = maker
    dataset.Rows, dataset.Columns = size
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.PixelData = values.tobytes()
    return dataset, letters


def legible(dataset: Dataset, letters: np.ndarray) -> int:
    """Pixels of letters that still differ from a flat area."""
    colours = frames_of(dataset)[0][letters]
    return int(np.count_nonzero((colours != colours[0]).any(axis=1)))


@pytest.mark.parametrize("name", VENDORS)
def test_headers_of_listed_devices(name: str):
    """Identity in the header, and a second one further down that the list does not know."""
    row = VENDORS[name]
    size = int(row["rows"] or 600), int(row["columns"] or 800)
    boxes = [[int(part) for part in text.split(",")] for text in row["rectangles"].split(";")]
    left, top, wide, high = max(boxes, key=lambda box: box[2] * box[3])
    header = NAME if wide > 250 else NAME[:6]
    texts: list[Text] = [
        (left + 4, top + max(2, (high - 24) // 2), header, min(18, high - 8), WHITE),
        (max(4, size[1] - 150), size[0] - 36, NUMBER, 16, YELLOW),
    ]
    kind = row["sop_class"].split(";")[0]
    dataset, letters = screen(kind, "US", size, texts, (f"{row['manufacturer']} Medical", f"x {row['model']} y"))
    before = frames_of(dataset).copy()
    reasons, treated = treat_pixels([dataset], "mask", load_regions(LIST))
    assert not reasons
    assert "masked: device list" in treated[0].actions
    assert legible(dataset, letters) == 0
    assert (frames_of(dataset) == before).all(axis=-1).mean() > 0.75
    assert treat_pixels([screen(kind, "US", size, texts)[0]], "refuse", [])[0]


@pytest.mark.parametrize("name", OTHERS)
def test_other_kinds_are_refused_and_masked_where_somebody_lists_them(name: str):
    kind, modality, height, width, texts = OTHERS[name]
    for policy in ("refuse", "mask"):
        assert treat_pixels([screen(kind, modality, (height, width), texts)[0]], policy, load_regions(LIST))[0]
    dataset, letters = screen(kind, modality, (height, width), texts, ("Acme", "1"))
    place = np.argwhere(letters)
    where = (*(int(end) for end in place.min(axis=0)[::-1]), 60, 20)  # a list that knows the beginning only
    listed = DeviceRegion(frozenset({kind}), "acme", "", None, None, (where,), complete=False)
    reasons, _ = treat_pixels([dataset], "mask", [listed])
    assert reasons or legible(dataset, letters) == 0
