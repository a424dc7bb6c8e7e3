"""Measure every segmented region, list what was not measured and why, and make one row of features per patient."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from kimedlib.imaging_nifti import load_canonical, voxel_sizes
from kimedlib.imaging_radiomics import region_features
from kimedlib.imaging_tables import (
    OUTLINE_TASKS,
    label_names,
    passed_samples,
    read_table,
    records,
    refusals,
    region_folders,
    region_names,
)
from kimedlib.logs import log_to
from kimedlib.table_files import write_table

# Features that go into the table for the cohort, by region and modality.
INTENSITY_UNIT = {"CT": "hu", "MR": "signal", "PT": "signal"}


def inner_region(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Region without its outermost voxels, which mix with their neighbourhood; the region itself if nothing is left."""
    inner = ndimage.binary_erosion(mask)
    return np.asarray(inner if np.count_nonzero(inner) >= 8 else mask)


def measure_image(image: Path, mask: Path, regions: dict[int, str], bin_width: float) -> list[dict[str, float | str]]:
    """Features of each region of one image; regions that the network did not find have volume 0."""
    data, reference = load_canonical(image)
    labels = np.asarray(nib.load(mask).dataobj)
    rows: list[dict[str, float | str]] = []
    for value, name in regions.items():
        region = labels == value
        if not region.any():
            rows.append({"region": name, "volume_ml": 0.0})
            continue
        features = region_features(data, region, voxel_sizes(reference), bin_width)
        inside = data[inner_region(region)]
        rows.append(
            {
                "region": name,
                "volume_ml": features["voxel_volume_mm3"] / 1000,
                "inner_mean": float(inside.mean()),
                "inner_sd": float(inside.std()),
                **features,
            }
        )
    return rows


def patient_features(measured: pd.DataFrame, patients: list[str]) -> pd.DataFrame:
    """One row per patient of the sheet; several images of a region are averaged, missing ones stay empty."""
    table = pd.DataFrame({"patient_id": sorted(set(patients))}).set_index("patient_id")
    for (region, modality), group in measured.groupby(["region", "modality"]):
        by_patient = group.groupby("patient_id").mean(numeric_only=True)
        table[f"{region}_volume_ml"] = by_patient["volume_ml"]
        if region == "brain":
            continue
        unit = INTENSITY_UNIT.get(str(modality), "signal")
        for source, target in (
            ("maximum_diameter_mm", f"{region}_diameter_mm"),
            ("sphericity", f"{region}_sphericity"),
            ("inner_mean", f"{region}_mean_{unit}"),
            ("inner_sd", f"{region}_heterogeneity_{unit}"),
            ("entropy", f"{region}_entropy"),
        ):
            if source in by_patient:
                table[target] = by_patient[source]
    return table.reset_index()


def main(
    *, bids: Path, conversion: Path, checks: Path, evidence: Path, brains: Path, model: list[Path], masks: list[Path],
    measurements: Path, refused: Path, features: Path, bin_width: float, outlines: list[Path],
) -> None:  # fmt: skip
    """Measure.

    Parameters
    ----------
    model, masks, outlines
        From the network steps and `outline_lesions`; empty lists where no row needs them.
    measurements
        Table: sample, patient_id, modality, region, volume_ml, inner_mean and inner_sd (without edge
        voxels), then the features of `kimedlib.imaging_radiomics`.
    refused
        Table: sample, step, reason.
    features
        Table: patient_id, <region>_volume_ml, <region>_diameter_mm, <region>_mean_hu, ...
    bin_width
        For entropy and uniformity, in the unit of the image.
    """
    names = label_names(model)
    accepted = read_table(evidence)
    brain_samples = set(accepted.loc[accepted["accepted"] == "yes", "sample"])
    folders = region_folders(brains, masks, outlines)
    rows = []
    for row in records(passed_samples(conversion, checks, ("brain", "lesion", "labels", *OUTLINE_TASKS))):
        if row["task"] == "brain" and row["sample"] not in brain_samples:
            continue
        mask = folders[row["task"]] / f"{row['sample']}.nii.gz"
        regions = region_names(row, names, folders)
        whose = {"sample": row["sample"], "patient_id": row["patient_id"], "modality": row["modality"]}
        rows += [{**whose, **found} for found in measure_image(bids / row["image"], mask, regions, bin_width)]
    columns = ["sample", "patient_id", "modality", "region", "volume_ml"]
    measured = pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)
    patients = list(read_table(conversion)["patient_id"])
    for path, table in (
        (measurements, measured),
        (refused, refusals(conversion, checks, evidence)),
        (features, patient_features(measured, patients)),
    ):
        write_table(table, path, "%.6g")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            bids=Path(snakemake.input.bids),
            conversion=Path(snakemake.input.conversion),
            checks=Path(snakemake.input.checks),
            evidence=Path(snakemake.input.evidence),
            brains=Path(snakemake.input.brains),
            model=[Path(path) for path in snakemake.input.model],
            masks=[Path(path) for path in snakemake.input.masks],
            measurements=Path(snakemake.output.measurements),
            refused=Path(snakemake.output.refused),
            features=Path(snakemake.output.features),
            bin_width=snakemake.params.bin_width,
            outlines=[Path(path) for path in snakemake.input.outlines],
        )
