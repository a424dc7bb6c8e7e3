"""Take the face from every head whose brain was found; a head without brain mask is listed, not passed on."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from kimedlib.figure_style import save_figure
from kimedlib.imaging_deface import deface
from kimedlib.imaging_nifti import load_canonical, save_nifti, voxel_sizes
from kimedlib.imaging_pictures import grey_window, picture_grid, show_plane
from kimedlib.imaging_tables import passed_samples, read_table, records
from kimedlib.logs import log_to
from kimedlib.table_files import write_table

SHOWN = 12  # heads in the picture


def draw_cuts(shown: list[tuple[str, Path, Path, Path]], picture: Path) -> None:
    """Each head from the side, before and after, with the outline of its brain; and as seen from the front."""
    figure, grid = picture_grid(len(shown), 3, (6.6, 2.2 * max(1, len(shown)) + 0.3))
    for panels, (sample, before, after, mask) in zip(grid, shown, strict=False):
        data, image = load_canonical(before)
        cut, _ = load_canonical(after)
        brain = np.asarray(nib.load(mask).dataobj)
        window, spacing = grey_window(data, "MR"), voxel_sizes(image)
        for axes, volume in zip(panels[:2], (data, cut), strict=True):
            show_plane(axes, volume, spacing=spacing, plane=0, index=data.shape[0] // 2, window=window, labels=brain)
        # how deep one sees from the front: relief of the skin
        skin = cut[:, ::-1] > window[0] + 0.15 * (window[1] - window[0])
        depth = np.where(skin.any(axis=1), skin.argmax(axis=1), np.nan).T
        panels[2].imshow(
            -depth[:, ::-1], cmap="gray", origin="lower", aspect=spacing[2] / spacing[0], interpolation="nearest"
        )
        panels[1].set_title(sample)
    figure.suptitle("Before, after, and after as seen from the front" if shown else "No head was defaced", fontsize=9)
    save_figure(figure, picture)


def main(
    *, bids: Path, conversion: Path, checks: Path, evidence: Path, brains: Path, folder: Path, table: Path,
    picture: Path, margin_mm: float,
) -> None:  # fmt: skip
    """Deface all heads of task `brain` that passed the gates.

    Parameters
    ----------
    brains, evidence
        Of `segment_brains`.
    folder
        Gets <sample>.nii.gz for each head with an accepted brain, on its canonical grid.
    table
        Table: sample, defaced (yes, no), removed_ml, brain_voxels_changed, reason.
    margin_mm
        Distance that the cut keeps from the brain.

    Raises
    ------
    ValueError
        A written image differs within its brain mask from the original.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = {row["sample"]: row for row in records(read_table(evidence))}
    rows, shown = [], []
    for row in records(passed_samples(conversion, checks, ("brain",))):
        sample = row["sample"]
        if found[sample]["accepted"] != "yes":
            rows.append((sample, "no", "", "", f"no brain mask: {found[sample]['reasons']}"))
            continue
        data, image = load_canonical(bids / row["image"])
        brain = np.asarray(nib.load(brains / f"{sample}.nii.gz").dataobj) > 0
        cut, removed = deface(data, brain, voxel_sizes(image), margin_mm)
        target = folder / f"{sample}.nii.gz"
        copy = nib.Nifti1Image(cut, image.affine)
        copy.header.set_xyzt_units("mm")
        save_nifti(copy, target)
        changed = int((np.asarray(nib.load(target).dataobj)[brain] != data[brain]).sum())
        if changed:
            raise ValueError(f"{target}: {changed} voxels of the brain differ from the original")
        voxel_ml = float(np.prod(voxel_sizes(image))) / 1000
        rows.append((sample, "yes", f"{removed.sum() * voxel_ml:.1f}", str(changed), ""))
        shown.append((sample, bids / row["image"], target, brains / f"{sample}.nii.gz"))
    write_table(
        pd.DataFrame(rows, columns=["sample", "defaced", "removed_ml", "brain_voxels_changed", "reason"]), table
    )
    draw_cuts(shown[:SHOWN], picture)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            bids=Path(snakemake.input.bids),
            conversion=Path(snakemake.input.conversion),
            checks=Path(snakemake.input.checks),
            evidence=Path(snakemake.input.evidence),
            brains=Path(snakemake.input.brains),
            folder=Path(snakemake.output.folder),
            table=Path(snakemake.output.table),
            picture=Path(snakemake.output.picture),
            margin_mm=snakemake.params.margin_mm,
        )
