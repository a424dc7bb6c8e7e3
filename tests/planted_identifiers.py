"""Objects with a token in every place that can hold one, for the self-test of de-identification.

Base objects are pydicom's own samples; nobody's data.
"""

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import imaging_steps
import numpy as np
from pydicom import DataElement, Dataset, FileMetaDataset, dcmread, dcmwrite
from pydicom.data import get_testdata_file
from pydicom.datadict import dictionary_VR
from pydicom.tag import Tag
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from kimedlib.dicom_deidentify import deidentify, load_key, of_project
from kimedlib.dicom_profile import load_profile

# One file per SOP class; None is made here.
OBJECTS = {
    "CT": "CT_small.dcm", "MR": "MR_small.dcm", "RT plan": "rtplan.dcm", "RT structure set": "rtstruct.dcm",
    "RT dose": "rtdose.dcm", "basic text SR": "reportsi.dcm", "ECG waveform": "waveform_ecg.dcm",
    "ultrasound": "examples_ybr_color.dcm", "segmentation": "liver_1frame.dcm", "secondary capture": "SC_rgb_rle.dcm",
    "encapsulated PDF": None,
}  # fmt: skip
NAME, NUMBER, BIRTH = "Öchslwanger^Dörtheliese", "MRN-80417733", "19310409"


@dataclass
class Planted:
    """An object and what is hidden in it: token -> kind; tokens that the options keep are apart."""

    dataset: Dataset
    tokens: dict[str, str] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)


def base(name: str) -> Dataset:
    file = OBJECTS[name]
    if file is None:
        dataset = Dataset()
        dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = EncapsulatedPDFStorage, "1.2.3.4.5", "DOC"
        dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
        dataset.EncapsulatedDocument = b"%PDF-1.4 Report on Oechslwanger"
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        return dataset
    dataset = dcmread(get_testdata_file(file), force=True)
    if getattr(dataset.file_meta, "TransferSyntaxUID", ExplicitVRLittleEndian).is_compressed:
        dataset.decompress(generate_instance_uid=False)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def value_for(representation: str, number: int) -> tuple[object, str] | None:
    """A value of this representation that can be told from all others, and the token to look for."""
    token = f"Zq{number:04d}xk"
    if representation in {"LO", "SH", "ST", "LT", "UT", "UC", "CS", "AE", "UR", "PN"}:
        return token, token
    if representation in {"DA", "DT"}:
        date = str(np.datetime64("1850-01-01") + number).replace("-", "")
        return date, date
    if representation == "UI":
        return f"1.2.826.99.{number:05d}.7", f"1.2.826.99.{number:05d}.7"
    if representation in {"IS", "DS"}:
        return f"9{number:05d}73", f"9{number:05d}73"
    if representation in {"OB", "OW", "UN", "OB or OW"}:
        return token.encode(), token
    return None


def plant_table(planted: Planted) -> None:
    """A token in each attribute of the table whose representation can hold one; sequences hold one in an item."""
    for number, tag in enumerate(sorted(load_profile(imaging_steps.PROFILE, []).exact), 1):
        if tag >> 16 in (0x0000, 0x0002, 0x0004, 0xFFFC) or tag in (0x00080018, 0x0020000D):
            continue
        representation = dictionary_VR(tag)
        if representation == "SQ":
            entry = Dataset()
            entry.PatientComments = f"Zq{number:04d}xk"
            planted.dataset.add_new(tag, "SQ", [entry])
            planted.tokens[f"Zq{number:04d}xk"] = f"item of {Tag(tag)}"
        elif made := value_for(representation, number):
            planted.dataset.add(DataElement(Tag(tag), representation.split(" ")[0], made[0], validation_mode=0))
            planted.tokens[made[1]] = f"table {Tag(tag)}"
            planted.tags[made[1]] = tag


