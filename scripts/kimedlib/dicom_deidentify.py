"""De-identify DICOM objects by the Basic Application Level Confidentiality Profile (PS3.15 E.1).

Stricter than the table where the table leaves room: private attributes that are not known to be safe numbers, curve
groups, attributes unknown to the data dictionary and of unknown representation always go; what the table does not name
goes if it is a person's name, an address, or repeats one of the object's own identifiers in any spelling, in texts and
in binary content; pixel data are cut to their size, and bits that no pixel uses are cleared. Pseudonyms, unique
identifiers and date shifts come from a keyed hash: every job maps alike, nobody without the key can map back or link to
another project's release.
"""

import hashlib
import hmac
import re
from collections import Counter
from dataclasses import dataclass, field

from pydicom import DataElement, Dataset, FileMetaDataset
from pydicom.datadict import dictionary_has_tag, keyword_for_tag
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, ExplicitVRLittleEndian

from kimedlib.dicom_pixels import keeps_overlay, swap_words, tidied
from kimedlib.dicom_profile import METHOD_CODES, SAFE_PRIVATE, Profile
from kimedlib.dicom_text import (
    SUSPICIOUS,
    bytes_name_somebody,
    clean_text,
    names_somebody,
    numbers_name_somebody,
    own_identifiers,
    values_of,
    years,
)
from kimedlib.problems import InputProblems, Problem
from kimedlib.pseudonyms import Linkage, dicom_uid, shift_date

TEXT = frozenset({"PN", "LO", "SH", "ST", "LT", "UT", "UC", "CS", "AE", "UR"})
NUMBERS = frozenset({"US", "SS", "UL", "SL", "FL", "FD", "SV", "UV"})
DATES = frozenset({"DA", "DT", "TM"})
DUMMY_TEXT = "REMOVED"
DUMMIES = {"DA": "19000101", "TM": "000000", "DT": "19000101000000", "AS": "000Y", "IS": "0", "DS": "0"}
MAXIMUM_SHIFT_DAYS = 3650
OLDEST_SHOWN = 90  # 45 CFR 164.514(b)(2)(i)(C): ages over 89 are aggregated
PIXELS = frozenset({Tag(0x7FE0, 0x0008), Tag(0x7FE0, 0x0009), Tag(0x7FE0, 0x0010)})
FREE_TEXT = frozenset({"LT", "ST", "UT"})
TIME = re.compile(r"[\d.:\s]*")
ZONE = re.compile(r"[-+]\d{4}")
LONGITUDINAL = ("full_dates", "modified_dates")
BINARY = frozenset({"OB", "OW", "OF", "OD", "OL", "OV"})
# Groups in which data of images, surfaces, waveforms and spectra stand: of other binary content, and of OB.
DATA_GROUPS = (frozenset({0x0028, 0x0066, 0x5400, 0x5600, 0x7FE0}), frozenset({0x5400, 0x7FE0}))
FIGURES = frozenset({*NUMBERS, "IS", "DS", "AT"})
CODES = frozenset({Tag(0x0008, 0x0100), Tag(0x0008, 0x0103)})  # values and versions of codes are long numbers
NUMBER = re.compile(r"\s*[-+]?\d*\.?\d+([eE][-+]?\d+)?\s*")
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


