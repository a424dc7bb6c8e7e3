"""Which features stay the same under small changes of the image: perturbations and intraclass correlation.

After Zwanenburg et al., Assessing robustness of radiomic features by image perturbation, Sci Rep 2019; 9:614.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from kimedlib.radiomics_grid import Perturbation

FEWEST_REGIONS = 3


def noise_level(data: NDArray[Any]) -> float:
    """Standard deviation of the noise of an image, shape (x, y, z).

    From the median of the diagonal details within slices (Donoho and Johnstone, Biometrika 1994; 81:425-455: the
    median of their absolute values over 0.6745; here with the Haar wavelet, whose details have the noise's own SD).
    """
    values = np.asarray(data, dtype=np.float64)
    x, y = (size // 2 * 2 for size in values.shape[:2])
    part = values[:x, :y]
    details = (part[::2, ::2] - part[1::2, ::2] - part[::2, 1::2] + part[1::2, 1::2]) / 2
    return float(np.median(np.abs(details)) / 0.6745)


def perturbations(said: dict[str, Any], noise: float) -> list[Perturbation]:
    """One change at a time, from the config section; noise is the image's own level."""
    return [
        *(Perturbation(rotation_degrees=float(angle)) for angle in said["rotations"]),
        *(Perturbation(shift=(float(move),) * 3) for move in said["shifts"]),
        *(Perturbation(growth=float(share)) for share in said["growth"]),
        *(Perturbation(noise=noise, seed=said["seed"] + number) for number in range(said["noise"])),
    ]


def intraclass_correlation(values: NDArray[np.float64]) -> tuple[float, float]:
    """ICC(1,1) and the lower end of its 95 % interval (Shrout and Fleiss, Psychol Bull 1979; 86:420-428).

    Parameters
    ----------
    values
        Shape (regions, measurements), two or more of each. Regions that do not differ at all give 0, 0; regions that
        differ while their measurements are the same give 1, 1.
    """
    regions, repeats = values.shape
    mean = values.mean(axis=1)
    between = repeats * float(((mean - mean.mean()) ** 2).sum()) / (regions - 1)
    within = float(((values - mean[:, None]) ** 2).sum()) / (regions * (repeats - 1))
    if between == 0:
        return 0.0, 0.0
    if within <= 1e-24 * between:
        return 1.0, 1.0
    quotient = between / within
    lower = quotient / float(stats.f.ppf(0.975, regions - 1, regions * (repeats - 1)))
    return (quotient - 1) / (quotient + repeats - 1), (lower - 1) / (lower + repeats - 1)


def judge(values: NDArray[np.float64], stable_from: float) -> tuple[float, float, str]:
    """ICC, its lower end and whether the feature is stable: yes, no, or too_few (regions to tell).

    Parameters
    ----------
    values
        Shape (regions, measurements).
    """
    if len(values) < FEWEST_REGIONS or values.shape[1] < 2:
        return float("nan"), float("nan"), "too_few"
    if not np.isfinite(values).all():
        return float("nan"), float("nan"), "no"
    value, lower = intraclass_correlation(values)
    return value, lower, "yes" if lower >= stable_from else "no"
