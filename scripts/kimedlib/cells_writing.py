"""Count matrices of single cells as 10x folders (MTX), 10x H5 and H5AD, with the same bytes for the same content."""

from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from kimedlib.table_files import write_gzip

FORMATS = ("mtx", "h5", "h5ad")
H5_NAME, H5AD_NAME = "raw_feature_bc_matrix.h5", "cells.h5ad"


def write_mtx(folder: Path, counts: sparse.csr_matrix, barcodes: list[str], features: pd.DataFrame) -> None:
    """matrix.mtx.gz (genes x cells, sorted by cell), features.tsv.gz, barcodes.tsv.gz as Cell Ranger 3 writes them."""
    by_cell = sparse.csr_matrix(counts)
    by_cell.sort_indices()
    cells = np.repeat(np.arange(by_cell.shape[0]), np.diff(by_cell.indptr))
    lines = [
        f"{gene + 1} {cell + 1} {value}" for gene, cell, value in zip(by_cell.indices, cells, by_cell.data, strict=True)
    ]
    head = ["%%MatrixMarket matrix coordinate integer general", f"{by_cell.shape[1]} {by_cell.shape[0]} {by_cell.nnz}"]
    write_gzip(folder / "matrix.mtx.gz", "\n".join([*head, *lines]) + "\n")
    rows = [f"{row.gene_id}\t{row.symbol}\tGene Expression" for row in features.itertuples()]
    write_gzip(folder / "features.tsv.gz", "\n".join(rows) + "\n")
    write_gzip(folder / "barcodes.tsv.gz", "\n".join(barcodes) + "\n")


def write_h5(path: Path, counts: sparse.csr_matrix, barcodes: list[str], features: pd.DataFrame) -> None:
    """The HDF5 layout of Cell Ranger 3 and later; features have gene_id, symbol and perhaps kind."""
    columns = sparse.csr_matrix(counts)
    columns.sort_indices()
    with h5py.File(path, "w") as handle:
        group = handle.create_group("matrix")
        arrays = {
            "data": columns.data.astype(np.int32),
            "indices": columns.indices.astype(np.int64),
            "indptr": columns.indptr.astype(np.int64),
        }
        texts = {"barcodes": barcodes}
        for name, values in arrays.items():
            group.create_dataset(name, data=values, compression="gzip", compression_opts=9, shuffle=True)
        group.create_dataset("shape", data=np.array(columns.shape[::-1], dtype=np.int32))
        described = group.create_group("features")
        texts = {
            "id": list(features["gene_id"]),
            "name": list(features["symbol"]),
            "feature_type": list(features["kind"]) if "kind" in features else ["Gene Expression"] * len(features),
        }
        for place, name, values in [
            (group, "barcodes", barcodes),
            *((described, name, values) for name, values in texts.items()),
        ]:
            place.create_dataset(name, data=np.array(values, dtype="S"), compression="gzip")


def write_h5ad(path: Path, counts: sparse.csr_matrix, barcodes: list[str], features: pd.DataFrame) -> None:
    """Counts in X; var index symbols, var["gene_ids"] as scanpy names it."""
    var = pd.DataFrame(
        {"gene_ids": features["gene_id"].to_numpy()}, index=pd.Index(features["symbol"].to_numpy(), dtype=object)
    )
    data = ad.AnnData(
        X=sparse.csr_matrix(counts, dtype=np.int32), obs=pd.DataFrame(index=pd.Index(barcodes, dtype=object)), var=var
    )
    data.write_h5ad(path, compression="gzip", compression_opts=9)
