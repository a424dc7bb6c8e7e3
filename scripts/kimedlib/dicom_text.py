"""Texts in DICOM objects: whether they name somebody, and what of a free text may stay."""

import base64
import binascii
import functools
import html
import re
import unicodedata
import zlib
from urllib.parse import unquote_to_bytes

import numpy as np
from pydicom import DataElement, Dataset
from pydicom.multival import MultiValue
from pydicom.sr.codedict import Collection

SHORTEST_IDENTIFIER = 4  # shorter texts occur by chance
SHORTEST_IDEOGRAPHIC = 2  # a family name of two letters is an ordinary one in Japanese, Korean and Chinese
SHORTEST_NUMBER = 6  # of the digits within an identifier
SHORTEST_RUN = 6  # of the plain letters of a name with others, whose coding was lost: ?chslwanger
FILE_NAME = 8  # letters of a name on a medium (PS3.10 8.6)
MOST_DECOMPRESSED = 1_000_000  # bytes
MONTHS = (
    "january januar janvier jan", "february februar fevrier feb", "march maerz marz mars mar mrz",
    "april avril apr avr", "may mai", "june juni juin jun", "july juli juillet jul", "august aout aug",
    "september septembre sept sep", "october oktober octobre oct okt", "november novembre nov",
    "december dezember decembre dec dez",
)  # fmt: skip
IDENTIFYING = (
    "PatientName", "PatientID", "OtherPatientIDs", "OtherPatientNames", "PatientBirthName", "PatientMotherBirthName",
    "PatientBirthDate", "PatientAddress", "PatientTelephoneNumbers", "MilitaryRank", "MedicalRecordLocator",
    "ResponsiblePerson", "AdmissionID", "AccessionNumber", "StudyID", "ReferringPhysicianName", "OperatorsName",
    "PerformingPhysicianName", "PhysiciansOfRecord", "RequestingPhysician", "NameOfPhysiciansReadingStudy",
    "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID",
)  # fmt: skip
# Not looked for where their option keeps them.
OF_OPTIONS = {
    "institution_identity": ("InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName"),
    "device_identity": ("StationName", "DeviceSerialNumber"),
}
# What writers of protocols abbreviate; the rest of the vocabulary is the code meanings that DICOM and SNOMED CT define.
ABBREVIATIONS = """
2ch 2d 3ch 3d 4ch abdomen adc and asl ax axial bold bone brain ch chest cine contrast cor coronal ct cta dixon dwi epi
fatsat flair foot fs fse gre hand head heart hip iv knee km la lax liver lung mit mm mprage mr mra mrcp mri ms nativ
native neck nm obl of ohne pd pdw pelvis pet post pre recon sa sag sagittal sax shoulder soft spine stir swi t1 t1w t2
t2w the thin tof tra tse und us with without
"""
NUMBER = re.compile(r"\d{1,3}([.,]\d{1,3})?(mm|cm|ms|s|t|d|min|ml|kv|mas|%)?", re.IGNORECASE)
# Dates in the forms that people write, long numbers, addresses of mail, and titles before names.
SUSPICIOUS = re.compile(
    r"\d{7,}|\b(19|20)\d{2}[-./]?\d{2}[-./]?\d{2}\b|\b\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})\b|\S@\S|"
    r"\b(dr|prof|mrs|herr|frau|geb|born|dob|mrn)\b\.?",
    re.IGNORECASE,
)
# Of numbers: type and bytes.
BYTES_OF = {
    "US": ("<u2", 2), "SS": ("<i2", 2), "UL": ("<u4", 4), "SL": ("<i4", 4), "FL": ("<f4", 4), "FD": ("<f8", 8),
    "SV": ("<i8", 8), "UV": ("<u8", 8), "AT": ("<u4", 2),
}  # fmt: skip
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


def values_of(element: DataElement) -> list[str]:
    """Values of an element as texts."""
    if element.value is None:
        return []
    several = isinstance(element.value, (MultiValue, list, tuple))
    return [str(value) for value in (element.value if several else [element.value])]


