"""DICOM PS3.15 Table E.1-1 as data: what to do with which attribute."""

import csv
from dataclasses import dataclass
from pathlib import Path

# PS3.15 table CID 7050: codes that say in (0012,0064) what was done
METHOD_CODES = {
    "basic": ("113100", "Basic Application Confidentiality Profile"),
    "modified_dates": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    "patient_characteristics": ("113108", "Retain Patient Characteristics Option"),
}
OPTIONS = ("modified_dates", "patient_characteristics")


@dataclass(frozen=True)
class Profile:
    """The confidentiality profile with the chosen options.

    Attributes
    ----------
    exact
        Action code by tag.
    repeating
        Codes of repeating groups: (pattern with x for any digit, code).
    shifted
        Tags whose dates are moved, not removed.
    kept
        Tags that an option keeps.
    options
        Names of the options in force.
    """

    exact: dict[int, str]
    repeating: tuple[tuple[str, str], ...]
    shifted: frozenset[int]
    kept: frozenset[int]
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


def matches(pattern: str, text: str) -> bool:
    """Whether 8 hexadecimal digits fit a pattern with x for any digit."""
    return all(want in ("x", got) for want, got in zip(pattern, text, strict=True))


def load_profile(path: Path, options: list[str]) -> Profile:
    """Read the table.

    Raises
    ------
    ValueError
        An unknown option, or a row that is no tag with a code.
    """
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ValueError(f"unknown option {unknown[0]}; known: {', '.join(OPTIONS)}")
    with path.open(encoding="utf-8") as handle:
        rows = list(csv.DictReader((line for line in handle if not line.startswith("#")), delimiter="\t"))
    exact, repeating, shifted, kept = {}, [], set(), set()
    for row in rows:
        tag, code = row["tag"], row["basic"]
        if tag == "odd":
            continue  # all private attributes go, whatever the table's options say
        if len(tag) != 8 or not code:
            raise ValueError(f"{path}: '{tag}' with code '{code}' is no row of Table E.1-1")
        if "x" in tag:
            repeating.append((tag, code))
            continue
        exact[int(tag, 16)] = code
        if "modified_dates" in options and row["modified_dates"] == "C":
            shifted.add(int(tag, 16))
        if "patient_characteristics" in options and row["patient_characteristics"] == "K":
            kept.add(int(tag, 16))
    return Profile(exact, tuple(repeating), frozenset(shifted), frozenset(kept), tuple(options))
