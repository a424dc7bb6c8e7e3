"""One page on which images and their regions can be moved through; it needs nothing but itself (NiiVue inside)."""

from pathlib import Path

import nibabel as nib
import numpy as np

from kimedlib.atomic import atomic_path
from kimedlib.imaging_nifti import load_canonical
from kimedlib.imaging_tables import label_names, read_table, records, region_folders, region_names
from kimedlib.imaging_viewer import entry, page
from kimedlib.logs import log_to


def main(
    *, bids: Path, conversion: Path, measurements: Path, brains: Path, model: list[Path], masks: list[Path],
    outlines: list[Path], template: Path, niivue: Path, licence: Path, viewer: Path, images: int,
) -> None:  # fmt: skip
    """Write the page.

    Parameters
    ----------
    measurements
        Only what was measured is shown; one image of each task before the second of any.
    model, masks, outlines
        Of the network steps and `outline_lesions`; empty lists where they did not run.
    template, niivue, licence
        HTML with marks; NiiVue, compressed; its licence.
    images
        Most images on the page.

    Raises
    ------
    ValueError
        The template lacks a mark, or the library is not the file that it should be.
    """
    measured = set(read_table(measurements)["sample"])
    rows = sorted(
        (row for row in records(read_table(conversion)) if row["sample"] in measured), key=lambda row: row["sample"]
    )
    tasks: dict[str, int] = {}
    turns = []
    for row in rows:
        tasks[row["task"]] = tasks.get(row["task"], 0) + 1
        turns.append((tasks[row["task"]], row["sample"]))
    chosen = {sample for _, sample in sorted(turns)[:images]}
    names, folders = label_names(model), region_folders(brains, masks, outlines)
    entries = []
    for row in rows:
        if row["sample"] in chosen:
            data, image = load_canonical(bids / row["image"])
            labels = np.asarray(nib.load(folders[row["task"]] / f"{row['sample']}.nii.gz").dataobj)
            entries.append(
                entry(
                    row["sample"],
                    data,
                    image,
                    labels,
                    names=region_names(row, names, folders),
                    modality=row["modality"],
                )
            )
    text = page(template.read_text(encoding="utf-8"), niivue.read_bytes(), licence.read_text(encoding="utf-8"), entries)
    with atomic_path(viewer) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            bids=Path(snakemake.input.bids),
            conversion=Path(snakemake.input.conversion),
            measurements=Path(snakemake.input.measurements),
            brains=Path(snakemake.input.brains),
            model=[Path(path) for path in snakemake.input.model],
            masks=[Path(path) for path in snakemake.input.masks],
            outlines=[Path(path) for path in snakemake.input.outlines],
            template=Path(snakemake.input.template),
            niivue=Path(snakemake.input.niivue),
            licence=Path(snakemake.input.licence),
            viewer=Path(snakemake.output.viewer),
            images=snakemake.params.images,
        )
