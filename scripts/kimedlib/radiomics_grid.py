"""Bring a region to the grid and the grey levels on which biomarkers are defined.

Image processing of the IBSI reference manual (arXiv:1612.07003v11, chapter 2): interpolation on a grid that is aligned
by centre, re-segmentation, discretisation. The last axis counts slices.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from kimedlib.radiomics_filters import Filter, response_map

Spacing = tuple[float, float, float]
BORDER_MM, BORDER_VOXELS = 8.0, 8  # around the region: the sphere of the local peak, the support of the spline
MOST_LEVELS = 4000


@dataclass(frozen=True)
class Bins:
    """Discretisation.

    `none` (intensities are levels already), `width` (fixed bin size, from the lowest intensity or the window's end),
    `multiples` (fixed bin size whose edges are multiples of it, as PyRadiomics does) or `number` of bins.
    """

    kind: Literal["none", "width", "multiples", "number"] = "none"
    value: float = 0.0

    @property
    def suffix(self) -> str:
        """What names of features carry, as in the tables of reference values."""
        width = f"_fbs_w{float(self.value)}"
        return {"none": "", "width": width, "multiples": width, "number": f"_fbn_n{int(self.value)}"}[self.kind]


@dataclass(frozen=True)
class Settings:
    """How features are computed.

    Attributes
    ----------
    spacing
        Voxel size to interpolate to, mm; None keeps the image's own, per axis.
    spline
        Order of the interpolation of intensities: 1 linear, 3 cubic. Masks are interpolated linearly.
    rounding
        Round interpolated intensities, for CT.
    window
        Lowest and highest intensity of the region; None: all.
    sigmas
        Leave out intensities further than this many standard deviations from the mean; None: none.
    bins, volume_bins
        For texture and histogram; for the intensity-volume histogram.
    aggregation
        `2d` and `2.5d` (by slice), `3d`.
    filter
        What is measured is the image's response to it; window and sigmas are those of the image. None: the image.
    """

    spacing: tuple[float | None, float | None, float | None] = (None, None, None)
    spline: int = 1
    rounding: bool = False
    window: tuple[float, float] | None = None
    sigmas: float | None = None
    bins: Bins = field(default_factory=Bins)
    volume_bins: Bins = field(default_factory=Bins)
    aggregation: tuple[str, ...] = ("3d",)
    filter: Filter | None = None


@dataclass(frozen=True)
class Perturbation:
    """A small change of the grid or the region, after Zwanenburg et al., Sci Rep 2019; 9:614.

    Attributes
    ----------
    rotation_degrees
        Of the grid, within slices, around the centre of the region.
    shift
        Of the grid, in voxels of the new grid.
    growth
        Share by which the volume of the region grows (or shrinks, below 0).
    noise
        Standard deviation of the normal noise that is added to the image, in its unit.
    seed
        Of the noise.
    """

    rotation_degrees: float = 0.0
    shift: Spacing = (0.0, 0.0, 0.0)
    growth: float = 0.0
    noise: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Region:
    """A region ready to be measured; arrays of shape (x, y, z).

    Attributes
    ----------
    image
        Intensities, also around the region.
    shape
        Morphological mask.
    inside
        Intensity mask: what re-segmentation left of it.
    spacing
        Edge lengths of a voxel, mm.
    """

    image: NDArray[np.float64]
    shape: NDArray[np.bool_]
    inside: NDArray[np.bool_]
    spacing: Spacing

    @property
    def values(self) -> NDArray[np.float64]:
        """Intensities in the intensity mask."""
        return self.image[self.inside]


def crop(mask: NDArray[np.bool_], spacing: Spacing, further_mm: float = 0.0) -> tuple[slice, slice, slice]:
    """The part of a grid that decides about a region: its box and a border, which may be wider.

    Raises
    ------
    ValueError
        The region is empty.
    """
    box = ndimage.find_objects(mask.astype(np.int8))
    if not box or box[0] is None:
        raise ValueError("the region is empty")
    parts = []
    for axis, part in enumerate(box[0]):
        border = math.ceil((BORDER_MM + further_mm) / spacing[axis]) + BORDER_VOXELS
        parts.append(slice(max(part.start - border, 0), min(part.stop + border, mask.shape[axis])))
    return parts[0], parts[1], parts[2]


def reach_mm(settings: Settings, spacing: Spacing) -> float:
    """How far from a region voxels of the new grid decide about a filter's response; infinite: all of the image."""
    if settings.filter is None:
        return 0.0
    reach = settings.filter.reach(spacing)
    return 1e9 if reach is None else reach * max(spacing)


def interpolate(
    image: NDArray[np.float64], mask: NDArray[np.bool_], spacing: Spacing, settings: Settings, change: Perturbation
) -> tuple[NDArray[np.float64], NDArray[np.bool_], Spacing]:
    """Image and mask on the new grid (manual 2.4); only the part around the region is computed."""
    new = [wanted or own for wanted, own in zip(settings.spacing, spacing, strict=True)]
    scale = np.array(new) / np.array(spacing)
    part = crop(mask, spacing, reach_mm(settings, (new[0], new[1], new[2])))
    starts = np.array([piece.start for piece in part])
    image, small = image[part], mask[part]
    moved = change.rotation_degrees != 0 or any(change.shift)
    if np.allclose(scale, 1, atol=1e-6) and not moved:
        return image, small, spacing
    # one more than fits would leave the image: the new grid is centred on the old one
    count = np.ceil(np.array(mask.shape) / scale - 1e-6).astype(int)
    first = 0.5 * ((np.array(mask.shape) - 1) - (count - 1) * scale)
    low = np.maximum(np.ceil((starts - first) / scale).astype(int), 0)
    high = np.minimum(np.floor((starts + np.array(small.shape) - 1 - first) / scale).astype(int) + 1, count)
    # the grid's last voxels may stand a little outside of the image, where the edge is repeated
    low = np.where(starts == 0, 0, low)
    high = np.where(starts + np.array(small.shape) == mask.shape, count, high)
    matrix = np.diag(scale)
    offset = first + low * scale - starts
    if moved:
        angle = math.radians(change.rotation_degrees)
        turn = np.eye(3)
        turn[:2, :2] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        # in mm, around the centre of the region
        turn = np.diag(1 / np.array(spacing)) @ turn @ np.diag(spacing)
        centre = np.array(ndimage.center_of_mass(small))
        offset = centre + turn @ (offset + np.array(change.shift) * scale - centre)
        matrix = turn @ matrix
    shape = tuple(int(size) for size in high - low)
    values = ndimage.affine_transform(image, matrix, offset, shape, order=settings.spline, mode="nearest")
    inside = ndimage.affine_transform(small.astype(np.float64), matrix, offset, shape, order=1, mode="constant")
    return values, inside >= 0.5 - 1e-9, (new[0], new[1], new[2])


def resize(mask: NDArray[np.bool_], spacing: Spacing, growth: float) -> NDArray[np.bool_]:
    """Grow or shrink a region by a share of its volume: the voxels nearest to its surface, at least one remains."""
    if growth == 0:
        return mask
    count = int(np.count_nonzero(mask))
    target = max(round(count * (1 + growth)), 1)
    away = ndimage.distance_transform_edt(~mask, sampling=spacing) - ndimage.distance_transform_edt(
        mask, sampling=spacing
    )
    order = np.argsort(away, axis=None, kind="stable")
    resized = np.zeros(mask.size, bool)
    resized[order[:target]] = True
    return resized.reshape(mask.shape)


def prepare_region(
    data: NDArray[Any], mask: NDArray[np.bool_], spacing: Spacing, settings: Settings,
    change: Perturbation | None = None,
) -> Region:  # fmt: skip
    """Interpolate, perturb and re-segment.

    Parameters
    ----------
    data, mask
        Shape (x, y, z), slices along the last axis.
    spacing
        Edge lengths of a voxel, mm.

    Raises
    ------
    ValueError
        No voxel is left in the region.
    """
    change = change or Perturbation()
    image = np.asarray(data, dtype=np.float64)
    if change.noise:
        image = image + np.random.default_rng(change.seed).normal(0, change.noise, image.shape)
    image, shape, grid = interpolate(image, np.asarray(mask, bool), spacing, settings, change)
    if settings.rounding:
        image = np.rint(image)
    shape = resize(shape, grid, change.growth)
    inside = shape.copy()
    if settings.window is not None:
        inside &= (image >= settings.window[0]) & (image <= settings.window[1])
    if settings.sigmas is not None and inside.any():
        values = image[inside]
        inside &= np.abs(image - values.mean()) <= settings.sigmas * values.std()
    if not inside.any():
        raise ValueError("no voxel of the region is left after interpolation and re-segmentation")
    if settings.filter is not None:
        image = response_map(image, grid, settings.filter)
    return Region(image, shape, inside, grid)


def discretise(region: Region, bins: Bins, window: tuple[float, float] | None) -> NDArray[np.int64]:
    """Grey levels from 1 within the intensity mask, 0 elsewhere (manual 2.7), shape (x, y, z).

    Raises
    ------
    ValueError
        Intensities that are no levels although `none` is asked for, or too many levels.
    """
    values = region.values
    low, high = float(values.min()), float(values.max())
    if bins.kind == "none":
        found = np.rint(values).astype(np.int64)
        if low < 1 or not np.array_equal(found, values):
            raise ValueError("intensities are no grey levels (whole numbers from 1 on): choose a bin width or number")
    elif bins.kind in ("width", "multiples"):
        start = window[0] if window is not None and math.isfinite(window[0]) else low
        if bins.kind == "multiples":
            start = math.floor(low / bins.value) * bins.value
        found = np.floor((values - start) / bins.value).astype(np.int64) + 1
    else:
        number = int(bins.value)
        found = np.ones(len(values), np.int64)
        if high > low:
            found = np.minimum(np.floor(number * (values - low) / (high - low)).astype(np.int64) + 1, number)
    if found.max() > MOST_LEVELS:
        raise ValueError(f"{found.max()} grey levels; at most {MOST_LEVELS}: choose wider bins or a narrower window")
    levels = np.zeros(region.image.shape, np.int64)
    levels[region.inside] = found
    return levels
