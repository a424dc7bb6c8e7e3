"""All biomarkers of a region that IBSI has agreed values for (Zwanenburg et al., Radiology 2020; 295:328-338).

Names are those of the public tables of reference values: family (`morph`, `loc`, `stat`, `ih`, `ivh`, `cm`, `rlm`,
`szm`, `dzm`, `ngt`, `ngl`), feature, aggregation, discretisation.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kimedlib.radiomics_filters import Filter
from kimedlib.radiomics_grid import Bins, Perturbation, Region, Settings, Spacing, discretise, prepare_region
from kimedlib.radiomics_intensity import histogram, local_peaks, statistics, volume_histogram
from kimedlib.radiomics_shape import morphology
from kimedlib.radiomics_texture import texture_features

SPLINES = {"linear": 1, "cubic": 3}


def settings_of(said: dict[str, Any]) -> Settings:
    """Settings from an entry of `biomarkers` or `filters` in the config, as its schema describes it.

    Raises
    ------
    ValueError
        A filter that cannot be computed.
    """
    x, y, z = said["spacing"]
    if "filter" in said:
        return Settings(
            spacing=(x, y, z), spline=SPLINES[said["interpolation"]], rounding=said["rounding"],
            window=(float(said["window"][0]), float(said["window"][1])) if said["window"] else None,
            filter=Filter(**said["filter"]),
        )  # fmt: skip
    return Settings(
        spacing=(x, y, z),
        spline=SPLINES[said["interpolation"]],
        rounding=said["rounding"],
        window=(float(said["window"][0]), float(said["window"][1])) if said["window"] else None,
        sigmas=said["sigmas"],
        bins=Bins(said["bins"]["kind"], said["bins"].get("value", 0)),
        volume_bins=Bins(said["volume_bins"]["kind"], said["volume_bins"].get("value", 0)),
        aggregation=tuple(said["aggregation"]),
    )


def measure(region: Region, settings: Settings) -> dict[str, float]:
    """Features of a prepared region, in a fixed order; of a filter's response statistics only, as IBSI 2 does.

    Raises
    ------
    ValueError
        As `discretise`.
    """
    if settings.filter is not None:
        return {f"stat_{name}": value for name, value in statistics(region.values).items()}
    levels = discretise(region, settings.bins, settings.window)
    suffix = settings.bins.suffix
    by_level = {f"ih_{name}": value for name, value in histogram(levels[region.inside]).items()}
    by_level |= texture_features(levels, region.shape, settings.aggregation)
    return {
        **morphology(region),
        **local_peaks(region),
        **{f"stat_{name}": value for name, value in statistics(region.values).items()},
        **volume_histogram(region, settings.volume_bins, settings.window),
        **{name + suffix: value for name, value in by_level.items()},
    }


def biomarkers(
    data: NDArray[np.generic], mask: NDArray[np.bool_], spacing: Spacing, settings: Settings,
    change: Perturbation | None = None,
) -> dict[str, float]:  # fmt: skip
    """Features of a region of an image.

    Parameters
    ----------
    data, mask
        Shape (x, y, z), slices along the last axis.
    spacing
        Edge lengths of a voxel, mm.
    change
        A perturbation of grid, region or image; None: none.

    Raises
    ------
    ValueError
        Empty region; as `discretise`.
    """
    return measure(prepare_region(data, mask, spacing, settings, change), settings)
