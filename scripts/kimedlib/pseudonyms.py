"""Apply a linkage file: the contract by which a trust centre tells ingest rules what to write instead of identifiers.

A linkage file is a table with the columns `identifier`, `pseudonym`, `uid_key` and `date_shift_days`. Only ingest rules
declare it as an input; everything after them sees pseudonyms only. All functions are pure and work on what readers of
the formats give: header dictionaries (BAM), header lines (VCF), unique identifiers and dates (DICOM), tables and nested
dictionaries (AnnData).
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import pandas as pd

from kimedlib.problems import InputProblems, Problem

COLUMNS = ("identifier", "pseudonym", "uid_key", "date_shift_days")
UID_ROOT = "2.25."
"""Root of unique identifiers that are made from a UUID (DICOM PS3.5, B.2)."""
REMOVED = "removed during pseudonymisation"


@dataclass(frozen=True)
class Linkage:
    """What a linkage file says.

    Attributes
    ----------
    pseudonyms
        Pseudonym by identifier.
    uid_keys
        Key for unique identifiers, by identifier.
    date_shifts
        Days to add, by identifier.
    """

    pseudonyms: Mapping[str, str] = field(repr=False)
    uid_keys: Mapping[str, bytes] = field(repr=False)
    date_shifts: Mapping[str, int] = field(repr=False)

    def pseudonym(self, identifier: str, file: str) -> str:
        """The pseudonym of an identifier that was found in `file`.

        Raises
        ------
        InputProblems
            The trust centre issued none; the identifier itself is not repeated, because logs are read by many.
        """
        try:
            return self.pseudonyms[identifier.strip()]
        except KeyError:
            found = "holds an identifier that the linkage file lacks"
            raise InputProblems(
                [Problem(file, "", found, "ask the trust centre for a complete linkage file")]
            ) from None

    def text(self, text: str) -> str:
        """Replace identifiers that stand in a text as words of their own (`P1` in `P1_tumour`, not in `P10`)."""
        return self._words.sub(lambda match: self.pseudonyms[match[0]], text) if self.pseudonyms else text

    def names_somebody(self, text: str) -> bool:
        """Whether an identifier of at least four characters stands in a text in any way, inside other words too."""
        folded = text.casefold()
        return any(name.casefold() in folded for name in self.pseudonyms if len(name) >= 4)

    @cached_property
    def _words(self) -> re.Pattern[str]:
        longest_first = sorted(self.pseudonyms, key=lambda name: (-len(name), name))
        return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, longest_first))})(?![A-Za-z0-9])")


def read_linkage(lines: Iterable[str], file: str) -> Linkage:
    """Read a linkage file.

    Parameters
    ----------
    lines
        Its lines, with the header.
    file
        Its name, for messages.

    Raises
    ------
    InputProblems
        A missing column, an empty or repeated identifier, one pseudonym for two, a key or a shift that is none.
    """
    rows = [line.rstrip("\r\n").split("\t") for line in lines]
    if not rows or tuple(rows[0]) != COLUMNS:
        raise InputProblems(
            [Problem(file, "line 1", f"has not the columns {', '.join(COLUMNS)}", "ask the trust centre")]
        )
    pseudonyms: dict[str, str] = {}
    keys: dict[str, bytes] = {}
    shifts: dict[str, int] = {}
    taken: set[str] = set()
    problems = []
    for number, row in enumerate(rows[1:], 2):
        wrong = _row_problem(row, pseudonyms, taken)
        if wrong:
            problems.append(Problem(file, f"line {number}", wrong, "ask the trust centre for a new file"))
            continue
        identifier, name, key, shift = row
        taken.add(name)
        pseudonyms[identifier], keys[identifier], shifts[identifier] = name, bytes.fromhex(key), int(shift)
    if problems:
        raise InputProblems(problems)
    return Linkage(pseudonyms, keys, shifts)


def _row_problem(row: list[str], known: Mapping[str, str], taken: set[str]) -> str | None:
    """What is wrong with a row, without repeating its identifier."""
    if len(row) != len(COLUMNS):
        return f"has {len(row)} columns, not {len(COLUMNS)}"
    identifier, name, key, shift = row
    if not identifier or not name:
        return "has no identifier or no pseudonym"
    if identifier in known:
        return "repeats an identifier"
    if name in taken:
        return "repeats a pseudonym"
    if not re.fullmatch(r"[0-9a-f]{64}", key):
        return "has no UID key of 64 hexadecimal digits"
    return None if re.fullmatch(r"-?[1-9][0-9]*", shift) else "has no date shift in whole days (0 is none)"


def dicom_uid(original: str, key: bytes) -> str:
    """The unique identifier that stands for another one, the same wherever it occurs in the patient's images.

    Parameters
    ----------
    original
        E.g. a StudyInstanceUID.
    key
        The patient's UID key.
    """
    digest = hmac.new(key, original.strip("\0 ").encode("ascii"), hashlib.sha256).digest()
    return UID_ROOT + str(int.from_bytes(digest[:16]))


def shift_date(value: str, days: int) -> str:
    """Move a date in the form that it has: `20260131` and `20260131093000` (DICOM) or `2026-01-31` (ISO 8601).

    A time of day stays as it is.

    Raises
    ------
    ValueError
        Not a date in one of these forms: it must not pass unshifted.
    """
    match = re.match(r"(\d{4})(-?)(\d{2})\2(\d{2})(?=$|[T ]|\d{2})", value)
    if match is None:
        raise ValueError("a date is in no form that can be shifted (20260131, 20260131093000, 2026-01-31)")
    separator = match[2]
    moved = datetime(int(match[1]), int(match[3]), int(match[4])) + timedelta(days=days)
    return moved.strftime(f"%Y{separator}%m{separator}%d") + value[match.end() :]


def vcf_header(lines: Iterable[str], linkage: Linkage, file: str) -> list[str]:
    """Header lines of a VCF with pseudonyms.

    Samples of the `#CHROM` line must all be in the linkage file. Other lines get pseudonyms where identifiers stand as
    words; lines that still name somebody (file names in a `##commandline`) are removed.
    """
    result = []
    for line in lines:
        if line.startswith("#CHROM"):
            fields = line.rstrip("\r\n").split("\t")
            result.append("\t".join(fields[:9] + [linkage.pseudonym(name, file) for name in fields[9:]]))
            continue
        replaced = linkage.text(line.rstrip("\r\n"))
        if not linkage.names_somebody(replaced):
            result.append(replaced)
    return result


def bam_header(header: Mapping[str, Any], linkage: Linkage, file: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Header of a BAM or CRAM (as a dictionary) with pseudonyms, and new names of read groups by old ones.

    Sample names (`SM`) must all be in the linkage file. Comments and command lines that name somebody are removed.
    Reads whose `RG` tag is a key of the second value need the new name.
    """
    groups = {str(group["ID"]): linkage.text(str(group["ID"])) for group in header.get("RG", [])}
    result: dict[str, Any] = {}
    for kind, records in header.items():
        if kind == "CO":
            kept = (linkage.text(comment) for comment in records)
            result[kind] = [comment for comment in kept if not linkage.names_somebody(comment)]
        elif isinstance(records, list):
            result[kind] = [_record(record, linkage, file) for record in records]
        else:
            result[kind] = dict(records)
    return result, {old: new for old, new in groups.items() if old != new}


