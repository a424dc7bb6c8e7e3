"""Judge by headers whether pixels may show text, and tidy what pixels and overlays carry besides the picture."""

import numpy as np
from pydicom import Dataset
from pydicom.pixels.utils import get_expected_length
from pydicom.tag import BaseTag, Tag
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    EnhancedPETImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
)

from kimedlib.dicom_pixel_text import shows_text

# Objects whose pixels come from a scanner's reconstruction. Secondary captures, ultrasound, reports,
# documents and plans may hold text that no header announces.
STORAGE_CLASSES = (
    CTImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    EnhancedPETImageStorage,
)
# Elements of an overlay group that hold no text.
OVERLAY_SHAPE = frozenset({0x0010, 0x0011, 0x0015, 0x0040, 0x0050, 0x0051, 0x0100, 0x0102, 0x3000})
# Bytes of the words that these representations are made of (PS3.5 6.2).
WORD_BYTES = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}


def refusal_reasons(dataset: Dataset) -> list[str]:
    """Reasons, from headers alone, not to pass on an object."""
    reasons = []
    if str(dataset.get("BurnedInAnnotation", "NO")).upper() == "YES":
        reasons.append("BurnedInAnnotation is YES")
    storage = UID(str(dataset.get("SOPClassUID", "")))
    if storage not in STORAGE_CLASSES:
        reasons.append(f"{storage.name or 'object without SOP class'} may hold text")
    kinds = dataset.get("ImageType") or []
    if "SCREEN SAVE" in ([kinds] if isinstance(kinds, str) else list(kinds)):
        reasons.append("ImageType is SCREEN SAVE")
    return reasons


def keeps_overlay(dataset: Dataset, tag: BaseTag) -> bool:
    """Whether an element describes a bitmap without text; its data are written anew, without padding bits."""
    data = Tag(tag.group, 0x3000)
    if tag.group & 0xFF00 != 0x6000 or tag.element not in OVERLAY_SHAPE or data not in dataset:
        return False
    try:
        bitmap = np.asarray(dataset.overlay_array(tag.group), dtype=np.uint8)
    except (AttributeError, ValueError, TypeError):
        return False
    if any(shows_text(frame) for frame in bitmap.reshape(-1, *bitmap.shape[-2:])):
        return False
    packed = np.packbits(bitmap.ravel(), bitorder="little").tobytes()
    dataset[data].value = packed + b"\0" * (len(packed) % 2)
    return True


def swap_words(dataset: Dataset) -> None:
    """Turn binary content that was read as big endian into little endian, in place and in all sequences.

    pydicom writes it as it was read, whatever the transfer syntax of the new file.
    """
    for element in dataset:
        if element.VR == "SQ":
            for entry in element.value:
                swap_words(entry)
        elif element.VR in WORD_BYTES and isinstance(element.value, bytes):
            unit = WORD_BYTES[element.VR]
            if element.tag == Tag(0x7FE0, 0x0010):
                unit = max(int(dataset.get("BitsAllocated", 16)) // 8, unit)
            words = np.frombuffer(element.value[: len(element.value) // unit * unit], dtype=f">u{unit}")
            element.value = words.astype(f"<u{unit}").tobytes() + element.value[len(words) * unit :]


def tidied(dataset: Dataset, value: bytes) -> bytes:
    """Uncompressed pixel data without bytes after the last pixel and with unused bits as the standard has them.

    Unused bits lie above the stored ones: zero, or the sign (PS3.5 8.1.1). Older objects kept overlays there.
    """
    try:
        length = get_expected_length(dataset)
    except AttributeError:
        return b""
    kept = value[:length]
    bits = int(dataset.get("BitsAllocated", 8))
    stored = int(dataset.get("BitsStored", bits))  # absent where pixels are floating-point numbers
    high = int(dataset.get("HighBit", stored - 1))
    if bits in (8, 16, 32) and stored < bits and len(kept) == length:
        words = np.frombuffer(kept, dtype=f"<u{bits // 8}").copy()
        mask = ((1 << stored) - 1) << (high + 1 - stored)
        words &= words.dtype.type(mask)
        if int(dataset.get("PixelRepresentation", 0)) == 1 and high + 1 == stored:
            words[(words >> (stored - 1)) & 1 == 1] |= words.dtype.type(((1 << bits) - 1) ^ mask)
        kept = words.tobytes()
    return kept + b"\0" * (len(kept) % 2)
