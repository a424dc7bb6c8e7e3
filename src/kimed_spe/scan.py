"""Search outputs for identifiers that should not be there: names, contents, and what is compressed or packed inside."""

import csv
import itertools
import mmap
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kimed_spe.scan_base64 import Runs
from kimed_spe.scan_forms import Data, Form, Forms
from kimed_spe.scan_layers import LayerProblem, children
from kimed_spe.scan_software import Software

DEEPEST = 6
"""Layers inside layers that are followed."""
LIMIT = 16 << 30
"""Bytes that one file may decode to."""


@dataclass(frozen=True)
class Hit:
    """The first occurrence of an identifier, in one form, in one layer of a file.

    Attributes
    ----------
    path
        The file.
    where
        The layer inside it, e.g. `gzip at 0 > tumour.bam`; empty for the file itself.
    offset
        Byte in that layer; -1 for names and extended attributes.
    form
        Which identifier, in which form.
    """

    path: str
    where: str
    offset: int
    form: Form

    def __str__(self) -> str:
        place = f"{self.path} [{self.where}]" if self.where else self.path
        at = "in the name" if self.offset < 0 else f"at byte {self.offset}"
        return f"{place}: identifier {self.form.number} ({self.form.name}) {at}"


@dataclass(frozen=True)
class Shipped:
    """An occurrence that stands in installed software as it stands here: nobody's data, told but not counted.

    Attributes
    ----------
    hit
        The occurrence.
    source
        The file of the software.
    """

    hit: Hit
    source: str

    def __str__(self) -> str:
        return f"{self.hit}: not counted, it is text of {self.source}"


@dataclass(frozen=True)
class Gap:
    """Something that could not be searched.

    Attributes
    ----------
    path, where
        As of `Hit`.
    why
        The reason.
    """

    path: str
    where: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}{f' [{self.where}]' if self.where else ''}: not searched completely: {self.why}"


Found = Hit | Shipped | Gap


@dataclass(frozen=True)
class _Search:
    """What one call of `scan` looks for, and how far."""

    forms: Forms
    software: Software
    limit: int


def read_identifiers(path: Path, column: str | None = None) -> dict[int, str]:
    """Identifiers by line: one per line, or one column of a table with tabs and a header.

    Parameters
    ----------
    path
        The list or table. Without `column`, a table is known by its first column `identifier` (a linkage file).
    column
        Which column of the table.

    Raises
    ------
    ValueError
        The table has no such column.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    header = rows[0] if rows and (column or rows[0][:1] == ["identifier"]) else []
    if column and column not in header:
        raise ValueError(f"{path}, line 1: there is no column {column}; there are: {', '.join(header)}")
    place = header.index(column) if column else 0
    found = {n: row[place].strip() for n, row in enumerate(rows, 1) if len(row) > place and not (header and n == 1)}
    return {number: text for number, text in found.items() if text}


def scan(
    paths: Iterable[Path], identifiers: dict[int, str], limit: int = LIMIT, software: Iterable[Path] = ()
) -> Iterator[Found]:
    """Everything that is found in files and folders.

    Parameters
    ----------
    paths
        Files and folders; symbolic links are looked at, not followed.
    identifiers
        Identifier by number.
    limit
        How many bytes one file may decode to.
    software
        Folders of installed software. Pages carry its program text, in which a short name stands by chance.
    """
    search = _Search(Forms(identifiers), Software(software), limit)
    for top in paths:
        if not top.is_symlink() and top.is_dir():
            for folder, folders, files in os.walk(top):
                for name in sorted(files + [inner for inner in folders if (Path(folder) / inner).is_symlink()]):
                    yield from _file(Path(folder) / name, top, search)
                for name in folders:
                    yield from _names(Path(folder) / name, name, search)
        elif top.exists() or top.is_symlink():
            yield from _file(top, top.parent, search)
        else:
            yield Gap(str(top), "", "there is no such file")


def _file(path: Path, top: Path, search: _Search) -> Iterator[Found]:
    yield from _names(path, path.name, search)
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            yield from _names(path, str(path.readlink()), search)
            return
        for name in os.listxattr(path, follow_symlinks=False):
            yield from _names(path, f"{name} ", search, os.getxattr(path, name, follow_symlinks=False))
        if not stat.S_ISREG(mode):
            yield Gap(str(path), "", f"is neither a file nor a folder (below {top})")
            return
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                yield from _layer(data, str(path), (), search, [search.limit])
    except OSError as error:
        yield Gap(str(path), "", f"{type(error).__name__}: {error.strerror}")


def _names(path: Path, name: str, search: _Search, more: bytes = b"") -> Iterator[Hit]:
    for match in search.forms.find(os.fsencode(name) + more):
        yield Hit(str(path), "", -1, match.form)


def _layer(data: Data, path: str, where: tuple[str, ...], search: _Search, budget: list[int]) -> Iterator[Found]:
    """Search one layer and those inside it."""
    place = " > ".join(where)
    runs = Runs(data)
    seen: set[Form] = set()
    shipped: dict[Form, Shipped] = {}
    for match in search.forms.find(data):
        if match.form in seen or (match.common and runs.hold(match.start, match.end)):
            continue
        hit = Hit(path, place, match.start, match.form)
        if source := search.software.holding(data, match.start, match.end):
            shipped.setdefault(match.form, Shipped(hit, source))
            continue
        seen.add(match.form)
        yield hit
    yield from shipped.values()
    if len(where) == DEEPEST:
        yield Gap(path, place, f"more than {DEEPEST} layers inside each other")
        return
    try:
        for name, content in itertools.chain(runs.decoded(budget), children(data, budget)):
            for match in search.forms.find(name.encode()):
                yield Hit(path, place, -1, match.form)
            if len(content):
                yield from _layer(content, path, (*where, name), search, budget)
    except LayerProblem as problem:
        yield Gap(path, place, str(problem))
