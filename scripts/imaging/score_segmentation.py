"""Score segmentations against reference labels and reference volumes, where the sample sheet names them."""

from pathlib import Path

import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np
import pandas as pd

from kimedlib.figure_style import save_figure
from kimedlib.imaging_nifti import load_canonical, load_labels
from kimedlib.imaging_pictures import COLOURS, use_quiet_style
from kimedlib.imaging_scores import dice, volume_error_pct
from kimedlib.imaging_tables import label_names, read_sheet_rows, read_table, records, region_folders, region_names
from kimedlib.logs import log_to
from kimedlib.table_files import write_table


def draw_agreement(pairs: pd.DataFrame, picture: Path) -> None:
    """Measured against reference volume, one panel per region, with the line of identity."""
    use_quiet_style()
    regions = sorted(set(pairs["region"]))
    figure, grid = plt.subplots(
        1, max(1, len(regions)), figsize=(3.2 * max(1, len(regions)), 3), squeeze=False, layout="constrained"
    )
    for axes, region, colour in zip(grid.flat, regions, COLOURS, strict=False):
        part = pairs[pairs["region"] == region]
        both = part[["reference_ml", "found_ml"]].to_numpy()
        ends = [float(both.min()) * 0.95, float(both.max()) * 1.05]
        axes.plot(ends, ends, color="#888888", linewidth=0.8)
        axes.scatter(part["reference_ml"], part["found_ml"], s=14, color=colour)
        error = float(part["error_pct"].abs().median())
        axes.set(
            xlabel="Reference volume (ml)", ylabel="Measured volume (ml)", title=f"{region}: median error {error:.1f} %"
        )
    save_figure(figure, picture)


def main(
    *, sheet: Path, labels: list[Path], bids: Path, conversion: Path, measurements: Path, brains: Path,
    model: list[Path], masks: list[Path], scores: Path, picture: Path, outlines: list[Path],
) -> None:  # fmt: skip
    """Score all measured samples that have a reference.

    Parameters
    ----------
    sheet
        Sample sheet; `labels` are its label images in the order of the rows that have one.
    scores
        Table: sample, metric, value with dice_<region>, volume_error_pct_<region>, and for sample `all`
        mean_dice_<region> and median_abs_volume_error_pct_<region>.
    picture
        Measured against reference volumes, PNG.

    Raises
    ------
    ValueError
        No measured sample has a reference.
    """
    names, folders = label_names(model), region_folders(brains, masks, outlines)
    measured = read_table(measurements)
    images = read_table(conversion).set_index("sample")["image"]
    rows = read_sheet_rows(sheet)
    given = dict(zip(rows.loc[rows["label"] != "", "sample"], labels, strict=True))
    volumes = measured.set_index(["sample", "region"])["volume_ml"].astype(float)
    found: list[tuple[str, str, float]] = []
    pairs = []
    for row in records(rows[rows["sample"].isin(list(measured["sample"]))]):
        regions = region_names(row, names, folders)
        reference = {}
        if row["sample"] in given:
            _, image = load_canonical(bids / images[row["sample"]])
            truth = load_labels(given[row["sample"]], image)
            mask = np.asarray(nib.load(folders[row["task"]] / f"{row['sample']}.nii.gz").dataobj)
            voxel = abs(float(np.linalg.det(image.affine[:3, :3]))) / 1000
            for value, name in regions.items():
                found.append((row["sample"], f"dice_{name}", dice(mask == value, truth == value)))
                reference[name] = float(np.count_nonzero(truth == value)) * voxel
        if row["reference_volume_ml"] and len(regions) == 1:
            reference[next(iter(regions.values()))] = float(row["reference_volume_ml"])
        for name, volume in reference.items():
            if volume > 0:
                error = volume_error_pct(float(volumes[row["sample"], name]), volume)
                found.append((row["sample"], f"volume_error_pct_{name}", error))
                pairs.append((name, volume, float(volumes[row["sample"], name]), error))
    if not found:
        raise ValueError("no measured sample has a reference label or volume; refused.tsv says what was not measured")
    table = pd.DataFrame(found, columns=["sample", "metric", "value"])
    summary = []
    for metric, group in table.groupby("metric"):
        if str(metric).startswith("dice_"):
            summary.append(("all", f"mean_{metric}", float(group["value"].mean())))
        else:
            summary.append(("all", f"median_abs_{metric}", float(group["value"].abs().median())))
    table = pd.concat([table, pd.DataFrame(summary, columns=table.columns)], ignore_index=True)
    write_table(table.round(6), scores)
    draw_agreement(pd.DataFrame(pairs, columns=["region", "reference_ml", "found_ml", "error_pct"]), picture)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            sheet=Path(snakemake.input.sheet),
            labels=[Path(path) for path in snakemake.input.labels],
            bids=Path(snakemake.input.bids),
            conversion=Path(snakemake.input.conversion),
            measurements=Path(snakemake.input.measurements),
            brains=Path(snakemake.input.brains),
            model=[Path(path) for path in snakemake.input.model],
            masks=[Path(path) for path in snakemake.input.masks],
            scores=Path(snakemake.output.scores),
            picture=Path(snakemake.output.picture),
            outlines=[Path(path) for path in snakemake.input.outlines],
        )
