"""Blank the parts of pixels that may show identities: places where a device writes, and text that was found.

Shared by all frames and objects of a series, so that letters that anatomy hides in one picture go there too.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels import apply_color_lut
from pydicom.uid import JPEG2000, JPEG2000MC, UID, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless

from kimedlib.dicom_pixel_text import Boxes, text_boxes
from kimedlib.dicom_pixels import STORAGE_CLASSES, refusal_reasons
from kimedlib.problems import Problem, raise_if

OUTSIDE = "outside_ultrasound_regions"
COLUMNS = ("sop_class", "manufacturer", "model", "rows", "columns", "rectangles", "complete", "source")
BLACK = {"YBR_FULL": (0, 128, 128), "YBR_FULL_422": (0, 128, 128)}
SCREEN_BANDS = (0.15, 0.35)  # shares of the range
LOSSY = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless, JPEG2000, JPEG2000MC)
# Those of them that always lose something; whoever decodes has to say so (PS3.3 C.7.6.1.1.5).
ALWAYS_LOSSY = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless)
UNREADABLE = (AttributeError, ValueError, RuntimeError, NotImplementedError, TypeError, KeyError)


class CannotMaskError(ValueError):
    """Pixels are stored in a way that is not masked; the text says which."""


@dataclass(frozen=True)
class DeviceRegion:
    """Where a kind of device writes into its pictures.

    Attributes
    ----------
    sop_class, manufacturer, model, rows, columns
        To which objects this applies: SOP class UIDs, parts of the names (any case), size in pixels; empty for any.
    rectangles
        (left, top, width, height) in pixels; empty: everything outside the object's ultrasound regions.
    complete
        Whether whoever keeps the list vouches that the device writes nowhere else.
    """

    sop_class: frozenset[str]
    manufacturer: str
    model: str
    rows: int | None
    columns: int | None
    rectangles: tuple[tuple[int, int, int, int], ...]
    complete: bool

    def applies(self, dataset: Dataset) -> bool:
        """Whether an object comes from such a device."""
        names = ((self.manufacturer, "Manufacturer"), (self.model, "ManufacturerModelName"))
        sizes = ((self.rows, "Rows"), (self.columns, "Columns"))
        return (
            str(dataset.get("SOPClassUID", "")) in self.sop_class
            and all(part in str(dataset.get(keyword, "")).casefold() for part, keyword in names)
            and all(size is None or size == dataset.get(keyword) for size, keyword in sizes)
            and bool(self.rectangles or dataset.get("SequenceOfUltrasoundRegions"))
        )

    def boxes(self, dataset: Dataset) -> Boxes:
        """What to blank in an object: (top, bottom, left, right), shape (n, 4)."""
        if self.rectangles:
            found = [(y, y + height, x, x + width) for x, y, width, height in self.rectangles]
        else:
            found = outside_regions(dataset)
        height, width = int(dataset.Rows), int(dataset.Columns)
        boxes = np.clip(np.array(found, dtype=np.int64).reshape(-1, 4), 0, [height, height, width, width])
        return np.asarray(boxes, dtype=np.int64)


def outside_regions(dataset: Dataset) -> list[tuple[int, int, int, int]]:
    """Boxes around the hull of the regions that hold echoes (PS3.3 C.8.5.5): top, bottom, left and right rest."""
    regions = dataset.SequenceOfUltrasoundRegions
    left, top = (min(int(region[f"RegionLocationMin{axis}0"].value) for region in regions) for axis in "XY")
    right, bottom = (max(int(region[f"RegionLocationMax{axis}1"].value) for region in regions) + 1 for axis in "XY")
    height, width = int(dataset.Rows), int(dataset.Columns)
    return [(0, top, 0, width), (bottom, height, 0, width), (top, bottom, 0, left), (top, bottom, right, width)]


def parsed(row: dict[str, str]) -> DeviceRegion:
    """One row of the list.

    Raises
    ------
    ValueError
        With the name of the column that is wrong.
    """
    rectangles = []
    if row["rectangles"] != OUTSIDE:
        for text in row["rectangles"].split(";"):
            numbers = [int(part) for part in text.split(",")] if text.replace(",", "").strip().isdigit() else []
            if len(numbers) != 4 or min(numbers[2:]) < 1:
                raise ValueError("rectangles: `left,top,width,height` in pixels, several parted by semicolons")
            rectangles.append((numbers[0], numbers[1], numbers[2], numbers[3]))
    for name in ("rows", "columns"):
        if row[name] and not row[name].isdigit():
            raise ValueError(f"{name}: a number of pixels, or empty")
    if row["complete"] not in ("yes", "no") or not row["source"]:
        raise ValueError("complete, source: yes or no, and where this is known from")
    classes = frozenset(row["sop_class"].split(";"))
    if not all(UID(name).type == "SOP Class" for name in classes):
        raise ValueError("sop_class: unique identifiers of SOP classes, parted by semicolons")
    rows, columns = (int(row[name]) if row[name] else None for name in ("rows", "columns"))
    names = row["manufacturer"].casefold(), row["model"].casefold()
    return DeviceRegion(classes, *names, rows, columns, tuple(rectangles), row["complete"] == "yes")


def load_regions(path: Path) -> list[DeviceRegion]:
    """Read the list of devices; lines that begin with a hash sign are comments.

    Raises
    ------
    InputProblems
        Columns are missing, or a row is wrong; all rows at once.
    """
    with path.open(encoding="utf-8", newline="") as lines:
        numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and line[0] != "#"]
    table = csv.DictReader([line for _, line in numbered], delimiter="\t")
    if tuple(table.fieldnames or ()) != COLUMNS:
        raise_if([Problem(str(path), "header", "has other columns", f"name them {', '.join(COLUMNS)}")])
    found, problems = [], []
    for (number, _), row in zip(numbered[1:], table, strict=True):
        try:
            found.append(parsed({name: (row[name] or "").strip() for name in COLUMNS}))
        except ValueError as error:
            column, _, remedy = str(error).partition(": ")
            problems.append(Problem(str(path), f"line {number}, {column}", "cannot be used", f"give {remedy}"))
    raise_if(problems)
    return found


def frames_of(dataset: Dataset) -> NDArray[Any]:
    """Decoded pixels as stored, shape (frames, rows, columns) or (frames, rows, columns, samples)."""
    pixels: NDArray[Any] = dataset.pixel_array
    several = int(dataset.get("SamplesPerPixel", 1)) > 1
    return pixels[None] if pixels.ndim - several == 2 else pixels


def decompress(dataset: Dataset) -> None:
    """Decode compressed pixels in place; what lost something says so."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_compressed:
        dataset.decompress(generate_instance_uid=False)
        if syntax in ALWAYS_LOSSY:
            dataset.LossyImageCompression = "01"


