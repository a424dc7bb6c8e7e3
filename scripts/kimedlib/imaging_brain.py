"""Find the brain in a T1-weighted head without a network, and say whether the object can be a brain at all.

The mask follows the classical recipe of thresholding, morphological opening and selection of the central
component (Shattuck and Leahy, Brain surface extraction, NeuroImage 2001; 13:856-876), on a 2 mm grid. The
judgement uses what T1-weighted brains share and other objects do not: size, white matter brighter than the
cortex around it, folds, and no structures far brighter than the rest.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_multiotsu, threshold_otsu

Mask = NDArray[np.bool_]
WORK_MM = 2.0
OPENING_MM = (2.0, 4.0, 6.0, 8.0, 10.0)
# Adult brain with ventricles, both sexes and atrophy: Allen et al., NeuroImage 2002; generous margins.
VOLUME_ML = (700.0, 2200.0)
OPEN_TO_AIR = 0.12  # share of the mask's surface within `AIR_MM` of air; scalp and skull are thicker
AIR_MM = 6.0
# depth below the mask's surface; the outermost millimetres mix with the fluid around the brain
CORTEX_MM, WHITE_MM = (3.0, 8.0), 12.0
WHITE_OVER_CORTEX = (1.04, 2.5)
BRIGHTEST_OVER_MEDIAN = 1.8
LAYERED = 0.8  # share of the signal's variance that depth alone explains: 0.1 in folded brains, 0.96 in fruit
CUT = 0.03  # share of the mask's surface on the border of the image


@dataclass(frozen=True)
class BrainEvidence:
    """What was measured of a candidate brain, and what speaks against it.

    Attributes
    ----------
    volume_ml
        Volume of the mask.
    white_over_cortex
        Median signal deep in the mask over that at its rim.
    brightest_over_median
        99th percentile of the mask over its median.
    contrast_to_noise
        Difference of the two medians over the noise at the rim and in the depth: half the interquartile range of the
        difference between voxels and their next ones, over 0.6745 and the root of 2.
    cut
        Share of the mask's surface on the border of the image.
    layered
        Share of the variance of the signal that depth below the surface explains.
    against
        Reasons why it is no brain; empty if it can be one.
    """

    volume_ml: float
    white_over_cortex: float
    brightest_over_median: float
    contrast_to_noise: float
    cut: float
    layered: float
    against: tuple[str, ...]


def ball(radius_mm: float) -> Mask:
    """Ball of a radius on the working grid."""
    reach = max(1, round(radius_mm / WORK_MM))
    grid = np.indices((2 * reach + 1,) * 3) - reach
    return np.asarray((grid**2).sum(axis=0) <= (radius_mm / WORK_MM) ** 2 + 0.5)


def within(mask: Mask, distance_mm: float) -> Mask:
    """Voxels at most `distance_mm` from the mask."""
    return np.asarray(ndimage.distance_transform_edt(~mask, sampling=WORK_MM) <= distance_mm)


def eroded(mask: Mask, distance_mm: float) -> Mask:
    """Voxels deeper than `distance_mm` inside the mask."""
    padded = np.pad(mask, 1)
    return np.asarray(ndimage.distance_transform_edt(padded, sampling=WORK_MM)[1:-1, 1:-1, 1:-1] > distance_mm)


def largest_central(mask: Mask) -> Mask:
    """The component that is largest, weighted down with its distance from the middle of the volume."""
    labels, count = ndimage.label(mask)
    if not count:
        return np.zeros_like(mask)
    sizes = np.bincount(labels.ravel())[1:]
    centres = np.array(ndimage.center_of_mass(mask, labels, np.arange(1, count + 1)))
    offset = np.linalg.norm(centres / mask.shape - 0.5, axis=1)
    return np.asarray(labels == 1 + int(np.argmax(sizes * np.exp(-4 * offset))))


def signal_classes(volume: NDArray[np.float32]) -> tuple[Mask, Mask]:
    """Object without air, and in it the voxels of brain-like signal: above fluid, below the brightest fat."""
    ceiling = float(np.percentile(volume[volume > 0], 99.5)) if (volume > 0).any() else 0.0
    clipped = np.clip(volume, 0, ceiling)
    if ceiling <= 0 or clipped.min() == clipped.max():
        return np.zeros(volume.shape, bool), np.zeros(volume.shape, bool)
    thing = clipped > 0.5 * threshold_otsu(clipped)
    inside = clipped[thing]
    low = threshold_multiotsu(inside[:: max(1, inside.size // 200_000)], classes=3)[0]
    return thing, clipped > low


def candidate(bright: Mask, opening_mm: float) -> Mask:
    """Central component after opening, grown back, closed over sulci and ventricles, holes filled."""
    core = largest_central(eroded(bright, opening_mm))
    if not core.any():
        return core
    grown = within(core, opening_mm + 0.5 * WORK_MM) & bright
    padded = np.pad(grown, 6)
    closed = eroded_open(within(padded, 8.0), 8.0)
    return np.asarray(ndimage.binary_fill_holes(closed)[6:-6, 6:-6, 6:-6])


def eroded_open(mask: Mask, distance_mm: float) -> Mask:
    """Undo `within`: voxels farther than `distance_mm` from the outside."""
    return np.asarray(ndimage.distance_transform_edt(mask, sampling=WORK_MM) > distance_mm)


def open_share(mask: Mask, air: Mask) -> float:
    """Share of the mask's surface that lies near air."""
    surface = mask & ~ndimage.binary_erosion(mask)
    return float(within(air, AIR_MM)[surface].mean()) if surface.any() else 1.0