def _record(record: Mapping[str, Any], linkage: Linkage, file: str) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for tag, value in record.items():
        if tag == "SM":
            changed[tag] = linkage.pseudonym(str(value), file)
        elif isinstance(value, str):
            replaced = linkage.text(value)
            changed[tag] = REMOVED if linkage.names_somebody(replaced) else replaced
        else:
            changed[tag] = value
    return changed


def table(frame: pd.DataFrame, columns: Iterable[str], linkage: Linkage, file: str) -> pd.DataFrame:
    """A table (or AnnData's `obs`) with pseudonyms in `columns`, and in the words of its row names."""
    result = frame.copy()
    for column in columns:
        result[column] = [linkage.pseudonym(str(value), file) for value in frame[column]]
    result.index = pd.Index([linkage.text(str(name)) for name in frame.index], name=frame.index.name)
    return result


def nested(value: Any, linkage: Linkage) -> Any:
    """Nested dictionaries and lists (AnnData's `uns`) with pseudonyms in the words of their texts and keys."""
    if isinstance(value, Mapping):
        return {linkage.text(str(name)): nested(inner, linkage) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [nested(inner, linkage) for inner in value]
    if not isinstance(value, str):
        return value
    replaced = linkage.text(value)
    return REMOVED if linkage.names_somebody(replaced) else replaced
