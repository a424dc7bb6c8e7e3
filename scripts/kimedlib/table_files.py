"""Tables as files: tabs, one header line, the same bytes for the same content."""

from pathlib import Path

import pandas as pd

from kimedlib.atomic import atomic_path


def write_table(frame: pd.DataFrame, path: str | Path, float_format: str | None = None) -> None:
    """Write a table without its row names, whole or not at all.

    Parameters
    ----------
    float_format
        E.g. `%.6g`: digits beyond what is meant depend on the machine. None: the shortest text that reads back equal.
    """
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, sep="\t", index=False, lineterminator="\n", float_format=float_format)
