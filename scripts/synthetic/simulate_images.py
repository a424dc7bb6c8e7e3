"""Write the DICOM series of one invented patient, and apart from them the truth about lesion, brain and identifiers."""

import datetime as dt
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from kimedlib.atomic import atomic_path
from kimedlib.dicom_synthetic import Identity, Series, write_series
from kimedlib.imaging_phantom import Grid, Phantom, liver_ct, t1_head
from kimedlib.logs import log_to
from kimedlib.seeding import generator
from kimedlib.table_files import write_table

STREETS = ("Amselweg", "Birkenallee", "Dorfanger", "Eichgrund", "Fliederstieg", "Hafergasse")
TOWNS = ("Mohnhausen", "Klarenbach", "Seelingstedt", "Trautenau-Nord", "Wiesenfurt")
CLINICS = ("St. Ursel Klinikum", "Klinikum Auenblick", "Radiologie Marktgasse")
SURNAMES = ("Zwirnleitner", "Kammersdorf", "Ohlendahl", "Pfefferkuch", "Rautenbusch", "Vossgarten")
CT_ATTRIBUTES: dict[str, Any] = {
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"], "KVP": 120, "XRayTubeCurrent": 210, "ConvolutionKernel": "B30",
    "BodyPartExamined": "LIVER", "ProtocolName": "Abdomen pv",
}  # fmt: skip
MR_ATTRIBUTES: dict[str, Any] = {
    "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"], "ScanningSequence": "GR", "SequenceVariant": "MP", "ScanOptions": "",
    "MRAcquisitionType": "3D", "RepetitionTime": 1900, "EchoTime": 2.5, "FlipAngle": 9,
    "EchoTrainLength": 1, "MagneticFieldStrength": 3, "BodyPartExamined": "HEAD", "ProtocolName": "T1w mprage",
}  # fmt: skip


def invent_identity(row: dict[str, str], random: np.random.Generator) -> Identity:
    """Everything identifying that the plan does not hold."""

    def pick(choices: tuple[str, ...]) -> str:
        return str(random.choice(choices))

    number = int(random.integers(10_000_000, 99_999_999))
    return Identity(
        family_name=row["family_name"],
        given_name=row["given_name"],
        record_number=row["medical_record_number"],
        birth_date=dt.date.fromisoformat(row["birth_date"]),
        sex=row["sex"][0].upper(),
        study_date=dt.date(2024, 1, 2) + dt.timedelta(days=int(random.integers(0, 360))),
        address=f"{pick(STREETS)} {random.integers(1, 99)}, {random.integers(10000, 99999)} {pick(TOWNS)}",
        telephone=f"+49-{random.integers(200, 999)}-{number}",
        institution=f"{pick(CLINICS)} {pick(TOWNS)}",
        physician=f"{pick(SURNAMES)}^Dr.{number % 997:03d}",
        operator=f"{pick(SURNAMES)}^MTR{number % 991:03d}",
        accession=f"ACC{number:08d}",
        station=f"SCAN{number % 99991:05d}",
        relative=f"{pick(SURNAMES)}-{row['family_name']}",
    )


def text_picture(lines: list[str], shape: tuple[int, int], background: NDArray[np.float32]) -> NDArray[np.float32]:
    """Burn white text into a picture (columns, rows), as a secondary capture or a scout has it."""
    canvas = Image.new("L", shape, 0)
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default_imagefont()
    for number, line in enumerate(lines):
        draw.text((4, 4 + 12 * number), line.encode("ascii", "replace").decode(), fill=255, font=font)
    return np.where(np.asarray(canvas).T > 127, np.float32(1000), background).astype(np.float32)


