"""What series any tree of DICOM files holds, and which of them can be measured; names nobody.

Only headers are read. Texts of the files reach the table if they are one of a closed list (modalities, names that the
standard registers), identifiers as keyed hashes, file names not at all: a folder may be named after a patient.
"""

import hashlib
import hmac
import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from nibabel import aff2axcodes
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.pixels import get_decoder
from pydicom.uid import UID, AllTransferSyntaxes

from kimedlib.dicom_pixels import refusal_reasons
from kimedlib.dicom_series import MODALITIES, REPEATED_BY, SPACING_TOLERANCE, is_cine, slice_places, slice_spacing
from kimedlib.pseudonyms import Linkage, dicom_uid

COLUMNS = (
    "tree", "series", "patient", "kind", "sop_class", "modality", "transfer_syntax", "files", "frames", "rows",
    "columns", "pixel_mm", "slices", "volumes", "spacing_mm", "gaps", "largest_gap_mm", "duplicates", "orientation",
    "axes", "orientations", "echoes", "acquisitions", "decision", "reasons", "first_file",
)  # fmt: skip
TAGS = [
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "PatientID", "Modality", "ImageType", "BurnedInAnnotation",
    "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "PixelSpacing", "ImagePositionPatient",
    "ImageOrientationPatient", "SpacingBetweenSlices", "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence", *REPEATED_BY, "DiffusionBValue", 0x00190010, 0x0019100A,
]  # fmt: skip
# Of a frame of an enhanced object: functional group, its attribute, the name it has in a plain object (PS3.3 C.7.6.16).
OF_FRAME = (
    ("PlanePositionSequence", "ImagePositionPatient", "ImagePositionPatient"),
    ("PlaneOrientationSequence", "ImageOrientationPatient", "ImageOrientationPatient"),
    ("PixelMeasuresSequence", "PixelSpacing", "PixelSpacing"),
    ("MREchoSequence", "EffectiveEchoTime", "EchoTime"),
    ("FrameContentSequence", "TemporalPositionIndex", "TemporalPositionIdentifier"),
    ("FrameContentSequence", "FrameAcquisitionNumber", "AcquisitionNumber"),
    ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime", "TriggerTime"),
    ("MRDiffusionSequence", "DiffusionBValue", "DiffusionBValue"),
)
OBLIQUE_DEGREES = 5.0
RIGHT_ANGLE_TOLERANCE = 0.03  # scalar product of the row and column directions, which are rounded to 0.01
PLANES = ("sagittal", "coronal", "axial")


@dataclass
class Tree:
    """What the files of one tree are.

    Attributes
    ----------
    series
        Objects with the number of their file, by series identifier.
    unusable
        How many files are no (whole) DICOM object, by reason; and the number of the first one.
    """

    series: dict[str, list[tuple[int, Dataset]]] = field(default_factory=lambda: defaultdict(list))
    unusable: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def tree_files(tree: Path) -> list[Path]:
    """All files of a tree in the order of `find TREE -type f | LC_ALL=C sort`; links are not followed."""
    return sorted((path for path in tree.rglob("*") if path.is_file() and not path.is_symlink()), key=os.fsencode)


def read_tree(tree: Path) -> Tree:
    """Read the headers of all files that are DICOM objects, whatever their names; numbers count from 1."""
    found = Tree()
    for number, path in enumerate(tree_files(tree), 1):
        try:
            with path.open("rb") as handle:
                dataset = dcmread(handle, stop_before_pixels=True, specific_tags=TAGS)
                reason = defect(dataset, path.stat().st_size - handle.tell())
        except InvalidDicomError:
            reason = "no DICOM"
        except (EOFError, OSError, ValueError, KeyError, AttributeError, TypeError, NotImplementedError):
            reason = "cannot be read"
        if reason:
            found.unusable[reason].append(number)
        else:
            found.series[str(dataset.SeriesInstanceUID)].append((number, dataset))
    return found


