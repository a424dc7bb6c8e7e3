"""Draw every segmentation over its image, one picture per sample and one sheet of examples."""

from pathlib import Path

import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np

from kimedlib.figure_style import save_figure
from kimedlib.imaging_nifti import load_canonical, voxel_sizes
from kimedlib.imaging_pictures import centre_index, grey_window, picture_grid, show_plane, use_quiet_style
from kimedlib.imaging_tables import read_table, records, region_folders
from kimedlib.logs import log_to

EXAMPLES = 8
NAMED = 4  # regions in a title


def title(rows: list[dict[str, str]]) -> str:
    """Regions of a sample and their volumes; of many the first only."""
    said = [f"{row['region']} {float(row['volume_ml']):.2f} ml" for row in rows[:NAMED]]
    return ", ".join([*said, *([f"{len(rows) - NAMED} more"] if len(rows) > NAMED else [])])


def draw_sample(bids: Path, row: dict[str, str], mask: Path, axes: list[plt.Axes], volumes: str) -> None:
    """Three planes through the middle of the regions."""
    data, image = load_canonical(bids / row["image"])
    labels = np.asarray(nib.load(mask).dataobj)
    for plane, panel in enumerate(axes):
        index = centre_index(labels, labels.shape)[plane]
        show_plane(
            panel, data, spacing=voxel_sizes(image), plane=plane, index=index,
            window=grey_window(data, row["modality"]), labels=labels,
        )  # fmt: skip
    axes[1].set_title(f"{row['sample']}: {volumes}")


def main(
    *,
    bids: Path,
    conversion: Path,
    measurements: Path,
    brains: Path,
    masks: list[Path],
    overlays: Path,
    picture: Path,
    outlines: list[Path],
) -> None:
    """Draw.

    Parameters
    ----------
    overlays
        Folder; gets <sample>.png.
    picture
        PNG with the first `EXAMPLES` samples.

    Raises
    ------
    ValueError
        Nothing was measured.
    """
    use_quiet_style()
    rows = {row["sample"]: row for row in records(read_table(conversion))}
    measured = read_table(measurements)
    if measured.empty:
        raise ValueError("nothing was measured; refused.tsv says why")
    text = {str(sample): title(records(group)) for sample, group in measured.groupby("sample")}
    folders = region_folders(brains, masks, outlines)
    samples = sorted(text)
    overlays.mkdir(parents=True, exist_ok=True)
    for sample in samples:
        figure, axes = plt.subplots(1, 3, figsize=(7.2, 2.7), layout="constrained")
        row = rows[sample]
        draw_sample(bids, row, folders[row["task"]] / f"{sample}.nii.gz", list(axes), text[sample])
        save_figure(figure, overlays / f"{sample}.png")
    shown = samples[:EXAMPLES]
    down = -(-len(shown) // 2)
    figure, grid = picture_grid(down, 6, (10, 1.9 * down + 0.3))
    for number, sample in enumerate(shown):
        row = rows[sample]
        panels = list(grid[number // 2, number % 2 * 3 : number % 2 * 3 + 3])
        draw_sample(bids, row, folders[row["task"]] / f"{sample}.nii.gz", panels, text[sample])
    save_figure(figure, picture)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            bids=Path(snakemake.input.bids),
            conversion=Path(snakemake.input.conversion),
            measurements=Path(snakemake.input.measurements),
            brains=Path(snakemake.input.brains),
            masks=[Path(path) for path in snakemake.input.masks],
            overlays=Path(snakemake.output.overlays),
            picture=Path(snakemake.output.picture),
            outlines=[Path(path) for path in snakemake.input.outlines],
        )
