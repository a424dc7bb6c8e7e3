"""Texts in DICOM objects: whether they name somebody, and what of a free text may stay."""

import functools
import re
import unicodedata

from pydicom import DataElement, Dataset
from pydicom.multival import MultiValue
from pydicom.sr.codedict import Collection

SHORTEST_IDENTIFIER = 4  # shorter texts occur by chance
SHORTEST_NUMBER = 6  # of the digits within an identifier
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


def own_identifiers(dataset: Dataset, options: tuple[str, ...] = ()) -> frozenset[str]:
    """Folded texts of the object that name patient, staff or place, to be looked for elsewhere in it.

    Long numbers within identifiers are among them, and the date of birth in the orders of year, month and day that are
    in use.
    """
    keywords = [
        *IDENTIFYING,
        *(name for option, names in OF_OPTIONS.items() if option not in options for name in names),
    ]
    if "uids" in options:
        keywords = [name for name in keywords if not name.endswith("UID")]
    found: set[str] = set()
    for keyword in keywords:
        if keyword not in dataset:
            continue
        for value in values_of(dataset[keyword]):
            parts = [value, *re.split(r"[\^=]", value)] if dataset[keyword].VR == "PN" else [value]
            found |= {form for part in parts for form in spellings(part)}
            if dataset[keyword].VR != "UI":
                found |= set(re.findall(rf"\d{{{SHORTEST_NUMBER},}}", value))
            if dataset[keyword].VR == "DA" and re.fullmatch(r"\d{8}", value):
                year, month, day = value[:4], value[4:6], value[6:]
                found |= {day + month + year, month + day + year, day + month + year[2:], year[2:] + month + day}
    return frozenset(text for text in found if len(text) >= SHORTEST_IDENTIFIER)


def names_somebody(value: str, identifiers: frozenset[str]) -> bool:
    """Whether a text holds one of the identifiers in any spelling."""
    forms = spellings(value)
    return any(own in form for own in identifiers for form in forms)


def bytes_name_somebody(value: bytes, identifiers: frozenset[str]) -> bool:
    """The same of binary content, read as UTF-8 or Latin-1 and as UTF-16."""
    readings = (value.decode("latin-1"), value.decode("utf-8", "ignore"), value.replace(b"\0", b"").decode("latin-1"))
    return any(names_somebody(text, identifiers) for text in readings)


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
