"""Find the brain in T1-weighted heads, and refuse what cannot be a brain."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kimedlib.figure_style import save_figure
from kimedlib.imaging_brain import brain_mask, judge_brain, to_image_grid, to_working_grid
from kimedlib.imaging_nifti import load_canonical, save_mask, voxel_sizes
from kimedlib.imaging_pictures import centre_index, grey_window, picture_grid, show_plane
from kimedlib.imaging_tables import passed_samples, records
from kimedlib.logs import log_to
from kimedlib.table_files import write_table

SHOWN = 24  # heads on the contact sheet; refused ones first


def draw_sheet(
    bids: Path, shown: list[tuple[bool, str, str]], masks: dict[str, NDArray[np.bool_]], picture: Path
) -> None:
    """Three planes of each head with the outline of what was taken for its brain."""
    across = min(4, max(1, len(shown)))
    down = max(1, -(-len(shown) // across))
    figure, grid = picture_grid(down, across * 3, (across * 3.6, down * 1.45 + 0.3))
    for number, (accepted, sample, name) in enumerate(shown):
        data, image = load_canonical(bids / name)
        panels = grid[number // across, number % across * 3 : number % across * 3 + 3]
        places = centre_index(masks[sample], data.shape)
        for plane, axes in enumerate(panels):
            show_plane(
                axes, data, spacing=voxel_sizes(image), plane=plane, index=places[plane],
                window=grey_window(data, "MR"), labels=masks[sample].astype(np.uint8),
            )  # fmt: skip
        panels[1].set_title(f"{sample}{'' if accepted else ': no brain'}", color="black" if accepted else "#c00000")
    figure.suptitle("What was taken for the brain" if shown else "No image was to be searched for a brain", fontsize=9)
    save_figure(figure, picture)


def main(
    *, bids: Path, conversion: Path, checks: Path, masks: Path, evidence: Path, picture: Path,
    evened: Sequence[Path] = (),
) -> None:  # fmt: skip
    """Segment all images of task `brain` that passed the QC gates.

    Parameters
    ----------
    masks
        Folder; gets <sample>.nii.gz for each accepted brain, on the canonical grid of the image.
    evidence
        Table: sample, volume_ml, white_over_cortex, brightest_over_median, contrast_to_noise, cut (share of
        the surface on the border of the image), layered (share of the signal that depth explains), accepted, reasons.
    picture
        Contact sheet, PNG; refused heads first, with a red title.
    evened
        Folder of `correct_bias`, where the brain is then sought; empty without it.
    """
    masks.mkdir(parents=True, exist_ok=True)
    table: list[dict[str, object]] = []
    found_masks, shown = {}, []
    for row in records(passed_samples(conversion, checks, ("brain",))):
        source = evened[0] / f"{row['sample']}.nii.gz" if evened else bids / row["image"]
        data, image = load_canonical(source)
        work = to_working_grid(data, voxel_sizes(image))
        mask = brain_mask(work)
        found = judge_brain(work, mask)
        full = to_image_grid(mask, data.shape)
        found_masks[row["sample"]] = full
        shown.append((not found.against, row["sample"], row["image"]))
        if not found.against:
            save_mask(full, image, masks / f"{row['sample']}.nii.gz")
        table.append(
            {
                "sample": row["sample"],
                "volume_ml": round(found.volume_ml, 1),
                "white_over_cortex": round(found.white_over_cortex, 4),
                "brightest_over_median": round(found.brightest_over_median, 4),
                "contrast_to_noise": round(found.contrast_to_noise, 2),
                "cut": round(found.cut, 4),
                "layered": round(found.layered, 4),
                "accepted": "no" if found.against else "yes",
                "reasons": "; ".join(found.against),
            }
        )
    measured = ["volume_ml", "white_over_cortex", "brightest_over_median", "contrast_to_noise", "cut", "layered"]
    write_table(pd.DataFrame(table, columns=["sample", *measured, "accepted", "reasons"]), evidence)
    draw_sheet(bids, sorted(shown)[:SHOWN], found_masks, picture)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            bids=Path(snakemake.input.bids),
            conversion=Path(snakemake.input.conversion),
            checks=Path(snakemake.input.checks),
            masks=Path(snakemake.output.masks),
            evidence=Path(snakemake.output.evidence),
            picture=Path(snakemake.output.picture),
            evened=[Path(path) for path in snakemake.input.evened],
        )
