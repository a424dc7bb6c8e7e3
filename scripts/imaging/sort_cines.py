"""Sort cine series by place and phase, and bring the contours of the sheet onto their images."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from pydicom import Dataset

from kimedlib.cine_contours import contour_files, encloses, filled, polygon_area, read_contour, shown
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
) -> tuple[np.ndarray, dict[int, dict[str, float]], list[int]]:
    """Label map (1 cavity, 2 wall) of the outlined images, and the area within each outline by image, mm2.

    Where an outer contour leaves out part of the cavity, those of the series are not of this heart: none is used, and
    the instance numbers of the wrong ones are returned as well.

    Raises
    ------
    InputProblems
        Contours that cannot be read.
    """
    files, others, problems = contour_files(contours)
    print(f"{contours}: {len(files)} contours, {len(others)} other files")
    numbers = {int(dataset.InstanceNumber): index for index, dataset in enumerate(datasets)}
    masks: dict[tuple[str, int], np.ndarray] = {}
    areas: dict[int, dict[str, float]] = {}
    for (kind, instance), path in sorted(files.items()):
        if instance not in numbers:
            continue
        points, wrong = read_contour(path)
        problems += wrong
        if wrong:
            continue
        rows, columns = (float(step) for step in datasets[numbers[instance]].PixelSpacing)
        areas.setdefault(numbers[instance], {})[kind] = polygon_area(points) * rows * columns
        masks[kind, instance] = filled(points, (shape[0], shape[1]))
    raise_if(problems)
    pairs = [
        (instance, mask, masks.get(("inner", instance))) for (kind, instance), mask in masks.items() if kind == "outer"
    ]
    beside = [instance for instance, outer, inner in pairs if inner is not None and not encloses(outer, inner)]
    if beside:
        masks = {key: mask for key, mask in masks.items() if key[0] == "inner"}
        areas = {image: {"inner": found["inner"]} for image, found in areas.items() if "inner" in found}
    labels = np.zeros(shape, dtype=np.uint8)
    for kind, label in (("outer", 2), ("inner", 1)):  # the cavity is painted over the filled wall
        for (found_kind, instance), mask in masks.items():
            if found_kind == kind:
                labels[:, :, slices[numbers[instance]], phases[numbers[instance]]][mask] = label
    return labels, areas, beside


def sort_sample(
    series: Path, contours: Path | None, row: dict[str, str], images: Path, references: Path
) -> tuple[list[dict[str, object]], list[int]]:
    """Write image and label map (column, row, slice, phase) of one sample.

    Returns its rows of the table, and the images whose outer contours do not enclose the cavity.
    """
    found, problems = read_all(series, pixels=True)
    raise_if(problems)
    datasets = [dataset for _, dataset in found]
    cine = sort_cine(datasets)
    pixels, _ = stack(datasets, cine)
    first = next(dataset for dataset, place in zip(datasets, cine.slices, strict=True) if place == 0)
    affine = plane_affine(first, cine.spacing_mm)
    areas: dict[int, dict[str, float]] = {}
    beside: list[int] = []
    if contours:
        labels, areas, beside = outlines(datasets, contours, cine.slices, cine.phases, pixels.shape)
        save_nifti(nib.Nifti1Image(labels, affine), references / f"{row['sample']}.nii.gz")
    save_nifti(nib.Nifti1Image(pixels, affine), images / f"{row['sample']}.nii.gz")
    table: list[dict[str, object]] = [
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
    return table, beside


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
        Table: sample, step, reason; also lists contours left out because their images are missing
        or because outer ones do not enclose inner ones: the series then has no outer_mm2 and no wall.

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
            rows_of_sample, beside = sort_sample(
                folder, Path(row["contours"]) if row["contours"] else None, row, images, references
            )
        except ValueError as error:
            out.append({"sample": row["sample"], "step": "sort_cines", "reason": str(error).replace("\n", " ")})
            continue
        table += rows_of_sample
        if beside:
            reason = (
                f"no mass and no wall by contours: outer ones of {len(beside)} images do not enclose the inner ones: "
            )
            out.append({"sample": row["sample"], "step": "sort_cines", "reason": reason + shown(beside)})
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
