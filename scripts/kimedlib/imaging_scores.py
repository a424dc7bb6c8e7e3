"""How well a segmentation agrees with its reference."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def dice(found: NDArray[Any], reference: NDArray[Any]) -> float:
    """Dice, Ecology 1945: twice the overlap over the sum of sizes; 1 if both are empty."""
    total = int(np.count_nonzero(found)) + int(np.count_nonzero(reference))
    return 2.0 * float(np.count_nonzero(found & reference)) / total if total else 1.0


def volume_error_pct(found_ml: float, reference_ml: float) -> float:
    """Signed relative volume error, percent of the reference.

    Raises
    ------
    ValueError
        The reference is empty.
    """
    if reference_ml <= 0:
        raise ValueError("the reference has no volume")
    return 100.0 * (found_ml - reference_ml) / reference_ml
