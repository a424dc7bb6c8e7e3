"""Checks of the series and contours that the cine sheet names, made before any job starts."""

from pathlib import Path

import pandas as pd
from pydicom import Dataset

from kimedlib.check_imaging import dicom_problems
from kimedlib.cine_contours import contour_files, read_contour, shown
from kimedlib.cine_series import sort_cine
from kimedlib.dicom_series import read_all, silent
from kimedlib.imaging_tables import records
from kimedlib.problems import Problem, raise_if


def contour_problems(folder: Path, images: dict[int, Dataset]) -> list[Problem]:
    """Contours that cannot be read, belong to no image, or leave their image."""
    files, _, problems = contour_files(folder)
    outlined = {instance for _, instance in files}
    lost = sorted(outlined - set(images))
    if images and len(lost) > len(outlined) / 2:  # single images may be missing; this is another series
        what = f"{len(lost)} of {len(outlined)} images with contours are not in the series: {shown(lost)}"
        problems.append(
            Problem(str(folder), "", what, "numbers in the names are instance numbers (0020,0013): correct the folder")
        )
    for (_, instance), path in files.items():
        points, wrong = read_contour(path)
        problems += wrong
        if wrong or instance not in images:
            continue
        size = (int(images[instance].get("Columns", 0)), int(images[instance].get("Rows", 0)))
        if points.min() < -0.5 or (points.max(axis=0) > [size[0] - 0.5, size[1] - 0.5]).any():
            what = f"leaves the image of {size[0]} x {size[1]} pixels"
            problems.append(Problem(str(path), "", what, "give column and row in pixels"))
    return problems


@silent()
def check_files(frame: pd.DataFrame, sheet: str) -> list[Problem]:
    """Everything that is wrong with the files of a cine sheet, in its order; series with gaps between slices pass."""
    problems = []
    for row in records(frame):
        place = f"sample {row['sample']}"
        found = dicom_problems(row["image"], place, sheet, "MR", read_whole=True)
        problems += found
        images: dict[int, Dataset] = {}
        if not found:
            datasets = [dataset for _, dataset in read_all(Path(row["image"]), pixels=False)[0]]
            images = {int(dataset.get("InstanceNumber") or 0): dataset for dataset in datasets}
            try:
                sort_cine(datasets)
            except ValueError as error:
                problems.append(Problem(row["image"], "", str(error), "give the short-axis cine series of one patient"))
        if not row.get("contours"):
            continue
        if not Path(row["contours"]).is_dir():
            problems.append(Problem(sheet, place, f"there is no folder {row['contours']}", "correct the path"))
        else:
            problems += contour_problems(Path(row["contours"]), images)
    outlined = frame.loc[frame["contours"] != "", "patient_id"].nunique()
    if outlined < 2:
        what = f"{outlined} patients have contours"
        remedy = "give two or more: each patient is outlined by a network that learned from the others"
        problems.append(Problem(sheet, "column contours", what, remedy))
    return problems


def check_names(images: pd.DataFrame, cines: pd.DataFrame, sheet: str) -> None:
    """Samples of the two sheets are de-identified into one folder each.

    Raises
    ------
    InputProblems
        A name is in both.
    """
    both = sorted(set(images["sample"]) & set(cines["sample"]))
    raise_if(
        Problem(sheet, f"sample {name}", "is in the image sheet as well", "rename one of the two") for name in both
    )
