"""Which files the imaging rules read, from the sample sheet."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from kimedlib.check_imaging import NETWORK_TASKS, PACKAGED, is_nifti
from kimedlib.imaging_tables import OUTLINE_TASKS, records


def resolve(value: str) -> str:
    """Path of a sheet's file; what a package ships is fetched to <results>/packaged/."""
    return f"<results>/packaged/{value.removeprefix(PACKAGED)}" if value.startswith(PACKAGED) else value


def dicom_samples(frame: pd.DataFrame) -> dict[str, str]:
    """Series to de-identify: path by sample."""
    return {row["sample"]: resolve(row["image"]) for row in records(frame) if not is_nifti(row["image"])}


def image_sources(frame: pd.DataFrame, deidentify: bool) -> list[str]:
    """What is brought into the BIDS data set, one per row: de-identified series, series as given, or NIfTI file."""
    return [
        f"<results>/deidentified/{row['sample']}"
        if deidentify and not is_nifti(row["image"])
        else resolve(row["image"])
        for row in records(frame)
    ]


def label_sources(frame: pd.DataFrame) -> list[str]:
    """Reference labels, in the order of the rows that have one."""
    return [resolve(label) for label in frame["label"] if label]


def outline_sources(frame: pd.DataFrame) -> list[str]:
    """Given regions, in the order of the rows that have one."""
    return [resolve(outline) for outline in frame["outline"] if outline]


def needs_outlines(frame: pd.DataFrame) -> bool:
    """Whether any row has a region that needs no network."""
    return bool(frame["task"].isin(OUTLINE_TASKS).any())


def needs_network(frame: pd.DataFrame) -> bool:
    """Whether any row is to be segmented by the network."""
    return bool(frame["task"].isin(NETWORK_TASKS).any())


def has_visits(frame: pd.DataFrame) -> bool:
    """Whether any patient was seen more than once."""
    seen = frame.loc[frame["visit"] != "", ["patient_id", "visit"]].drop_duplicates()
    return bool(seen["patient_id"].duplicated().any())


def needs_biomarkers(frame: pd.DataFrame, ways: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether any row has a region, other than a brain, that one of the ways to compute biomarkers is for."""
    rows = frame[frame["task"].isin([*NETWORK_TASKS, *OUTLINE_TASKS])]
    return any(bool(rows["modality"].isin(list(way["modalities"])).any()) for way in ways.values())


def has_reference(frame: pd.DataFrame) -> bool:
    """Whether any measured row has something to be scored against."""
    rows = frame[frame["task"] != "none"]
    return bool(((rows["label"] != "") | (rows["reference_volume_ml"] != "")).any())


def dicom_rows(frame: pd.DataFrame, deidentify: bool) -> dict[str, str]:
    """Series that were measured and come from DICOM files, as analysed: path by sample."""
    sources = zip(records(frame), image_sources(frame, deidentify), strict=True)
    return {row["sample"]: path for row, path in sources if row["task"] != "none" and not is_nifti(row["image"])}


CINE_COLUMNS = ("sample", "patient_id", "contours", "reference_ef_percent")


def cine_rows(frame: pd.DataFrame) -> list[dict[str, str]]:
    """Rows of the cine sheet as `sort_cines` takes them."""
    return [{name: row[name] for name in CINE_COLUMNS} for row in records(frame)]


def cine_sources(frame: pd.DataFrame, deidentify: bool) -> list[str]:
    """Series of the cine sheet, one per row: de-identified, or as given."""
    return [f"<results>/deidentified/{row['sample']}" if deidentify else row["image"] for row in records(frame)]


def contour_sources(frame: pd.DataFrame) -> list[str]:
    """Contour folders, in the order of the rows that have one."""
    return [folder for folder in frame["contours"] if folder]


def cine_folds(frame: pd.DataFrame, folds: int) -> list[int]:
    """Numbers of the folds; each patient alone in one where there are no more patients than folds."""
    return list(range(min(folds, frame["patient_id"].nunique())))
