"""Hiding places that were thought of after the engine was written: codings, odd representations, items, other objects.

Every place repeats what the object itself says of its patient, or holds a token where nothing may stand at all.
"""

import base64
import gzip
import zlib
from collections.abc import Callable

import numpy as np
import planted_identifiers
from pydicom import DataElement, Dataset
from pydicom.tag import Tag

Place = tuple[Callable[[Dataset], None], list[bytes]]
FAMILY, ASCII = "Öchslwanger", "Oechslwanger"
TOKEN = "Zq4711xk"


def put(tag: int, representation: str, value: object) -> Callable[[Dataset], None]:
    return lambda dataset: dataset.add(DataElement(Tag(tag), representation, value, validation_mode=0))


def inside(*tags: int) -> Callable[[Callable[[Dataset], None]], Callable[[Dataset], None]]:
    """The same within items of items."""

    def wrap(plant: Callable[[Dataset], None]) -> Callable[[Dataset], None]:
        def planted(dataset: Dataset) -> None:
            for tag in tags:
                entry = Dataset()
                dataset.add_new(tag, "SQ", [*(dataset[tag].value if tag in dataset else []), entry])
                dataset = entry
            plant(dataset)

        return planted

    return wrap


def private_in_items(dataset: Dataset) -> None:
    """A creator's block in an item of a private sequence in an item of a public one."""
    entry, inner = Dataset(), Dataset()
    inner.private_block(0x0011, TOKEN, create=True).add_new(1, "UT", TOKEN)
    inner.StudyComments = TOKEN
    entry.private_block(0x0009, "ACME", create=True).add_new(2, "SQ", [inner])
    dataset.RequestAttributesSequence = [entry]


def other_number(dataset: Dataset) -> None:
    """A number that only an item names, repeated elsewhere."""
    entry = Dataset()
    entry.PatientID, entry.IssuerOfPatientID = "KIS-7730021", "Ward"
    dataset.OtherPatientIDsSequence = [entry]
    dataset.add(DataElement(Tag(0x00181020), "LO", "v KIS-7730021"))


def other_person(dataset: Dataset) -> None:
    """A person that only an attribute outside the table and an item name, repeated elsewhere."""
    entry = Dataset()
    entry.PersonName = "Wurzelgruber^Ada"
    dataset.ContentSequence = [entry]
    dataset.add(DataElement(Tag(0x00181020), "LO", "by Wurzelgruber"))


def wide(text: str, coding: str) -> list[int]:
    return [int(word) for word in np.frombuffer(text.encode(coding), dtype="<u2" if "16" in coding else "<u4")]


