"""Find the brain in T1-weighted heads, and refuse what cannot be a brain."""

from pathlib import Path

import pandas as pd

from kimedlib.imaging_brain import brain_mask, judge_brain, to_image_grid, to_working_grid
from kimedlib.imaging_nifti import load_canonical, save_mask, voxel_sizes
from kimedlib.imaging_tables import passed_samples, records
from kimedlib.logs import log_to
from kimedlib.table_files import write_table


def main(*, bids: Path, conversion: Path, checks: Path, masks: Path, evidence: Path) -> None:
    """Segment all images of task `brain` that passed the QC gates.

    Parameters
    ----------
    masks
        Folder; gets <sample>.nii.gz for each accepted brain, on the canonical grid of the image.
    evidence
        Table: sample, volume_ml, white_over_cortex, brightest_over_median, accepted, reasons.
    """
    masks.mkdir(parents=True, exist_ok=True)
    table = []
    for row in records(passed_samples(conversion, checks, ("brain",))):
        data, image = load_canonical(bids / row["image"])
        work = to_working_grid(data, voxel_sizes(image))
        mask = brain_mask(work)
        found = judge_brain(work, mask)
        if not found.against:
            save_mask(to_image_grid(mask, data.shape), image, masks / f"{row['sample']}.nii.gz")
        table.append(
            {
                "sample": row["sample"],
                "volume_ml": round(found.volume_ml, 1),
                "white_over_cortex": round(found.white_over_cortex, 4),
                "brightest_over_median": round(found.brightest_over_median, 4),
                "accepted": "no" if found.against else "yes",
                "reasons": "; ".join(found.against),
            }
        )
    columns = ["sample", "volume_ml", "white_over_cortex", "brightest_over_median", "accepted", "reasons"]
    write_table(pd.DataFrame(table, columns=columns), evidence)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            bids=Path(snakemake.input.bids),
            conversion=Path(snakemake.input.conversion),
            checks=Path(snakemake.input.checks),
            masks=Path(snakemake.output.masks),
            evidence=Path(snakemake.output.evidence),
        )
