"""Check every converted image against the QC gates and draw a contact sheet of all of them."""

from pathlib import Path

import pandas as pd

from kimedlib.figure_style import save_figure
from kimedlib.imaging_nifti import load_canonical, voxel_sizes
from kimedlib.imaging_pictures import PLANES, grey_window, picture_grid, show_plane
from kimedlib.imaging_qc import check_image
from kimedlib.imaging_tables import read_table, records
from kimedlib.logs import log_to
from kimedlib.table_files import write_table

SHOWN = 24  # images on the contact sheet; refused ones first


def main(*, bids: Path, conversion: Path, checks: Path, picture: Path, minimum_slices: int) -> None:
    """Apply the gates.

    Parameters
    ----------
    checks
        Table: sample, check, found, allowed, passed (yes or no). A sample with a no is measured no further.
    picture
        Contact sheet, PNG: three planes per image, title red where a gate failed.
    """
    rows = read_table(conversion)
    table, shown = [], []
    for row in records(rows[rows["refused"] == ""]):
        data, image = load_canonical(bids / row["image"])
        results = check_image(
            data, image, modality=row['modality'], task=row['task'],
            slice_distance_mm=float(row['slice_distance_mm']), minimum_slices=minimum_slices,
        )  # fmt: skip
        table += [
            {
                "sample": row["sample"],
                "check": check.name,
                "found": check.found,
                "allowed": check.allowed,
                "passed": "yes" if check.passed else "no",
            }
            for check in results
        ]
        shown.append((all(check.passed for check in results), row["sample"], row["modality"], row["image"]))
    write_table(pd.DataFrame(table), checks)
    draw_sheet(bids, sorted(shown)[:SHOWN], picture)


def draw_sheet(bids: Path, shown: list[tuple[bool, str, str, str]], picture: Path) -> None:
    """Three planes of each image, four images in a row."""
    across = min(4, max(1, len(shown)))
    down = -(-len(shown) // across)
    figure, grid = picture_grid(down, across * 3, (across * 3.6, down * 1.45))
    for number, (passed, sample, modality, name) in enumerate(shown):
        data, image = load_canonical(bids / name)
        volume = data if data.ndim == 3 else data[..., 0]
        panels = grid[number // across, number % across * 3 : number % across * 3 + 3]
        for plane, axes in enumerate(panels):
            show_plane(
                axes, volume, spacing=voxel_sizes(image), plane=plane,
                index=volume.shape[plane] // 2, window=grey_window(volume, modality),
            )  # fmt: skip
        panels[1].set_title(f"{sample}{'' if passed else ': failed'}", color="black" if passed else "#c00000")
    figure.suptitle(f"Converted images, {', '.join(PLANES)}; patient's right is left", fontsize=9)
    save_figure(figure, picture)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            bids=Path(snakemake.input.bids),
            conversion=Path(snakemake.input.conversion),
            checks=Path(snakemake.output.checks),
            picture=Path(snakemake.output.picture),
            minimum_slices=snakemake.params.minimum_slices,
        )
