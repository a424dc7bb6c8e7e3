"""Masks, label maps and defaced heads as a data set in the layout of BIDS Derivatives."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from kimedlib.imaging_bids import describe, split_name
from kimedlib.imaging_tables import label_names, read_table, records, region_folders, region_names
from kimedlib.logs import log_to
from kimedlib.table_files import write_table

README = """Made from the data set in the folder bids beside this one.

*_desc-brain_mask      what was taken for the brain
*_dseg                 regions; the table beside each names the labels
*_desc-defaced_T1w     heads without their faces

Folders of computed tomography and PET are not part of the BIDS standard and are listed in .bidsignore.
"""


def write_json(path: Path, content: dict[str, Any]) -> None:
    """One JSON object."""
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def add_image(source: Path, target: Path, sidecar: dict[str, Any]) -> None:
    """Copy an image and say where it comes from."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target.with_name(f"{target.name}.nii.gz"))
    write_json(target.with_name(f"{target.name}.json"), sidecar)


def main(
    *, conversion: Path, brains: Path, model: list[Path], masks: list[Path], outlines: list[Path], defaced: list[Path],
    folder: Path,
) -> None:  # fmt: skip
    """Collect what was made of each image.

    Parameters
    ----------
    conversion
        Of `prepare_bids`.
    brains, masks, outlines, defaced
        Folders with <sample>.nii.gz; the last three are empty lists where their step did not run.
    model
        Descriptions of the networks, for the names of labels.
    folder
        The data set.

    Raises
    ------
    ValueError
        Nothing was made of any image.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names, folders = label_names(model), region_folders(brains, masks, outlines)
    rows = [row for row in records(read_table(conversion)) if row["image"]]
    written = 0
    for row in rows:
        place, stem, suffix = split_name(Path(row["image"]))
        origin = {"Sources": [f"bids:raw:{row['image']}"], "SpatialReference": "orig"}
        made = folders.get(row["task"], Path("none")) / f"{row['sample']}.nii.gz"
        if made.exists() and row["task"] == "brain":
            add_image(
                made,
                folder / place / f"{stem}_desc-brain_mask",
                {"Type": "Brain", "Description": "Found without network", **origin},
            )
        elif made.exists():
            add_image(
                made,
                folder / place / f"{stem}_dseg",
                {"Manual": row["task"] == "outline", "Description": "Regions", **origin},
            )
            labels = pd.DataFrame(sorted(region_names(row, names, folders).items()), columns=["index", "name"])
            write_table(labels, folder / place / f"{stem}_dseg.tsv")
        face = defaced[0] / f"{row['sample']}.nii.gz" if defaced else Path("none")
        if face.exists():
            sidecar = {"Description": "The face is cut off", "SkullStripped": False, **origin}
            add_image(face, folder / place / f"{stem}_desc-defaced_{suffix}", sidecar)
        written += made.exists() + face.exists()
    if not written:
        raise ValueError("no mask, label map or defaced head was made of any image: refused.tsv says why")
    describe(folder, "Regions of de-identified images", "derivative", README)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            conversion=Path(snakemake.input.conversion),
            brains=Path(snakemake.input.brains),
            model=[Path(path) for path in snakemake.input.model],
            masks=[Path(path) for path in snakemake.input.masks],
            outlines=[Path(path) for path in snakemake.input.outlines],
            defaced=[Path(path) for path in snakemake.input.defaced],
            folder=Path(snakemake.output.folder),
        )
