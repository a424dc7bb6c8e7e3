"""De-identify DICOM objects by the Basic Application Level Confidentiality Profile (PS3.15 E.1).

Stricter than the table where the table leaves room: private attributes, overlay and curve groups, attributes
unknown to the data dictionary and of unknown representation always go; a text that survives but repeats one
of the patient's own identifiers goes too. Pseudonyms, unique identifiers and date shifts come from a keyed
hash: every job maps alike, nobody without the key can map back or link to another project's release.
"""

import hashlib
import hmac
from collections import Counter
from dataclasses import dataclass, field

from pydicom import DataElement, Dataset, FileMetaDataset
from pydicom.datadict import dictionary_has_tag, keyword_for_tag
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, ExplicitVRLittleEndian

from kimedlib.dicom_profile import METHOD_CODES, Profile
from kimedlib.problems import InputProblems, Problem
from kimedlib.pseudonyms import Linkage, dicom_uid, shift_date

TEXT = frozenset({"PN", "LO", "SH", "ST", "LT", "UT", "UC", "CS", "AE", "UR"})
NUMBERS = frozenset({"US", "SS", "UL", "SL", "FL", "FD", "SV", "UV"})
DATES = frozenset({"DA", "DT", "TM"})
DUMMY_TEXT = "REMOVED"
DUMMIES = {"DA": "19000101", "TM": "000000", "DT": "19000101000000", "AS": "000Y", "IS": "0", "DS": "0"}
MAXIMUM_SHIFT_DAYS = 3650
OLDEST_SHOWN = 90  # 45 CFR 164.514(b)(2)(i)(C): ages over 89 are aggregated
SHORTEST_IDENTIFIER = 4  # shorter texts occur by chance
IDENTIFYING = (
    "PatientName", "PatientID", "OtherPatientIDs", "PatientBirthDate", "PatientAddress", "PatientTelephoneNumbers",
    "AccessionNumber", "InstitutionName", "InstitutionAddress", "ReferringPhysicianName", "OperatorsName",
    "PerformingPhysicianName", "PhysiciansOfRecord", "StationName", "DeviceSerialNumber",
)  # fmt: skip
PIXEL_DATA = Tag(0x7FE0, 0x0010)
Audit = Counter[tuple[str, str, str]]


@dataclass(frozen=True)
class Deidentifier:
    """The mapping of one patient in one project.

    Attributes
    ----------
    pseudonym
        Stands for the patient.
    uid_key
        Key of unique identifiers.
    shift_days
        Days to add to all dates.
    profile
        Table E.1-1 with options.
    """

    pseudonym: str
    uid_key: bytes = field(repr=False)
    shift_days: int = field(repr=False)
    profile: Profile

    def uid(self, original: str) -> UID:
        """Pseudonym of a unique identifier, below the UUID root 2.25 (PS3.5 B.2)."""
        return UID(dicom_uid(original, self.uid_key))


def of_project(key: bytes, pseudonym: str, profile: Profile) -> Deidentifier:
    """The mapping that a project's own key gives, where no trust centre issued a linkage file.

    Dates move back by 1 to `MAXIMUM_SHIFT_DAYS` days.
    """
    uid_key, dates = (hmac.new(key, text.encode(), hashlib.sha256).digest() for text in ("uid", f"dates\0{pseudonym}"))
    days = 1 + int.from_bytes(dates[:8], "big") % MAXIMUM_SHIFT_DAYS
    return Deidentifier(pseudonym, uid_key, -days, profile)


def of_linkage(linkage: Linkage, identifier: str, expected: str, file: str, profile: Profile) -> Deidentifier:
    """The mapping that the trust centre issued for a patient number found in a file.

    Parameters
    ----------
    identifier
        (0010,0020) as it stands in the file.
    expected
        Pseudonym that the sample sheet names for the file.

    Raises
    ------
    InputProblems
        The linkage file lacks the number, or has another pseudonym for it: the series is another patient's.
    """
    pseudonym = linkage.pseudonym(identifier, file)
    if pseudonym != expected:
        found = f"is of {pseudonym} by the linkage file, the sheet says {expected}"
        raise InputProblems(
            [Problem(file, "patient_id", found, "correct the row of the sheet: the series is another's")]
        )
    number = identifier.strip()
    return Deidentifier(pseudonym, linkage.uid_keys[number], linkage.date_shifts[number], profile)


