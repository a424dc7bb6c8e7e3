"""Text of installed software: pages carry megabytes of program text, in which short names stand by chance."""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from kimed_spe.scan_forms import Data

SUFFIXES = frozenset({".js", ".mjs", ".css", ".html", ".htm", ".svg"})
AROUND = 24
"""Bytes before and after an occurrence that must be the same in the software."""


class Software:
    """What reports copy from the software that writes them.

    Parameters
    ----------
    folders
        Where it is installed. Read when something was found, not before.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(folders)

    @cached_property
    def _texts(self) -> dict[str, bytes]:
        files = (path for folder in self._folders for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES)
        return {"/".join(path.parts[-3:]): path.read_bytes() for path in files if path.is_file()}

    def holding(self, data: Data, start: int, end: int) -> str | None:
        """The file of the software in which these bytes stand with the same ones around them."""
        context = bytes(data[max(0, start - AROUND) : end + AROUND])
        if not self._folders or len(context) < end - start + 2 * AROUND:
            return None
        return next((name for name, text in self._texts.items() if context in text), None)
