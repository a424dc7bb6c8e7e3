"""DICOM PS3.15 Table E.1-1 as data: what to do with which attribute under which options."""

import csv
from dataclasses import dataclass
from pathlib import Path

# PS3.16 CID 7050: codes that say in (0012,0064) what was done. Options in the order in which they count.
METHOD_CODES = {
    "basic": ("113100", "Basic Application Confidentiality Profile"),
    "clean_pixel_data": ("113101", "Clean Pixel Data Option"),
    "clean_graphics": ("113103", "Clean Graphics Option"),
    "clean_structured_content": ("113104", "Clean Structured Content Option"),
    "clean_descriptors": ("113105", "Clean Descriptors Option"),
    "full_dates": ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    "modified_dates": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    "patient_characteristics": ("113108", "Retain Patient Characteristics Option"),
    "device_identity": ("113109", "Retain Device Identity Option"),
    "uids": ("113110", "Retain UIDs Option"),
    "safe_private": ("113111", "Retain Safe Private Option"),
    "institution_identity": ("113112", "Retain Institution Identity Option"),
}
# Not chosen like the others: pixels are cleaned by their own policy.
OPTIONS = tuple(name for name in METHOD_CODES if name not in ("basic", "clean_pixel_data"))
# Rows of PS3.15 Table E.3.10-1 with numbers only: creator, group, element within its block, representation. Any other
# private attribute goes, and one of these whose content is no number.
SAFE_PRIVATE = frozenset(
    {
        ("ELSCINT1", 0x00E1, 0x21, "DS"),
        ("GEMS_ACQU_01", 0x0019, 0x23, "DS"),
        ("GEMS_ACQU_01", 0x0019, 0x24, "DS"),
        ("GEMS_ACQU_01", 0x0019, 0x27, "DS"),
        ("GEMS_PARM_01", 0x0043, 0x39, "IS"),
        ("Philips Imaging DD 001", 0x2001, 0x03, "FL"),
        ("Philips PET Private Group", 0x7053, 0x00, "DS"),
        ("Philips PET Private Group", 0x7053, 0x09, "DS"),
        ("SIEMENS MR HEADER", 0x0019, 0x0C, "IS"),
        ("SIEMENS MR HEADER", 0x0019, 0x0E, "FD"),
        ("SIEMENS MR HEADER", 0x0019, 0x27, "FD"),
    }
)


@dataclass(frozen=True)
class Profile:
    """The confidentiality profile with the chosen options.

    Attributes
    ----------
    exact
        Action code by tag.
    repeating
        Codes of repeating groups: (pattern with x for any digit, code).
    marks
        By tag, the option in force that says something of it, and whether to keep (K) or to clean (C).
    options
        Names of the options in force.
    """

    exact: dict[int, str]
    repeating: tuple[tuple[str, str], ...]
    marks: dict[int, tuple[str, str]]
    options: tuple[str, ...]

    def action(self, tag: int) -> str | None:
        """Code of the Basic Profile, a single letter, or None where the table does not name the tag.

        Of alternatives such as X/Z/D, which depend on the type that the attribute has in the object, the
        last is taken: it is valid for each type.
        """
        code = self.exact.get(tag)
        if code is None:
            text = f"{tag:08x}"
            code = next((found for pattern, found in self.repeating if matches(pattern, text)), None)
        return None if code is None else code.rstrip("*").split("/")[-1]

    def mark(self, tag: int) -> tuple[str, str]:
        """Option and code (K or C) that hold for a tag; two empty texts where no option in force names it."""
        return self.marks.get(tag, ("", ""))


def matches(pattern: str, text: str) -> bool:
    """Whether 8 hexadecimal digits fit a pattern with x for any digit."""
    return all(want in ("x", got) for want, got in zip(pattern, text, strict=True))


def load_profile(path: Path, options: list[str]) -> Profile:
    """Read the table.

    Raises
    ------
    ValueError
        An unknown option, two that exclude each other (PS3.15 E.3.6), or a row that is no tag with known codes.
    """
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ValueError(f"unknown option {unknown[0]}; known: {', '.join(OPTIONS)}")
    if {"full_dates", "modified_dates"} <= set(options):
        raise ValueError("options full_dates and modified_dates exclude each other: take one")
    chosen = tuple(name for name in OPTIONS if name in options)
    with path.open(encoding="utf-8") as handle:
        rows = list(csv.DictReader((line for line in handle if not line.startswith("#")), delimiter="\t"))
    exact: dict[int, str] = {}
    repeating: list[tuple[str, str]] = []
    marks: dict[int, tuple[str, str]] = {}
    for row in rows:
        tag, code = row["tag"], row["basic"]
        if tag == "odd":
            continue  # private attributes: SAFE_PRIVATE
        if len(tag) != 8 or not code or any((row[name] or "K") not in ("K", "C") for name in OPTIONS):
            raise ValueError(f"{path}: '{tag}' with code '{code}' is no row of Table E.1-1")
        if "x" in tag:
            repeating.append((tag, code))
            continue
        exact[int(tag, 16)] = code
        for name in chosen:
            if row[name]:
                marks.setdefault(int(tag, 16), (name, row[name]))
    return Profile(exact, tuple(repeating), marks, chosen)
