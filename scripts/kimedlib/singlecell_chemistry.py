"""Where barcode, UMI and cDNA stand in the reads of each chemistry, and lists of valid barcodes."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kimedlib.opening import ZIPPED
from kimedlib.problems import InputProblems, Problem

Bytes = NDArray[np.bytes_]


@dataclass(frozen=True)
class Chemistry:
    """Layout of read 1, which holds barcode and UMI; read 2 is cDNA.

    Attributes
    ----------
    barcode, umi
        Start and end (0-based, half-open) in read 1.
    strand
        Of the transcript that read 2 is: `forward`, `reverse`, or `unstranded`.
    listed
        Whether the maker publishes a list of all barcodes.
    """

    name: str
    barcode: tuple[int, int]
    umi: tuple[int, int]
    strand: str = "forward"
    listed: bool = True

    @property
    def length(self) -> int:
        """Bases that read 1 must have."""
        return max(self.barcode[1], self.umi[1])

    @property
    def width(self) -> int:
        """Bases of the barcode."""
        return self.barcode[1] - self.barcode[0]


# 10x Genomics, "Sequencing requirements" of the 3' and 5' kits; Drop-seq: Macosko et al., Cell 161:1202, 2015. The
# names are those of kb and simpleaf, with the end as suffix for 5'.
CHEMISTRIES = {
    chemistry.name: chemistry
    for chemistry in (
        Chemistry("10xv2", (0, 16), (16, 26)),
        Chemistry("10xv3", (0, 16), (16, 28)),
        Chemistry("10xv4", (0, 16), (16, 28)),
        Chemistry("10xv2-5p", (0, 16), (16, 26), "reverse"),
        Chemistry("10xv3-5p", (0, 16), (16, 28), "reverse"),
        Chemistry("dropseq", (0, 12), (12, 20), listed=False),
    )
}


def chemistry_of(name: str, settings: Mapping[str, Any]) -> Chemistry:
    """The chemistry that a sheet names; `custom` stands in section `reads` of the config.

    Raises
    ------
    KeyError
        It is `custom`, and the config says nothing of it.
    """
    if name != "custom":
        return CHEMISTRIES[name]
    own = settings["custom"]
    (first, last), (begin, end) = own["barcode"], own["umi"]
    return Chemistry("custom", (first, last), (begin, end), own["strand"], listed=False)


def unpacked(path: Path) -> bytes:
    """Content of a file, gzipped or not."""
    data = path.read_bytes()
    return gzip.decompress(data) if data.startswith(ZIPPED) else data


def read_whitelist(path: Path) -> Bytes:
    """Barcodes of a list, one a line (`-1` and what follows a tab is left out), in its order.

    Raises
    ------
    InputProblems
        Empty, barcodes of different lengths, other letters than ACGT, or repeated ones.
    """
    words = unpacked(path).split(b"\n")
    names = [word.split(b"\t")[0].strip().removesuffix(b"-1") for word in words if word.strip()]
    if not names:
        raise InputProblems([Problem(str(path), "", "holds no barcodes", "give a list with one barcode a line")])
    lengths = np.fromiter(map(len, names), dtype=np.int64, count=len(names))
    common = int(np.bincount(lengths).argmax())
    problems = []
    if (lengths != common).any():
        line = int(np.flatnonzero(lengths != common)[0])
        found = f"barcode '{names[line].decode(errors='replace')[:40]}' has {lengths[line]} letters, others {common}"
        problems.append(Problem(str(path), f"barcode {line + 1}", found, "give one barcode a line, without a header"))
        names = [name for name in names if len(name) == common]
    barcodes = np.array(names, dtype=f"S{common}")
    letters = barcodes.view(np.uint8).reshape(len(barcodes), common)
    foreign = ~np.isin(letters, np.frombuffer(b"ACGT", dtype=np.uint8)).all(axis=1)
    if foreign.any():
        line = int(np.flatnonzero(foreign)[0])
        found = f"'{barcodes[line].decode(errors='replace')[:40]}' holds other letters than A, C, G, T"
        problems.append(Problem(str(path), f"barcode {line + 1}", found, "write barcodes in capital letters, no names"))
    ordered = np.sort(barcodes)
    if len(repeated := ordered[1:][ordered[1:] == ordered[:-1]]):
        found = f"{len(repeated)} barcodes stand twice, first '{repeated[0].decode(errors='replace')}'"
        problems.append(Problem(str(path), "", found, "list each barcode once (sort --unique)"))
    if problems:
        raise InputProblems(problems)
    return barcodes