def nested(dataset: Dataset, depth: int) -> Dataset:
    """The innermost of many items in items."""
    for _ in range(depth):
        entry = Dataset()
        dataset.ReferencedImageSequence = [*dataset.get("ReferencedImageSequence", []), entry]
        dataset = entry
    return dataset


def in_block(creator: str, representation: str, value: object) -> Callable[[Dataset, str], None]:
    def plant(dataset: Dataset, token: str) -> None:
        dataset.private_block(0x0019, creator, create=True).add_new(
            0x0C, representation, value if value is not None else token
        )

    return plant


def setter(tag: int, representation: str, make: Callable[[str], object] = lambda token: token):
    return lambda dataset, token: dataset.add(
        DataElement(Tag(tag), representation, make(token), validation_mode=0)
    )  # fmt: skip


def deep(dataset: Dataset, token: str) -> None:
    inner = nested(dataset, 60)
    inner.OperatorsName = token
    inner.add_new(0x00091001, "UN", token.encode())


def in_file_meta(keyword: str) -> Callable[[Dataset, str], None]:
    return lambda dataset, token: setattr(
        dataset.file_meta, keyword, token.encode() if keyword == "PrivateInformation" else token[:16]
    )


def preamble(dataset: Dataset, token: str) -> None:
    dataset.preamble = token.encode().ljust(128, b"\0")


def behind_pixels(dataset: Dataset, token: str) -> None:
    if "PixelData" in dataset:
        dataset.PixelData = dataset.PixelData + token.encode() * 2


def between_bits(dataset: Dataset, token: str) -> None:
    """Letters in the bits above the stored ones, as overlays of old were."""
    if dataset.get("BitsAllocated") == 16 and "PixelData" in dataset and dataset.get("SamplesPerPixel") == 1:
        dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 0
        words = np.frombuffer(dataset.PixelData, dtype="<u2").copy() & 0x0FFF
        bits = np.unpackbits(np.frombuffer(token.encode(), dtype=np.uint8))
        words[: len(bits)] |= (bits.astype("<u2")) << 15
        dataset.PixelData = words.tobytes()


FAMILY = "Öchslwanger"
# Places that no table names; a fixed text instead of a token where the patient's own identifiers are repeated.
HIDING: dict[str, tuple[Callable[[Dataset, str], None], str | None]] = {
    "private LO": (in_block("ACME 1.0", "LO", None), None),
    "private creator": (setter(0x00210010, "LO"), None),
    "private UN": (setter(0x00231001, "UN", str.encode), None),
    "private sequence": (lambda d, t: d.private_block(0x0025, "ACME", create=True).add_new(1, "SQ", [item(t)]), None),
    "private text that poses as safe": (in_block("SIEMENS MR HEADER", "LO", None), None),
    "60 levels deep": (deep, None),
    "unknown element": (setter(0x00104999, "UN", str.encode), None),
    "unknown element, LO": (setter(0x00284999, "LO"), None),
    "known element as UN": (setter(0x00181250, "UN", lambda _: b"Oechslwanger, D."), "Oechslwanger, D."),
    "curve data": (setter(0x50003000, "OW", str.encode), None),
    "curve label": (setter(0x501E2500, "LO"), None),
    "audio comments": (setter(0x50022500, "LO"), None),
    "overlay label": (setter(0x60001500, "LO"), None),
    "overlay description of another group": (setter(0x60020022, "LO"), None),
    "overlay data": (setter(0x60043000, "OW", str.encode), None),
    "last overlay group": (setter(0x601E4000, "LT"), None),
    "trailing padding": (setter(0xFFFCFFFC, "OB", str.encode), None),
    "source application entity": (in_file_meta("SourceApplicationEntityTitle"), None),
    "implementation version": (in_file_meta("ImplementationVersionName"), None),
    "private information of the file": (in_file_meta("PrivateInformation"), None),
    "preamble": (preamble, None),
    "unused bits": (between_bits, None),
    "behind the pixels": (behind_pixels, None),
    "person outside the table": (setter(0x00189074, "PN"), None),
    "address of a server": (setter(0x00080301, "UR"), None),
    "name in a code meaning": (lambda d, _: plant_code(d, "for Oechslwanger"), "oechslwanger"),
    "name in a code's text": (setter(0x00181020, "LO", lambda _: "v1 ÖCHSLWANGER"), "ÖCHSLWANGER"),
    "name without accent": (setter(0x00181016, "LO", lambda _: "ochslwanger"), "ochslwanger"),
    "name with two letters for one": (setter(0x00181210, "SH", lambda _: "Oechslwanger"), "Oechslwanger"),
    "given name": (setter(0x00180024, "SH", lambda _: "dortheliese"), "dortheliese"),
    "name, spaced": (setter(0x00181251, "SH", lambda _: "O e c h s l w a n g e r"), "O e c h s l w a n g e r"),
    "name as a coded string": (setter(0x00180015, "CS", lambda _: "OECHSLWANGER"), "OECHSLWANGER"),
    "number as another text": (setter(0x00180022, "CS", lambda _: "80417733 MRN"), "80417733 MRN"),
    "number without its dash": (setter(0x00080070, "LO", lambda _: "MRN80417733"), "MRN80417733"),
    "birth date, German": (setter(0x00081090, "LO", lambda _: "*09.04.1931"), "09.04.1931"),
    "birth date, ISO": (setter(0x00540081, "LO", lambda _: "1931-04-09"), "1931-04-09"),
    "name in a lookup table": (setter(0x00281201, "OW", lambda _: "Öchslwanger!".encode("latin-1")), FAMILY),
    "name in UTF-16": (setter(0x00281202, "OW", lambda _: "Oechslwanger".encode("utf-16le")), "Oechslwanger"),
    "number with titles": (setter(0x00189005, "LO", lambda _: "Dr. Quastenberg"), "Quastenberg"),
    "mail": (setter(0x00181160, "LO", lambda _: "a@quasten.example"), "quasten.example"),
}