def defect(dataset: Dataset, left: int) -> str:
    """Why a file is no whole object; empty if it is one. `left`: bytes from the pixel data to the end of the file."""
    if dataset.file_meta.get("MediaStorageSOPClassUID") == "1.2.840.10008.1.3.10":
        return "media directory (DICOMDIR)"
    if "SOPInstanceUID" not in dataset or not str(dataset.get("SeriesInstanceUID") or "\xff").isascii():
        return "cut off, or no object of a series"
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None or "Rows" not in dataset or UID(syntax).is_compressed or UID(syntax).is_deflated:
        return ""
    shape = [int(dataset.get(name, 1) or 1) for name in ("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames")]
    bits = int(np.prod(shape)) * int(dataset.get("BitsAllocated", 8))
    return "cut off: bytes of pixel data are missing" if left < bits // 8 else ""


def registered(uid: Any, otherwise: str) -> str:
    """Name that the standard gives a class or transfer syntax; anything else may be made up of a name."""
    return UID(str(uid)).name if UID(str(uid)).name != str(uid) else otherwise


def is_enhanced(dataset: Dataset) -> bool:
    """Whether places are given per frame. Some plain MR objects have functional groups beside a place of their own."""
    return bool(dataset.get("PerFrameFunctionalGroupsSequence")) and "ImagePositionPatient" not in dataset


def frames_of(dataset: Dataset) -> list[Dataset]:
    """One data set per frame with its place and what tells repetitions apart; a plain object is its own frame."""
    if not is_enhanced(dataset):
        return [dataset]
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    frames = []
    for own in dataset.PerFrameFunctionalGroupsSequence:
        frame = Dataset()
        for group, keyword, name in OF_FRAME:
            for source in (shared, own):
                if source.get(group) and keyword in source[group].value[0]:
                    setattr(frame, name, source[group].value[0][keyword].value)
        frames.append(frame)
    return frames


def mosaic_tiles(dataset: Dataset) -> int | None:
    """Slices that a Siemens mosaic shows side by side; None if the object is none, 0 if it does not say how many."""
    kinds = dataset.get("ImageType") or []
    if "MOSAIC" not in ([kinds] if isinstance(kinds, str) else list(kinds)):
        return None
    if (0x0019, 0x100A) not in dataset:
        return 0
    value = dataset[0x0019, 0x100A].value
    return int.from_bytes(value[:2], "little") if isinstance(value, bytes) else int(value)


def distinct(frames: list[Dataset], keyword: str) -> int:
    """How many different values an attribute has, absent and empty left out."""
    return len({str(frame[keyword].value) for frame in frames if frame.get(keyword) not in (None, "")})


def directions(frames: list[Dataset]) -> set[tuple[float, ...]]:
    """Different orientations, to a hundredth: scanners round them differently from slice to slice."""
    return {tuple(np.round([float(v) for v in frame.ImageOrientationPatient], 2) + 0.0) for frame in frames}


def orientation(frame: Dataset) -> tuple[str, str]:
    """Plane (axial, ...; oblique beyond 5 degrees), and where columns, rows and slices lead (R L A P I S)."""
    values = np.array([float(value) for value in frame.ImageOrientationPatient])
    normal = np.cross(values[:3], values[3:])
    lead = int(np.abs(normal).argmax())
    angle = np.degrees(np.arccos(min(1.0, abs(normal[lead]) / np.linalg.norm(normal))))
    affine = np.eye(4)
    affine[:3, :3] = np.diag([-1.0, -1.0, 1.0]) @ np.stack([values[:3], values[3:], normal], axis=1)
    return ("oblique " if angle > OBLIQUE_DEGREES else "") + PLANES[lead], "".join(map(str, aff2axcodes(affine)))


