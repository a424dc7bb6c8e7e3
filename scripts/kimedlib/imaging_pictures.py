"""Pictures of volumes: three planes, patient's right on the left of the picture as radiologists read."""

from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kimedlib.figure_style import use_style

PLANES = ("sagittal", "coronal", "axial")
COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#d55e00", "#cc79a7")


def use_quiet_style() -> None:
    """Set the look shared by all figures; files without software name or time."""
    use_style()
    mpl.rcParams.update({"font.size": 8, "axes.titlesize": 8, "figure.dpi": 110, "savefig.dpi": 110})


def picture_grid(down: int, across: int, size: tuple[float, float]) -> tuple[Figure, NDArray[Any]]:
    """A figure of `size` inches with `down` x `across` panels (at least one), without axes."""
    use_quiet_style()
    shape = max(1, down), max(1, across)
    figure, grid = plt.subplots(*shape, figsize=size, squeeze=False, layout="constrained")
    for axes in grid.flat:
        axes.set_axis_off()
    return figure, grid


def grey_window(data: NDArray[np.float32], modality: str) -> tuple[float, float]:
    """Soft-tissue window for CT (level 50, width 400 HU), else 1st to 99.5th percentile."""
    if modality == "CT":
        return -150.0, 250.0
    low, high = np.percentile(data[np.isfinite(data)], [1.0, 99.5])
    return float(low), float(high) if high > low else float(low) + 1.0


def show_plane(
    axes: Axes, data: NDArray[np.float32], *, spacing: tuple[float, float, float], plane: int, index: int,
    window: tuple[float, float], labels: NDArray[Any] | None = None,
) -> None:  # fmt: skip
    """Draw one slice of a right-anterior-superior volume with the outlines of its labels."""
    across, up = (axis for axis in range(3) if axis != plane)
    picture = np.take(data, index, axis=plane).T
    # radiological convention: the patient's right is on the left of coronal and axial pictures
    mirrored = across == 0
    axes.imshow(
        picture[:, ::-1] if mirrored else picture, cmap="gray", origin="lower", vmin=window[0], vmax=window[1],
        aspect=spacing[up] / spacing[across], interpolation="nearest",
    )  # fmt: skip
    axes.set_axis_off()
    if labels is None:
        return
    outline = np.take(labels, index, axis=plane).T
    outline = outline[:, ::-1] if mirrored else outline
    for value in np.unique(labels[labels > 0]):
        if (outline == value).any():
            axes.contour(
                (outline == value).astype(float), [0.5], colors=[COLOURS[int(value - 1) % len(COLOURS)]], linewidths=1.0
            )


def centre_index(labels: NDArray[Any] | None, shape: tuple[int, ...]) -> list[int]:
    """Slice numbers through the middle of the labels, or of the volume where there are none."""
    if labels is None or not (labels > 0).any():
        return [size // 2 for size in shape[:3]]
    return [int(np.median(where)) for where in np.nonzero(labels)]