def burned_in(identity: Identity, random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
    """One picture with the patient's name in its pixels, shape (columns, rows, 1)."""
    x, y = np.meshgrid(np.linspace(-1, 1, shape[0]), np.linspace(-1, 1, shape[1]), indexing="ij")
    body = np.where(np.hypot(x / 0.8, (y - 0.2) / 0.75) < 1, 300.0, 0.0) + random.normal(0, 6, shape)
    lines = [
        identity.family_name,
        identity.given_name,
        f"ID {identity.record_number}",
        f"*{identity.birth_date:%d.%m.%Y}",
    ]
    return text_picture(lines, shape, np.rint(body).astype(np.float32))[:, :, None]


def save_mask(path: Path, phantom: Phantom, spacing: tuple[float, float, float]) -> None:
    """Voxels at least half inside the structure, in the geometry of the DICOM series (LPS turned to RAS)."""
    corner = np.array([(size - 1) / 2 * step for size, step in zip(phantom.share.shape, spacing, strict=True)])
    affine = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    affine[:3, 3] = corner * np.array([1.0, 1.0, -1.0])
    mask = nib.Nifti1Image((phantom.share >= 0.5).astype(np.uint8), affine)
    with atomic_path(path) as temporary:
        nib.save(mask, temporary)


def main(
    *, plan: Path, folder: Path, lesion_mask: Path, brain_mask: Path, lesions: Path, phi: Path,
    patient_id: str, seed: int, settings: dict[str, Any],
) -> None:  # fmt: skip
    """Simulate one patient.

    Parameters
    ----------
    plan
        Table of `plan_cohort`.
    folder
        Gets one sub-folder per series: ct, mr, and for every few patients screen_save and scout.
    lesion_mask, brain_mask
        Reference masks, NIfTI.
    lesions, phi
        Truth tables of this patient: what was planted in the image and which identifiers where.
    settings
        Section `imaging` of the synthetic config.

    Raises
    ------
    ValueError
        The plan has no such patient, or the structure does not fit into the field of view.
    """
    frame = pd.read_csv(plan, sep="\t", dtype=str, keep_default_na=False).set_index("patient_id", drop=False)
    if patient_id not in frame.index:
        raise ValueError(f"{plan}: no patient {patient_id}")
    row = {str(name): str(value) for name, value in frame.loc[patient_id].items()}
    random = generator(seed, "images", patient_id)
    identity = invent_identity(row, random)
    key = f"{seed}/{patient_id}"
    ct_grid, mr_grid = (
        Grid(tuple(settings[name]["shape"]), tuple(settings[name]["spacing_mm"])) for name in ("ct", "mr")
    )
    ct = liver_ct(
        ct_grid, float(row["lesion_volume_ml"]), float(row["lesion_heterogeneity_hu"]), settings["ct"]["noise"], random
    )
    mr = t1_head(mr_grid, float(row["brain_volume_ml"]), settings["mr"]["noise"], random)
    planned = [
        (Series("ct", 2, "CT", f"Abdomen {identity.family_name}", ct_grid.spacing, -1024, CT_ATTRIBUTES), ct.image),
        (Series("mr", 3, "MR", "T1w head", mr_grid.spacing, 0, MR_ATTRIBUTES), mr.image),
    ]
    number = int(patient_id.lstrip("P"))
    if number % settings["burned_in_every"] == 1:
        shape = tuple(settings["picture_shape"])
        saved = {
            "ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"],
            "ConversionType": "WSD",
            "BurnedInAnnotation": "YES",
            "PatientOrientation": "",
            "Laterality": "",
        }
        scout = {**CT_ATTRIBUTES, "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}
        planned.append(
            (
                Series("screen_save", 99, "OT", "Screen save", (1.0, 1.0, 1.0), 0, saved),
                burned_in(identity, random, shape),
            )
        )
        planned.append(
            (Series("scout", 1, "CT", "Scout", (2.0, 2.0, 1.0), 0, scout), burned_in(identity, random, shape))
        )
    for series, volume in planned:
        write_series(folder / series.name, identity, series, volume, key)
    save_mask(lesion_mask, ct, ct_grid.spacing)
    save_mask(brain_mask, mr, mr_grid.spacing)
    write_truth(
        lesions=lesions,
        phi=phi,
        patient_id=patient_id,
        identity=identity,
        series=[series.name for series, _ in planned],
        lesion=(ct_grid, ct),
        brain=(mr_grid, mr),
    )


def write_truth(
    *, lesions: Path, phi: Path, patient_id: str, identity: Identity, series: list[str],
    lesion: tuple[Grid, Phantom], brain: tuple[Grid, Phantom],
) -> None:  # fmt: skip
    """Write what was planted: volume in ml, diameter and centre in mm (DICOM axes), texture in HU, identifiers."""
    rows = []
    for structure, (grid, phantom) in (("lesion", lesion), ("brain", brain)):
        volume = float(phantom.share.sum()) * grid.voxel_ml
        rows.append(
            {
                "patient_id": patient_id,
                "structure": structure,
                "volume_ml": round(volume, 4),
                "equivalent_diameter_mm": round(2 * (3 * volume * 1000 / (4 * np.pi)) ** (1 / 3), 3),
                "texture_sd_hu": round(phantom.texture_sd, 3),
                **{f"centre_{axis}_mm": round(value, 3) for axis, value in zip("xyz", phantom.centre_mm, strict=True)},
            }
        )
    tokens = [
        {"patient_id": patient_id, "kind": kind, "token": token, "series": ",".join(series)}
        for kind, token in identity.tokens().items()
    ]
    for path, table in ((lesions, rows), (phi, tokens)):
        write_table(pd.DataFrame(table), path)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            plan=Path(snakemake.input.plan),
            folder=Path(snakemake.output.folder),
            lesion_mask=Path(snakemake.output.lesion_mask),
            brain_mask=Path(snakemake.output.brain_mask),
            lesions=Path(snakemake.output.lesions),
            phi=Path(snakemake.output.phi),
            patient_id=snakemake.wildcards.patient,
            seed=snakemake.params.seed,
            settings=snakemake.params.settings,
        )