def load_key(text: str) -> bytes:
    """Key file content without comment lines.

    Raises
    ------
    ValueError
        Fewer than 16 bytes.
    """
    key = "".join(line.strip() for line in text.splitlines() if not line.startswith("#")).encode()
    if len(key) < 16:
        raise ValueError("the key has fewer than 16 characters: make one with `openssl rand -hex 32`")
    return key


def values_of(element: DataElement) -> list[str]:
    """Values of an element as texts."""
    if element.value is None:
        return []
    several = isinstance(element.value, (MultiValue, list, tuple))
    return [str(value) for value in (element.value if several else [element.value])]


def own_identifiers(dataset: Dataset) -> frozenset[str]:
    """Texts of the object that name the patient or staff, lower case, to be looked for elsewhere in it."""
    found: set[str] = set()
    for keyword in IDENTIFYING:
        if keyword in dataset:
            for value in values_of(dataset[keyword]):
                found |= {value, *value.replace("=", "^").split("^")} if dataset[keyword].VR == "PN" else {value}
    return frozenset(text.strip().lower() for text in found if len(text.strip()) >= SHORTEST_IDENTIFIER)


@dataclass
class Cleaner:
    """State of one object's de-identification: who it is, what was done."""

    deidentifier: Deidentifier
    identifiers: frozenset[str]
    audit: Audit

    def note(self, path: str, tag: BaseTag, action: str) -> None:
        """Count an action; never a value."""
        name = "private" if tag.is_private else keyword_for_tag(tag) or "unknown"
        self.audit[f"{path}({tag.group:04X},{tag.element:04X})", name, action] += 1

    def clean(self, dataset: Dataset, path: str = "") -> None:
        """Clean a data set and all sequences in it, in place."""
        for tag in sorted(dataset.keys()):
            if tag == PIXEL_DATA:
                continue
            reason = self.unwanted(tag, dataset)
            if reason is None:
                reason = self.apply(dataset, dataset[tag], path)
            if reason is not None:
                if tag in dataset:
                    del dataset[tag]
                self.note(path, tag, reason)

    def unwanted(self, tag: BaseTag, dataset: Dataset) -> str | None:
        """Why an element goes whatever it holds."""
        if tag.is_private:
            return "removed: private"
        if tag.element == 0x0000:
            return "removed: group length"
        if tag.group & 0xFF00 in (0x5000, 0x6000):
            return "removed: curve or overlay"
        if not dictionary_has_tag(tag):
            return "removed: not in the data dictionary"
        return "removed: unknown representation" if dataset[tag].VR == "UN" else None

    def apply(self, dataset: Dataset, element: DataElement, path: str) -> str | None:
        """Treat one element; returns why it has to go, or None."""
        profile, tag = self.deidentifier.profile, element.tag
        action = profile.action(int(tag))
        if int(tag) in profile.kept:
            return self.keep_characteristic(dataset, element, path)
        if element.VR in DATES and (
            int(tag) in profile.shifted or (action is None and "modified_dates" in profile.options)
        ):
            return self.shift(element, path)
        reason = None
        if action == "X" or (element.VR in DATES and action is None):
            reason = "removed: profile" if action else "removed: date"
        elif element.VR == "UI":
            self.map_uids(element, path)
        elif element.VR == "SQ" and action != "Z":
            self.clean_items(element, path)
        elif action in ("Z", "D", "U"):
            self.replace(dataset, element, action, path)
        elif element.VR in TEXT and self.repeats_identifier(element):
            reason = "removed: repeats an identifier"
        return reason

    def repeats_identifier(self, element: DataElement) -> bool:
        """Whether a text holds one of the object's own identifiers."""
        return any(own in text.lower() for text in values_of(element) for own in self.identifiers)

    def clean_items(self, element: DataElement, path: str) -> None:
        """Clean the items of a sequence."""
        for entry in element.value:
            self.clean(entry, f"{path}({element.tag.group:04X},{element.tag.element:04X})/")

    def keep_characteristic(self, dataset: Dataset, element: DataElement, path: str) -> str | None:
        """Keep sex, size, weight ...; ages over 89 years become 90."""
        if element.keyword == "PatientAge":
            text = str(element.value or "")
            if text.endswith("Y") and text[:-1].isdigit() and int(text[:-1]) >= OLDEST_SHOWN:
                dataset.PatientAge = f"{OLDEST_SHOWN:03d}Y"
                self.note(path, element.tag, "replaced: age over 89")
                return None
        self.note(path, element.tag, "kept: patient characteristics option")
        return None

    def shift(self, element: DataElement, path: str) -> str | None:
        """Move dates; times of day stay."""
        if element.VR == "TM" or not values_of(element):
            return None
        days = self.deidentifier.shift_days
        try:
            moved = [shift_date(value, days) if value else value for value in values_of(element)]
        except ValueError:
            return "removed: not a date"
        element.value = moved if len(moved) > 1 else moved[0]
        self.note(path, element.tag, "shifted")
        return None

    def map_uids(self, element: DataElement, path: str) -> None:
        """Map identifiers of instances; names that the standard registers (classes, transfer syntaxes) stay."""
        values = [UID(value) for value in values_of(element) if value]
        mapped = [value if value.name != str(value) else self.deidentifier.uid(value) for value in values]
        if mapped != values:
            element.value = mapped if len(mapped) > 1 else mapped[0]
            self.note(path, element.tag, "mapped")

    def replace(self, dataset: Dataset, element: DataElement, action: str, path: str) -> None:
        """Empty (Z) or give a dummy (D); patient name and number become the pseudonym."""
        if element.keyword in ("PatientName", "PatientID"):
            element.value = self.deidentifier.pseudonym
            self.note(path, element.tag, "replaced: pseudonym")
        elif action == "Z":
            dataset[element.tag] = DataElement(element.tag, element.VR, Sequence() if element.VR == "SQ" else "")
            self.note(path, element.tag, "emptied")
        else:
            if element.VR in NUMBERS:
                element.value = 0
            else:
                element.value = DUMMIES.get(element.VR, DUMMY_TEXT if element.VR in TEXT else b"\0\0")
            self.note(path, element.tag, "replaced: dummy")


