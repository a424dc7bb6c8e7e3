"""Cells of many files as one matrix, read and written in blocks: memory does not grow with their number."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from anndata.io import read_elem, sparse_dataset, write_elem
from isal import isal_zlib
from numpy.typing import NDArray
from scipy import sparse

# Cells of one block. Sums are taken block by block, so another size changes last bits.
BLOCK_CELLS = 8192
COMPRESSION: dict[str, Any] = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
# Runs of blocks that processes share, whatever their number: their sums are added in order.
RUNS = 8
# Values of a matrix that are compressed together.
CHUNK = 131_072
# Chunks that may wait for compression or writing.
WAITING = 16


def read_frames(path: Path, names: tuple[str, ...] = ("obs", "var")) -> ad.AnnData:
    """Parts of an H5AD file without its matrices, for steps that need no counts.

    Parameters
    ----------
    names
        Any of obs, var, obsm, obsp, uns; `obs` must be among them.
    """
    with h5py.File(path, "r") as handle:
        return ad.AnnData(**{name: read_elem(handle[name]) for name in names if name in handle})


def has_matrix(path: Path, place: str) -> bool:
    """Whether an H5AD file holds a matrix (`X`, `layers/counts`)."""
    with h5py.File(path, "r") as handle:
        return place in handle


def stored_blocks(
    path: Path, place: str = "X", part: slice = slice(None)
) -> Iterator[tuple[slice, sparse.csr_matrix]]:  # fmt: skip
    """Rows and content of consecutive blocks of a matrix of an H5AD file (`X`, `layers/counts`); `part`: which ones."""
    with h5py.File(path, "r") as handle:
        stored = handle[place] if isinstance(handle[place], h5py.Dataset) else sparse_dataset(handle[place])
        for start in range(0, stored.shape[0], BLOCK_CELLS)[part]:
            rows = slice(start, min(start + BLOCK_CELLS, stored.shape[0]))
            yield rows, sparse.csr_matrix(stored[rows])


def runs_of_blocks(cells: int) -> list[slice]:
    """The blocks of so many cells in at most `RUNS` consecutive runs, for `stored_blocks`."""
    blocks = -(-cells // BLOCK_CELLS)
    size = max(1, -(-blocks // RUNS))
    return [slice(start, start + size) for start in range(0, blocks, size)]


def read_genes(path: Path, genes: Iterable[str], parts: tuple[str, ...] = ("obsm",)) -> ad.AnnData:
    """All cells of an H5AD file with obs, other `parts` (obsm, obsp), and X of those `genes` that it holds.

    The genes are in the file's order.
    """
    data = read_frames(path, ("obs", "var", *parts))
    chosen = np.flatnonzero(data.var_names.isin(list(genes)))
    values = sparse.csr_matrix(sparse.vstack([block[:, chosen] for _, block in stored_blocks(path)]))
    found = ad.AnnData(values, data.obs, data.var.iloc[chosen])
    for name in parts:
        getattr(found, name).update(getattr(data, name))
    return found


def moved_columns(block: sparse.csr_matrix, target: NDArray[np.int32], genes: int) -> sparse.csr_matrix:
    """`block` with column j as column `target[j]` of `genes`; columns of target -1 are left out."""
    if len(target) == genes and np.array_equal(target, np.arange(genes)):
        return block
    data, columns, ends = block.data, target[block.indices], block.indptr.astype(np.int32)
    # Mostly few: genes that hardly any cell shows.
    left_out = np.flatnonzero(columns < 0)
    if len(left_out):
        kept = columns >= 0
        data, columns = data[kept], columns[kept]
        ends -= np.searchsorted(left_out, ends).astype(np.int32)
    moved = sparse.csr_matrix((data, columns, ends), shape=(block.shape[0], genes), copy=False)
    moved.sort_indices()
    return moved


def stacked(parts: list[sparse.csr_matrix]) -> sparse.csr_matrix:
    """The parts one below the other; each is taken from the list once copied, so that memory never holds all twice."""
    width, sizes = parts[0].shape[1], [part.nnz for part in parts]
    data = np.empty(sum(sizes), dtype=parts[0].dtype)
    columns, ends = np.empty(len(data), dtype=np.int32), [np.zeros(1, dtype=np.int64)]
    parts.reverse()
    while parts:
        part = parts.pop()
        start = int(ends[-1][-1])
        data[start : start + part.nnz], columns[start : start + part.nnz] = part.data, part.indices
        ends.append(start + part.indptr[1:].astype(np.int64))
    rows = np.concatenate(ends)
    return sparse.csr_matrix((data, columns, rows), shape=(len(rows) - 1, width), copy=False)


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
    starts
        Number of the first cell of each file.
    """

    paths: list[Path]
    obs: pd.DataFrame
    var: pd.DataFrame
    targets: list[NDArray[np.int32]]
    starts: list[int]

    def blocks(self) -> Iterator[tuple[slice, sparse.csr_matrix]]:
        """Rows of `obs` and their values (cells x genes in use), all cells one time in order."""
        return chain.from_iterable(read() for read in self.readers())

    def readers(self) -> list[Callable[[], Iterator[tuple[slice, sparse.csr_matrix]]]]:
        """For each file, what reads its part of `blocks`."""
        return [partial(self.blocks_of, number) for number in range(len(self.paths))]

    def blocks_of(self, number: int) -> Iterator[tuple[slice, sparse.csr_matrix]]:
        """The part of `blocks` that one file holds."""
        start = self.starts[number]
        for rows, block in stored_blocks(self.paths[number]):
            place = slice(start + rows.start, start + rows.stop)
            yield place, moved_columns(block, self.targets[number], len(self.var))

    def keep_genes(self, chosen: NDArray[np.bool_]) -> None:
        """Leave genes out, (genes,)."""
        numbers = np.append(np.where(chosen, np.cumsum(chosen) - 1, -1), -1).astype(np.int32)
        self.var = self.var[chosen].copy()
        self.targets = [numbers[target] for target in self.targets]


