"""Masks and measurements as DICOM objects that refer to the images they come from: what SEG and SR steps share."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from highdicom.sr import CodedConcept
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataelem import DataElement

from kimedlib.cine_series import plane_affine
from kimedlib.dicom_synthetic import hashed_uid

OFF_GRID = 0.05  # of a voxel
MANUFACTURER, MODEL, SERIAL = "KIMed", "Imaging demonstrator", "0"
# Feature of measurements.tsv: (code, scheme, meaning), (unit code, meaning). IBSI: Zwanenburg et al., Radiology, 2020.
MEASUREMENTS = {
    "volume_ml": (("118565006", "SCT", "Volume"), ("ml", "milliliter")),
    "maximum_diameter_mm": (("L0JK", "IBSI", "Maximum 3D diameter"), ("mm", "millimeter")),
    "sphericity": (("QCFX", "IBSI", "Sphericity"), ("1", "no units")),
    "surface_mm2": (("C0JK", "IBSI", "Surface area (mesh)"), ("mm2", "square millimeter")),
}
UNCODED = ("123037004", "SCT", "Body structure")


@contextmanager
def pseudonyms_allowed() -> Iterator[None]:
    """Without highdicom's warning that a pseudonym is no person's name."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The string .* is unlikely to represent the intended person name")
        yield


def concept(code: Sequence[str]) -> CodedConcept:
    """A code from (value, scheme, meaning)."""
    value, scheme, meaning = code
    return CodedConcept(value=value, scheme_designator=scheme, meaning=meaning)


def unit(code: Sequence[str]) -> CodedConcept:
    """A unit of UCUM from (value, meaning)."""
    return CodedConcept(value=code[0], scheme_designator="UCUM", meaning=code[1])


def unsuitable(datasets: list[Dataset]) -> str:
    """Why no segmentation can refer to these images; empty if it can."""
    if any(int(dataset.get("NumberOfFrames") or 1) > 1 for dataset in datasets):
        return "the source is a multi-frame object"
    if any("MOSAIC" in (dataset.get("ImageType") or []) for dataset in datasets):
        return "the source is a mosaic"
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "FrameOfReferenceUID", "PixelSpacing"):
        if not all(dataset.get(keyword) for dataset in datasets):
            return f"{keyword} is missing in the source"
    return ""


def labels_on_source(labels: Path, datasets: list[Dataset]) -> NDArray[np.uint8]:
    """Labels of a NIfTI file on the pixels of the source images, (image, row, column).

    Raises
    ------
    ValueError
        Pixels do not coincide with voxels: the mask was made on another grid.
    """
    image = nib.load(labels)
    values, inverse = np.asarray(image.dataobj), np.linalg.inv(image.affine)
    planes = []
    for dataset in datasets:
        row, column = np.mgrid[: dataset.Rows, : dataset.Columns]
        pixels = np.stack([column, row, np.zeros_like(row), np.ones_like(row)]).reshape(4, -1)
        exact = (inverse @ plane_affine(dataset, 1.0) @ pixels)[:3]
        voxels = np.rint(exact).astype(int)
        size = np.array(values.shape[:3])[:, None]
        if np.abs(exact - voxels).max() > OFF_GRID or (voxels < 0).any() or (voxels >= size).any():
            raise ValueError("the mask is not on the grid of the source images")
        planes.append(values[tuple(voxels)].reshape(row.shape).astype(np.uint8))
    if sum(int((plane > 0).sum()) for plane in planes) != int((values > 0).sum()):
        raise ValueError("the source images do not cover the mask")
    return np.stack(planes)


def settle(dataset: Dataset, like: Dataset, uids: dict[str, str]) -> None:
    """Replace times of writing by those of the source and random identifiers by `uids`: same input, same bytes."""

    def change(_: Dataset, element: DataElement) -> None:
        if element.VR == "DA":
            element.value = like.get("StudyDate") or "19000101"
        elif element.VR == "TM":
            element.value = like.get("StudyTime") or "000000"
        elif element.VR == "DT":
            element.value = f"{like.get('StudyDate') or '19000101'}000000"
        elif element.VR == "UI" and element.value in uids:
            element.value = uids[element.value]

    dataset.walk(change)


def object_uids(sources: list[Dataset], kind: str) -> tuple[str, str]:
    """Series and instance identifier of a result, keyed by the (already pseudonymous) source series."""
    series = str(sources[0].SeriesInstanceUID)
    return str(hashed_uid(series, kind, "series")), str(hashed_uid(series, kind, "instance"))


def random_uids(dataset: Dataset, known: set[str], *keys: str) -> dict[str, str]:
    """For each identifier that highdicom drew at random one that depends on `keys` and its rank only."""
    drawn: dict[str, str] = {}

    def collect(_: Dataset, element: DataElement) -> None:
        value: Any = element.value
        if (
            element.VR == "UI"
            and str(element.keyword) in ("DimensionOrganizationUID", "UID")
            and str(value) not in known
        ):
            drawn.setdefault(value, str(hashed_uid(*keys, str(len(drawn)))))

    dataset.walk(collect)
    return drawn
