"""Compressed matrices of an open H5AD file, unpacked by threads ahead of their use; HDF5 itself has one thread."""

import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy import sparse


def packed(group: h5py.Group | h5py.Dataset) -> bool:
    """Whether a matrix is sparse by rows and compressed as ours are: bytes shuffled, then gzip, nothing else."""
    if isinstance(group, h5py.Dataset) or group.attrs.get("encoding-type") != "csr_matrix":
        return False
    arrays = (group["data"], group["indices"])
    return all(array.compression == "gzip" and array.shuffle and not array.fletcher32 for array in arrays)


def unpacked(chunk: bytes, kind: np.dtype[Any]) -> NDArray[Any]:
    """Values of a chunk, whose first bytes stand together, then their second ones, ..."""
    planes = np.frombuffer(zlib.decompress(chunk), dtype=np.uint8).reshape(kind.itemsize, -1)
    values: NDArray[Any] = np.ascontiguousarray(planes.T).view(kind).ravel()
    return values


class PackedArray:
    """A compressed dataset that is read from its beginning to its end."""

    def __init__(self, dataset: h5py.Dataset, pool: ThreadPoolExecutor) -> None:
        self.dataset, self.pool, self.size = dataset, pool, int(dataset.chunks[0])
        self.waiting: dict[int, Future[NDArray[Any]]] = {}

    def chunk(self, number: int) -> Future[NDArray[Any]]:
        """A chunk, being unpacked; one that HDF5 did not compress is read by HDF5."""
        skipped, content = self.dataset.id.read_direct_chunk((number * self.size,))
        if skipped:
            return self.pool.submit(lambda: self.dataset[number * self.size : (number + 1) * self.size])
        return self.pool.submit(unpacked, content, self.dataset.dtype)

    def prepare(self, start: int, stop: int) -> range:
        """Begin to unpack the values from `start` to `stop`; their chunks."""
        numbers = range(start // self.size, -(-stop // self.size))
        for number in numbers:
            if number not in self.waiting:
                self.waiting[number] = self.chunk(number)
        return numbers

    def values(self, start: int, stop: int) -> NDArray[Any]:
        """The values from `start` to `stop`; what lies before `stop` cannot be asked for again."""
        numbers = self.prepare(start, stop)
        parts = [np.empty(0, self.dataset.dtype), *(self.waiting[number].result() for number in numbers)]
        for number in [one for one in self.waiting if (one + 1) * self.size <= stop]:
            del self.waiting[number]
        first = numbers.start * self.size
        return np.concatenate(parts)[start - first : stop - first]


def unpacked_blocks(group: h5py.Group, cells: int, threads: int) -> Iterator[tuple[slice, sparse.csr_matrix]]:
    """Rows and content of consecutive parts of `cells` cells; while one is used, the next is unpacked."""
    ends, (rows, genes) = group["indptr"][()].astype(np.int64), group.attrs["shape"]
    with ThreadPoolExecutor(threads) as pool:
        data, columns = (PackedArray(group[name], pool) for name in ("data", "indices"))
        for start in range(0, int(rows), cells):
            stop, after = min(start + cells, int(rows)), min(start + 2 * cells, int(rows))
            for array in (data, columns):
                array.prepare(ends[start], ends[after])
            parts = data.values(ends[start], ends[stop]), columns.values(ends[start], ends[stop])
            place = (ends[start : stop + 1] - ends[start]).astype(np.int32)
            yield slice(start, stop), sparse.csr_matrix((*parts, place), shape=(stop - start, int(genes)), copy=False)
