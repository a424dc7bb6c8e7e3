"""What lies inside a file: compressed streams, archives, HDF5, Parquet. Decoding is bounded, gaps are said.

Only generic formats are known. BAM and `vcf.gz` are gzip members, CRAM headers, PNG texts and PDF streams are gzip or
zlib streams inside the file, H5AD is HDF5, DICOM and NIfTI hold their texts as plain bytes; but for DICOM's deflated
transfer syntax, a stream without any beginning to look for.
"""

import bz2
import io
import lzma
import math
import mmap
import re
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from kimed_spe.scan_forms import Data

BLOCK = 1 << 16
IN_MEMORY = 1 << 24
VALUES = 1 << 18
"""Values of an HDF5 data set that are read at once."""
MAGICS = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]|BZh[1-9]1AY&SY|\xfd7zXZ\x00")
"""Beginnings of gzip, zlib, bzip2 and xz streams (RFC 1952, RFC 1950, and the formats' own descriptions)."""
ZSTANDARD = b"\x28\xb5\x2f\xfd"
DEFLATED, META = b"1.2.840.10008.1.2.1.99", 2048
"""DICOM's deflated transfer syntax, and in how many first bytes a file names it."""
CODED = re.compile(rb"\ACRAM[\x02-\x04]")


class LayerProblem(ValueError):
    """A layer that cannot be looked into, or not completely."""


class _Decompressor(Protocol):
    eof: bool

    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes:
        """Next piece."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What follows the end of the stream."""
        ...


def children(data: Data, budget: list[int]) -> Iterator[tuple[str, Data]]:
    """Name and content of everything inside; `budget[0]` is how many more bytes may come out.

    Raises
    ------
    LayerProblem
        A container is damaged, encrypted, of an unknown compression, or too large.
    """
    start = bytes(data[:300])
    if start.startswith(b"PK\x03\x04"):
        yield from _zip(data, budget)
    elif start[257:262] == b"ustar":
        yield from _tar(data, budget)
    elif start.startswith(b"\x89HDF\r\n\x1a\n"):
        yield from _hdf5(data)
        yield from _streams(data, budget)
    elif start.startswith(b"PAR1"):
        yield from _parquet(data)
    elif start.startswith(ZSTANDARD):
        raise LayerProblem("Zstandard streams cannot be decoded here")
    else:
        if start[128:132] == b"DICM" and DEFLATED in data[:META]:
            yield "deflated data set", _spooled(_inflated(data, budget))
        yield from _streams(data, budget)
        if CODED.match(start):
            raise LayerProblem("blocks in CRAM's own codecs (rANS, name tokeniser) are not decoded; headers were")


def _inflated(data: Data, budget: list[int]) -> Iterator[bytes]:
    """The data set of a DICOM file in Deflated Explicit VR Little Endian (PS3.5, A.5): raw DEFLATE after group 0002.

    Its first element (0002,0000) tells how long that group is (PS3.10, 7.1).
    """
    position = 144 + int.from_bytes(data[140:144], "little")
    decoder = zlib.decompressobj(-15)
    try:
        while not decoder.eof and position < len(data):
            piece = decoder.decompress(data[position : position + BLOCK])
            position += BLOCK
            budget[0] -= len(piece)
            if budget[0] < 0:
                raise LayerProblem("decodes to more than may be searched (a decompression bomb, or raise --limit-gb)")
            yield piece
    except zlib.error as error:
        raise LayerProblem(f"the deflated data set is damaged ({error})") from error
    if not decoder.eof:
        raise LayerProblem("the deflated data set is cut off")


def _streams(data: Data, budget: list[int]) -> Iterator[tuple[str, Data]]:
    """Compressed streams anywhere; one at the very beginning must be intact, others may be chance."""
    position = 0
    while match := MAGICS.search(data, position):
        kind = {0x1F: "gzip", 0x78: "zlib", 0x42: "bzip2", 0xFD: "xz"}[match[0][0]]
        pieces = _Pieces(data, match.start(), kind, budget)
        content = _spooled(pieces)
        if len(content):
            yield f"{kind} at {match.start()}", content
        if pieces.failed and match.start() == 0 and kind != "zlib":
            raise LayerProblem(f"the {kind} stream is damaged or cut off")
        position = pieces.end if pieces.complete else match.start() + 2


class _Pieces:
    """Decodes members of one kind that follow each other (BGZF has thousands)."""

    def __init__(self, data: Data, start: int, kind: str, budget: list[int]) -> None:
        self.end = start
        self.complete = self.failed = False
        self._data, self._kind, self._budget = data, kind, budget

    def __iter__(self) -> Iterator[bytes]:
        magic = MAGICS.match(self._data, self.end)
        while magic:
            decoder, position = _decoder(self._kind), self.end
            while not decoder.eof:
                block = bytes(self._data[position : position + BLOCK])
                try:
                    yield from self._all(decoder, block)
                except (zlib.error, OSError, lzma.LZMAError, EOFError):
                    self.failed = True
                    return
                position += len(block)
                if not block:
                    self.failed = True
                    return
            self.end = position - len(decoder.unused_data)
            self.complete = True
            magic = MAGICS.match(self._data, self.end) if self._kind == "gzip" else None

    def _all(self, decoder: _Decompressor, block: bytes) -> Iterator[bytes]:
        piece = decoder.decompress(block)
        self._budget[0] -= len(piece)
        if self._budget[0] < 0:
            raise LayerProblem("decodes to more than may be searched (a decompression bomb, or raise --limit-gb)")
        yield piece


