"""Count matrices as files of every format that is read."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from scipy import sparse

from kimedlib.cells_writing import write_h5, write_h5ad, write_mtx

FORMATS = ("mtx", "h5", "h5ad", "csv.gz")


def written(kind: str, path: Path, counts: sparse.csr_matrix, barcodes: Sequence[str], table: pd.DataFrame) -> Path:
    """One matrix (cells x genes) as a folder (`mtx`) or a file with the suffix of its format."""
    if kind == "mtx":
        path.mkdir()
        write_mtx(path, counts, barcodes, table)
        return path
    path = path.with_suffix(f".{kind}")
    if kind == "csv.gz":
        pd.DataFrame(counts.toarray().T, index=table["symbol"], columns=barcodes).to_csv(path)
    else:
        {"h5": write_h5, "h5ad": write_h5ad}[kind](path, counts, barcodes, table)
    return path
