"""What a page shows of one output beside its verdict: pictures side by side, rows and lines that differ.

Only ever made of outputs whose egress class allows the page's readers to see them (`certificate_page`).
"""

import base64
import csv
import difflib
import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from kimed_spe.judgement import Judged

WIDEST = 720
"""Pixels; larger pictures are reduced."""
MOST_ROWS = 12
MOST_COLUMNS = 8
MOST_LINES = 60
LARGEST = 32 << 20
"""Bytes; larger files are not shown."""
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
TABLES = {".tsv": "\t", ".csv": ","}
TEXTS = (".txt", ".md", ".json", ".yaml", ".yml", ".html", ".log", ".vcf", ".bed", ".fa", ".fasta")


@dataclass(frozen=True)
class Cell:
    """A value of the published table and of this run's."""

    reference: str
    found: str

    @property
    def same(self) -> bool:
        """Whether both are the same text."""
        return self.reference == self.found


@dataclass(frozen=True)
class Evidence:
    """What can be shown.

    Attributes
    ----------
    pictures
        Caption and data URI.
    columns, rows
        Of a table: the first and all differing columns, rows that differ (row label, cells).
    more_rows
        Differing rows that are not shown.
    lines
        Of a text: unified diff, without its header.
    note
        Why there is nothing, or less.
    """

    pictures: tuple[tuple[str, str], ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, tuple[Cell, ...]], ...] = ()
    more_rows: int = 0
    lines: tuple[str, ...] = field(default=())
    note: str = ""

    def __bool__(self) -> bool:
        return bool(self.pictures or self.rows or self.lines or self.note)


def of(one: Judged) -> Evidence:
    """What can be shown of an output."""
    reference = one.known.content if one.known else None
    if one.found is None or not one.found.is_file() or one.found.is_symlink():
        return Evidence()
    if any(path and path.is_file() and path.stat().st_size > LARGEST for path in (one.found, reference)):
        return Evidence(note="too large to be shown here")
    suffix = Path(one.found.name.removesuffix(".gz")).suffix.lower()
    try:
        return _pictures(reference, one.found) if suffix in PICTURES else _content(one, reference, one.found, suffix)
    except (OSError, ValueError, csv.Error, EOFError) as error:
        return Evidence(note=f"cannot be shown ({type(error).__name__})")


def _content(one: Judged, reference: Path | None, found: Path, suffix: str) -> Evidence:
    """Rows or lines that differ."""
    if one.same_bytes or suffix not in (*TABLES, *TEXTS):
        return Evidence()
    if reference is None:
        return Evidence(note="the published file is not here, so its content cannot be shown beside this one")
    if suffix in TABLES:
        return _table(_read(reference), _read(found), TABLES[suffix], list(one.declared.tolerance.get("key", ())))
    return _lines(_read(reference), _read(found))


def _read(path: Path) -> str:
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            data = stream.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise ValueError("too large")
    return data.decode("utf-8")


def _pictures(reference: Path | None, found: Path) -> Evidence:
    """Published, this run's, and where they differ (amplified)."""
    from PIL import Image, ImageChops  # noqa: PLC0415 - verification needs no pictures

    with Image.open(found) as opened:
        here = opened.convert("RGB")
    if reference is None:
        return Evidence(pictures=(("This run", _uri(here)),), note="the published picture is not here")
    with Image.open(reference) as opened:
        there = opened.convert("RGB")
    if there.size != here.size:
        sizes = (f"published ({there.width} x {there.height})", f"this run ({here.width} x {here.height})")
        return Evidence(pictures=((sizes[0].capitalize(), _uri(there)), (sizes[1].capitalize(), _uri(here))))
    gap = ImageChops.difference(there, here)
    if gap.getbbox() is None:
        return Evidence(pictures=(("Published and this run: the same in every pixel", _uri(here)),))
    amplified = gap.convert("L").point(lambda value: 255 - min(255, value * 8))
    return Evidence(
        pictures=(
            ("Published", _uri(there)), ("This run", _uri(here)),
            ("Where they differ (darker is more, x 8)", _uri(amplified)),
        )
    )  # fmt: skip


def _uri(picture: Any) -> str:
    if picture.width > WIDEST:
        picture = picture.resize((WIDEST, max(1, picture.height * WIDEST // picture.width)))
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def _table(reference: str, found: str, separator: str, keys: list[str]) -> Evidence:
    """Rows that differ, paired by the comparator's key, or by place without one."""
    there, here = (list(csv.reader(io.StringIO(text), delimiter=separator)) for text in (reference, found))
    if not there or not here:
        return Evidence(note="one of the two tables is empty")
    if there[0] != here[0]:
        gone, new = [c for c in there[0] if c not in here[0]], [c for c in here[0] if c not in there[0]]
        told = [f"column {c} is gone" for c in gone] + [f"column {c} is new" for c in new] or [
            "columns in another order"
        ]
        return Evidence(note="; ".join(told[:MOST_COLUMNS]))
    header = there[0]
    known = [header.index(key) for key in keys if key in header]
    pairs = _paired(there[1:], here[1:], known)
    unlike = [(label, a, b) for label, a, b in pairs if a != b]
    differing = [n for n in range(len(header)) if any(_at(a, n) != _at(b, n) for _, a, b in unlike)]
    shown = differing[:MOST_COLUMNS]
    rows = [
        (label, tuple(Cell(_at(a, n), _at(b, n)) for n in shown)) for label, a, b in unlike[:MOST_ROWS]
    ]  # fmt: skip
    return Evidence(
        columns=tuple(header[n] for n in shown), rows=tuple(rows), more_rows=max(0, len(unlike) - MOST_ROWS),
        note=f"{len(unlike)} rows differ, in {len(differing)} columns" if unlike else "",
    )  # fmt: skip


def _paired(
    there: Sequence[list[str]], here: Sequence[list[str]], keys: list[int]
) -> list[tuple[str, list[str], list[str]]]:
    if not keys:
        nothing: list[str] = []
        pairs = zip_longest(there, here, fillvalue=nothing)
        return [(f"row {number}", list(a), list(b)) for number, (a, b) in enumerate(pairs, 1)]
    sides = [{tuple(_at(row, key) for key in keys): list(row) for row in rows} for rows in (there, here)]
    names = list(dict.fromkeys([*sides[0], *sides[1]]))
    return [(" / ".join(name), sides[0].get(name, []), sides[1].get(name, [])) for name in names]


def _at(row: Sequence[str], place: int) -> str:
    return row[place] if place < len(row) else "—"


def _lines(reference: str, found: str) -> Evidence:
    pair = (reference.splitlines(), found.splitlines())
    lines = list(difflib.unified_diff(*pair, lineterm="", n=1))[2:]
    cut = [line[:200] for line in lines[:MOST_LINES]]
    more = len(lines) - len(cut)
    return Evidence(lines=tuple(cut), note=f"and {more} more lines" if more > 0 else "")
