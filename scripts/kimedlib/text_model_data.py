"""Letters with annotations, and the same as tags of tokens."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kimedlib.atomic import atomic_path
from kimedlib.text_tokens import Token

LABELS = (
    "NAME_PATIENT", "NAME_DOCTOR", "NAME_RELATIVE", "NAME_EXT", "NAME_OTHER", "NAME_USERNAME", "NAME_TITLE", "DATE",
    "DATE_BIRTH", "DATE_DEATH", "AGE", "LOCATION_STREET", "LOCATION_ZIP", "LOCATION_CITY", "LOCATION_COUNTRY",
    "LOCATION_HOSPITAL",
    "LOCATION_ORGANIZATION", "LOCATION_OTHER", "CONTACT_PHONE", "CONTACT_FAX", "CONTACT_EMAIL", "CONTACT_URL",
    "ID", "PROFESSION", "OTHER",
)  # fmt: skip
"""Categories of the GeMTeX annotation scheme (Lohr et al. 2024, doi:10.3233/SHTI240853)."""
DIRECT = (
    "NAME_PATIENT", "NAME_DOCTOR", "NAME_RELATIVE", "NAME_EXT", "NAME_OTHER", "NAME_USERNAME", "LOCATION_STREET",
    "CONTACT_PHONE", "CONTACT_FAX", "CONTACT_EMAIL", "CONTACT_URL", "ID",
)  # fmt: skip
"""Those that name a person by themselves."""
BEGINNING = ("DATE", "NAME_PATIENT", "NAME_DOCTOR", "NAME_TITLE")
"""Those whose annotations can follow each other directly: only they have a tag of their own for the first token.
Training time grows with the square of the number of tags."""
MARGIN = " \t\r\n\ufeff\u200b\u00a0"


@dataclass(frozen=True, order=True)
class Span:
    """An annotated piece of text: offsets in code points, end exclusive, label."""

    begin: int
    end: int
    label: str


@dataclass(frozen=True)
class Letter:
    """A document: its name, its text, its annotations in order."""

    name: str
    text: str
    spans: tuple[Span, ...] = ()


def trimmed(span: Span, text: str) -> Span | None:
    """The span without blanks, line breaks and byte-order marks at its ends; None if nothing is left."""
    begin, end = span.begin, span.end
    while begin < end and text[begin] in MARGIN:
        begin += 1
    while end > begin and text[end - 1] in MARGIN:
        end -= 1
    return Span(begin, end, span.label) if end > begin else None


def tags_of(tokens: Sequence[Token], spans: Iterable[Span]) -> list[str]:
    """BIO tags; a token that a span only touches belongs to it. Of overlapping spans the earlier, then the longer
    counts.
    """
    tags = ["O"] * len(tokens)
    for span in sorted(spans, key=lambda one: (one.begin, -one.end)):
        first = True
        for index, token in enumerate(tokens):
            if token.begin < span.end and token.end > span.begin and tags[index] == "O":
                tags[index] = f"{'B' if first and span.label in BEGINNING else 'I'}-{span.label}"
                first = False
    return tags


def spans_of(tokens: Sequence[Token], tags: Sequence[str]) -> list[Span]:
    """Spans of BIO tags; an I without a B of its label begins a span. Line breaks at the ends are left out."""
    found: list[list[int | str]] = []
    for token, tag in zip(tokens, tags, strict=True):
        if tag == "O":
            found.append([])
        elif tag[0] == "B" or not found or not found[-1] or found[-1][2] != tag[2:]:
            found.append([token.begin, token.end, tag[2:]])
        else:
            found[-1][1] = token.end
    return [Span(int(one[0]), int(one[1]), str(one[2])) for one in found if one]


def as_line(letter: Letter) -> str:
    """The letter as one line of JSON."""
    spans = [[span.begin, span.end, span.label] for span in letter.spans]
    return json.dumps({"name": letter.name, "text": letter.text, "spans": spans}, ensure_ascii=False) + "\n"


def read_lines(path: Path) -> dict[str, Letter]:
    """Letters by name, of a file with one line of JSON each."""
    found = {}
    with path.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            one = json.loads(line)
            found[one["name"]] = Letter(one["name"], one["text"], tuple(Span(*span) for span in one["spans"]))
    return found


def write_lines(letters: Iterable[Letter], path: Path) -> None:
    """Write letters for `read_lines`, whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as handle:
        handle.writelines(as_line(letter) for letter in letters)
