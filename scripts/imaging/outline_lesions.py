"""Regions without a network: outlines that the sheet gives, and lesions by their uptake in PET."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kimedlib.imaging_nifti import load_canonical, load_labels, save_mask, voxel_sizes
from kimedlib.imaging_tables import passed_samples, read_sheet_rows, records
from kimedlib.imaging_uptake import outline_uptake
from kimedlib.logs import log_to
from kimedlib.table_files import write_table


def main(
    *, sheet: Path, bids: Path, conversion: Path, checks: Path, outlines: list[Path], masks: Path, table: Path,
    settings: dict[str, Any],
) -> None:  # fmt: skip
    """Write one mask per image.

    Parameters
    ----------
    outlines
        Regions that the sheet names, in the order of its rows that have one: the region itself (task outline) or where
        to look (task uptake, where it may be missing).
    masks
        Folder; gets <sample>.nii.gz on the grid of the image.
    table
        Table: sample, method, threshold, voxels, volume_ml; `given` and an empty threshold for task outline.
    settings
        Section `uptake` of the config.
    """
    said = read_sheet_rows(sheet)
    given = dict(zip(said.loc[said["outline"] != "", "sample"], outlines, strict=True))
    masks.mkdir(parents=True, exist_ok=True)
    found = []
    for row in records(passed_samples(conversion, checks, ("outline", "uptake"))):
        data, image = load_canonical(bids / row["image"])
        region = load_labels(given[row["sample"]], image) == 1 if row["sample"] in given else None
        method, threshold = "given", ""
        if row["task"] == "uptake":
            region, limit = outline_uptake(data, region, settings["method"], settings["value"])
            method, threshold = settings["method"], f"{limit:.6g}"
        assert region is not None, "the check of the sheet lets no task outline without an outline pass"
        voxels = int(np.count_nonzero(region))
        volume = voxels * float(np.prod(voxel_sizes(image))) / 1000
        found.append((row["sample"], method, threshold, voxels, f"{volume:.6g}"))
        save_mask(region, image, masks / f"{row['sample']}.nii.gz")
    write_table(pd.DataFrame(found, columns=["sample", "method", "threshold", "voxels", "volume_ml"]), table)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            sheet=Path(snakemake.input.sheet),
            bids=Path(snakemake.input.bids),
            conversion=Path(snakemake.input.conversion),
            checks=Path(snakemake.input.checks),
            outlines=[Path(path) for path in snakemake.input.outlines],
            masks=Path(snakemake.output.masks),
            table=Path(snakemake.output.table),
            settings=snakemake.params.settings,
        )
