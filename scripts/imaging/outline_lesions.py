"""Regions without a network: segmentations that the sheet gives, and lesions by their uptake in PET."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kimedlib.atomic import atomic_path
from kimedlib.imaging_nifti import load_canonical, load_labels, save_mask, voxel_sizes
from kimedlib.imaging_tables import passed_samples, read_sheet_rows, records
from kimedlib.imaging_uptake import outline_uptake
from kimedlib.logs import log_to
from kimedlib.table_files import write_table


def names_of(labels: NDArray[np.uint8], names: dict[str, str]) -> dict[int, str]:
    """Names of the labels of a given segmentation; a single label 1 is a lesion where nothing else is said."""
    found = [int(value) for value in np.unique(labels[labels > 0])]
    other = {1: "lesion"} if found == [1] else {}
    return {value: names.get(str(value)) or other.get(value) or f"label_{value}" for value in found}


def main(
    *, sheet: Path, bids: Path, conversion: Path, checks: Path, outlines: list[Path], masks: Path, table: Path,
    settings: dict[str, Any], names: dict[str, str],
) -> None:  # fmt: skip
    """Write one mask per image.

    Parameters
    ----------
    outlines
        Regions that the sheet names, in the order of its rows that have one: the region itself (task outline) or where
        to look (task uptake, where it may be missing).
    masks
        Folder; gets <sample>.nii.gz on the grid of the image, and where a given segmentation has other regions than one
        lesion <sample>.json, their names by label.
    table
        Table: sample, method, threshold, region, voxels, volume_ml; `given` and an empty threshold for task outline.
    settings, names
        Sections `uptake` and `outline_names` of the config.
    """
    said = read_sheet_rows(sheet)
    given = dict(zip(said.loc[said["outline"] != "", "sample"], outlines, strict=True))
    masks.mkdir(parents=True, exist_ok=True)
    found = []
    for row in records(passed_samples(conversion, checks, ("outline", "uptake"))):
        data, image = load_canonical(bids / row["image"])
        labels = load_labels(given[row["sample"]], image) if row["sample"] in given else None
        method, threshold, regions = "given", "", {1: "lesion"}
        if row["task"] == "uptake":
            where = None if labels is None else labels == 1
            region, limit = outline_uptake(data, where, settings["method"], settings["value"])
            labels, method, threshold = region.astype(np.uint8), settings["method"], f"{limit:.6g}"
        else:
            assert labels is not None, "the check of the sheet lets no task outline without an outline pass"
            regions = names_of(labels, names)
        for value, name in regions.items():
            voxels = int(np.count_nonzero(labels == value))
            volume = voxels * float(np.prod(voxel_sizes(image))) / 1000
            found.append((row["sample"], method, threshold, name, voxels, f"{volume:.6g}"))
        save_mask(labels, image, masks / f"{row['sample']}.nii.gz")
        if regions != {1: "lesion"}:
            with atomic_path(masks / f"{row['sample']}.json") as temporary:
                temporary.write_text(json.dumps(regions, indent=1) + "\n", encoding="utf-8")
    write_table(pd.DataFrame(found, columns=["sample", "method", "threshold", "region", "voxels", "volume_ml"]), table)


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
            names=snakemake.params.names,
        )
