"""Judge whether pixels may show text: a series with burned-in annotation must not be passed on."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.utils import get_expected_length
from pydicom.tag import BaseTag, Tag
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    EnhancedPETImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
)
from scipy import ndimage

# Objects whose pixels come from a scanner's reconstruction. Secondary captures, ultrasound, reports,
# documents and plans may hold text that no header announces.
STORAGE_CLASSES = (
    CTImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    EnhancedPETImageStorage,
)
GLYPH_HEIGHT = (5, 28)  # pixels
GLYPHS_IN_LINE = 5
# Elements of an overlay group that hold no text.
OVERLAY_SHAPE = frozenset({0x0010, 0x0011, 0x0015, 0x0040, 0x0050, 0x0051, 0x0100, 0x0102, 0x3000})
# Bytes of the words that these representations are made of (PS3.5 6.2).
WORD_BYTES = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
# A value that fills more of the picture is its background, whose ragged parts are no words.
WRITTEN_SHARE = 0.1


def glyph_boxes(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Bounding boxes (top, bottom, left, right) of connected parts that could be letters, shape (n, 4)."""
    labels, _ = ndimage.label(mask, structure=np.ones((3, 3)))
    boxes = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if GLYPH_HEIGHT[0] <= height <= GLYPH_HEIGHT[1] and width <= 1.6 * height:
            filled = np.count_nonzero(labels[rows, columns] == number) / (height * width)
            if 0.12 <= filled <= 0.95:
                boxes.append((rows.start, rows.stop, columns.start, columns.stop))
    return np.array(boxes, dtype=np.int64).reshape(-1, 4)


def has_joined_word(mask: NDArray[np.bool_]) -> bool:
    """Whether a part of a letter's height and a word's width is crossed by many strokes: letters that touch."""
    if mask.mean() > WRITTEN_SHARE:
        return False
    labels, _ = ndimage.label(mask, structure=np.ones((3, 3)))
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if GLYPH_HEIGHT[0] <= height <= GLYPH_HEIGHT[1] and width >= 2 * height:
            part = np.pad(labels[rows, columns] == number, ((0, 0), (1, 0)))
            strokes = np.count_nonzero(part[:, 1:] & ~part[:, :-1], axis=1)
            if strokes.max() >= GLYPHS_IN_LINE:
                return True
    return False


def has_text_line(mask: NDArray[np.bool_]) -> bool:
    """Whether enough letter-sized parts of like height stand side by side on one line."""
    boxes = glyph_boxes(mask)
    for top, bottom, _, _ in boxes:
        height = bottom - top
        line = boxes[
            (np.abs(boxes[:, 1] - bottom) <= 1) & (np.abs(boxes[:, 1] - boxes[:, 0] - height) <= 0.35 * height)
        ]
        if len(line) < GLYPHS_IN_LINE:
            continue
        line = line[np.argsort(line[:, 2])]
        gaps = line[1:, 2] - line[:-1, 3]
        close = (gaps >= -1) & (gaps <= 1.5 * height)
        run = longest = 1
        for near in close:
            run = run + 1 if near else 1
            longest = max(longest, run)
        if longest >= GLYPHS_IN_LINE:
            return True
    return False


def shows_text(frame: NDArray[Any]) -> bool:
    """Whether a picture has text in one uniform extreme value, as annotation is drawn.

    Parameters
    ----------
    frame
        Grey values, shape (rows, columns), or colours, shape (rows, columns, 3).
    """
    grey = frame.max(axis=2) if frame.ndim == 3 else frame
    low, high = grey.min(), grey.max()
    return bool(high > low) and any(
        has_text_line(mask) or has_joined_word(mask) for mask in (grey == high, grey == low)
    )