def brain_mask(volume: NDArray[np.float32]) -> Mask:
    """Brain with ventricles on the working grid; empty if there is no candidate.

    The gentlest opening that parts the brain from the scalp is used. If none does, the image is taken as
    stripped of its skull already.

    Parameters
    ----------
    volume
        T1-weighted signal on a grid of `WORK_MM` along all axes.
    """
    thing, bright = signal_classes(volume)
    if not thing.any():
        return thing
    air = ~ndimage.binary_fill_holes(ndimage.binary_closing(thing, ball(4)))
    first = None
    for opening in OPENING_MM:
        found = candidate(bright, opening)
        if not found.any():
            break
        first = found if first is None else first
        millilitres = found.sum() * WORK_MM**3 / 1000
        if open_share(found, air) <= OPEN_TO_AIR and millilitres >= VOLUME_ML[0]:
            return found
    return np.zeros_like(thing) if first is None else first


def contrast_to_noise(volume: NDArray[np.float32], rim: Mask, deep: Mask) -> float:
    """Difference between depth and rim over the noise between neighbours; 0 without noise."""
    inside = rim | deep
    steps = np.diff(volume, axis=0)[inside[1:] & inside[:-1]]
    low, high = np.percentile(steps, [25, 75]) if len(steps) else (0.0, 0.0)
    noise = float(high - low) / 2 / 0.6745 / 2**0.5
    return float(np.median(volume[deep]) - np.median(volume[rim])) / noise if noise > 0 else 0.0


def cut_share(mask: Mask) -> float:
    """Share of the surface that lies on the border of the grid."""
    surface = mask & ~ndimage.binary_erosion(mask)
    inner = np.zeros(mask.shape, bool)
    inner[1:-1, 1:-1, 1:-1] = True
    return float((surface & ~inner).sum()) / max(int(surface.sum()), 1)


def layered_share(volume: NDArray[np.float32], inside: Mask, depth: NDArray[np.float64]) -> float:
    """Share of the variance of the smoothed signal that its depth explains, in steps of the working grid."""
    smooth = ndimage.gaussian_filter(volume, 1.0)[inside]
    level = np.floor(depth[inside] / WORK_MM).astype(np.int64)
    mean = np.bincount(level, smooth) / np.maximum(np.bincount(level), 1)
    spread = float(((smooth - smooth.mean()) ** 2).sum())
    return 1 - float(((smooth - mean[level]) ** 2).sum()) / spread if spread > 0 else 1.0


def judge_brain(volume: NDArray[np.float32], mask: Mask) -> BrainEvidence:
    """Measure a candidate and list what speaks against a brain."""
    millilitres = float(mask.sum() * WORK_MM**3 / 1000)
    depth = ndimage.distance_transform_edt(mask, sampling=WORK_MM)
    rim, deep = (depth > CORTEX_MM[0]) & (depth <= CORTEX_MM[1]), depth >= WHITE_MM
    if not rim.any() or not deep.any():
        return BrainEvidence(millilitres, 0.0, 0.0, 0.0, 0.0, 0.0, ("no compact bright object of brain size",))
    median = float(np.median(volume[mask])) or 1.0
    ratio = float(np.median(volume[deep]) / (np.median(volume[rim]) or 1.0))
    brightest = float(np.percentile(volume[mask], 99)) / median
    contrast, cut = contrast_to_noise(volume, rim, deep), cut_share(mask)
    layered = layered_share(volume, depth > CORTEX_MM[0], depth)
    against = []
    if cut > CUT:
        against.append(f"the brain is cut: {100 * cut:.0f} % of its surface lies on the border of the image")
    if not VOLUME_ML[0] <= millilitres <= VOLUME_ML[1]:
        against.append(f"volume {millilitres:.0f} ml is not within {VOLUME_ML[0]:.0f} to {VOLUME_ML[1]:.0f} ml")
    if not WHITE_OVER_CORTEX[0] <= ratio <= WHITE_OVER_CORTEX[1]:
        against.append(
            f"no white matter: depth over rim {ratio:.2f} is not in {WHITE_OVER_CORTEX[0]} to {WHITE_OVER_CORTEX[1]}"
        )
    if brightest > BRIGHTEST_OVER_MEDIAN:
        against.append(f"structures {brightest:.2f} times as bright as the rest, above {BRIGHTEST_OVER_MEDIAN}")
    if layered > LAYERED:
        against.append(f"no folds: depth explains {100 * layered:.0f} % of the signal, above {100 * LAYERED:.0f} %")
    return BrainEvidence(millilitres, ratio, brightest, contrast, cut, layered, tuple(against))


def to_working_grid(volume: NDArray[Any], spacing: tuple[float, float, float]) -> NDArray[np.float32]:
    """Resample to `WORK_MM`, linear, keeping the outer edges of the field of view."""
    data = np.asarray(volume, dtype=np.float32)
    coarse = [min(1.0, step / WORK_MM) for step in spacing]
    if min(coarse) < 0.7:  # finer than the grid: average first, so that noise does not alias
        data = ndimage.gaussian_filter(data, [max(0.0, WORK_MM / step - 1) * 0.4 for step in spacing])
    factors = [step / WORK_MM for step in spacing]
    return np.asarray(ndimage.zoom(data, factors, order=1, grid_mode=True, mode="nearest"), dtype=np.float32)


def to_image_grid(mask: Mask, shape: tuple[int, int, int]) -> Mask:
    """Bring a mask of the working grid back to the image: voxels at least half inside."""
    factors = [size / work for size, work in zip(shape, mask.shape, strict=True)]
    smooth = ndimage.gaussian_filter(mask.astype(np.float32), 0.5)
    return np.asarray(ndimage.zoom(smooth, factors, order=1, grid_mode=True, mode="nearest") >= 0.5)
