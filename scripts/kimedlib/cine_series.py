"""A cine series as slices (places along the heart's long axis) times phases of the heart beat."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from kimedlib.dicom_series import slice_places, slice_spacing

PLACE_TOLERANCE_MM = 0.5
# Slices are acquired in different heart beats: their trigger times of one phase differ by less than half a phase.
SAME_PHASE = 0.5


@dataclass(frozen=True)
class Cine:
    """Where each image of a series belongs.

    Attributes
    ----------
    slices, phases
        Number of slice and of phase of each image, both from 0, in the order of the datasets.
    places_mm
        Place of each slice along the slice normal, ascending.
    spacing_mm
        Median distance of neighbouring slices.
    """

    slices: NDArray[np.int64]
    phases: NDArray[np.int64]
    places_mm: NDArray[np.float64]
    spacing_mm: float


def cluster(values: NDArray[np.float64], gap: float) -> NDArray[np.int64]:
    """Number of the group of each value, ascending; a new group starts where neighbours differ by more than `gap`."""
    order = np.argsort(values, kind="stable")
    starts = np.diff(values[order], prepend=values[order][:1]) > gap
    groups = np.empty(len(values), dtype=np.int64)
    groups[order] = np.cumsum(starts)
    return groups


def number(dataset: Dataset, keyword: str) -> float:
    """A numeric attribute; NaN where it is absent or empty."""
    value = dataset.get(keyword)
    return float(value) if value not in (None, "") else float("nan")


def ranks_within(slices: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rank of each image's value among the distinct values of its slice, from 0."""
    ranks = np.zeros(len(values), dtype=np.int64)
    for place in np.unique(slices):
        members = slices == place
        ranks[members] = np.unique(values[members], return_inverse=True)[1]
    return ranks


def beat_times(datasets: list[Dataset], slices: NDArray[np.int64]) -> NDArray[np.float64]:
    """When in the heart beat each image was taken: a share of the beat, or any other ascending unit.

    Trigger time over the length of the beat (NominalInterval, else 60,000 / HeartRate), since beats differ between
    slices; trigger time alone where a length is missing; else TemporalPositionIdentifier; else the rank of the instance
    number within the slice.
    """
    triggers = np.array([number(dataset, "TriggerTime") for dataset in datasets])
    if not np.isnan(triggers).any():
        beats = np.array([number(dataset, "NominalInterval") for dataset in datasets])
        rates = np.array([number(dataset, "HeartRate") for dataset in datasets])
        with np.errstate(divide="ignore"):
            beats = np.where(beats > 0, beats, 60_000 / rates)
        usable = bool(np.isfinite(beats).all() and (beats > 0).all() and (triggers <= 1.2 * beats).all())
        return np.asarray(triggers / beats if usable else triggers)
    positions = np.array([number(dataset, "TemporalPositionIdentifier") for dataset in datasets])
    if not np.isnan(positions).any():
        return positions
    instances = np.array([number(dataset, "InstanceNumber") for dataset in datasets])
    return ranks_within(slices, instances).astype(np.float64)


def sort_cine(datasets: list[Dataset]) -> Cine:
    """Sort the images of a short-axis cine by ImagePositionPatient along the normal and by time in the beat.

    Slices may lack phases and phases slices. Images of one phase need not have been triggered at the same time.

    Parameters
    ----------
    datasets
        All of one series, in any order; SliceLocation is not used, which is 33 % off in some series.

    Raises
    ------
    ValueError
        No positions, planes that are not parallel, fewer than two slices or phases, or an image that is there twice.
    """
    places = slice_places(datasets)
    if not len(places):
        raise ValueError("ImagePositionPatient or ImageOrientationPatient is missing in some images")
    orientations = np.array([[float(value) for value in dataset.ImageOrientationPatient] for dataset in datasets])
    if np.abs(orientations - orientations[0]).max() > 0.01:
        raise ValueError("the planes are not parallel: ImageOrientationPatient differs between images")
    slices = cluster(places, PLACE_TOLERANCE_MM)
    middles = np.array([places[slices == index].mean() for index in range(slices.max() + 1)])
    times = beat_times(datasets, slices)
    steps = [np.diff(np.unique(np.round(times[slices == index], 6))) for index in range(len(middles))]
    shortest = min((float(step.min()) for step in steps if len(step)), default=0.0)
    if len(middles) < 2 or not shortest:
        raise ValueError(
            f"{len(middles)} slices with at most {1 + max(map(len, steps))} phases: two of each are needed"
        )
    phases = cluster(times, SAME_PHASE * shortest)
    doubles = len(datasets) - len(set(zip(slices.tolist(), phases.tolist(), strict=True)))
    if doubles and len({int((slices == index).sum()) for index in range(len(middles))}) == 1:
        # beats that differ too much for their times to be compared; but all slices have all phases
        phases = ranks_within(slices, times)
        doubles = len(datasets) - len(set(zip(slices.tolist(), phases.tolist(), strict=True)))
    if doubles:
        raise ValueError(f"{doubles} images have the place and phase of another one")
    return Cine(slices, phases, middles, slice_spacing(np.round(middles, 2)))


def plane_affine(dataset: Dataset, place_step: float) -> NDArray[np.float64]:
    """Affine from (column, row, slice) to patient coordinates of NIfTI (right, anterior, superior), mm.

    PS3.3 C.7.6.2.1.1; x and y change sign. `dataset` is an image of the first slice.
    """
    orientation = np.array([float(value) for value in dataset.ImageOrientationPatient])
    rows, columns = (float(value) for value in dataset.PixelSpacing)
    affine = np.eye(4)
    affine[:3, 0] = orientation[:3] * columns
    affine[:3, 1] = orientation[3:] * rows
    affine[:3, 2] = np.cross(orientation[:3], orientation[3:]) * place_step
    affine[:3, 3] = [float(value) for value in dataset.ImagePositionPatient]
    return np.asarray(np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine)


def stack(datasets: list[Dataset], cine: Cine) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Pixels as (column, row, slice, phase), and which (slice, phase) there are; absent ones are 0.

    Raises
    ------
    ValueError
        Images of different sizes or pixel spacings.
    """
    kinds = {(image.Rows, image.Columns, *(round(float(step), 3) for step in image.PixelSpacing)) for image in datasets}
    if len(kinds) > 1:
        raise ValueError(f"the images have {len(kinds)} sizes or pixel spacings")
    shape = (datasets[0].Columns, datasets[0].Rows, int(cine.slices.max()) + 1, int(cine.phases.max()) + 1)
    pixels = np.zeros(shape, dtype=np.float32)
    there = np.zeros(shape[2:], dtype=bool)
    for dataset, place, phase in zip(datasets, cine.slices, cine.phases, strict=True):
        pixels[:, :, place, phase] = dataset.pixel_array.T
        there[place, phase] = True
    return pixels, there
