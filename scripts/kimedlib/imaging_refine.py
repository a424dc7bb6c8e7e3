"""Move the outline of a compact region to where the signal is half-way to its surroundings.

Half-way is where the edge of an object lies in an image with partial volume (the rule behind full width at
half maximum). It corrects outlines that a network draws a fraction of a voxel too far in or out, which in
small regions is much of the volume.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

REACH, RING = 1, 2  # voxels
FEWEST = 8  # voxels in core and ring for their medians to mean something
FACES = ndimage.generate_binary_structure(3, 1)


def half_contrast(data: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Refined region; the region as it is where it is too small or has no contrast.

    Parameters
    ----------
    data
        Image, any unit.
    mask
        First outline, at most about a voxel off.
    """
    eroded = ndimage.binary_erosion(mask)
    core = eroded if np.count_nonzero(eroded) >= FEWEST else mask
    near = ndimage.binary_dilation(mask, FACES, iterations=REACH)
    ring = ndimage.binary_dilation(near, FACES, iterations=RING) & ~near
    if np.count_nonzero(core) < FEWEST or np.count_nonzero(ring) < FEWEST:
        return mask
    inside, outside = float(np.median(data[core])), float(np.median(data[ring]))
    half = abs(inside - outside) / 2
    if half == 0:
        return mask
    nearer = (data - (inside + outside) / 2) * np.sign(inside - outside) > 0
    # a third tissue beyond the region's own signal (fat beside a lesion) is not taken in
    like: NDArray[Any] = near & nearer & ((np.abs(data - inside) < half) | mask)
    closed = ndimage.binary_closing(np.pad(like, 2), np.ones((3, 3, 3)))[2:-2, 2:-2, 2:-2]
    return np.asarray(ndimage.binary_fill_holes(closed | ndimage.binary_erosion(core)), dtype=bool)