def bands_of(dataset: Dataset) -> tuple[float, ...]:
    """How near to the extreme values letters are looked for, for `text_boxes`.

    Screens have smooth fonts, and compression with loss blurs letters. Images of scanners have anatomy near the
    extremes, which would be taken for letters.
    """
    plain = dataset.get("SOPClassUID") in STORAGE_CLASSES and int(dataset.get("SamplesPerPixel", 1)) == 1
    if not plain:
        return SCREEN_BANDS
    lossy = str(dataset.get("LossyImageCompression", "")) == "01" or dataset.file_meta.TransferSyntaxUID in LOSSY
    return SCREEN_BANDS[:1] if lossy else ()


def found_text(dataset: Dataset, bands: Sequence[float]) -> Boxes:
    """Text in any frame: (top, bottom, left, right), shape (n, 4).

    Raises
    ------
    ValueError, RuntimeError, NotImplementedError, AttributeError, TypeError, KeyError
        Pixels cannot be decoded.
    """
    found = [np.empty((0, 4), np.int64)]
    palette = dataset.get("PhotometricInterpretation") == "PALETTE COLOR"
    shown = (apply_color_lut(frame, dataset) if palette else frame for frame in frames_of(dataset))
    found += [text_boxes(frame, bands) for frame in shown]
    return np.unique(np.concatenate(found), axis=0)