def folded(text: str) -> str:
    """Letters and digits only, without case, accents and ligatures: `Möller-Groß` and `MOLLER GROSS` are alike."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if letter.isalnum())


def spellings(text: str) -> set[str]:
    """Folded, with umlauts as two letters as well."""
    return {folded(text), folded(unicodedata.normalize("NFC", text.casefold()).translate(UMLAUTS))}


def birth_forms(date: str) -> set[str]:
    """Orders and words in which a date (YYYYMMDD) is written, folded."""
    year, month, day = date[:4], date[4:6], date[6:]
    found = {day + month + year, month + day + year, day + month + year[2:], year[2:] + month + day}
    if 1 <= int(month) <= len(MONTHS):
        for name in MONTHS[int(month) - 1].split():
            for number in {day, str(int(day))}:
                found.add(f"{number}{name}{year}")
                found |= {f"{name}{number}{suffix}{year}" for suffix in ("", "st", "nd", "rd", "th")}
    return found


def person_forms(part: str) -> set[str]:
    """A part of a person's name: folded, cut to the length of file names, and what is left where its coding is lost."""
    forms = spellings(part)
    forms |= {form[:FILE_NAME] for form in forms if len(form) > FILE_NAME}
    if not part.isascii():
        forms |= {run.casefold() for run in re.findall(rf"[A-Za-z]{{{SHORTEST_RUN},}}", part)}
    return forms


def long_enough(text: str) -> bool:
    """Whether a folded text is too long to occur by chance."""
    ideographic = any(ord(letter) >= 0x1100 for letter in text)
    return len(text) >= (SHORTEST_IDEOGRAPHIC if ideographic else SHORTEST_IDENTIFIER)


def own_identifiers(dataset: Dataset, options: tuple[str, ...] = ()) -> frozenset[str]:
    """Folded texts of the object that name patient, staff or place, to be looked for elsewhere in it.

    Persons and numbers in items count too. Long numbers within identifiers are among them, and the date of birth in the
    orders and words that are in use.
    """
    keywords = [
        *IDENTIFYING,
        *(name for option, names in OF_OPTIONS.items() if option not in options for name in names),
    ]
    if "uids" in options:
        keywords = [name for name in keywords if not name.endswith("UID")]
    found: set[str] = set()
    wanted = set(keywords)
    for element in dataset.iterall():
        top = element.tag in dataset and dataset[element.tag] is element
        if element.VR != "PN" and (element.keyword not in wanted or (element.VR == "UI" and not top)):
            continue
        for value in values_of(element):
            if element.VR == "PN":
                found |= {form for part in (value, *re.split(r"[\^=]", value)) for form in person_forms(part)}
            else:
                found |= spellings(value)
            if element.VR != "UI":
                found |= set(re.findall(rf"\d{{{SHORTEST_NUMBER},}}", value))
            if element.VR == "DA" and re.fullmatch(r"\d{8}", value):
                found |= birth_forms(value)
    return frozenset(text for text in found if long_enough(text))