def geometry(frames: list[Dataset], row: dict[str, object]) -> list[str]:
    """Fill the columns of places; returns why the frames are no stack of slices."""
    try:
        ways = directions(frames)
        for way in ways:
            across = abs(float(np.dot(way[:3], way[3:])))
            if len(way) != 6 or across > RIGHT_ANGLE_TOLERANCE or not np.linalg.norm(np.cross(way[:3], way[3:])):
                return ["row and column directions are not at right angles"]
        places = np.round(slice_places(frames), 2)
    except (AttributeError, TypeError, ValueError):
        places = np.empty(0)
    if not len(places):
        return ["frames without ImagePositionPatient or ImageOrientationPatient: they cannot be placed"]
    row["orientations"] = len(ways)
    if len(ways) > 1:
        return [f"mixed: {len(ways)} orientations"]
    row["orientation"], row["axes"] = orientation(frames[0])
    keys = Counter(
        (place, *(str(frame.get(name, "")) for name in (*REPEATED_BY, "DiffusionBValue")))
        for place, frame in zip(places.tolist(), frames, strict=True)
    )
    spacing, unique = slice_spacing(places), np.unique(places)
    steps = np.diff(unique)
    gaps = steps[steps > (1 + SPACING_TOLERANCE) * spacing]
    repeats = sorted(set(Counter(places.tolist()).values()))
    row |= {"slices": len(unique), "spacing_mm": round(spacing, 3) or "", "gaps": len(gaps)}
    row |= {"largest_gap_mm": round(float(gaps.max()), 3) if len(gaps) else "", "duplicates": len(frames) - len(keys)}
    reasons = []
    if len(frames) > len(keys):
        reasons.append(f"{len(frames) - len(keys)} frames repeat a place with nothing that tells them apart")
    if is_cine(frames):  # a cine may lack slices and phases: `sort_cines` puts them on the line between others
        row["kind"] = f"{row['kind']}, cine".removeprefix("single-frame, ")
        return reasons
    row["volumes"] = repeats[-1]
    if len(gaps):
        reasons.append(f"slices missing: {len(gaps)} gaps up to {gaps.max():.2f} mm, else {spacing:.2f} mm apart")
    if len(repeats) > 1 and not reasons:
        several = f"{row['acquisitions']} acquisitions, " if int(str(row["acquisitions"])) > 1 else ""
        reasons.append(f"mixed: {several}places are there {repeats[0]} to {repeats[-1]} times")
    return reasons


def mixtures(objects: list[Dataset], frames: list[Dataset]) -> list[str]:
    """What a series has several of that it must have one of."""
    several = {
        "patients": len({str(found.get("PatientID", "")) for found in objects}),
        "SOP classes": distinct(objects, "SOPClassUID"),
        "image sizes": len({(found.get("Rows"), found.get("Columns")) for found in objects}),
        "pixel spacings": distinct(frames, "PixelSpacing"),
        "echoes": distinct(frames, "EchoTime"),
    }
    return [f"mixed: {count} {what}" for what, count in several.items() if count > 1]


def pixel_mm(frame: Dataset) -> str:
    """Row and column spacing; empty if the frame has none."""
    values = frame.get("PixelSpacing") or []
    return " x ".join(f"{float(value):g}" for value in values) if len(values) == 2 else ""


