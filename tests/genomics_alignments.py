"""Reads with a given content, aligned where they belong, for tests that need an alignment file."""

from pathlib import Path

import pysam

LENGTH = 60


def write_reference(path: Path, bases: str) -> str:
    """Write and index one contig `c`; give its bases back."""
    path.write_text(f">c\n{bases}\n", encoding="utf-8")
    pysam.faidx(str(path))
    return bases


def read(
    name: str, start: int, bases: str, cigar: str | None = None, *, reverse: bool = False, quality: int = 37,
    mapping: int = 60, mismatches: int = 0,
) -> pysam.AlignedSegment:  # fmt: skip
    """One aligned read of contig `c`."""
    segment = pysam.AlignedSegment(pysam.AlignmentHeader.from_references(["c"], [100_000]))
    segment.query_name, segment.reference_id, segment.reference_start = name, 0, start
    segment.query_sequence = bases
    segment.query_qualities = pysam.qualitystring_to_array(chr(33 + quality) * len(bases))
    segment.cigarstring = cigar or f"{len(bases)}M"
    segment.mapping_quality, segment.is_reverse = mapping, reverse
    segment.set_tag("NM", mismatches)
    return segment


def write_alignments(path: Path, reads: list[pysam.AlignedSegment], length: int) -> Path:
    """Write a sorted, indexed BAM of reads on contig `c` of `length` bases."""
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "c", "LN": length}]}
    with pysam.AlignmentFile(str(path), "wb", header=header) as sink:
        for one in sorted(reads, key=lambda segment: segment.reference_start):
            sink.write(one)
    pysam.index(str(path))
    return path
