"""Local intensity, intensity histogram and intensity-volume histogram (IBSI, arXiv:1612.07003v11, 3.2 to 3.5)."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from kimedlib.imaging_radiomics import statistic_features
from kimedlib.radiomics_grid import Bins, Region, discretise

PEAK_RADIUS_MM = 10 * (3 / (4 * math.pi)) ** (1 / 3)  # a sphere of 1 cm³
# Names of the tables of reference values for those of `statistic_features`, in its order.
STATISTICS = (
    "mean", "var", "skew", "kurt", "median", "min", "p10", "p90", "max", "iqr", "range", "mad", "rmad", "medad", "cov",
    "qcod", "energy", "rms",
)  # fmt: skip


def statistics(values: NDArray[np.float64]) -> dict[str, float]:
    """Statistics of values, shape (n,), under their short names."""
    return dict(zip(STATISTICS, statistic_features(values).values(), strict=True))


def local_peaks(region: Region) -> dict[str, float]:
    """Local (VJGA) and global (0F91) intensity peak: largest mean over a sphere of 1 cm³."""
    reach = [int(PEAK_RADIUS_MM // size) for size in region.spacing]
    grid = np.meshgrid(
        *(np.arange(-far, far + 1) * size for far, size in zip(reach, region.spacing, strict=True)), indexing="ij"
    )
    ball = (sum(axis**2 for axis in grid) <= PEAK_RADIUS_MM**2).astype(np.float64)
    summed = signal.oaconvolve(region.image, ball, mode="same")
    number = signal.oaconvolve(np.ones_like(region.image), ball, mode="same")
    mean = (summed / number)[region.inside]
    values = region.values
    return {"loc_peak_loc": float(mean[values == values.max()].max()), "loc_peak_glob": float(mean.max())}


def histogram(levels: NDArray[np.int64]) -> dict[str, float]:
    """Features of grey levels from 1, shape (n,) (3.4), without names' suffix."""
    counts = np.bincount(levels)[1:]
    chances = counts[counts > 0] / len(levels)
    found = statistics(levels.astype(np.float64))
    del found["energy"], found["rms"]
    modes = np.flatnonzero(counts == counts.max()) + 1
    gradient = np.gradient(counts.astype(np.float64)) if len(counts) > 1 else np.zeros(1)
    return {
        **found,
        "mode": float(modes[np.argmin(np.abs(modes - found["mean"]))]),
        "entropy": float(-(chances * np.log2(chances)).sum()),
        "uniformity": float((chances**2).sum()),
        "max_grad": float(gradient.max()),
        "max_grad_g": float(np.argmax(gradient) + 1),
        "min_grad": float(gradient.min()),
        "min_grad_g": float(np.argmin(gradient) + 1),
    }


def volume_histogram(region: Region, bins: Bins, window: tuple[float, float] | None) -> dict[str, float]:
    """Intensity-volume histogram (3.5): shares of the volume at 10 and 90 % intensity and the other way round.

    `none` takes every whole number from the lowest to the highest intensity as a level; `width` takes the centres of
    bins, from the lowest to the highest of the window or of the region.
    """
    values = region.values
    low, high = float(values.min()), float(values.max())
    if window is not None and bins.kind != "number":
        low, high = (end if math.isfinite(end) else own for end, own in zip(window, (low, high), strict=True))
    if bins.kind == "none":
        levels, start, size, count = np.rint(values - low).astype(np.int64) + 1, low - 1, 1.0, round(high - low) + 1
    else:
        levels = discretise(region, bins, window)[region.inside]
        start, size, count = 0.0, 1.0, int(bins.value)
        if bins.kind in ("width", "multiples"):
            low = math.floor(low / bins.value) * bins.value if bins.kind == "multiples" else low
            start, size = low - 0.5 * bins.value, bins.value
            count = max(math.ceil((high - low) / size), int(levels.max()))
    counts = np.bincount(levels, minlength=count + 1)[1:]
    volume = 1 - (np.cumsum(counts) - counts) / counts.sum()
    place = np.arange(count)
    share = place / (count - 1) if count > 1 else np.zeros(1)
    intensity = start + (place + 1) * size

    def volume_at(wanted: float) -> float:
        return float(volume[share >= wanted - 1e-12].max()) if (share >= wanted - 1e-12).any() else 0.0

    def intensity_at(wanted: float) -> float:
        below = intensity[volume <= wanted + 1e-12]
        return float(below.min()) if len(below) else float(intensity[-1] + size)

    v10, v90, i10, i90 = volume_at(0.1), volume_at(0.9), intensity_at(0.1), intensity_at(0.9)
    return {
        "ivh_v10": v10, "ivh_v90": v90, "ivh_i10": i10, "ivh_i90": i90,
        "ivh_diff_v10_v90": v10 - v90, "ivh_diff_i10_i90": i10 - i90,
    }  # fmt: skip