def _decoder(kind: str) -> Any:
    makers: dict[str, Callable[[], Any]] = {
        "gzip": lambda: zlib.decompressobj(31),
        "zlib": zlib.decompressobj,
        "bzip2": bz2.BZ2Decompressor,
        "xz": lzma.LZMADecompressor,
    }
    return makers[kind]()


def _spooled(pieces: Iterator[bytes] | _Pieces) -> Data:
    """All pieces as one, in memory if they are few and in an unnamed file if not."""
    # The map keeps the file alive after this function.
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as spool:
        for piece in pieces:
            spool.write(piece)
        size = spool.tell()
        if size <= IN_MEMORY:
            spool.seek(0)
            return spool.read()
        spool.rollover()
        spool.flush()
        return mmap.mmap(spool.fileno(), 0, access=mmap.ACCESS_READ)


class _File(io.RawIOBase):
    """Bytes as a file, without a copy of them."""

    def __init__(self, data: Data) -> None:
        self._data, self._position = data, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._position = max(0, offset + (0, self._position, len(self._data))[whence])
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        piece = self._data[self._position : self._position + len(buffer)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)


def _opened(data: Data) -> io.BufferedReader:
    return io.BufferedReader(_File(data))


def _zip(data: Data, budget: list[int]) -> Iterator[tuple[str, Data]]:
    try:
        with zipfile.ZipFile(_opened(data)) as archive:
            for item in archive.infolist():
                with archive.open(item) as member:
                    yield item.filename, _spooled(_bounded(member, budget))
    except (zipfile.BadZipFile, RuntimeError, zlib.error, EOFError) as error:
        raise LayerProblem(f"the ZIP archive is damaged, encrypted or of an unknown kind ({error})") from error


def _tar(data: Data, budget: list[int]) -> Iterator[tuple[str, Data]]:
    try:
        with tarfile.open(fileobj=_opened(data), mode="r:") as archive:
            for item in archive:
                member = archive.extractfile(item) if item.isfile() else None
                yield f"{item.name} {item.linkname}", _spooled(_bounded(member, budget)) if member else b""
    except tarfile.TarError as error:
        raise LayerProblem(f"the tar archive is damaged ({error})") from error


def _bounded(member: Any, budget: list[int]) -> Iterator[bytes]:
    while piece := member.read(BLOCK):
        budget[0] -= len(piece)
        if budget[0] < 0:
            raise LayerProblem("unpacks to more than may be searched (a decompression bomb, or raise --limit-gb)")
        yield piece


def _hdf5(data: Data) -> Iterator[tuple[str, Data]]:
    """Texts of an HDF5 file that filters (shuffle, LZF) may hide from a search of its bytes."""
    try:
        import h5py  # noqa: PLC0415 - takes half a second, and only HDF5 files need it
    except ImportError as error:
        raise LayerProblem("HDF5: filtered texts are not decoded without h5py") from error
    with h5py.File(_opened(data), "r") as file:
        found: list[tuple[str, Any]] = [("/", file)]
        file.visititems(lambda name, item: found.append((name, item)))
        for name, item in found:
            yield name, b""
            for key, value in item.attrs.items():
                yield f"{name}@{key}", _flat(value)
            if isinstance(item, h5py.Dataset) and item.dtype.kind in "OSUViu" and item.shape is not None:
                for block in _blocks(item):
                    yield name, _flat(block)


def _blocks(dataset: Any) -> Iterator[Any]:
    """A data set in pieces that fit into memory."""
    if not dataset.shape:
        yield dataset[()]
        return
    step = max(1, VALUES // max(1, math.prod(dataset.shape[1:])))
    for start in range(0, dataset.shape[0], step):
        yield dataset[start : start + step]


def _flat(value: Any) -> bytes:
    """Values as bytes, one per line; integers as decimal text, so that numeric identifiers are found as well."""
    items = value.ravel().tolist() if hasattr(value, "ravel") else [value]
    return b"\n".join(item if isinstance(item, bytes) else str(item).encode() for item in items)


def _parquet(data: Data) -> Iterator[tuple[str, Data]]:
    try:
        from pyarrow import parquet  # noqa: PLC0415 - only Parquet files need it
    except ImportError as error:
        raise LayerProblem("Parquet pages are not decoded without pyarrow") from error
    file = parquet.ParquetFile(_opened(data))
    yield "schema", str(file.schema_arrow).encode()
    for group in range(file.num_row_groups):
        table = file.read_row_group(group)
        for name in table.column_names:
            yield name, "\n".join(map(str, table.column(name).to_pylist())).encode()
