"""All biomarkers of a region that IBSI has agreed values for (Zwanenburg et al., Radiology 2020; 295:328-338).

Names are those of the public tables of reference values: family (`morph`, `loc`, `stat`, `ih`, `ivh`, `cm`, `rlm`,
`szm`, `dzm`, `ngt`, `ngl`), feature, aggregation, discretisation.
"""

import numpy as np
from numpy.typing import NDArray

from kimedlib.radiomics_grid import Bins, Perturbation, Region, Settings, Spacing, discretise, prepare_region
from kimedlib.radiomics_intensity import histogram, local_peaks, statistics, volume_histogram
from kimedlib.radiomics_shape import morphology
from kimedlib.radiomics_texture import texture_features

# Image processing of the consensus configurations (manual, 5.2) and of the digital phantom.
CHEST = (-500.0, 400.0), (-1000.0, 400.0)
SLICES, VOLUME = ("2d", "2.5d"), ("3d",)
CONFIGURATIONS = {
    "digital_phantom": Settings(aggregation=(*SLICES, *VOLUME)),
    "chest_config_a": Settings(rounding=True, window=CHEST[0], bins=Bins("width", 25), aggregation=SLICES),
    "chest_config_b": Settings(
        (2.0, 2.0, None), rounding=True, window=CHEST[0], bins=Bins("number", 32), aggregation=SLICES
    ),
    "chest_config_c": Settings(
        (2.0, 2.0, 2.0), rounding=True, window=CHEST[1], bins=Bins("width", 25), volume_bins=Bins("width", 2.5)
    ),
    "chest_config_d": Settings((2.0, 2.0, 2.0), rounding=True, sigmas=3.0, bins=Bins("number", 32)),
    "chest_config_e": Settings(
        (2.0, 2.0, 2.0), spline=3, rounding=True, window=CHEST[1], sigmas=3.0, bins=Bins("number", 32),
        volume_bins=Bins("number", 1000),
    ),
}  # fmt: skip


def measure(region: Region, settings: Settings) -> dict[str, float]:
    """Features of a prepared region, in a fixed order.

    Raises
    ------
    ValueError
        As `discretise`.
    """
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
