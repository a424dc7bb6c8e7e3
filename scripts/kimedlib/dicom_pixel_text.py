"""Find text that is drawn into a picture in its highest or lowest value or near it, as scanners and screens do."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

GLYPH_HEIGHT = (5, 28)  # pixels
GLYPHS_IN_LINE = 5
# A value that fills more of the picture is its background, whose ragged parts are no words.
WRITTEN_SHARE = 0.1
# Letters this near to text that was found belong to it, in heights: short words, initials, second lines.
NEAR = 2.0
Boxes = NDArray[np.int64]
Mask = NDArray[np.bool_]


def glyph_boxes(mask: Mask) -> Boxes:
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


def small_parts(mask: Mask) -> Boxes:
    """Boxes of connected parts no larger than a letter, also strokes and dots; shape (n, 4)."""
    labels, _ = ndimage.label(mask, structure=np.ones((3, 3)))
    boxes = [(rows.start, rows.stop, columns.start, columns.stop) for rows, columns in ndimage.find_objects(labels)]
    found = np.array(boxes, dtype=np.int64).reshape(-1, 4)
    sizes = np.stack([found[:, 1] - found[:, 0], found[:, 3] - found[:, 2]])
    return np.asarray(found[sizes.max(axis=0) <= GLYPH_HEIGHT[1]])


def joined_words(mask: Mask) -> Boxes:
    """Parts of a letter's height and a word's width that many strokes cross: letters that touch; shape (n, 4)."""
    boxes = []
    if mask.mean() <= WRITTEN_SHARE:
        labels, _ = ndimage.label(mask, structure=np.ones((3, 3)))
        for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
            height, width = rows.stop - rows.start, columns.stop - columns.start
            if GLYPH_HEIGHT[0] <= height <= GLYPH_HEIGHT[1] and width >= 2 * height:
                part = np.pad(labels[rows, columns] == number, ((0, 0), (1, 0)))
                strokes = np.count_nonzero(part[:, 1:] & ~part[:, :-1], axis=1)
                if strokes.max() >= GLYPHS_IN_LINE:
                    boxes.append((rows.start, rows.stop, columns.start, columns.stop))
    return np.array(boxes, dtype=np.int64).reshape(-1, 4)


def text_lines(glyphs: Boxes) -> Boxes:
    """Boxes of runs of enough letter-sized parts of like height, side by side on one line; shape (n, 4)."""
    found = set()
    for top, bottom, _, _ in glyphs:
        height = bottom - top
        line = glyphs[
            (np.abs(glyphs[:, 1] - bottom) <= 1) & (np.abs(glyphs[:, 1] - glyphs[:, 0] - height) <= 0.35 * height)
        ]
        if len(line) < GLYPHS_IN_LINE:
            continue
        line = line[np.argsort(line[:, 2])]
        gaps = line[1:, 2] - line[:-1, 3]
        breaks = np.flatnonzero((gaps < -1) | (gaps > 1.5 * height)) + 1
        for run in np.split(line, breaks):
            if len(run) >= GLYPHS_IN_LINE:
                found.add((run[:, 0].min(), run[:, 1].max(), run[:, 2].min(), run[:, 3].max()))
    return np.array(sorted(found), dtype=np.int64).reshape(-1, 4)


def extreme_masks(picture: NDArray[Any], bands: Sequence[float]) -> list[tuple[Mask, bool]]:
    """Where a picture is at its highest and lowest value, in each channel and in their maximum; and with blur."""
    planes = [picture] if picture.ndim == 2 else [picture.max(axis=2), *np.moveaxis(picture, 2, 0)]
    masks = []
    for plane in planes:
        low, high = plane.min(), plane.max()
        if high > low:
            masks += [(plane == high, False), (plane == low, False)]
            for share in bands:
                band = share * (float(high) - float(low))
                masks += [(plane >= float(high) - band, True), (plane <= float(low) + band, True)]
    return masks


def with_neighbours(lines: Boxes, parts: Boxes) -> Boxes:
    """Text together with the small parts near it, and near those, with a margin of half a letter."""
    typical = int(np.median(lines[:, 1] - lines[:, 0]))
    reach = NEAR * typical
    kept, left = [lines], parts
    for group in kept:  # grows while it is walked
        near = np.zeros(len(left), bool)
        for top, bottom, start, stop in group:
            near |= (
                (left[:, 0] < bottom + reach)
                & (left[:, 1] > top - reach)
                & (left[:, 2] < stop + reach)
                & (left[:, 3] > start - reach)
            )
        if near.any():
            kept.append(left[near])
            left = left[~near]
    grown = np.concatenate(kept)
    margin = (typical + 1) // 2
    return np.asarray(grown + np.array([-margin, margin, -margin, margin]))


def text_boxes(picture: NDArray[Any], bands: Sequence[float] = ()) -> Boxes:
    """Where a picture shows text, with all letters near it.

    Parameters
    ----------
    picture
        Grey values, shape (rows, columns), or colours, shape (rows, columns, 3).

    bands
        Letters that are smooth or blurred by compression: values this near to the extreme ones count as them too, as
        shares of the range.

    Returns
    -------
    numpy.ndarray
        Boxes (top, bottom, left, right), shape (n, 4), cut to the picture; empty without text.
    """
    found = []
    for mask, blurred in extreme_masks(picture, bands):
        if blurred and mask.mean() > WRITTEN_SHARE:
            continue
        glyphs = glyph_boxes(mask)
        lines = np.concatenate([text_lines(glyphs), joined_words(mask)])
        if len(lines):
            found.append(with_neighbours(lines, small_parts(mask)))
    boxes = np.unique(np.concatenate([np.empty((0, 4), np.int64), *found]), axis=0)
    height, width = picture.shape[:2]
    return np.asarray(np.clip(boxes, 0, [height, height, width, width]), dtype=np.int64)


def shows_text(picture: NDArray[Any], bands: Sequence[float] = ()) -> bool:
    """Whether a picture has text in about its highest or lowest value; parameters of `text_boxes`."""
    return len(text_boxes(picture, bands)) > 0
