"""Tables as files: tabs, one header line, the same bytes for the same content."""

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kimedlib.atomic import atomic_path

if TYPE_CHECKING:  # pandas takes a third of a second to import: not every script needs it
    import pandas as pd


def write_rows(rows: Sequence[Mapping[str, object]], path: str | Path, columns: Sequence[str]) -> None:
    """Write a table from its rows, whole or not at all; cells that a row lacks are empty.

    Raises
    ------
    ValueError
        A row holds something else than `columns`.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, restval="", delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_gzip(path: Path, text: str) -> None:
    """UTF-8 text, gzipped without time stamp and file name."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=buffer, mode="wb", compresslevel=9, mtime=0) as handle:
        handle.write(text.encode("utf-8"))
    path.write_bytes(buffer.getvalue())


def write_table(frame: "pd.DataFrame", path: str | Path, float_format: str | None = None) -> None:
    """Write a table without its row names, whole or not at all; gzipped where the name ends in .gz.

    Parameters
    ----------
    float_format
        E.g. `%.6g`: digits beyond what is meant depend on the machine. None: the shortest text that reads back equal.
    """
    text = frame.to_csv(None, sep="\t", index=False, lineterminator="\n", float_format=float_format)
    with atomic_path(path) as temporary:
        # pandas would put the time and the temporary name into the gzip header.
        write_gzip(temporary, text) if Path(path).suffix == ".gz" else temporary.write_text(text, encoding="utf-8")


def read_tables(paths: Sequence[Path], text: Sequence[str]) -> "pd.DataFrame":
    """One table of several with the same columns; those without rows, which have no types, change none.

    Parameters
    ----------
    text
        Columns that are text whatever they look like.
    """
    import pandas as pd

    parts = [pd.read_csv(path, sep="\t", dtype=dict.fromkeys(text, str)) for path in paths]
    return pd.concat([part for part in parts if len(part)] or parts)
