"""Cells of many files as one matrix, read and written in blocks: memory does not grow with their number."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from anndata.io import read_elem, sparse_dataset, write_elem
from numpy.typing import NDArray
from scipy import sparse

# Cells of one block. Sums are taken block by block, so another size changes last bits.
BLOCK_CELLS = 8192
COMPRESSION = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


def read_frames(path: Path, names: tuple[str, ...] = ("obs", "var")) -> ad.AnnData:
    """Parts of an H5AD file without its matrices, for steps that need no counts.

    Parameters
    ----------
    names
        Any of obs, var, obsm, uns; `obs` must be among them.
    """
    with h5py.File(path, "r") as handle:
        return ad.AnnData(**{name: read_elem(handle[name]) for name in names if name in handle})


def stored_blocks(path: Path, place: str = "X") -> Iterator[tuple[slice, sparse.csr_matrix]]:
    """Rows and content of consecutive parts of a matrix of an H5AD file (`X`, `layers/counts`)."""
    with h5py.File(path, "r") as handle:
        stored = handle[place] if isinstance(handle[place], h5py.Dataset) else sparse_dataset(handle[place])
        for start in range(0, stored.shape[0], BLOCK_CELLS):
            rows = slice(start, min(start + BLOCK_CELLS, stored.shape[0]))
            yield rows, sparse.csr_matrix(stored[rows])


def stored_values(path: Path) -> int:
    """Number of values in X of an H5AD file."""
    with h5py.File(path, "r") as handle:
        found = handle["X"] if isinstance(handle["X"], h5py.Dataset) else handle["X/data"]
        return int(found.size)


def moved_columns(block: sparse.csr_matrix, target: NDArray[np.int64], genes: int) -> sparse.csr_matrix:
    """`block` with column j as column `target[j]` of `genes`; columns of target -1 are left out."""
    if len(target) == genes and np.array_equal(target, np.arange(genes)):
        return block
    columns = target[block.indices]
    kept = columns >= 0
    ends = np.concatenate([[0], np.cumsum(kept)])[block.indptr].astype(np.int32)
    moved = sparse.csr_matrix(
        (block.data[kept], columns[kept].astype(np.int32), ends), shape=(block.shape[0], genes), copy=False
    )
    moved.sort_indices()
    return moved


@dataclass
class CellFiles:
    """Cells of all samples, each sample's in a file of its own.

    Attributes
    ----------
    paths
        H5AD files with a sparse matrix in X.
    obs, var
        Tables of all cells, in the order of the files, and of the genes in use.
    targets
        For each file, where its genes are in `var`; -1 for genes that are not.
    wide
        All values together may be more than 32 bits can count.
    """

    paths: list[Path]
    obs: pd.DataFrame
    var: pd.DataFrame
    targets: list[NDArray[np.int64]]
    wide: bool

    def blocks(self) -> Iterator[tuple[slice, sparse.csr_matrix]]:
        """Rows of `obs` and their values (cells x genes in use), all cells one time in order."""
        done = 0
        for path, target in zip(self.paths, self.targets, strict=True):
            for _, block in stored_blocks(path):
                yield slice(done, done + block.shape[0]), moved_columns(block, target, len(self.var))
                done += block.shape[0]

    def keep_genes(self, chosen: NDArray[np.bool_]) -> None:
        """Leave genes out, (genes,)."""
        numbers = np.append(np.where(chosen, np.cumsum(chosen) - 1, -1), -1)
        self.var = self.var[chosen].copy()
        self.targets = [numbers[target] for target in self.targets]


def opened(paths: list[Path], genes: str) -> CellFiles:
    """The cells of several files with the genes that every file (`intersection`) or any file (`union`) holds."""
    parts = [read_frames(path) for path in paths]
    merged = ad.concat(parts, join="inner" if genes == "intersection" else "outer", merge="first")
    targets = [merged.var_names.get_indexer(part.var_names) for part in parts]
    wide = sum(stored_values(path) for path in paths) >= 2**31
    return CellFiles(paths, merged.obs, merged.var, [target.astype(np.int64) for target in targets], wide)


def append_matrix(handle: h5py.File, place: str, block: sparse.csr_matrix, *, wide: bool) -> None:
    """Add cells to a sparse matrix of an open H5AD file; the first call makes it, with 64-bit positions if `wide`."""
    if place in handle:
        sparse_dataset(handle[place]).append(block)
        return
    if wide:
        block.indptr = block.indptr.astype(np.int64)
    write_elem(handle, place, block, dataset_kwargs=COMPRESSION)


def complete_file(path: Path, data: ad.AnnData) -> None:
    """Add everything but X and layers, which `append_matrix` wrote, to an H5AD file."""
    with h5py.File(path, "r+") as handle:
        handle.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        handle.require_group("layers").attrs.update({"encoding-type": "dict", "encoding-version": "0.1.0"})
        for name in ("obs", "var"):
            write_elem(handle, name, getattr(data, name), dataset_kwargs=COMPRESSION)
        for name in ("obsm", "varm", "obsp", "varp"):
            write_elem(handle, name, dict(getattr(data, name)), dataset_kwargs=COMPRESSION)
        # Holds single words and numbers, which HDF5 cannot compress.
        write_elem(handle, "uns", dict(data.uns))


def replace_cells(path: Path, obs: pd.DataFrame) -> None:
    """Put another table of cells into an H5AD file."""
    with h5py.File(path, "r+") as handle:
        write_elem(handle, "obs", obs, dataset_kwargs=COMPRESSION)