def blank(dataset: Dataset, boxes: Boxes) -> None:
    """Blank boxes in all frames, in place; the rest keeps its values. Pixels must be uncompressed.

    Raises
    ------
    CannotMaskError
        Pixels are packed in bits or big endian.
    """
    if int(dataset.BitsAllocated) % 8 or dataset.original_encoding[1] is False:
        raise CannotMaskError("pixels that need masking are packed in bits or big endian")
    frames = frames_of(dataset).copy()
    kind = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    for frame in frames:
        value = BLACK.get(kind, 0) if frame.ndim == 3 else frame.max() if kind == "MONOCHROME1" else frame.min()
        for top, bottom, left, right in boxes:
            frame[top:bottom, left:right] = value
    if frames.ndim == 4 and int(dataset.get("PlanarConfiguration", 0)) == 1:
        frames = frames.transpose(0, 3, 1, 2)
    if kind == "YBR_FULL_422":
        dataset.PhotometricInterpretation = "YBR_FULL"
    name = next(name for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData") if name in dataset)
    content = np.ascontiguousarray(frames).astype(frames.dtype.newbyteorder("<"), copy=False).tobytes()
    dataset[name].value = content + b"\0" * (len(content) % 2)


@dataclass
class Treated:
    """What was done to the pixels of one object.

    Attributes
    ----------
    actions
        For the audit table; empty if the pixels are as they were.
    burned_in
        What BurnedInAnnotation may truthfully say now: as before (None), NO, or nothing (empty).
    """

    actions: list[str]
    burned_in: str | None = None


def mask_devices(objects: Sequence[Dataset], listed: Sequence[list[DeviceRegion]], treated: list[Treated]) -> None:
    """Blank where the devices of a series write, in place."""
    for dataset, regions, done in zip(objects, listed, treated, strict=True):
        if regions:
            boxes = np.concatenate([region.boxes(dataset) for region in regions])
            blank(dataset, boxes)
            done.actions.append("masked: device list")
            done.burned_in = "NO" if any(region.complete for region in regions) else ""


def mask_text(objects: Sequence[Dataset], bands: Sequence[Sequence[float]], treated: list[Treated]) -> None:
    """Blank text that is found in any object of a series in all of its size, in place."""
    found: dict[tuple[int, int], list[Boxes]] = {}
    for dataset, near in zip(objects, bands, strict=True):
        found.setdefault((int(dataset.Rows), int(dataset.Columns)), []).append(found_text(dataset, near))
    for dataset, done in zip(objects, treated, strict=True):
        boxes = np.unique(np.concatenate(found[int(dataset.Rows), int(dataset.Columns)]), axis=0)
        if len(boxes):
            blank(dataset, boxes)
            done.actions.append("masked: text found")
            done.burned_in = ""


def treat_pixels(
    objects: Sequence[Dataset], policy: str, regions: Sequence[DeviceRegion]
) -> tuple[Counter[str], list[Treated]]:
    """Judge the pixels of a series, and mask them in place where the policy says so; decodes compressed ones.

    Parameters
    ----------
    policy
        `refuse`, or `mask`: objects of listed devices are blanked where these write, whatever the header says, and text
        that is found is blanked.

    Returns
    -------
    reasons : Counter
        Why not to pass the series on, with the number of objects; pixels may be half treated then.
    treated : list of Treated
        Per object.
    """
    listed = [[region for region in regions if policy == "mask" and region.applies(dataset)] for dataset in objects]
    covered = zip(objects, listed, strict=True)
    reasons = Counter(reason for dataset, found in covered if not found for reason in refusal_reasons(dataset))
    treated = [Treated([]) for _ in objects]
    bands = [bands_of(dataset) for dataset in objects]
    try:
        for dataset in objects:
            decompress(dataset)
        if policy == "mask" and not reasons:
            mask_devices(objects, listed, treated)
            mask_text(objects, bands, treated)
        texts = sum(len(found_text(dataset, near)) > 0 for dataset, near in zip(objects, bands, strict=True))
    except CannotMaskError as error:
        reasons[str(error)] += 1
        return reasons, treated
    except UNREADABLE as error:
        reasons[f"pixel data cannot be decoded ({type(error).__name__})"] += 1
        return reasons, treated
    if texts:
        reasons["text in the pixels" if policy == "refuse" else "text in the pixels that masking left"] += texts
    return reasons, treated
