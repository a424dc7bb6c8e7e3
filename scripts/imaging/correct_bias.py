"""Even out the brightness of heads with N4, and say how uneven it was."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kimedlib.figure_style import save_figure
from kimedlib.imaging_bias import bias_field, unevenness
from kimedlib.imaging_nifti import load_canonical, save_nifti, voxel_sizes
from kimedlib.imaging_pictures import grey_window, picture_grid, show_plane
from kimedlib.imaging_tables import passed_samples, records
from kimedlib.logs import log_to
from kimedlib.table_files import write_table

SHOWN = 12  # heads in the picture


def draw(shown: list[tuple[str, Path, Path, NDArray[np.float32]]], picture: Path) -> None:
    """Axial slice of each head: before, the field that was found, after."""
    figure, grid = picture_grid(len(shown), 3, (6.6, 2.4 * max(1, len(shown)) + 0.3))
    for panels, (sample, before, after, field) in zip(grid, shown, strict=False):
        for axes, place in zip(panels[::2], (before, after), strict=True):
            data, image = load_canonical(place)
            show_plane(
                axes, data, spacing=voxel_sizes(image), plane=2, index=data.shape[2] // 2,
                window=grey_window(data, "MR"),
            )  # fmt: skip
        show_plane(panels[1], field, spacing=voxel_sizes(image), plane=2, index=field.shape[2] // 2, window=(0.5, 1.5))
        panels[1].set_title(sample)
    figure.suptitle("Before, field (black 0.5, white 1.5), after" if shown else "No head was corrected", fontsize=9)
    save_figure(figure, picture)


def main(
    *, bids: Path, conversion: Path, checks: Path, folder: Path, table: Path, picture: Path, shrink: int,
    iterations: list[int],
) -> None:  # fmt: skip
    """Correct all images of task `brain` that passed the gates.

    Parameters
    ----------
    folder
        Gets <sample>.nii.gz, on the canonical grid of the image.
    table
        Table: sample, field_low, field_high (5th and 95th percentile of the field in the head, whose mean is 1).
    picture
        Before, field and after of the first heads, PNG.
    shrink, iterations
        See `imaging_bias.bias_field`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[str, str, str]] = []
    shown: list[tuple[str, Path, Path, NDArray[np.float32]]] = []
    for row in records(passed_samples(conversion, checks, ("brain",))):
        data, image = load_canonical(bids / row["image"])
        field = bias_field(np.maximum(data, 0), voxel_sizes(image), shrink, iterations)
        low, high = unevenness(field, data)
        target = folder / f"{row['sample']}.nii.gz"
        copy = nib.Nifti1Image((data / field).astype(np.float32), image.affine)
        copy.header.set_xyzt_units("mm")
        save_nifti(copy, target)
        rows.append((row["sample"], f"{low:.4f}", f"{high:.4f}"))
        if len(shown) < SHOWN:
            shown.append((row["sample"], bids / row["image"], target, field))
    write_table(pd.DataFrame(rows, columns=["sample", "field_low", "field_high"]), table)
    draw(shown, picture)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            bids=Path(snakemake.input.bids),
            conversion=Path(snakemake.input.conversion),
            checks=Path(snakemake.input.checks),
            folder=Path(snakemake.output.folder),
            table=Path(snakemake.output.table),
            picture=Path(snakemake.output.picture),
            shrink=snakemake.params.shrink,
            iterations=list(snakemake.params.iterations),
        )
