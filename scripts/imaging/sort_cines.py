"""Sort cine series by place and phase, and bring the contours of the sheet onto their images."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from pydicom import Dataset

from kimedlib.cine_contours import contour_files, filled, polygon_area, read_contour, shown
from kimedlib.cine_series import plane_affine, sort_cine, stack
from kimedlib.dicom_series import dicom_files, read_all
from kimedlib.imaging_nifti import save_nifti
from kimedlib.logs import log_to
from kimedlib.problems import raise_if
from kimedlib.table_files import write_table

COLUMNS = (
    "sample", "patient_id", "slice", "phase", "place_mm", "trigger_ms", "file", "instance_number",
    "inner_mm2", "outer_mm2",
)  # fmt: skip


def outlines(
    datasets: list[Dataset], contours: Path, slices: np.ndarray, phases: np.ndarray, shape: tuple[int, ...]
) -> tuple[np.ndarray, dict[int, dict[str, float]]]:
    """Label map (1 cavity, 2 wall) of the outlined images, and the area within each outline by image, mm2.

    Raises
    ------
    InputProblems
        Contours that cannot be read.
    """
    files, others, problems = contour_files(contours)
    print(f"{contours}: {len(files)} contours, {len(others)} other files")
    numbers = {int(dataset.InstanceNumber): index for index, dataset in enumerate(datasets)}
    labels = np.zeros(shape, dtype=np.uint8)
    areas: dict[int, dict[str, float]] = {}
    for kind, label in (("outer", 2), ("inner", 1)):  # the cavity is painted over the filled wall
        for (found, instance), path in sorted(files.items()):
            if found != kind or instance not in numbers:
                continue
            points, wrong = read_contour(path)
            problems += wrong
            if wrong:
                continue
            image = numbers[instance]
            rows, columns = (float(step) for step in datasets[image].PixelSpacing)
            areas.setdefault(image, {})[kind] = polygon_area(points) * rows * columns
            plane = labels[:, :, slices[image], phases[image]]
            plane[filled(points, (shape[0], shape[1]))] = label
    raise_if(problems)
    return labels, areas


def sort_sample(
    series: Path, contours: Path | None, row: dict[str, str], images: Path, references: Path
) -> list[dict[str, object]]:
    """Write image and label map (column, row, slice, phase) of one sample; returns its rows of the table."""
    found, problems = read_all(series, pixels=True)
    raise_if(problems)
    datasets = [dataset for _, dataset in found]
    cine = sort_cine(datasets)
    pixels, _ = stack(datasets, cine)
    first = next(dataset for dataset, place in zip(datasets, cine.slices, strict=True) if place == 0)
    affine = plane_affine(first, cine.spacing_mm)
    areas: dict[int, dict[str, float]] = {}
    if contours:
        labels, areas = outlines(datasets, contours, cine.slices, cine.phases, pixels.shape)
        save_nifti(nib.Nifti1Image(labels, affine), references / f"{row['sample']}.nii.gz")
    save_nifti(nib.Nifti1Image(pixels, affine), images / f"{row['sample']}.nii.gz")
    return [
        {
            "sample": row["sample"], "patient_id": row["patient_id"],
            "slice": int(cine.slices[index]), "phase": int(cine.phases[index]),
            "place_mm": round(float(cine.places_mm[cine.slices[index]]), 4),
            "trigger_ms": dataset.get("TriggerTime", ""), "file": path.name,
            "instance_number": int(dataset.InstanceNumber),
            "inner_mm2": areas.get(index, {}).get("inner", np.nan),
            "outer_mm2": areas.get(index, {}).get("outer", np.nan),
        }
        for index, (path, dataset) in enumerate(found)
    ]  # fmt: skip


def main(
    *, rows: list[dict[str, str]], series: list[Path], frames: Path, images: Path, references: Path, refused: Path
) -> None:
    """Sort.

    Parameters
    ----------
    rows
        Of the cine sheet: sample, patient_id, contours (folder, or empty).
    series
        Folder of each row, in the same order; an empty one was refused by de-identification.
    frames
        Table, one row per image: sample, patient_id, slice, phase, place_mm, trigger_ms, file, instance_number, and the
        areas within the contours, inner_mm2 and outer_mm2, empty without contour.
    images, references
        Folders; get <sample>.nii.gz, (column, row, slice, phase); labels 1 cavity, 2 wall where the sheet has contours.
    refused
        Table: sample, step, reason; also lists contours left out because their images are missing.

    Raises
    ------
    InputProblems
        Files or contours that cannot be read.
    ValueError
        Nothing is left to sort.
    """
    table, out = [], []
    for folder in (images, references):
        folder.mkdir(parents=True, exist_ok=True)
    for row, folder in zip(rows, series, strict=True):
        if not dicom_files(folder):
            out.append({"sample": row["sample"], "step": "deidentify_series", "reason": "see decisions/"})
            continue
        try:
            rows_of_sample = sort_sample(
                folder, Path(row["contours"]) if row["contours"] else None, row, images, references
            )
        except ValueError as error:
            out.append({"sample": row["sample"], "step": "sort_cines", "reason": str(error).replace("\n", " ")})
            continue
        table += rows_of_sample
        if row["contours"]:
            numbers = {said["instance_number"] for said in rows_of_sample}
            lost = sorted({instance for _, instance in contour_files(Path(row["contours"]))[0]} - numbers)
            if lost:
                reason = f"measured without the contours of {len(lost)} images that are missing: {shown(lost)}"
                out.append({"sample": row["sample"], "step": "sort_cines", "reason": reason})
    if not table:
        raise ValueError(f"no cine series is left: {json.dumps(out)}")
    frame = pd.DataFrame(table, columns=list(COLUMNS)).sort_values(["sample", "slice", "phase"])
    write_table(frame, frames)
    write_table(pd.DataFrame(out, columns=["sample", "step", "reason"]), refused)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            rows=list(snakemake.params.rows),
            series=[Path(path) for path in snakemake.input.series],
            frames=Path(snakemake.output.frames),
            images=Path(snakemake.output.images),
            references=Path(snakemake.output.references),
            refused=Path(snakemake.output.refused),
        )
