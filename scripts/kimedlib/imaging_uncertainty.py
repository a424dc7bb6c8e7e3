"""How sure the network is of a region, and between which volumes the true one lies.

Intervals are split-conformal (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005; normalised as
in Papadopoulos, Inductive Conformal Prediction, 2008): errors on cases with known volume, in units of the network's own
doubt, set how far an interval reaches. They hold for images like those cases, and for all together, not for each one.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.9


def doubt_map(chances: NDArray[np.float32]) -> NDArray[np.float64]:
    """Entropy of the label of each voxel as a share of the greatest possible, 0 to 1.

    Parameters
    ----------
    chances
        Shares that sum to 1 along the first axis, shape (labels + 1, x, y, z).
    """
    shares = np.clip(chances.astype(np.float64), 1e-12, 1.0)
    return np.asarray(-(shares * np.log(shares)).sum(axis=0) / math.log(len(chances)))


def doubtful_voxels(chances: NDArray[np.float32], label: int) -> float:
    """Sum of p (1 - p) over all voxels, p the chance of the label: how many voxels may be in or out; at least 1."""
    share = chances[label].astype(np.float64)
    return max(1.0, float((share * (1 - share)).sum()))


def calibration_score(found: float, reference: float, doubtful: float) -> float:
    """Error of a volume in units of its doubt, all in voxels."""
    return abs(found - reference) / doubtful


def reach(scores: Sequence[float], level: float = LEVEL) -> tuple[float, float]:
    """How many units of doubt an interval reaches to either side, and the level that is promised.

    The level is lower than asked for where fewer cases than 1 / (1 - level) - 1 were scored.

    Raises
    ------
    ValueError
        No score.
    """
    if not scores:
        raise ValueError("no case with known volume was scored")
    count = len(scores)
    rank = min(count, math.ceil((count + 1) * level))
    return sorted(scores)[rank - 1], min(level, count / (count + 1))


def volume_interval(voxels: float, doubtful: float, scores: Sequence[float]) -> tuple[float, float, float]:
    """Lowest and highest number of voxels, and the level."""
    units, level = reach(scores)
    return max(0.0, voxels - units * doubtful), voxels + units * doubtful, level


def relative_change(
    before: tuple[float, float, float], after: tuple[float, float, float]
) -> tuple[float, float, float, bool]:
    """Change between two volumes with intervals (value, low, high): percent, lowest, highest, and if it is clear.

    Clear is a change whose two intervals do not meet: more cautious than an interval of the difference.

    Raises
    ------
    ValueError
        The first volume is 0.
    """
    if before[0] <= 0:
        raise ValueError("the first volume is 0")
    ends = [
        100 * (high / low - 1) if low > 0 else math.inf for low, high in ((before[2], after[1]), (before[1], after[2]))
    ]
    clear = after[1] > before[2] or after[2] < before[1]
    return 100 * (after[0] / before[0] - 1), ends[0], ends[1], clear
