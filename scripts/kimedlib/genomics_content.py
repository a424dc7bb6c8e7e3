"""Is a file whole, of the sample and of the reference that it should be? Tools end well over files that are not."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pysam

from kimedlib.genomics_builds import CHROMOSOMES, bare

# The empty block that ends every BGZF file (SAM specification, 4.1.2)
END_MARK = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
# The empty container that ends every CRAM file of version 3 (CRAM specification 3.1, section 9)
CRAM_END_MARK = bytes.fromhex("0f000000ffffffff0fe0454f4600000000010005bdd94f0001000606010001000100ee63014b")
MEASURED = 1000  # bases of a chromosome that must be looked at before its emptiness says something


def raise_faults(path: Path, faults: Iterable[str]) -> None:
    """Raise if there are any faults.

    Raises
    ------
    ValueError
        With all of them.
    """
    found = [one for one in faults if one]
    if found:
        raise ValueError(f"{path}: {'; '.join(found)}")


def other_contigs(names: Sequence[str], reference: Path) -> str:
    """What to say if contigs are not those of an indexed reference, in its order."""
    index = Path(f"{reference}.fai").read_text(encoding="utf-8")
    expected = [line.split("\t")[0] for line in index.splitlines()]
    if list(names) == expected:
        return ""
    lost = [name for name in expected if name not in names]
    return f"lacks the contigs {', '.join(lost[:5])}" if lost else "has other contigs than the reference"


def ends_with(path: Path, mark: bytes) -> bool:
    """Whether a file ends with these bytes."""
    with path.open("rb") as handle:
        handle.seek(max(0, path.stat().st_size - len(mark)))
        return handle.read() == mark


def whole_alignments(path: Path) -> bool:
    """Whether a BAM or CRAM file can be opened and has its end mark.

    samtools quickcheck 1.24 opens it and looks for the mark of BAM only.
    """
    try:
        pysam.samtools.quickcheck(str(path), catch_stdout=False)
    except pysam.SamtoolsError:
        return False
    with path.open("rb") as handle:
        start = handle.read(5)
    return not start.startswith(b"CRAM\x03") or ends_with(path, CRAM_END_MARK)


def check_alignments(path: Path, sample: str, reference: Path) -> None:
    """Check that a BAM or CRAM file is whole, of a sample, and of a reference.

    Raises
    ------
    ValueError
        With all that is wrong.
    """
    if not whole_alignments(path):
        raise ValueError(f"{path}: is cut off: its end mark is missing")
    with pysam.AlignmentFile(str(path), reference_filename=str(reference)) as reads:
        names = sorted({str(group.get("SM", "")) for group in reads.header.to_dict().get("RG", [])})
        contigs = reads.references
    wrong = "" if names == [sample] else f"its read groups are of {names}, not of '{sample}'"
    raise_faults(path, [wrong, other_contigs(contigs, reference)])


def check_variants(path: Path, samples: Sequence[str], reference: Path | None = None) -> None:
    """Check that a compressed VCF is whole, has these samples in this order and, if given, a reference's contigs.

    Raises
    ------
    ValueError
        With all that is wrong.
    """
    if not ends_with(path, END_MARK):
        raise ValueError(f"{path}: is cut off: its end mark is missing")
    before = pysam.set_verbosity(0)
    try:
        with pysam.VariantFile(str(path)) as records:
            found, contigs = list(records.header.samples), list(records.header.contigs)
    finally:
        pysam.set_verbosity(before)
    wrong = "" if found == list(samples) else f"holds the samples {found}, not {list(samples)}"
    raise_faults(path, [wrong, other_contigs(contigs, reference) if reference else ""])


def empty_chromosomes(alignments: pysam.AlignmentFile, intervals: Iterable[tuple[str, int, int]]) -> list[str]:
    """Chromosomes (but Y) of which at least `MEASURED` bases should be covered and that have no read there."""
    bases: dict[str, int] = {}
    places: dict[str, list[tuple[int, int]]] = {}
    for contig, start, end in intervals:
        if bare(contig) in CHROMOSOMES and bare(contig) != "Y":
            bases[contig] = bases.get(contig, 0) + end - start
            places.setdefault(contig, []).append((start, end))
    return [
        contig
        for contig, spans in places.items()
        if bases[contig] >= MEASURED
        and not any(next(alignments.fetch(contig, start, end), None) for start, end in spans)
    ]
