"""Volume over the heart beat, and outlines at end-diastole and end-systole over the images."""

from pathlib import Path

import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from kimedlib.figure_style import PALETTE, save_figure
from kimedlib.imaging_nifti import voxel_sizes
from kimedlib.imaging_pictures import use_quiet_style
from kimedlib.logs import log_to

SHOWN = 8
FIELD_MM = 130.0
PLACES = (0.2, 0.5, 0.8)  # of the slices, from the first to the last with a cavity
NETWORK, CONTOURS = PALETTE[5], PALETTE[4]


def draw_curves(volumes: pd.DataFrame, measured: pd.DataFrame, samples: list[str], picture: Path) -> None:
    """One panel per sample: the network's curve, the contours' points."""
    across = min(4, len(samples))
    down = -(-len(samples) // across)
    figure, grid = plt.subplots(down, across, figsize=(2.6 * across, 2.1 * down + 0.2), squeeze=False, sharey=True)
    for panel in grid.flat[len(samples) :]:
        panel.set_axis_off()
    for panel, sample in zip(grid.flat, samples, strict=False):
        for source, colour, line in (("network", NETWORK, "-o"), ("contours", CONTOURS, "s")):
            chosen = volumes[(volumes["sample"] == sample) & (volumes["source"] == source)]
            panel.plot(chosen["phase"] + 1, chosen["volume_ml"], line, color=colour, label=source, markersize=4)
        fractions = measured[measured["sample"] == sample].set_index("source")["ef_percent"]
        said = ", ".join(f"{source} {value:.1f} %" for source, value in fractions.items())
        panel.set_title(f"{sample}\nEF: {said}", fontsize=8)
        panel.set(xlabel="Phase", ylim=(0, None))
        panel.xaxis.get_major_locator().set_params(integer=True)
    for panel in grid[:, 0]:
        panel.set_ylabel("Cavity (ml)")
    grid[0, 0].legend(loc="lower left")
    save_figure(figure, picture)


def draw_plane(
    panel: Axes, plane: NDArray[np.float32], found: NDArray[np.uint8], truth: NDArray[np.uint8] | None,
    window: tuple[slice, slice],
) -> None:  # fmt: skip
    """One image around the ventricle with the outlines of both sources."""
    panel.set_axis_off()
    panel.imshow(plane[window].T, cmap="gray", vmax=float(np.percentile(plane[window], 99.5)))
    for labels, colour in ((truth, CONTOURS), (found, NETWORK)):
        if labels is None:
            continue
        for inside in (labels[window] == 1, labels[window] > 0):
            if inside.any() and not inside.all():
                panel.contour(inside.T.astype(float), [0.5], colors=[colour], linewidths=0.9)


def main(
    *, frames: Path, images: Path, references: Path, regions: list[Path], measurements: Path, volumes: Path,
    curves: Path, montage: Path,
) -> None:  # fmt: skip
    """Draw the first samples.

    Parameters
    ----------
    frames, images, references
        From `sort_cines`.
    regions, measurements, volumes
        From `segment_cines` and `measure_cines`.
    curves, montage
        PNG: volume over phase; three slices at end-diastole and end-systole of the network.
    """
    use_quiet_style()
    table = pd.read_csv(frames, sep="\t", dtype={"sample": str})
    masks = {path.name.removesuffix(".nii.gz"): path for folder in regions for path in folder.glob("*.nii.gz")}
    measured = pd.read_csv(measurements, sep="\t", dtype={"sample": str})
    samples = sorted(masks)[:SHOWN]
    draw_curves(pd.read_csv(volumes, sep="\t", dtype={"sample": str}), measured, samples, curves)
    figure, grid = plt.subplots(len(samples), 6, figsize=(9, 1.55 * len(samples) + 0.3), squeeze=False)
    for line, sample in zip(grid, samples, strict=True):
        image = nib.load(images / f"{sample}.nii.gz")
        pixels, labels = np.asarray(image.dataobj), np.asarray(nib.load(masks[sample]).dataobj)
        reference = references / f"{sample}.nii.gz"
        truth = np.asarray(nib.load(reference).dataobj) if reference.exists() else None
        by_network = measured[(measured["sample"] == sample) & (measured["source"] == "network")].iloc[0]
        rows, columns = (
            slice(max(0, int(np.median(where)) - int(FIELD_MM / 2 / step)), int(np.median(where) + FIELD_MM / 2 / step))
            for where, step in zip(np.nonzero(labels > 0)[:2], voxel_sizes(image)[:2], strict=True)
        )
        for column, (name, short) in enumerate((("end_diastole", "ED"), ("end_systole", "ES"))):
            phase = int(by_network[name])
            there = sorted(table.loc[(table["sample"] == sample) & (table["phase"] == phase), "slice"])
            filled = [place for place in there if (labels[:, :, place, phase] == 1).any()] or there
            for number, share in enumerate(PLACES):
                place = filled[int(share * (len(filled) - 1) + 0.5)]
                panel = line[column * 3 + number]
                known = None if truth is None else truth[:, :, place, phase]
                draw_plane(panel, pixels[:, :, place, phase], labels[:, :, place, phase], known, (rows, columns))
                panel.set_title(f"{sample}, {short}" if number == 0 else f"slice {place + 1}", fontsize=8)
    figure.suptitle("Outlines: blue by the network, orange by contours (where given)", fontsize=8)
    save_figure(figure, montage)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            frames=Path(snakemake.input.frames),
            images=Path(snakemake.input.images),
            references=Path(snakemake.input.references),
            regions=[Path(path) for path in snakemake.input.regions],
            measurements=Path(snakemake.input.measurements),
            volumes=Path(snakemake.input.volumes),
            curves=Path(snakemake.output.curves),
            montage=Path(snakemake.output.montage),
        )
