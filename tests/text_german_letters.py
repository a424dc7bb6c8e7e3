"""German letters written by hand with identifiers marked, `{D Huber}`, in styles that neither generator nor corpus has.

Group `a`: rules were written after reading its misses. Group `b`: written before either was run, its misses were never
read and no rule stems from it: what letters of other styles lose. Nobody is described; all numbers are invented.
"""

import re
from pathlib import Path

from kimedlib.text_model_data import Letter, Span

FOLDER = Path(__file__).with_name("german_letters")
KINDS = {
    "P": "NAME_PATIENT", "D": "NAME_DOCTOR", "R": "NAME_RELATIVE", "X": "NAME_OTHER", "T": "NAME_TITLE", "DT": "DATE",
    "AG": "AGE", "S": "LOCATION_STREET", "Z": "LOCATION_ZIP", "C": "LOCATION_CITY", "L": "LOCATION_COUNTRY",
    "H": "LOCATION_HOSPITAL", "O": "LOCATION_ORGANIZATION", "LO": "LOCATION_OTHER", "TE": "CONTACT_PHONE",
    "F": "CONTACT_FAX", "E": "CONTACT_EMAIL", "W": "CONTACT_URL", "I": "ID", "J": "PROFESSION",
}  # fmt: skip
MARK = re.compile(r"\{([A-Z]{1,2}) ([^{}]+)\}")
HEAD = re.compile(r"^=== (.+)\n", re.MULTILINE)


def letters(group: str) -> list[Letter]:
    """The letters of a group, `a` or `b`, with their identifiers."""
    found = []
    for path in sorted(FOLDER.glob(f"{group}*.txt")):
        _, *pieces = HEAD.split(path.read_text(encoding="utf-8"))
        found += [_read(name, text) for name, text in zip(pieces[::2], pieces[1::2], strict=True)]
    return found


def _read(name: str, marked: str) -> Letter:
    text, spans, last = "", [], 0
    for mark in MARK.finditer(marked):
        text += marked[last : mark.start()]
        spans.append(Span(len(text), len(text) + len(mark[2]), KINDS[mark[1]]))
        text += mark[2]
        last = mark.end()
    return Letter(name, text + marked[last:], tuple(spans))
