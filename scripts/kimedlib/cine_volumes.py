"""From areas per slice and phase to volumes, ejection fraction and mass of the left ventricle."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MYOCARDIUM_G_PER_ML = 1.05
# A phase with fewer outlined slices than this share of the most is no complete ventricle.
COMPLETE = 0.5


@dataclass(frozen=True)
class Function:
    """Global function of the left ventricle; mass is NaN where the outer wall is not outlined at end-diastole."""

    end_diastole: int
    end_systole: int
    edv_ml: float
    esv_ml: float
    sv_ml: float
    ef_percent: float
    mass_g: float


def fill_gaps(areas: NDArray[np.float64], places: NDArray[np.float64], spacing: float) -> NDArray[np.float64]:
    """Areas at regular distances between the first and last slice that has one; gaps are filled on a straight line."""
    known = np.flatnonzero(~np.isnan(areas))
    if len(known) < 2:
        return areas[known]
    first, last = places[known[0]], places[known[-1]]
    wanted = first + spacing * np.arange(round((last - first) / spacing) + 1)
    return np.asarray(np.interp(wanted, places[known], areas[known]))


def phase_volumes(areas: NDArray[np.float64], places: NDArray[np.float64], spacing: float) -> NDArray[np.float64]:
    """Volume of each phase, ml, as the sum of discs (area times slice distance).

    Parameters
    ----------
    areas
        (slice, phase), mm2; NaN where there is no image or no outline. Slices missing between two others count with the
        area between theirs.
    places, spacing
        Of the slices along their normal; median distance; mm.
    """
    return np.array(
        [fill_gaps(areas[:, phase], places, spacing).sum() * spacing / 1000 for phase in range(areas.shape[1])]
    )


def ventricular_function(
    inner: NDArray[np.float64], outer: NDArray[np.float64], places: NDArray[np.float64], spacing: float
) -> Function:
    """End-diastole is the phase of the largest cavity, end-systole that of the smallest.

    Parameters
    ----------
    inner, outer
        Areas (slice, phase) within the endocardium and the epicardium, mm2, NaN where unknown.

    Raises
    ------
    ValueError
        Fewer than two phases have outlines on enough slices, or no cavity is found.
    """
    counts = (~np.isnan(inner)).sum(axis=0)
    complete = np.flatnonzero((counts > 0) & (counts >= COMPLETE * counts.max()))
    if len(complete) < 2:
        raise ValueError(f"{len(complete)} phases have outlines on enough slices: two are needed")
    volumes = phase_volumes(inner, places, spacing)
    end_diastole = int(complete[np.argmax(volumes[complete])])
    end_systole = int(complete[np.argmin(volumes[complete])])
    edv, esv = float(volumes[end_diastole]), float(volumes[end_systole])
    if edv <= 0:
        raise ValueError("no cavity was found in any phase")
    both = np.where(np.isnan(inner[:, end_diastole]), np.nan, outer[:, end_diastole])
    known = ~np.isnan(both)
    mass = float("nan")
    if known.any():
        cavity = np.where(known, inner[:, end_diastole], np.nan)
        wall = fill_gaps(both, places, spacing).sum() - fill_gaps(cavity, places, spacing).sum()
        mass = float(wall * spacing / 1000 * MYOCARDIUM_G_PER_ML)
    return Function(end_diastole, end_systole, edv, esv, edv - esv, 100 * (edv - esv) / edv, mass)
