"""Judge whether pixels may show text: a series with burned-in annotation must not be passed on."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
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