def readings_of(value: str) -> set[str]:
    """A text, and what it says where it is coded for web pages, mail or as numbers."""
    found = {value}
    if "%" in value:
        found.add(unquote_to_bytes(value).decode("utf-8", "ignore"))
    if "&" in value:
        found.add(html.unescape(value))
    for run in re.findall(r"[A-Za-z0-9+/_-]{8,}", value):
        plain = run.translate(str.maketrans("-_", "+/"))
        try:
            found.add(base64.b64decode(plain[: len(plain) // 4 * 4]).decode("latin-1"))
            if len(run) % 2 == 0 and re.fullmatch(r"[0-9A-Fa-f]+", run):
                found.add(bytes.fromhex(run).decode("latin-1"))
        except (binascii.Error, ValueError):
            continue
    return found


def names_somebody(value: str, identifiers: frozenset[str]) -> bool:
    """Whether a text holds one of the identifiers in any spelling or usual coding."""
    forms = {form for text in readings_of(value) for form in spellings(text)}
    return any(own in form for own in identifiers for form in forms)


def decompressed(value: bytes) -> list[bytes]:
    """What binary content holds in the forms of gzip and zlib, at its beginning or further on; cut to a length."""
    starts = {0, *(match.start() for match in re.finditer(rb"\x1f\x8b\x08|x[\x01\x5e\x9c\xda]", value[:4096]))}
    found = []
    for start in sorted(starts)[:20]:
        try:
            found.append(zlib.decompressobj(wbits=47).decompress(value[start:], MOST_DECOMPRESSED))
        except zlib.error:
            continue
    return found


def bytes_name_somebody(value: bytes, identifiers: frozenset[str]) -> bool:
    """The same of binary content, read as UTF-8, Latin-1, UTF-16 and what compression hides."""
    codings = ("latin-1", "utf-8", "utf-16le", "utf-16be")
    readings = [content.decode(code, "ignore") for content in (value, *decompressed(value)) for code in codings]
    readings.append(value.replace(b"\0", b"").decode("latin-1"))
    return any(names_somebody(text, identifiers) for text in readings)


def numbers_name_somebody(element: DataElement, identifiers: frozenset[str]) -> bool:
    """The same of numbers: an identifier as a number, or letters as numbers or as the bytes of numbers."""
    numbers = []
    for text in values_of(element):
        try:
            numbers.append(int(re.sub(r"\W", "", text), 16) if element.VR == "AT" else float(text))
        except ValueError:
            return False
    whole = [int(number) for number in numbers if abs(number) < 2**63 and number == int(number)]
    if any(str(abs(number)) in identifiers for number in whole if abs(number) >= 10 ** (SHORTEST_NUMBER - 1)):
        return True
    if len(numbers) < 2:
        return False
    longer = frozenset(own for own in identifiers if len(own) > SHORTEST_IDENTIFIER or not own.isascii())
    letters = "".join(chr(number) for number in whole if 0 < number < 0x110000)
    form, size = BYTES_OF.get(element.VR, ("<u1", 1))
    content = b"" if size == 1 else np.array(numbers, dtype=form).tobytes()
    if element.VR == "AT":  # group and element are words of their own
        content = np.frombuffer(np.array(numbers, dtype=">u4").tobytes(), dtype=">u2").astype("<u2").tobytes()
    turned = np.frombuffer(content, dtype=f"<u{size}").byteswap().tobytes()
    return names_somebody(letters, longer) or any(bytes_name_somebody(part, longer) for part in (content, turned))


@functools.cache
def vocabulary() -> frozenset[str]:
    """Words, folded, of the code meanings in pydicom's copy of the standard's context groups."""
    words: set[str] = set(ABBREVIATIONS.split())
    for scheme in ("DCM", "SCT"):
        for code in Collection(scheme).concepts.values():
            words |= {folded(word) for word in re.split(r"[^\w]+", code.meaning)}
    return frozenset(word for word in words if word)


def clean_text(value: str, identifiers: frozenset[str]) -> str:
    """Words of the vocabulary and short numbers of a free text; empty where it names somebody or nothing is left."""
    if SUSPICIOUS.search(value) or names_somebody(value, identifiers):
        return ""
    words = re.split(r"[^\w.,%]+|_+", value)
    kept = [word for word in words if NUMBER.fullmatch(word) or folded(word) in vocabulary()]
    return " ".join(word for word in kept if word)


def years(age: str) -> int | None:
    """Whole years of an age string (PS3.5 6.2: 018Y, 012M, 003W, 010D); None if it is none."""
    match = re.fullmatch(r"(\d{3})([DWMY])", age)
    days = {"D": 1.0, "W": 7.0, "M": 365.25 / 12, "Y": 365.25}
    return int(int(match[1]) * days[match[2]] / 365.25 + 1e-9) if match else None