@dataclass
class Cleaner:
    """State of one object's de-identification: who it is, what was done."""

    deidentifier: Deidentifier
    identifiers: frozenset[str]
    audit: Audit
    noted: bool = False

    def note(self, path: str, tag: BaseTag, action: str) -> None:
        """Count an action; never a value."""
        self.noted = True
        name = "private" if tag.is_private else keyword_for_tag(tag) or "unknown"
        self.audit[f"{path}({tag.group:04X},{tag.element:04X})", name, action] += 1

    def clean(self, dataset: Dataset, path: str = "") -> None:
        """Clean a data set and all sequences in it, in place."""
        creators = safe_blocks(dataset) if "safe_private" in self.deidentifier.profile.options else {}
        for tag in sorted(dataset.keys()):
            if tag in PIXELS and not path:
                self.trim(dataset, dataset[tag])
                continue
            if tag in creators:
                self.note(path, tag, creators[tag])
                continue
            if "clean_graphics" in self.deidentifier.profile.options and keeps_overlay(dataset, tag):
                self.note(path, tag, "kept: clean_graphics option")
                continue
            reason = self.unwanted(tag, dataset)
            self.noted = False
            if reason is None:
                reason = self.apply(dataset, dataset[tag], path)
            if reason is not None:
                if tag in dataset:
                    del dataset[tag]
                self.note(path, tag, reason)
            elif not self.noted:
                self.note(path, tag, "kept")

    def unwanted(self, tag: BaseTag, dataset: Dataset) -> str | None:
        """Why an element goes whatever it holds."""
        if tag.is_private:
            return "removed: private"
        if tag.element == 0x0000 or tag.group in (0x0000, 0x0002, 0x0004):
            return "removed: group length, command or file set"
        if tag.group & 0xFF00 in (0x5000, 0x6000) or tag in PIXELS:
            return "removed: pixels of an item" if tag in PIXELS else "removed: curve or overlay"
        if not dictionary_has_tag(tag):
            return "removed: not in the data dictionary"
        return "removed: unknown representation" if dataset[tag].VR == "UN" else None

    def apply(self, dataset: Dataset, element: DataElement, path: str) -> str | None:
        """Treat one element; returns why it has to go, or None."""
        profile, tag = self.deidentifier.profile, element.tag
        action = profile.action(int(tag))
        option, mark = profile.mark(int(tag))
        if mark == "K" and option != "full_dates":
            return self.keep(element, option, path)
        if option in LONGITUDINAL and element.VR == "SH" and ZONE.fullmatch(str(element.value)):
            self.note(path, tag, f"kept: {option} option")
            return None
        if element.VR in DATES and (option or action is None) and not self.date_reason(element, path):
            return None
        if mark == "C" and element.VR == "SQ":
            self.clean_items(element, path)
            return None
        if mark == "C" and element.VR in TEXT and self.clean_texts(element, path):
            return None
        reason = None
        if action == "X" or (element.VR in DATES and action is None):
            reason = "removed: profile" if action else "removed: date"
        elif element.VR == "UI":
            self.map_uids(element, path)
        elif element.VR == "SQ" and action != "Z":
            self.clean_items(element, path)
        elif action in ("Z", "D", "U"):
            self.replace(dataset, element, action, path)
        else:
            reason = self.unnamed(element, path)
        return reason

    def date_reason(self, element: DataElement, path: str) -> str | None:
        """Move or keep a date as the options say; else, or if it is no date, why it has to go."""
        options = self.deidentifier.profile.options
        if "full_dates" in options:
            if any(not re.fullmatch(r"[\d.+-]*", value) for value in values_of(element)):
                return "removed: not a date"
            self.note(path, element.tag, "kept: full_dates option")
            return None
        return self.shift(element, path) if "modified_dates" in options else "removed: date"

    def unnamed(self, element: DataElement, path: str) -> str | None:
        """Why an element goes that the table does not name, or None."""
        reason = None
        if element.VR in ("PN", "AE", "UR"):
            reason = f"removed: {element.VR} outside the profile"
        elif element.VR in FREE_TEXT:
            reason = None if self.clean_texts(element, path) else "removed: free text"
        elif element.VR in BINARY and isinstance(element.value, bytes):
            if element.tag.group not in DATA_GROUPS[element.VR == "OB"]:
                reason = "removed: binary content outside the profile"
            elif bytes_name_somebody(element.value, self.identifiers):
                reason = "removed: repeats an identifier"
        elif element.VR in TEXT and self.repeats_identifier(element):
            reason = "removed: repeats an identifier"
        elif (
            element.VR in ("LO", "UC", "SH")
            and element.tag not in CODES
            and any(SUSPICIOUS.search(value) for value in values_of(element))
        ):
            reason = "removed: looks like an identifier"
        elif (element.VR in FIGURES and numbers_name_somebody(element, self.identifiers)) or (
            element.VR in ("IS", "DS", "AS") and any(text.strip() in self.identifiers for text in values_of(element))
        ):
            reason = "removed: repeats an identifier"
        return reason

    def trim(self, dataset: Dataset, element: DataElement) -> None:
        """Cut what hides behind or between the pixels."""
        tidy = tidied(dataset, element.value)
        self.note("", element.tag, "kept" if tidy == element.value else "trimmed: bytes or bits of no pixel")
        element.value = tidy

    def repeats_identifier(self, element: DataElement) -> bool:
        """Whether a text holds one of the object's own identifiers."""
        values = values_of(element)
        return any(names_somebody(text, self.identifiers) for text in (*values, "".join(values)))

    def clean_texts(self, element: DataElement, path: str) -> bool:
        """Keep known words of texts; whether anything is left."""
        if element.VR == "PN":
            return False
        parted = names_somebody("".join(values_of(element)), self.identifiers)
        cleaned = [] if parted else [clean_text(value, self.identifiers) for value in values_of(element)]
        if not any(cleaned):
            return False
        element.value = cleaned if len(cleaned) > 1 else cleaned[0]
        self.note(path, element.tag, "cleaned: known words kept, for review")
        return True

    def clean_items(self, element: DataElement, path: str) -> None:
        """Clean the items of a sequence."""
        for entry in element.value:
            self.clean(entry, f"{path}({element.tag.group:04X},{element.tag.element:04X})/")

    def keep(self, element: DataElement, option: str, path: str) -> str | None:
        """Keep what an option keeps, unless it repeats an identifier; ages over 89 years become 90."""
        if element.VR == "SQ":
            self.clean_items(element, path)
        elif element.VR == "AS":
            ages = [years(value) for value in values_of(element)]
            if any(age is None for age in ages):
                return "removed: not an age"
            if any(age is not None and age >= OLDEST_SHOWN for age in ages):
                element.value = f"{OLDEST_SHOWN:03d}Y"
                self.note(path, element.tag, "replaced: age over 89")
                return None
        elif element.VR in TEXT and self.repeats_identifier(element):
            return "removed: repeats an identifier"
        self.note(path, element.tag, f"kept: {option} option")
        return None

    def shift(self, element: DataElement, path: str) -> str | None:
        """Move dates; times of day stay."""
        if element.VR == "TM" or not values_of(element):
            return None if all(TIME.fullmatch(value) for value in values_of(element)) else "removed: not a time"
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


