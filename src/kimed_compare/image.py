"""Pictures (PNG, JPEG, TIFF, …) as people see them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kimed_compare.comparator import Comparator, Differences, Measure, Settings, Unreadable

TILE = 32
"""Pixels of the squares over which similarity is averaged: a change in one of them must not drown in the whole."""
SMALLEST = 7
"""Pixels of a side from which on structural similarity is defined (its window)."""


class Image(Comparator):
    """Content is the pixels; compression, metadata and palettes are not."""

    name = "image"
    meaning = "Pixels, as red, green, blue and opacity; not compression, metadata or palette."
    suffixes = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".bmp", ".webp")
    measures = {  # noqa: RUF012
        "pixel": Measure("Largest difference of a channel of a pixel, of 255.", "image"),
        "changed_fraction": Measure("Share of pixels that differ.", "image"),
        "ssim_loss": Measure(
            f"1 - the smallest mean structural similarity (Wang et al. 2004) of the squares of {TILE} pixels.", "image"
        ),
    }

    def read(self, path: Path, options: Mapping[str, Any]) -> Any:  # noqa: ARG002
        """Pixels, height x width x 4, 0 to 255."""
        return {"pixels": pixels(path)}

    def differences(self, reference: Any, found: Any, settings: Settings) -> Differences:  # noqa: ARG002
        """Size first, then all three measures."""
        result = Differences()
        first, second = reference["pixels"], found["pixels"]
        if first.shape != second.shape:
            sizes = [f"{side.shape[1]} x {side.shape[0]}" for side in (first, second)]
            result.structure(f"{sizes[1]} pixels, expected {sizes[0]}")
            return result
        distance = abs(first.astype(int) - second.astype(int)).max(axis=2)
        changed = float((distance > 0).mean())
        result.add("pixel", float(distance.max()))
        result.add("changed_fraction", changed, f"{changed:.3%} of the pixels differ, by up to {distance.max()} of 255")
        result.add("ssim_loss", _loss(first, second))
        return result


def pixels(source: Any) -> Any:
    """Pixels of a picture (a path or an open file), height x width x 4.

    Raises
    ------
    Unreadable
        No picture, or a damaged one.
    """
    import numpy as np  # noqa: PLC0415 - importing this package is cheap
    from PIL import Image as Pillow  # noqa: PLC0415

    try:
        with Pillow.open(source) as picture:
            return np.asarray(picture.convert("RGBA"))
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError) as error:
        raise Unreadable(f"{getattr(source, 'name', source)} is no readable picture: {error}") from error


def _loss(first: Any, second: Any) -> float:
    import numpy as np  # noqa: PLC0415
    from skimage.metrics import structural_similarity  # noqa: PLC0415

    if min(first.shape[:2]) < SMALLEST:
        return float(not np.array_equal(first, second))
    height, width = first.shape[:2]
    _, similarity = structural_similarity(first, second, channel_axis=2, data_range=255, full=True)
    tiles = [
        similarity[row : row + TILE, column : column + TILE].mean()
        for row in range(0, height, TILE)
        for column in range(0, width, TILE)
    ]
    return float(1 - min(tiles))
