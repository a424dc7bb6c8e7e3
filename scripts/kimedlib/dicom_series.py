"""What a folder of DICOM files holds: one series or a mixture, complete or with gaps."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset, dcmread
from pydicom import config as pydicom_config
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID

from kimedlib.problems import Problem

SPACING_TOLERANCE = 0.1  # of the slice distance
# Slices at one place are no duplicates if any of these differs: echoes, phases, repetitions.
REPEATED_BY = ("AcquisitionNumber", "EchoTime", "TemporalPositionIdentifier", "TriggerTime", "ImageType")
# Defined terms of PS3.3 C.7.3.1.1.1 that hospital archives hold; any other text may name somebody.
MODALITIES = frozenset((
    "AR", "ASMT", "AU", "BI", "BMD", "CR", "CT", "DOC", "DX", "ECG", "EPS", "ES", "FID", "GM", "HD", "IO", "IVOCT",
    "IVUS", "KO", "LS", "MG", "MR", "NM", "OAM", "OCT", "OP", "OPT", "OPV", "OT", "PLAN", "PR", "PT", "PX", "REG",
    "RF", "RG", "RTDOSE", "RTIMAGE", "RTPLAN", "RTRECORD", "RTSTRUCT", "SC", "SEG", "SM", "SMR", "SR", "SRF",
    "STAIN", "TG", "US", "VA", "XA", "XC",
))  # fmt: skip
# Read as numbers further on; an error there would repeat the text that stands in their place.
NUMBERS = (
    "InstanceNumber", "Rows", "Columns", "SamplesPerPixel", "NumberOfFrames", "BitsAllocated", "ImagePositionPatient",
    "ImageOrientationPatient", "PixelSpacing",
)  # fmt: skip


@contextmanager
def silent() -> Iterator[None]:
    """Keep pydicom's warnings out of the log: they repeat the values that they find fault with."""
    logger, mode = logging.getLogger("pydicom"), pydicom_config.settings.reading_validation_mode
    before, logger.disabled = logger.disabled, True
    pydicom_config.settings.reading_validation_mode = pydicom_config.IGNORE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = before
        pydicom_config.settings.reading_validation_mode = mode


def dicom_files(path: Path) -> list[Path]:
    """Files of a series folder, sorted, hidden files left out; or the one file itself."""
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))


@silent()
def read_all(path: Path, *, pixels: bool) -> tuple[list[tuple[Path, Dataset]], list[Problem]]:
    """Read every file of a folder; problems name each file that is no (whole) DICOM file."""
    found, problems = [], []
    for file in dicom_files(path):
        try:
            dataset = dcmread(file, stop_before_pixels=not pixels)
            reason = defect(dataset, pixels=pixels)
        except InvalidDicomError:
            problems.append(
                Problem(str(file), "", "is not a DICOM file", "remove it from the folder or export it again")
            )
            continue
        except (EOFError, OSError, ValueError, KeyError, AttributeError) as error:
            problems.append(Problem(str(file), "", f"cannot be read ({type(error).__name__})", "export it again"))
            continue
        if reason:
            problems.append(Problem(str(file), "", reason, "export it again"))
        else:
            found.append((file, dataset))
    return found, problems


def defect(dataset: Dataset, *, pixels: bool) -> str:
    """What an object lacks that every stored image has; empty if nothing."""
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID"):
        if keyword not in dataset:
            return f"is cut off, or no image: {keyword} is missing"
    for keyword in NUMBERS:
        try:
            np.asarray(dataset.get(keyword) or 0, dtype=float)
        except (TypeError, ValueError):
            return f"{keyword} is no number"
    if not pixels:
        return ""
    if "Rows" in dataset and "PixelData" not in dataset:
        return "is cut off: it ends before the pixel data"
    cut = missing_bytes(dataset)
    return f"is cut off: {cut} bytes of pixel data are missing" if cut else ""


def missing_bytes(dataset: Dataset) -> int:
    """Bytes that uncompressed pixel data lack; 0 for compressed ones, which show it on decoding."""
    if "PixelData" not in dataset or UID(dataset.file_meta.TransferSyntaxUID).is_compressed:
        return 0
    values = [int(dataset.get(name, 1) or 1) for name in ("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames")]
    expected = int(np.prod(values)) * int(dataset.get("BitsAllocated", 8)) // 8
    return max(0, expected - len(dataset.PixelData))


def slice_places(datasets: list[Dataset]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Place of each slice along the slice normal, mm, from ImagePositionPatient (PS3.3 C.7.6.2).

    SliceLocation is not used: its sign and spacing are up to the scanner. Empty without positions.
    """
    if not all("ImagePositionPatient" in dataset and "ImageOrientationPatient" in dataset for dataset in datasets):
        return np.empty(0)
    orientation = np.array([float(value) for value in datasets[0].ImageOrientationPatient])
    normal = np.cross(orientation[:3], orientation[3:])
    positions = np.array([[float(value) for value in dataset.ImagePositionPatient] for dataset in datasets])
    return np.asarray(positions @ normal, dtype=np.float64)


def slice_spacing(places: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Median distance of neighbouring places, mm; 0 for fewer than two."""
    distinct = np.unique(np.round(places, 3))
    return float(np.median(np.diff(distinct))) if len(distinct) > 1 else 0.0


def is_cine(datasets: list[Dataset]) -> bool:
    """Whether a series shows a beating heart: places are there more than once, at different trigger times."""
    times: dict[str, set[str]] = {}
    for dataset, place in zip(datasets, slice_places(datasets), strict=False):
        if dataset.get("TriggerTime") not in (None, ""):
            times.setdefault(f"{place:.1f}", set()).add(str(dataset.TriggerTime))
    return any(len(found) > 1 for found in times.values())


def series_problems(folder: str, found: list[tuple[Path, Dataset]]) -> list[Problem]:
    """What is wrong with the files of one folder as a series; a cine may lack slices."""
    problems = []
    for keyword, what in (("PatientID", "patients"), ("SeriesInstanceUID", "series")):
        values = {str(dataset.get(keyword, "")) for _, dataset in found}
        if len(values) > 1:
            problems.append(
                Problem(
                    folder,
                    keyword,
                    f"holds {len(values)} {what}",
                    f"give each of the {what} a folder and a line of its own",
                )
            )
    if problems or len(found) < 2:
        return problems
    datasets = [dataset for _, dataset in found]
    shapes = {(dataset.get("Rows"), dataset.get("Columns")) for dataset in datasets}
    if len(shapes) > 1:
        problems.append(Problem(folder, "Rows, Columns", f"slices have {len(shapes)} sizes", "export the series again"))
    places = slice_places(datasets)
    if not len(places):
        return problems
    seen: dict[tuple[str, ...], Path] = {}
    for (file, dataset), place in zip(found, places, strict=True):
        key = (f"{place:.2f}", *(str(dataset.get(name, "")) for name in REPEATED_BY))
        if key in seen:
            problems.append(
                Problem(
                    str(file), "ImagePositionPatient", f"repeats the slice of {seen[key].name}", "remove one of the two"
                )
            )
        seen.setdefault(key, file)
    spacing = 0.0 if is_cine(datasets) else slice_spacing(places)
    distinct = np.unique(np.round(places, 3))
    for start, gap in zip(distinct[:-1], np.diff(distinct), strict=True):
        if spacing and gap > (1 + SPACING_TOLERANCE) * spacing:
            problems.append(
                Problem(
                    folder,
                    "ImagePositionPatient",
                    f"slices missing after {start:.1f} mm: next at {gap:.2f} mm, else {spacing:.2f} mm apart",
                    "export the whole series again",
                )
            )
    return problems