def refusal_reasons(dataset: Dataset) -> list[str]:
    """Reasons, from headers alone, not to pass on an object."""
    reasons = []
    if str(dataset.get("BurnedInAnnotation", "NO")).upper() == "YES":
        reasons.append("BurnedInAnnotation is YES")
    storage = UID(str(dataset.get("SOPClassUID", "")))
    if storage not in STORAGE_CLASSES:
        reasons.append(f"{storage.name or 'object without SOP class'} may hold text")
    kinds = dataset.get("ImageType") or []
    if "SCREEN SAVE" in ([kinds] if isinstance(kinds, str) else list(kinds)):
        reasons.append("ImageType is SCREEN SAVE")
    return reasons


def pixel_reasons(dataset: Dataset) -> list[str]:
    """Reasons to refuse an object that show only in its decoded pixels."""
    try:
        pixels = dataset.pixel_array
    except (AttributeError, ValueError, RuntimeError, NotImplementedError, TypeError) as error:
        return [f"pixel data cannot be decoded ({type(error).__name__})"]
    if pixels.ndim - (int(dataset.get("SamplesPerPixel", 1)) > 1) == 2:
        pixels = pixels[None]
    return ["text in the pixels"] if any(shows_text(frame) for frame in pixels) else []


def keeps_overlay(dataset: Dataset, tag: BaseTag) -> bool:
    """Whether an element describes a bitmap without text; its data are written anew, without padding bits."""
    data = Tag(tag.group, 0x3000)
    if tag.group & 0xFF00 != 0x6000 or tag.element not in OVERLAY_SHAPE or data not in dataset:
        return False
    try:
        bitmap = np.asarray(dataset.overlay_array(tag.group), dtype=np.uint8)
    except (AttributeError, ValueError, TypeError):
        return False
    if any(shows_text(frame) for frame in bitmap.reshape(-1, *bitmap.shape[-2:])):
        return False
    packed = np.packbits(bitmap.ravel(), bitorder="little").tobytes()
    dataset[data].value = packed + b"\0" * (len(packed) % 2)
    return True


def swap_words(dataset: Dataset) -> None:
    """Turn binary content that was read as big endian into little endian, in place and in all sequences.

    pydicom writes it as it was read, whatever the transfer syntax of the new file.
    """
    for element in dataset:
        if element.VR == "SQ":
            for entry in element.value:
                swap_words(entry)
        elif element.VR in WORD_BYTES and isinstance(element.value, bytes):
            unit = WORD_BYTES[element.VR]
            if element.tag == Tag(0x7FE0, 0x0010):
                unit = max(int(dataset.get("BitsAllocated", 16)) // 8, unit)
            words = np.frombuffer(element.value[: len(element.value) // unit * unit], dtype=f">u{unit}")
            element.value = words.astype(f"<u{unit}").tobytes() + element.value[len(words) * unit :]


def tidied(dataset: Dataset, value: bytes) -> bytes:
    """Uncompressed pixel data without bytes after the last pixel and with unused bits as the standard has them.

    Unused bits lie above the stored ones: zero, or the sign (PS3.5 8.1.1). Older objects kept overlays there.
    """
    try:
        length = get_expected_length(dataset)
    except AttributeError:
        return b""
    kept = value[:length]
    bits = int(dataset.get("BitsAllocated", 8))
    stored = int(dataset.get("BitsStored", bits))  # absent where pixels are floating-point numbers
    high = int(dataset.get("HighBit", stored - 1))
    if bits in (8, 16, 32) and stored < bits and len(kept) == length:
        words = np.frombuffer(kept, dtype=f"<u{bits // 8}").copy()
        mask = ((1 << stored) - 1) << (high + 1 - stored)
        words &= words.dtype.type(mask)
        if int(dataset.get("PixelRepresentation", 0)) == 1 and high + 1 == stored:
            words[(words >> (stored - 1)) & 1 == 1] |= words.dtype.type(((1 << bits) - 1) ^ mask)
        kept = words.tobytes()
    return kept + b"\0" * (len(kept) % 2)
