"""Search outputs for identifiers that should not be there: names, contents, and what is compressed or packed inside."""

import mmap
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kimed_spe.scan_forms import Data, Form, Forms
from kimed_spe.scan_layers import LayerProblem, children

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


def read_identifiers(path: Path) -> dict[int, str]:
    """Identifiers by line: one per line, or the first column of a table with tabs (a linkage file, with header)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    start = 1 if lines and lines[0].split("\t")[0] == "identifier" else 0
    found = {number: line.split("\t")[0].strip() for number, line in enumerate(lines, 1) if number > start}
    return {number: text for number, text in found.items() if text}


def scan(paths: Iterable[Path], identifiers: dict[int, str], limit: int = LIMIT) -> Iterator[Hit | Gap]:
    """Everything that is found in files and folders.

    Parameters
    ----------
    paths
        Files and folders; symbolic links are looked at, not followed.
    identifiers
        Identifier by number.
    limit
        How many bytes one file may decode to.
    """
    forms = Forms(identifiers)
    for top in paths:
        if not top.is_symlink() and top.is_dir():
            for folder, folders, files in os.walk(top):
                for name in sorted(files + [inner for inner in folders if (Path(folder) / inner).is_symlink()]):
                    yield from _file(Path(folder) / name, top, forms, limit)
                for name in folders:
                    yield from _names(Path(folder) / name, name, forms)
        elif top.exists() or top.is_symlink():
            yield from _file(top, top.parent, forms, limit)
        else:
            yield Gap(str(top), "", "there is no such file")


def _file(path: Path, top: Path, forms: Forms, limit: int) -> Iterator[Hit | Gap]:
    yield from _names(path, path.name, forms)
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            yield from _names(path, str(path.readlink()), forms)
            return
        for name in os.listxattr(path, follow_symlinks=False):
            yield from _names(path, f"{name} ", forms, os.getxattr(path, name, follow_symlinks=False))
        if not stat.S_ISREG(mode):
            yield Gap(str(path), "", f"is neither a file nor a folder (below {top})")
            return
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                yield from _layer(data, str(path), (), forms, [limit])
    except OSError as error:
        yield Gap(str(path), "", f"{type(error).__name__}: {error.strerror}")


def _names(path: Path, name: str, forms: Forms, more: bytes = b"") -> Iterator[Hit]:
    for _, form in forms.find(os.fsencode(name) + more):
        yield Hit(str(path), "", -1, form)


def _layer(data: Data, path: str, where: tuple[str, ...], forms: Forms, budget: list[int]) -> Iterator[Hit | Gap]:
    """Search one layer and those inside it."""
    place = " > ".join(where)
    seen: set[Form] = set()
    for offset, form in forms.find(data):
        if form not in seen:
            seen.add(form)
            yield Hit(path, place, offset, form)
    if len(where) == DEEPEST:
        yield Gap(path, place, f"more than {DEEPEST} layers inside each other")
        return
    try:
        for name, content in children(data, budget):
            for _, form in forms.find(name.encode()):
                yield Hit(path, place, -1, form)
            if len(content):
                yield from _layer(content, path, (*where, name), forms, budget)
    except LayerProblem as problem:
        yield Gap(path, place, str(problem))
