"""Contours of the left ventricle as text files, in the format of the Sunnybrook Cardiac Data.

One file per image and outline, named IM-<series>-<instance number>-<i or o>contour-<who>.txt: `i` is the endocardium
(cavity), `o` the epicardium (outer wall). Each line is a point: column and row in pixels, centres at whole numbers.
Radau et al., The MIDAS Journal, 2009, doi:10.54294/g80ruo.
"""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.draw import polygon2mask

from kimedlib.problems import Problem

NAME = re.compile(r"^IM-\d+-(?P<instance>\d+)-(?P<kind>[a-z]+\d*)contour-(?P<who>[A-Za-z]+)\.txt$")
KINDS = {"i": "inner", "o": "outer"}
SUBPIXELS = 4
# Share of the cavity that the outer wall must enclose: edge pixels may fall outside, a heart's contours overlap whole.
ENCLOSED = 0.95


def contour_files(folder: Path) -> tuple[dict[tuple[str, int], Path], list[Path], list[Problem]]:
    """Contour files below a folder by (inner or outer, instance number), files of other outlines, and problems.

    Papillary muscles (p1, p2) are other outlines: as is usual, they belong to the cavity.
    """
    found: dict[tuple[str, int], Path] = {}
    others, problems = [], []
    for path in sorted(folder.rglob("*.txt")):
        said = NAME.match(path.name)
        if said is None or said["kind"] not in KINDS:
            others.append(path)
            continue
        key = (KINDS[said["kind"]], int(said["instance"]))
        if key in found:
            what = f"is a second {key[0]} contour of image {key[1]}, after {found[key].name}"
            problems.append(Problem(str(path), "", what, "keep one of the two"))
        else:
            found[key] = path
    if not found:
        what = "holds no file IM-<series>-<number>-icontour-<who>.txt"
        problems.append(Problem(str(folder), "", what, "correct the path, or leave the cell empty"))
    return found, others, problems


def shown(numbers: list[int]) -> str:
    """The first five of a list."""
    return ", ".join(map(str, numbers[:5])) + (", ..." if len(numbers) > 5 else "")


def read_contour(path: Path) -> tuple[NDArray[np.float64], list[Problem]]:
    """Points (n, 2) of one outline, column and row in pixels; problems name the line."""
    points, problems = [], []
    for line, text in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if not text.strip():
            continue
        try:
            point = [float(word) for word in text.replace(",", " ").split()]
        except ValueError:
            point = []
        if len(point) != 2 or not np.isfinite(point).all():
            problems.append(Problem(str(path), f"line {line}", f"is not two numbers: {text[:40]!r}", "export it again"))
        else:
            points.append(point)
    if not problems and len(points) < 3:
        problems.append(Problem(str(path), "", f"has {len(points)} points", "an outline has three or more"))
    return np.array(points).reshape(-1, 2), problems


def polygon_area(points: NDArray[np.float64]) -> float:
    """Area that a closed outline encloses, by the shoelace formula; points (n, 2), result in their unit squared."""
    x, y = points.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def filled(points: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels (column, row) of which an outline covers half or more."""
    fine = polygon2mask(
        (shape[0] * SUBPIXELS, shape[1] * SUBPIXELS), (points + 0.5) * SUBPIXELS - 0.5
    ).reshape(shape[0], SUBPIXELS, shape[1], SUBPIXELS)  # fmt: skip
    return np.asarray(fine.mean(axis=(1, 3)) >= 0.5)


def encloses(outer: NDArray[np.bool_], inner: NDArray[np.bool_]) -> bool:
    """Whether a filled outer outline holds the filled inner one, but for `ENCLOSED`; masks (column, row)."""
    return int((outer & inner).sum()) >= ENCLOSED * int(inner.sum())
