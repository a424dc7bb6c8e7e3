"""Remove the face from a head with nothing but its brain mask.

One plane, parallel to the line between the ears, that touches the brain from the front and below: what lies before it
goes. The idea is that of Schimke and Hale, Quickshear Defacing for Neuroimages, USENIX HealthSec 2011; the plane is
chosen here by the longest side of the brain's outline, seen from the side, that faces forward and down.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

Mask = NDArray[np.bool_]
# Angle of the plane's normal below straight ahead, degrees: less cuts only the nose, more only the neck.
FACING = (25.0, 65.0)


@dataclass(frozen=True)
class FacePlane:
    """Where the face begins.

    Attributes
    ----------
    angle
        Of the normal below straight ahead (anterior), degrees.
    offset_mm
        Points with `y cos(angle) - z sin(angle)` above it are removed; y, z in mm from the first voxel.
    """

    angle: float
    offset_mm: float


def forward_down(angle: float, y: NDArray[Any], z: NDArray[Any]) -> NDArray[np.float64]:
    """How far points lie ahead along the normal, mm."""
    radians = np.deg2rad(angle)
    return np.asarray(y * np.cos(radians) - z * np.sin(radians), dtype=np.float64)


def face_plane(brain: Mask, spacing: tuple[float, float, float], margin_mm: float) -> FacePlane:
    """Plane in front of and below a brain.

    Parameters
    ----------
    brain
        Mask on a right-anterior-superior grid.
    spacing
        Voxel sizes, mm.
    margin_mm
        Distance that the plane keeps from the brain.

    Raises
    ------
    ValueError
        The mask is empty or flat.
    """
    outline = np.argwhere(brain.any(axis=0)) * np.array(spacing[1:])
    if len(outline) < 3 or np.ptp(outline, axis=0).min() == 0:
        raise ValueError("the brain mask is empty or flat")
    hull = ConvexHull(outline)
    angles = np.rad2deg(np.arctan2(-hull.equations[:, 1], hull.equations[:, 0]))
    ends = hull.points[hull.simplices]
    lengths = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
    facing = (angles >= FACING[0]) & (angles <= FACING[1])
    angle = float(angles[facing][np.argmax(lengths[facing])]) if facing.any() else float(np.mean(FACING))
    reach = forward_down(angle, outline[:, 0], outline[:, 1]).max()
    return FacePlane(angle, float(reach) + margin_mm)


def face_mask(shape: tuple[int, ...], spacing: tuple[float, float, float], plane: FacePlane) -> Mask:
    """Voxels before the plane, shape of the image."""
    y, z = np.meshgrid(np.arange(shape[1]) * spacing[1], np.arange(shape[2]) * spacing[2], indexing="ij")
    ahead = forward_down(plane.angle, y, z) > plane.offset_mm
    return np.asarray(np.broadcast_to(ahead[None], shape))


def deface(
    data: NDArray[np.float32], brain: Mask, spacing: tuple[float, float, float], margin_mm: float
) -> tuple[NDArray[np.float32], Mask]:
    """Head without its face.

    Parameters
    ----------
    data, brain
        Signal and brain mask on one right-anterior-superior grid.
    spacing
        Voxel sizes, mm.
    margin_mm
        Distance that the cut keeps from the brain.

    Returns
    -------
    image : numpy.ndarray
        0 before the plane (or the lowest value, if that is below 0), as it was elsewhere.
    removed : numpy.ndarray
        What was removed; holds no voxel of the brain.

    Raises
    ------
    ValueError
        The mask is empty or flat; or a voxel of the brain would have gone.
    """
    removed = face_mask(data.shape, spacing, face_plane(brain, spacing, margin_mm))
    if (removed & brain).any():
        raise ValueError("the cut would reach the brain")
    return np.where(removed, np.float32(min(0.0, float(data.min()))), data), removed