def item(token: str) -> Dataset:
    found = Dataset()
    found.PatientName = found.SeriesDescription = token
    return found


def plant_code(dataset: Dataset, meaning: str) -> None:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "1", "99X", meaning
    dataset.AnatomicRegionSequence = [code]


def hide(name: str) -> Planted:
    """An object full of tokens."""
    planted = Planted(base(name))
    dataset = planted.dataset
    plant_table(planted)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = NAME, NUMBER, BIRTH
    planted.tokens |= {"Öchslwanger": "name", "Dörtheliese": "given name", NUMBER: "number", BIRTH: "birth date"}
    for number, (kind, (plant, fixed)) in enumerate(HIDING.items(), 7000):
        token = f"Zq{number:04d}xk"
        plant(dataset, token)
        planted.tokens[fixed or token] = kind
    for token, tag in list(planted.tags.items()):  # a hiding place took the place of another
        if token.encode() not in dataset[tag].to_json().encode() and dataset[tag].VR not in ("OB", "OW", "UN"):
            del planted.tags[token], planted.tokens[token]
    return planted


def written(dataset: Dataset, options: list[str]) -> bytes:
    engine = of_project(load_key(imaging_steps.KEY), "P001", load_profile(imaging_steps.PROFILE, options))
    clean = deidentify(dataset, engine, Counter())
    buffer = io.BytesIO()
    dcmwrite(buffer, clean, enforce_file_format=True, implicit_vr=False, little_endian=True)
    return buffer.getvalue()


def survivors(content: bytes, tokens: dict[str, str]) -> dict[str, str]:
    """Tokens that the bytes hold, in any of three encodings."""
    narrow = content.replace(b"\0", b"")
    readings = [content.decode(code, "ignore").lower() for code in ("utf-8", "latin-1")]
    readings += [narrow.decode(code, "ignore").lower() for code in ("utf-8", "latin-1")]
    return {token: kind for token, kind in tokens.items() if any(token.lower() in text for text in readings)}
