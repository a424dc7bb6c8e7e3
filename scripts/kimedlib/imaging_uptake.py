"""Semi-automatic outline of a lesion in PET: the hottest voxel's neighbourhood above a threshold."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def threshold_of(values: NDArray[np.float64], method: str, value: float) -> float:
    """Threshold for voxels of a search region, shape (n,).

    Parameters
    ----------
    method
        `fraction` of the highest uptake (0.41: EANM guideline for tumour PET, Boellaard et al., Eur J Nucl Med Mol
        Imaging 2015; 42:328-354) or `fixed`, in the unit of the image.
    """
    return value * float(values.max()) if method == "fraction" else value


def outline_uptake(
    data: NDArray[Any], search: NDArray[np.bool_] | None, method: str, value: float
) -> tuple[NDArray[np.bool_], float]:
    """Lesion and the threshold that bounds it.

    Parameters
    ----------
    data
        Uptake, shape (x, y, z).
    search
        Region in which the lesion lies; None: the whole image.

    Returns
    -------
    tuple
        Voxels at or above the threshold that touch, also over corners, the hottest one within the search region, with
        what they enclose in a slice; and the threshold. Empty if nothing reaches it.
    """
    where = np.ones(data.shape, bool) if search is None else search
    threshold = threshold_of(np.asarray(data[where], np.float64), method, value)
    hot = where & (data >= threshold)
    hottest = np.unravel_index(int(np.argmax(np.where(where, data, -np.inf))), data.shape)
    if not hot[hottest]:
        return np.zeros(data.shape, bool), threshold
    parts, _ = ndimage.label(hot, np.ones((3, 3, 3)))
    lesion = parts == parts[hottest]
    for slice_number in range(data.shape[2]):
        lesion[:, :, slice_number] = ndimage.binary_fill_holes(lesion[:, :, slice_number])
    return lesion & where, threshold