def opened(paths: list[Path], genes: str) -> CellFiles:
    """The cells of several files with the genes that every file (`intersection`) or any file (`union`) holds."""
    parts = [read_frames(path) for path in paths]
    merged = ad.concat(parts, join="inner" if genes == "intersection" else "outer", merge="first")
    targets = [merged.var_names.get_indexer(part.var_names) for part in parts]
    starts = [0, *np.cumsum([part.n_obs for part in parts]).tolist()]
    return CellFiles(paths, merged.obs, merged.var, [target.astype(np.int32) for target in targets], starts[:-1])


def compressed(values: NDArray[np.generic]) -> bytes:
    """A chunk as HDF5's filters of `COMPRESSION` store it: first bytes of all values, then second ones, ...

    ISA-L's deflate: as small as zlib's at this level, in a fifth of the time.
    """
    planes = values.view(np.uint8).reshape(len(values), values.itemsize).T
    return isal_zlib.compress(planes.tobytes(), COMPRESSION["compression_opts"])


class GrowingArray:
    """A dataset that grows by whole chunks, which threads compress while the next ones are computed.

    HDF5 itself compresses one chunk after the other. The bytes are the same for any number of threads.
    """

    def __init__(self, group: h5py.Group, name: str, kind: type[np.generic], pool: ThreadPoolExecutor) -> None:
        self.dataset = group.create_dataset(name, (0,), kind, maxshape=(None,), chunks=(CHUNK,), **COMPRESSION)
        self.pool, self.rest, self.size, self.written = pool, np.empty(0, dtype=kind), 0, 0
        self.waiting: deque[Future[bytes]] = deque()

    def append(self, values: NDArray[np.generic]) -> None:
        """Add values at the end."""
        self.size += len(values)
        self.rest = np.concatenate([self.rest, values.astype(self.rest.dtype, copy=False)])
        while len(self.rest) >= CHUNK:
            self.waiting.append(self.pool.submit(compressed, self.rest[:CHUNK]))
            self.rest = self.rest[CHUNK:]
        self.write(WAITING)

    def write(self, left: int) -> None:
        """Put compressed chunks into the file until so many are left."""
        while len(self.waiting) > left:
            self.dataset.resize((self.written + CHUNK,))
            self.dataset.id.write_direct_chunk((self.written,), self.waiting.popleft().result())
            self.written += CHUNK

    def close(self) -> None:
        """Write what is left; the last chunk is filled up with zeros beyond the end."""
        if len(self.rest):
            filled = np.zeros(CHUNK, dtype=self.rest.dtype)
            filled[: len(self.rest)] = self.rest
            self.waiting.append(self.pool.submit(compressed, filled))
        self.write(0)
        self.dataset.resize((self.size,))


class CellMatrices:
    """Sparse matrices of an open H5AD file, written block by block, with values at the same places.

    The column numbers, the larger part of each, are written once: all matrices link to those of the first.

    Parameters
    ----------
    places
        Names in the file, e.g. X and layers/counts.
    """

    def __init__(self, handle: h5py.File, places: list[str], genes: int, threads: int = 1) -> None:
        self.groups = [handle.create_group(place) for place in places]
        self.genes, self.ends = genes, [np.zeros(1, dtype=np.int64)]
        self.pool = ThreadPoolExecutor(threads)
        self.columns = GrowingArray(self.groups[0], "indices", np.int32, self.pool)
        self.values = [GrowingArray(group, "data", np.float32, self.pool) for group in self.groups]

    def append(self, block: sparse.csr_matrix, *values: NDArray[np.float32]) -> None:
        """Add cells: their columns, and the stored values of each matrix."""
        self.ends.append(self.ends[-1][-1] + block.indptr[1:].astype(np.int64))
        self.columns.append(block.indices)
        for array, part in zip(self.values, values, strict=True):
            array.append(part)

    def close(self) -> None:
        """Write what is left, and where each cell begins, in 64 bits where 32 cannot count all values."""
        ends = np.concatenate(self.ends)
        for array in (self.columns, *self.values):
            array.close()
        self.pool.shutdown()
        for group in self.groups:
            group.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0"})
            group.attrs["shape"] = (len(ends) - 1, self.genes)
            group.create_dataset("indptr", data=ends.astype(np.int32) if ends[-1] < 2**31 else ends, **COMPRESSION)
            if "indices" not in group:
                group["indices"] = self.columns.dataset


def complete_file(path: Path, data: ad.AnnData) -> None:
    """Add everything but X and layers, which `CellMatrices` wrote, to an H5AD file."""
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
