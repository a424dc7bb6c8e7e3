"""Whether the first reads look like those of the chemistry that the sheet names."""

import gzip
import itertools
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from kimedlib.problems import Problem
from kimedlib.singlecell_chemistry import CHEMISTRIES, Bytes, Chemistry

LOOKED_AT = 20_000  # reads
# Of real libraries 85 to 98 % of the barcodes are on the list as read; of random bases less than one in a hundred.
REFUSED, DOUBTED = 0.25, 0.6
# Behind barcode and UMI of 10x 3' libraries comes oligo-dT.
OLIGO_DT = 0.8
COMPLEMENT = bytes.maketrans(b"ACGTN", b"TGCAN")


def first_reads(path: Path, number: int = LOOKED_AT) -> list[bytes]:
    """Bases of the first reads of a gzipped FASTQ file; fewer where the file ends or is cut."""
    found: list[bytes] = []
    try:
        with gzip.open(path, "rb") as lines:
            found.extend(line.strip() for line in itertools.islice(lines, 1, 4 * number, 4))
    except (EOFError, OSError):
        pass  # others report it
    return found


def listed_share(reads: list[bytes], start: int, barcodes: Bytes, reverse: bool = False) -> float:
    """Share of reads with a listed barcode from `start` on; `barcodes` are sorted."""
    width = barcodes.dtype.itemsize
    words = [read[start : start + width] for read in reads if len(read) >= start + width]
    if not words:
        return 0.0
    if reverse:
        words = [word.translate(COMPLEMENT)[::-1] for word in words]
    found = np.array(words, dtype=barcodes.dtype)
    places = np.minimum(np.searchsorted(barcodes, found), len(barcodes) - 1)
    return float((barcodes[places] == found).mean())


def length_problems(first: list[bytes], second: list[bytes], chemistry: Chemistry) -> Iterator[tuple[str, str]]:
    """Reads that are too short for the chemistry, or as long as those of another."""
    usual = int(np.median([len(read) for read in first]))
    other = int(np.median([len(read) for read in second]))
    short = sum(len(read) < chemistry.length for read in first) / len(first)
    if short > 0.01:
        found = f"read 1 has {usual} bases, {chemistry.name} needs {chemistry.length} (barcode and UMI)"
        fitting = [one.name for one in CHEMISTRIES.values() if one.listed and one.length == usual]
        if fitting:
            yield found, f"{usual} bases are those of {' or '.join(fitting)}: correct the column chemistry"
        elif other >= chemistry.length > usual:
            yield found, "exchange reads1 and reads2, or correct the column chemistry"
        else:
            yield found, "correct the column chemistry; trimmed reads cannot be counted: give them as sequenced"
    elif chemistry.name.startswith("10xv2") and usual == CHEMISTRIES["10xv3"].length:
        yield f"read 1 has {usual} bases, those of {chemistry.name} have {chemistry.length}", "it is 10xv3 or 10xv4"


def oligo_dt_problem(first: list[bytes], chemistry: Chemistry) -> Iterator[tuple[str, str]]:
    """A UMI that ends elsewhere than the sheet says: behind it comes oligo-dT in 3' libraries."""
    if chemistry.name not in ("10xv2", "10xv3", "10xv4"):
        return
    whole = np.array([list(read[26:32]) for read in first if len(read) >= 32], dtype=np.uint8)
    if len(whole) < 100:
        return
    thymine = (whole == ord("T")).mean(axis=0)
    umi_of_10 = thymine[:2].min() > OLIGO_DT and thymine[2:].min() > OLIGO_DT
    umi_of_12 = thymine[:2].max() < OLIGO_DT / 2 and thymine[2:].min() > OLIGO_DT
    if umi_of_10 and chemistry.name != "10xv2":
        yield "oligo-dT begins behind 26 bases of read 1: its UMIs have 10 bases, not 12", "write 10xv2 in the sheet"
    if umi_of_12 and chemistry.name == "10xv2":
        yield "oligo-dT begins behind 28 bases of read 1: its UMIs have 12 bases, not 10", "write 10xv3 or 10xv4"


def barcode_problems(
    first: list[bytes], second: list[bytes], chemistry: Chemistry, lists: Mapping[str, Bytes]
) -> Iterator[tuple[str, str]]:
    """Barcodes that are not on the list of the chemistry, and where they are instead."""
    own = lists.get(chemistry.name)
    if own is None:
        return
    start = chemistry.barcode[0]
    share = listed_share(first, start, own)
    if share >= REFUSED:
        if share < DOUBTED:
            text = f"only {share:.0%} of the first barcodes of {chemistry.name} are on the list"
            logging.getLogger("snakemake.logging").warning(text)
        return
    found = f"{share:.1%} of the first {len(first)} barcodes are on the list of {chemistry.name}"
    if listed_share(second, start, own) >= REFUSED:
        yield f"{found}, but those of reads2 are: the mates are exchanged", "exchange reads1 and reads2"
        return
    if listed_share(first, start, own, reverse=True) >= REFUSED:
        yield f"{found}, but their reverse complements are", "sequence them forward, or give the list reversed"
        return
    others = [name for name, barcodes in lists.items() if listed_share(first, start, barcodes) >= REFUSED]
    if others:
        yield f"{found}, but on that of {' and '.join(others)}", f"write {others[0]} in the column chemistry"
        return
    shifted = next((place for place in range(6) if listed_share(first, place, own) >= REFUSED), None)
    if shifted is not None:
        yield f"{found}, but they begin at base {shifted + 1} of read 1", "trim what is in front, or use `custom`"
        return
    yield found, "correct the chemistry, or give its list of barcodes (`reads.whitelists`)"


def chemistry_problems(
    place: tuple[str, str], reads1: Path, reads2: Path, chemistry: Chemistry, lists: Mapping[str, Bytes]
) -> Iterator[Problem]:
    """What in the first reads of one lane speaks against the chemistry.

    Parameters
    ----------
    place
        Sheet and line.
    lists
        Sorted barcodes by chemistry, as far as the config gives them.
    """
    first, second = first_reads(reads1), first_reads(reads2)
    if not first or not second:
        return
    barcodes = list(barcode_problems(first, second, chemistry, lists))
    exchanged = any("exchanged" in found for found, _ in barcodes)
    lengths = [] if exchanged else list(length_problems(first, second, chemistry))
    for found, remedy in barcodes + lengths + list(oligo_dt_problem(first, chemistry)):
        yield Problem(place[0], f"{place[1]}, column chemistry", f"{reads1}: {found}", remedy)