def deidentify(dataset: Dataset, deidentifier: Deidentifier, audit: Audit) -> Dataset:
    """De-identify one object in place; pixels must have been decoded and judged before.

    Parameters
    ----------
    dataset
        The object, pixel data uncompressed.
    deidentifier
        Its pseudonym becomes patient name and number.
    audit
        Gets (place, name, action) counts; no original value.

    Returns
    -------
    pydicom.Dataset
        The same object with a new file meta group and the attributes that say what was done:
        (0012,0062), (0012,0063), (0012,0064), (0028,0303).
    """
    cleaner = Cleaner(deidentifier, own_identifiers(dataset), audit)
    cleaner.clean(dataset)
    options = deidentifier.profile.options
    dataset.PatientName = dataset.PatientID = deidentifier.pseudonym
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "PS3.15 Basic Profile"
    codes = []
    for name in ("basic", *options):
        code = Dataset()
        code.CodeValue, code.CodeMeaning = METHOD_CODES[name]
        code.CodingSchemeDesignator = "DCM"
        codes.append(code)
    dataset.DeidentificationMethodCodeSequence = codes
    dataset.LongitudinalTemporalInformationModified = "MODIFIED" if "modified_dates" in options else "REMOVED"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.ImplementationClassUID = UID(
        f"2.25.{int.from_bytes(hashlib.sha256(b'kimed').digest()[:16], 'big')}"
    )
    dataset.preamble = b"\0" * 128
    return dataset
