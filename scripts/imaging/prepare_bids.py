"""Bring de-identified DICOM series and NIfTI images into one BIDS data set."""

import gzip
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd

from kimedlib.dicom_series import read_all, slice_places, slice_spacing
from kimedlib.imaging_bids import describe
from kimedlib.imaging_nifti import save_nifti
from kimedlib.imaging_tables import read_sheet_rows, records
from kimedlib.logs import log_to
from kimedlib.table_files import write_table

README = """De-identified images, brought here by the imaging workflow of the KIMed Demonstrators.

Participants have the pseudonyms of the sample sheet. Computed tomography, PET and MR images other than T1-weighted
heads lie in folders that the BIDS standard does not know; .bidsignore lists these.
"""
# dcm2niix keeps these for data sets that were not de-identified; none of them may go on.
IDENTIFYING_KEYS = re.compile(
    r"^(Patient|Institution|Institutional|Station|Operator|Referring|Performing|Physician|Accession|Device(Serial|UID)|"
    r"Study|Series(Instance|Description)|ProcedureStep|ProtocolName|AcquisitionDate|ContentDate|Comments|ImageComments)"
)
AUX_FILE = slice(228, 252)  # bytes of the field in the header (nifti1.h)
SUFFIXES = {("MR", "brain"): ("anat", "T1w"), ("MR", "labels"): ("anat", "T1w")}


def bids_places(sheet: pd.DataFrame) -> list[Path]:
    """Place of each row's image below the data set, without extension; names only from sheet columns."""
    kinds = [SUFFIXES.get((row["modality"], row["task"]), (row["modality"].lower(),) * 2) for row in records(sheet)]
    keys = list(zip(sheet["patient_id"], sheet["visit"], kinds, strict=True))
    counts = pd.Series(keys).value_counts()
    places = []
    for row, key in zip(records(sheet), keys, strict=True):
        folder, suffix = key[2]
        subject = [f"sub-{row['patient_id']}", *([f"ses-{row['visit']}"] if row["visit"] else [])]
        acquisition = f"_acq-{re.sub('[^A-Za-z0-9]', '', row['sample'])}" if counts[key] > 1 else ""
        places.append(Path(*subject, folder, f"{'_'.join(subject)}{acquisition}_{suffix}"))
    return places


def clean_sidecar(text: str) -> dict[str, Any]:
    """Sidecar without keys that may name a person, site or day."""
    return {key: value for key, value in sorted(json.loads(text).items()) if not IDENTIFYING_KEYS.match(key)}


def without_comments(image: bytes) -> bytes:
    """A NIfTI-1 file of dcm2niix without the image comments that it puts into `aux_file`; its word for none stays."""
    comment = image[AUX_FILE].rstrip(b"\0")
    return image if comment in (b"", b"None") else image[: AUX_FILE.start] + bytes(24) + image[AUX_FILE.stop :]


def convert_series(folder: Path, target: Path) -> str:
    """Convert one series with dcm2niix; returns why it cannot be used, or an empty text."""
    with tempfile.TemporaryDirectory() as scratch:
        command = ["dcm2niix", "-b", "y", "-ba", "y", "-z", "n", "-f", "image", "-o", scratch, str(folder)]
        run = subprocess.run(command, text=True, capture_output=True, check=False)  # noqa: S603 fixed program, no shell
        print(run.stdout, run.stderr)
        images = sorted(Path(scratch).glob("*.nii"))
        if len(images) != 1:
            return f"dcm2niix makes {len(images)} images of the series"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.with_name(f"{target.name}.nii.gz").write_bytes(
            gzip.compress(without_comments(images[0].read_bytes()), compresslevel=6, mtime=0)
        )
        sidecar = images[0].with_suffix(".json")
        kept = clean_sidecar(sidecar.read_text(encoding="utf-8")) if sidecar.exists() else {}
        target.with_name(f"{target.name}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return ""


def copy_nifti(source: Path, target: Path) -> None:
    """Copy an image with its voxel values and grid, but no free text of its header."""
    image = nib.load(source)
    data = np.asanyarray(image.dataobj)
    if data.dtype.kind == "f":
        data = data.astype(np.float32)
    copy = nib.Nifti1Image(data, image.affine)
    copy.header.set_xyzt_units("mm")
    target.parent.mkdir(parents=True, exist_ok=True)
    save_nifti(copy, target.with_name(f"{target.name}.nii.gz"))


def dicom_slice_distance(folder: Path) -> float:
    """Slice distance by ImagePositionPatient, mm; 0 if it cannot be told."""
    found, _ = read_all(folder, pixels=False)
    return slice_spacing(slice_places([dataset for _, dataset in found]))


def write_review(said: dict[str, dict[str, Any]], review: Path) -> None:
    """One list of what people have to look at."""
    columns = ["sample", "files", "place", "reason"]
    rows = [{"sample": sample, **row} for sample, entry in sorted(said.items()) for row in entry.get("review", [])]
    write_table(pd.DataFrame(rows, columns=columns), review)


def main(*, sheet: Path, images: list[Path], decisions: list[Path], bids: Path, conversion: Path, review: Path) -> None:
    """Build the data set.

    Parameters
    ----------
    sheet
        Sample sheet.
    images
        One per sheet row: folder of a de-identified series, or NIfTI file.
    decisions
        JSON files of `deidentify_series`; refused series are listed, not converted.
    bids
        Folder of the data set.
    conversion
        Table: sample, patient_id, modality, task, image (below `bids`), slice_distance_mm (of the DICOM
        files), refused (reason or empty).
    review
        Table: sample, files, place, reason of what a person has to look at before the images are passed on.

    Raises
    ------
    ValueError
        No image could be converted.
    """
    rows = read_sheet_rows(sheet)
    said = {entry["sample"]: entry for entry in (json.loads(path.read_text(encoding="utf-8")) for path in decisions)}
    shutil.rmtree(bids, ignore_errors=True)
    table = []
    for row, source, place in zip(records(rows), images, bids_places(rows), strict=True):
        decision = said.get(row["sample"], {"accepted": True})
        distance, refused = 0.0, "" if decision["accepted"] else "de-identification: " + "; ".join(decision["reasons"])
        if not refused and source.is_dir():
            refused = convert_series(source, bids / place)
            distance = dicom_slice_distance(source)
        elif not refused:
            copy_nifti(source, bids / place)
        table.append(
            {
                "sample": row["sample"],
                "patient_id": row["patient_id"],
                "modality": row["modality"],
                "task": row["task"],
                "image": "" if refused else f"{place}.nii.gz",
                "slice_distance_mm": round(distance, 4),
                "refused": refused,
            }
        )
    if all(entry["refused"] for entry in table):
        raise ValueError("every series was refused; the reasons are in the decisions of deidentify_series")
    describe(bids, "De-identified images", "raw", README)
    participants = sorted({str(entry["patient_id"]) for entry in table if not entry["refused"]})
    lines = ["participant_id", *(f"sub-{participant}" for participant in participants)]
    (bids / "participants.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_table(pd.DataFrame(table), conversion)
    write_review(said, review)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            sheet=Path(snakemake.input.sheet),
            images=[Path(path) for path in snakemake.input.images],
            decisions=[Path(path) for path in snakemake.input.decisions],
            bids=Path(snakemake.output.bids),
            conversion=Path(snakemake.output.conversion),
            review=Path(snakemake.output.review),
        )