BASE64 = base64.b64encode(ASCII.encode())
PICTURE = (np.indices((8, 8)).sum(axis=0) % 2 * 255).astype(np.uint8).tobytes()
ITEM = inside(0x00081140)
PLACES: dict[str, Place] = {
    "private block in an item of a private sequence in an item": (private_in_items, [TOKEN.encode()]),
    "number of an item, elsewhere": (other_number, [b"7730021"]),
    "person of an item, elsewhere": (other_person, [b"Wurzelgruber"]),
    "base64 in a text": (put(0x00181020, "LO", BASE64.decode()), [BASE64]),
    "base64 in binary content": (put(0x00281201, "OW", b"  " + BASE64 + b"  "), [BASE64]),
    "hexadecimal in a text": (put(0x00181020, "LO", ASCII.encode().hex()), [ASCII.encode().hex().encode()]),
    "gzip in binary content": (put(0x00281202, "OW", gzip.compress(ASCII.encode(), mtime=0)), [b"\x1f\x8b"]),
    "deflated binary content": (put(0x00281203, "OW", zlib.compress(ASCII.encode())), [zlib.compress(ASCII.encode())]),
    "UTF-16 with umlauts in binary content": (
        put(0x00281201, "OW", FAMILY.encode("utf-16be")), [FAMILY.encode("utf-16be")]
    ),
    "characters as numbers, 16 bits": (put(0x00281101, "US", wide(ASCII, "utf-16le")), [ASCII.encode("utf-16le")]),
    "characters as numbers, 32 bits": (put(0x00081161, "UL", wide(ASCII, "utf-32le")), [ASCII.encode("utf-32le")]),
    "bytes as numbers, 32 bits": (
        put(0x00081161, "UL", [int(w) for w in np.frombuffer(b"Oechslwanger", dtype="<u4")]), [b"Oechslwanger"]
    ),
    "bytes as floating-point numbers": (
        put(0x00189602, "FD", [float(w) for w in np.frombuffer(b"Oechslwanger1234", dtype="<f8")]), [b"Oechslwa"]
    ),
    "bytes as tags": (
        put(0x00280009, "AT", [int(w) for w in np.frombuffer(b"eOhclsawgnre", dtype=">u4")]), [b"Oechslwanger"]
    ),
    "number as a whole number": (put(0x00081161, "UL", 80417733), [(80417733).to_bytes(4, "little")]),
    "number as a decimal": (put(0x00181310, "DS", "80417733.0"), [b"80417733"]),
    "number with zeros before it": (put(0x00200013, "IS", "0080417733"), [b"80417733"]),
    "birth date in words": (put(0x00181020, "LO", "9. April 1931"), [b"April 1931"]),
    "birth date in French": (put(0x00181020, "LO", "le 9 avril 1931"), [b"avril 1931"]),
    "birth date in American": (put(0x00181020, "LO", "Apr 9th, 1931"), [b"1931"]),
    "name over two values": (put(0x00181020, "LO", ["Oechsl", "wanger"]), [b"wanger"]),
    "first eight letters, as on a medium": (put(0x00180024, "SH", "OECHSLWA.IMG"), [b"OECHSLWA"]),
    "file of a medium": (put(0x00041500, "CS", ["DATEN", TOKEN.upper()]), [TOKEN.upper().encode()]),
    "percent coding": (put(0x00181020, "LO", "%C3%96chslwanger"), [b"chslwanger"]),
    "HTML entity": (put(0x00181020, "LO", "&Ouml;chslwanger"), [b"chslwanger"]),
    "wrong character set": (put(0x00181020, "LO", "Ã–chslwanger"), [b"chslwanger"]),
    "umlaut lost": (put(0x00181020, "LO", "?chslwanger"), [b"chslwanger"]),
    "full-width letters": (put(0x00181020, "LO", "Ｏｅｃｈｓｌｗａｎｇｅｒ"), ["Ｏｅｃｈｓ".encode()]),
    "invisible letters between": (put(0x00181020, "LO", "Oechsl\u200bwanger"), [b"Oechsl"]),
    "picture in an item": (ITEM(put(0x7FE00010, "OB", PICTURE)), [PICTURE]),
    "icon of an icon": (inside(0x00880200, 0x00880200)(put(0x7FE00010, "OB", PICTURE)), [PICTURE]),
    "variable pixel data": (put(0x7F020010, "OB", TOKEN.encode()), [TOKEN.encode()]),
    "signature": (inside(0xFFFAFFFA)(put(0x04000120, "OB", TOKEN.encode())), [TOKEN.encode()]),
    "encrypted content": (inside(0x04000500)(put(0x04000520, "OB", TOKEN.encode())), [TOKEN.encode()]),
    "colour profile": (put(0x00282000, "OB", TOKEN.encode()), [TOKEN.encode()]),
    "data of non-destructive testing": (put(0x00144040, "OB", TOKEN.encode()), [TOKEN.encode()]),
    "unknown representation in an item": (ITEM(put(0x00084999, "UN", TOKEN.encode())), [TOKEN.encode()]),
    "text of a waveform's annotation": (
        inside(0x0040B020)(put(0x00700006, "ST", f"lead {TOKEN}")), [TOKEN.encode()]
    ),
    "channel of a waveform": (inside(0x54000100, 0x003A0200)(put(0x003A0203, "SH", ASCII)), [ASCII.encode()]),
    "structured display": (inside(0x00720422, 0x00720424)(put(0x00700006, "ST", TOKEN)), [TOKEN.encode()]),
    "hanging protocol": (put(0x00720002, "SH", ASCII[:12]), [ASCII.encode()]),
    "telephone in a short text": (put(0x00181250, "SH", "0170 1234567"), [b"1234567"]),
    "source images of old": (put(0x00203100, "CS", TOKEN.upper()), [TOKEN.upper().encode()]),
    "encapsulated CDA": (put(0x00420011, "OB", f"<name>{TOKEN}</name>".encode()), [TOKEN.encode()]),
    "encapsulated STL": (put(0x00420011, "OB", b"solid " + TOKEN.encode()), [TOKEN.encode()]),
    "encapsulated MTL": (put(0x00420011, "OB", b"newmtl " + TOKEN.encode()), [TOKEN.encode()]),
    "source of a document": (inside(0x00420013)(put(0x00420010, "ST", TOKEN)), [TOKEN.encode()]),
    "command group": (put(0x00000600, "AE", TOKEN), [TOKEN.encode()]),
}  # fmt: skip


def hide(place: str, base: str = "CT") -> Dataset:
    """An object with one place filled."""
    dataset = planted_identifiers.base(base)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName, dataset.PatientID = planted_identifiers.NAME, planted_identifiers.NUMBER
    dataset.PatientBirthDate = planted_identifiers.BIRTH
    PLACES[place][0](dataset)
    return dataset
