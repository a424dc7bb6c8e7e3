"""Text files that may be gzipped."""

import gzip
from pathlib import Path
from typing import TextIO

ZIPPED = b"\x1f\x8b"  # how gzip (and bgzip) files begin


def open_text(path: str | Path) -> TextIO:
    """Open a text file, plain or gzip."""
    with Path(path).open("rb") as handle:
        zipped = handle.read(2) == ZIPPED
    return gzip.open(path, "rt", encoding="utf-8") if zipped else Path(path).open(encoding="utf-8")
