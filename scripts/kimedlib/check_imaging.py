"""Checks of the files that the imaging sheets name, made before any job starts."""

import os
from collections.abc import Hashable, Mapping
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from nibabel.filebasedimages import ImageFileError

from kimedlib.dicom_series import MODALITIES, dicom_files, read_all, series_problems, silent
from kimedlib.imaging_tables import OUTLINE_TASKS
from kimedlib.problems import Problem, raise_if

PACKAGED = "packaged:"
# Beyond this many files only the first of each series is read here; the first job reads all of them.
READ_WHOLE = 4000
AFFINE_TOLERANCE_MM = 0.01
MOST_LABELS = 255  # label maps are stored as bytes
NETWORK_TASKS = ("lesion", "labels")
MODALITIES_OF_TASK = {"lesion": ("CT", "MR", "PT"), "brain": ("MR",), "labels": ("CT", "MR", "PT"), "uptake": ("PT",)}


def is_nifti(path: str) -> bool:
    """Whether a sheet's path names a NIfTI file."""
    return path.endswith((".nii", ".nii.gz"))


def nifti_problems(path: str, place: str, sheet: str) -> tuple[nib.Nifti1Image | None, list[Problem]]:
    """Open a NIfTI file and look at its header and last byte."""
    if not os.path.isfile(path):  # noqa: PTH113
        return None, [Problem(sheet, place, f"there is no file {path}", "correct the path")]
    try:
        image = nib.load(path)
        np.asanyarray(image.dataobj[..., -1])
    except (ImageFileError, OSError, EOFError, ValueError, IndexError) as error:
        return None, [Problem(path, "", f"is not a readable NIfTI file ({error})", "copy or convert it again")]
    if len(image.shape) != 3 or min(image.shape) < 2:
        return None, [
            Problem(path, "", f"has shape {image.shape}", "give a volume with three axes of two voxels or more")
        ]
    return image, []


def same_grid(first: nib.Nifti1Image, second: nib.Nifti1Image) -> str:
    """Say how two grids differ; empty if they do not."""
    if first.shape != second.shape:
        return f"shape {second.shape} is not that of the image, {first.shape}"
    worst = float(np.abs(first.affine - second.affine).max())
    return f"affine differs from that of the image by {worst:.3g}" if worst > AFFINE_TOLERANCE_MM else ""


@silent()
def dicom_problems(path: str, place: str, sheet: str, modality: str, read_whole: bool) -> list[Problem]:
    """Look at a series: all files, or only the first if there are many."""
    folder = Path(path)
    if not folder.exists():
        return [Problem(sheet, place, f"there is no folder {path}", "correct the path")]
    files = dicom_files(folder)
    if not files:
        return [
            Problem(
                path, "", "the folder is empty: a series with zero slices", "export the series again or drop the line"
            )
        ]
    found, problems = read_all(folder if read_whole else files[0], pixels=read_whole)
    if found and read_whole:
        problems += series_problems(path, found)
    if found:
        actual = str(found[0][1].get("Modality", ""))
        if actual and actual != modality and not (modality == "OT" and actual == "SC"):
            known = actual if actual in MODALITIES else "no modality of the standard"
            what = f"{path} holds {known}, the sheet says {modality}"
            problems.append(Problem(sheet, place, what, "correct the column 'modality'"))
    return problems