def safe_blocks(dataset: Dataset) -> dict[BaseTag, str]:
    """Private elements that may stay, with their creators, and what to note of them."""
    found: dict[BaseTag, str] = {}
    for tag in sorted(dataset.keys()):
        creator = Tag(tag.group, tag.element >> 8)
        if not tag.is_private or tag.element < 0x1000 or creator not in dataset:
            continue
        element, maker = dataset[tag], str(dataset[creator].value)
        known = (maker, tag.group, tag.element & 0xFF, element.VR) in SAFE_PRIVATE
        if known and all(NUMBER.fullmatch(value) for value in values_of(element)):
            found[tag] = found[creator] = "kept: safe_private option"
    return found


def method_code(name: str) -> Dataset:
    """Item of (0012,0064) for the profile or one of its options."""
    code = Dataset()
    code.CodeValue, code.CodeMeaning = METHOD_CODES[name]
    code.CodingSchemeDesignator = "DCM"
    return code


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
    options = deidentifier.profile.options
    if dataset.original_encoding[1] is False:
        swap_words(dataset)
    cleaner = Cleaner(deidentifier, own_identifiers(dataset, options), audit)
    cleaner.clean(dataset)
    dataset.PatientName = dataset.PatientID = deidentifier.pseudonym
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "PS3.15 Basic Profile"
    dataset.DeidentificationMethodCodeSequence = [method_code(name) for name in ("basic", *options)]
    told = {"full_dates": "UNMODIFIED", "modified_dates": "MODIFIED"}
    dataset.LongitudinalTemporalInformationModified = next((told[name] for name in options if name in told), "REMOVED")
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.ImplementationClassUID = UID(
        f"2.25.{int.from_bytes(hashlib.sha256(b'kimed').digest()[:16], 'big')}"
    )
    dataset.preamble = b"\0" * 128
    return dataset
