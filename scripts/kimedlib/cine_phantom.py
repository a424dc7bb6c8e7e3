"""A beating left ventricle with a planted ejection fraction, as a hospital would send it, with contours of its walls.

The cavity is a tapering tube whose area shrinks by the same share in all slices, so that the planted ejection
fraction is exact. SliceLocation is a third too short and the slices are oblique, as on real scanners.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from kimedlib.dicom_synthetic import Identity, Series, add_hidden_identity, common_attributes, hashed_uid, write_slice

BLOOD, MUSCLE, LUNG, FAT = 200.0, 80.0, 15.0, 230.0
ROW = np.array([0.8, 0.6, 0.0])
COLUMN = np.array([-0.36, 0.48, -0.8])
POINTS = 48
PERSON = Identity(
    family_name="Herzfeldner", given_name="Alma", record_number="MRN-C0001", birth_date=dt.date(1957, 5, 17), sex="F",
    study_date=dt.date(2024, 6, 3), address="Amselweg 12, 10115 Mohnhausen", telephone="+49-555-4711002",
    institution="Klinikum Auenblick Klarenbach", physician="Ohlendahl^Dr.311", operator="Vossgarten^MTR118",
    accession="ACC20240603", station="SCAN70011", relative="Kammersdorf-Herzfeldner",
)  # fmt: skip


@dataclass(frozen=True)
class Heart:
    """What is planted in one patient.

    Attributes
    ----------
    radii_mm
        Of the cavity in each slice at end-diastole, base first.
    wall_mm
        Thickness of the wall at end-diastole; its area stays the same over the beat.
    ef_percent
        Ejection fraction.
    places_mm
        Of the slices along their normal.
    phases, systole
        Number of phases; the one of the smallest cavity, from 0. Phase 0 is end-diastole.
    """

    radii_mm: tuple[float, ...]
    wall_mm: float
    ef_percent: float
    places_mm: tuple[float, ...]
    phases: int
    systole: int

    def radii(self, place: int, phase: int) -> tuple[float, float]:
        """Radius of cavity and outer wall of a slice in a phase, mm."""
        emptied = (
            phase / self.systole if phase <= self.systole else (self.phases - phase) / (self.phases - self.systole)
        )
        inner = self.radii_mm[place]
        wall = (inner + self.wall_mm) ** 2 - inner**2
        now = inner * np.sqrt(1 - self.ef_percent / 100 * emptied)
        return float(now), float(np.sqrt(now**2 + wall))


def plane(
    heart: Heart, place: int, phase: int, *, size: int, pixel_mm: float, centre: NDArray[np.float64],
    random: np.random.Generator,
) -> NDArray[np.float32]:  # fmt: skip
    """One image (column, row): lung, a ring of fat, right and left ventricle, blurred, with noise."""
    x, y = ((np.arange(size)[:, None] - centre[0]) * pixel_mm, (np.arange(size)[None, :] - centre[1]) * pixel_mm)
    inner, outer = heart.radii(place, phase)
    from_middle = np.hypot(x + 0 * y, y + 0 * x)
    body = np.hypot((np.arange(size)[:, None] / size - 0.5) / 0.46, (np.arange(size)[None, :] / size - 0.5) / 0.46)
    image = np.where(body > 1, 0.0, np.where(body > 0.9, FAT, LUNG))
    image = np.where(np.hypot((x + 0.9 * outer) / 1.1, y) < outer, BLOOD * 0.95, image)
    image = np.where(from_middle < outer, MUSCLE, image)
    image = np.where(from_middle < inner, BLOOD, image)
    noisy = ndimage.gaussian_filter(image, 0.5) + random.normal(0, 2.0, image.shape)
    return np.asarray(np.clip(noisy, 0, 4095), dtype=np.float32)


def circle(centre: NDArray[np.float64], radius_px: float) -> NDArray[np.float64]:
    """Points (n, 2) of a polygon with the area of a circle."""
    angles = 2 * np.pi * np.arange(POINTS) / POINTS
    rim = radius_px * np.sqrt(2 * np.pi / POINTS / np.sin(2 * np.pi / POINTS))
    return np.asarray(centre + rim * np.stack([np.cos(angles), np.sin(angles)], axis=1))


def write_cine(
    folder: Path, contours: Path, *, heart: Heart, patient: str, seed: int, size: int, pixel_mm: float,
    random: np.random.Generator,
) -> None:  # fmt: skip
    """Write the DICOM files IM-0001-<instance>.dcm of one patient and the contours of end-diastole and end-systole.

    Inner contours exist in both phases, outer ones at end-diastole only, as in the Sunnybrook data.
    """
    series = Series(
        "cine", 6, "MR", "SAX cine", (pixel_mm, pixel_mm, 1.0), 0,
        {"ImageType": ["ORIGINAL", "PRIMARY", "OTHER"], "ScanningSequence": "GR", "SequenceVariant": "SS",
         "ScanOptions": "", "MRAcquisitionType": "2D", "RepetitionTime": 3.5, "EchoTime": 1.5, "FlipAngle": 45,
         "EchoTrainLength": 1, "MagneticFieldStrength": 1.5, "BodyPartExamined": "HEART", "SliceThickness": 8,
         "CardiacNumberOfImages": heart.phases},
    )  # fmt: skip
    for path in (folder, contours / "i-contours", contours / "o-contours"):
        path.mkdir(parents=True, exist_ok=True)
    key, normal = f"{seed}/{patient}", np.cross(ROW, COLUMN)
    middle = (size - 1) / 2 + random.uniform(-3, 3, 2)
    for place, where in enumerate(heart.places_mm):
        beat = int(random.integers(780, 860))
        centre = middle + random.uniform(-0.7, 0.7, 2)
        for phase in range(heart.phases):
            instance = place * heart.phases + phase + 1
            dataset = common_attributes(PERSON, series, key)
            dataset.SOPInstanceUID = hashed_uid(key, "cine", str(instance))
            dataset.InstanceNumber = instance
            dataset.ImageOrientationPatient = [*map(float, ROW), *map(float, COLUMN)]
            corner = where * normal - (ROW + COLUMN) * pixel_mm * (size - 1) / 2
            dataset.ImagePositionPatient = [round(float(value), 4) for value in corner]
            dataset.PixelSpacing = [pixel_mm, pixel_mm]
            dataset.SliceLocation = round(where * 2 / 3, 4)
            dataset.TriggerTime = round(beat * (phase + 0.3) / heart.phases, 1)
            dataset.NominalInterval = beat
            if instance == 1:
                add_hidden_identity(dataset, PERSON)
            pixels = (
                np.rint(plane(heart, place, phase, size=size, pixel_mm=pixel_mm, centre=centre, random=random))
                .astype(np.uint16)
                .T
            )
            write_slice(folder / f"IM-0001-{instance:04d}.dcm", dataset, pixels, PERSON if instance == 1 else None)
            for kind, radius in zip("io", heart.radii(place, phase), strict=True):
                if phase == 0 or (phase == heart.systole and kind == "i"):
                    lines = [f"{x:.2f} {y:.2f}\n" for x, y in circle(centre, radius / pixel_mm)]
                    name = f"IM-0001-{instance:04d}-{kind}contour-manual.txt"
                    (contours / f"{kind}-contours" / name).write_text("".join(lines), encoding="utf-8")