def check_files(frame: pd.DataFrame, sheet: str) -> list[Problem]:
    """Everything that is wrong with the files of a sample sheet, in its order.

    Rows whose image is `packaged:<name>` are looked at by the job that fetches them.
    """
    problems = []
    networks = sorted(set(frame["task"]) & set(NETWORK_TASKS))
    if len(networks) > 1:
        problems.append(
            Problem(
                sheet,
                "column task",
                f"has {' and '.join(networks)}",
                "one run trains one network: use a sheet for each",
            )
        )
    count = 0
    for row in frame.to_dict("records"):
        place = f"sample {row['sample']}"
        if row["task"] in MODALITIES_OF_TASK and row["modality"] not in MODALITIES_OF_TASK[row["task"]]:
            allowed = " or ".join(MODALITIES_OF_TASK[row["task"]])
            problems.append(
                Problem(
                    sheet,
                    place,
                    f"task {row['task']} on {row['modality']}",
                    f"needs {allowed}: correct task or modality",
                )
            )
        problems += outline_problems(row, place, sheet)
        if row["image"].startswith(PACKAGED):
            continue
        if is_nifti(row["image"]):
            image, found = nifti_problems(row["image"], place, sheet)
            problems += found
            if row["label"] and not row["label"].startswith(PACKAGED):
                problems += label_problems(image, row["label"], place, sheet)
        else:
            folder = Path(row["image"])
            count += len(dicom_files(folder)) if folder.exists() else 0
            problems += dicom_problems(row["image"], place, sheet, row["modality"], count <= READ_WHOLE)
            if row["label"]:
                problems += nifti_problems(row["label"], place, sheet)[1]
    return problems


def outline_problems(row: Mapping[Hashable, str], place: str, sheet: str) -> list[Problem]:
    """Look at the region that task outline needs, task uptake may have and other tasks must not have."""
    given = row.get("outline", "")
    if row["task"] not in OUTLINE_TASKS:
        return [Problem(sheet, place, f"an outline but task {row['task']}", "empty the column")] if given else []
    if not given and row["task"] == "uptake":
        return []
    if not given:
        return [Problem(sheet, place, "task outline without an outline", "name a NIfTI file in the column 'outline'")]
    if given.startswith(PACKAGED):
        return []
    nifti = is_nifti(row["image"]) and not row["image"].startswith(PACKAGED)
    image = nifti_problems(row["image"], place, sheet)[0] if nifti else None
    problems = label_problems(image, given, place, sheet)
    if not problems:
        found = set(np.unique(np.asanyarray(nib.load(given).dataobj)).tolist())
        labels = {0, 1} if row["task"] == "uptake" else set(range(MOST_LABELS + 1))
        if not found & labels - {0} or not found <= labels:
            remedy = "1" if row["task"] == "uptake" else f"1 (several regions: 1 to {MOST_LABELS})"
            values = [f"{value:g}" for value in sorted(found - {0})[:5]]
            what = f"holds values {', '.join(values)}" if values else "marks nothing"
            problems.append(Problem(given, "", what, f"mark the region with {remedy}, else 0"))
    return problems


def label_problems(image: nib.Nifti1Image | None, label: str, place: str, sheet: str) -> list[Problem]:
    """Look at a label image and whether it lies on the grid of its image."""
    mask, problems = nifti_problems(label, place, sheet)
    if image is None or mask is None:
        return problems
    difference = same_grid(image, mask)
    return [Problem(label, "", difference, "resample the label to the grid of the image")] if difference else []


def check_training_files(frame: pd.DataFrame, sheet: str) -> list[Problem]:
    """Everything that is wrong with the images and labels of a training sheet."""
    problems = []
    for row in frame.to_dict("records"):
        place = f"case {row['case_id']}"
        image, found = nifti_problems(row["image"], place, sheet)
        problems += found + label_problems(image, row["label"], place, sheet)
    return problems


def check_trees(trees: Mapping[str, str]) -> None:
    """Look at the folders that are to be taken stock of.

    Raises
    ------
    InputProblems
        One is no folder, or holds no file.
    """
    problems = []
    for name, path in trees.items():
        place = f"inventory.trees.{name}"
        if not Path(path).is_dir():
            problems.append(Problem("config", place, f"there is no folder {path}", "correct the path"))
        elif not any(found.is_file() for found in Path(path).rglob("*")):
            problems.append(Problem("config", place, f"{path} holds no file", "correct the path"))
    raise_if(problems)
