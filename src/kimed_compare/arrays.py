"""Distances between arrays of numbers, for all comparators that hold some."""

from typing import TYPE_CHECKING, Any

from kimed_compare.comparator import Differences, Measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

VALUES = {
    "absolute": Measure("Largest absolute difference of two numbers.", "values"),
    "relative": Measure("Largest difference of two numbers as a share of the larger one.", "values"),
}
"""Measures of numbers; stated alone, each judges alone."""


def add_numbers(result: Differences, what: str, reference: "NDArray[Any]", found: "NDArray[Any]") -> None:
    """Note how far two arrays of numbers are apart.

    Parameters
    ----------
    what
        Name of the array, for people.
    reference, found
        Any shape; another shape is a difference of structure. NaN equals NaN and is infinitely far from numbers.
    """
    import numpy as np  # noqa: PLC0415 - importing this package is cheap

    if reference.shape != found.shape:
        result.structure(f"{what} has shape {found.shape}, expected {reference.shape}")
        return
    if not reference.size:
        return
    first, second = reference.astype(np.float64), found.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        absolute = np.abs(first - second)
        relative = absolute / np.maximum(np.abs(first), np.abs(second))
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    for name, amount in (("absolute", absolute), ("relative", relative)):
        amount[same] = 0.0
        amount[np.isnan(amount)] = np.inf
        result.add(name, float(amount.max()))
    changed = int((~same).sum())
    if changed:
        place = np.unravel_index(int(relative.argmax()), relative.shape)
        where = ", ".join(map(str, place))
        result.details.append(
            f"{what}: {changed} of {same.size} numbers, most at [{where}]: {first[place]:g} -> {second[place]:g}"
        )
