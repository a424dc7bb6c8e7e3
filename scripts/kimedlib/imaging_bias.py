"""Uneven brightness of magnetic resonance images: a smooth field that multiplies the signal, and its removal by N4."""

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from kimedlib.imaging_qc import head_of


def downsized(volume: SimpleITK.Image, factor: int) -> SimpleITK.Image:
    """Every `factor`-th voxel along each axis; the field is smooth, so that nothing is lost."""
    return SimpleITK.Shrink(volume, [max(1, min(factor, size // 16)) for size in volume.GetSize()])


def bias_field(
    data: NDArray[np.float32], spacing: tuple[float, float, float], shrink: int, iterations: list[int]
) -> NDArray[np.float32]:
    """Field that multiplies the signal, by N4 (Tustison et al., IEEE Trans Med Imaging 2010; 29:1310-1320; SimpleITK).

    Parameters
    ----------
    data
        Signal, shape (x, y, z), not negative.
    spacing
        Edge lengths of a voxel, mm.
    shrink
        The field is sought in every so many-th voxel along each axis.
    iterations
        Most iterations at each of the levels; the mesh of control points is twice as fine from one to the next.

    Returns
    -------
    numpy.ndarray
        Shape of `data`; its mean over the head is 1, so that the level of the signal stays.

    Raises
    ------
    ValueError
        There is no head in the image.
    """
    head = head_of(data)
    if not head.any():
        raise ValueError("no head stands out from the background")
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(data.transpose(), dtype=np.float32))
    mask = SimpleITK.GetImageFromArray(np.ascontiguousarray(head.transpose()).astype(np.uint8))
    image.SetSpacing(spacing)
    mask.SetSpacing(spacing)
    correct = SimpleITK.N4BiasFieldCorrectionImageFilter()
    correct.SetMaximumNumberOfIterations(iterations)
    correct.SetNumberOfThreads(1)  # sums are split by threads: the same bytes on every machine
    correct.Execute(downsized(image, shrink), downsized(mask, shrink))
    logarithm = SimpleITK.GetArrayFromImage(correct.GetLogBiasFieldAsImage(image)).transpose()
    field = np.exp(logarithm - logarithm[head].mean())
    return np.asarray(field / field[head].mean(), dtype=np.float32)


def unevenness(field: NDArray[np.float32], data: NDArray[np.float32]) -> tuple[float, float]:
    """5th and 95th percentile of a field in the head; 0.8 and 1.2 are a signal that is 20 % too weak or strong."""
    low, high = np.percentile(field[head_of(data)], [5, 95])
    return float(low), float(high)