def describe(objects: list[Dataset]) -> dict[str, object]:
    """The row of one series but for tree, identifiers and file number."""
    first = objects[0]
    frames = [frame for found in objects for frame in frames_of(found)]
    tiles = mosaic_tiles(first)
    syntaxes = sorted({str(found.file_meta.get("TransferSyntaxUID", "")) for found in objects})
    row: dict[str, object] = {
        "kind": "enhanced" if is_enhanced(first) else "single-frame",
        "sop_class": registered(first.get("SOPClassUID", ""), "not registered"),
        "modality": first.get("Modality") if first.get("Modality") in MODALITIES else "other",
        "transfer_syntax": ", ".join(registered(syntax, "not registered") for syntax in syntaxes),
        "files": len(objects), "frames": len(frames), "rows": first.get("Rows", ""),
        "columns": first.get("Columns", ""),
        "pixel_mm": pixel_mm(frames[0]),
        "echoes": distinct(frames, "EchoTime"), "acquisitions": distinct(frames, "AcquisitionNumber"),
    }  # fmt: skip
    reasons = sorted({reason for found in objects for reason in refusal_reasons(found)})
    for syntax in syntaxes:
        if syntax not in AllTransferSyntaxes or (UID(syntax).is_encapsulated and not decodes(syntax)):
            reasons.append(f"transfer syntax {registered(syntax, 'not registered')}: pixels cannot be decoded")
    copies = len(objects) - len({str(found.SOPInstanceUID) for found in objects})
    if copies:
        reasons.append(f"{copies} files are copies of others (same SOP instance)")
    reasons += mixtures(objects, frames)
    if "Rows" not in first:
        row |= {"kind": "no image", "frames": 0}
        reasons.append("no image, or cut off: Rows is missing")
    elif tiles is not None:
        row |= {"kind": "mosaic", "slices": tiles or "", "volumes": len(objects)}
        row |= {"frames": len(objects) * tiles or len(objects), "spacing_mm": first.get("SpacingBetweenSlices", "")}
        reasons += [] if tiles else ["mosaic that does not say how many slices it shows"]
    elif int(first.get("NumberOfFrames") or 1) > 1 and row["kind"] != "enhanced":
        row |= {"kind": "multi-frame", "frames": sum(int(found.get("NumberOfFrames") or 1) for found in objects)}
        reasons.append("multi-frame without functional groups: its frames have no places")
    else:
        reasons += geometry(frames, row)
    return row | {"decision": "refused" if reasons else "accepted", "reasons": "; ".join(reasons)}


def decodes(syntax: str) -> bool:
    """Whether pixels of a compressed transfer syntax can be decoded here."""
    try:
        return bool(get_decoder(UID(syntax)).is_available)
    except NotImplementedError:
        return False


def keyed(key: bytes, what: str, value: str) -> bytes:
    """Hash that nobody without the key can repeat."""
    return hmac.new(key, f"{what}\0{value}".encode(), hashlib.sha256).digest()


def inventory(name: str, tree: Tree, key: bytes, linkage: Linkage | None) -> list[dict[str, object]]:
    """Rows of one tree: its series by identifier, then what is no object of a series.

    Parameters
    ----------
    key
        The project's; maps series identifiers like `deidentify_series`, and patient numbers.
    linkage
        The trust centre's: then patients have its pseudonyms, series its identifiers; unknown patients are refused.
    """
    uid_key = hmac.new(key, b"uid", hashlib.sha256).digest()
    rows = []
    for uid, found in tree.series.items():
        objects = [dataset for _, dataset in found]
        try:
            row = describe(objects)
        except (AttributeError, IndexError, TypeError, ValueError):
            reason = "header has values that cannot be read"
            row = {"kind": "unreadable", "files": len(objects), "decision": "refused", "reasons": reason}
        patient = str(objects[0].get("PatientID", "") or "").strip()
        row |= {"tree": name, "first_file": found[0][0], "series": "", "patient": ""}
        if linkage is None:
            row |= {"series": dicom_uid(uid, uid_key), "patient": f"h{keyed(key, 'patient', patient).hex()[:16]}"}
        elif patient in linkage.pseudonyms:
            row |= {"series": dicom_uid(uid, linkage.uid_keys[patient]), "patient": linkage.pseudonyms[patient]}
        else:
            said = "patient is not in the linkage file"
            row |= {"series": dicom_uid(uid, uid_key), "decision": "refused"}
            row["reasons"] = "; ".join(filter(None, [str(row["reasons"]), said]))
        rows.append(row)
    rows.sort(key=lambda row: str(row["series"]))
    rows += [
        {"tree": name, "kind": reason, "files": len(numbers), "decision": "refused", "reasons": reason,
         "first_file": numbers[0]}
        for reason, numbers in sorted(tree.unusable.items())
    ]  # fmt: skip
    return rows
