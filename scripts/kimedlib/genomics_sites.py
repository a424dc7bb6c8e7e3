"""Polymorphic sites of a cohort and the fragments that show their alleles, for kinship and contamination."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pysam

from kimedlib.genomics_builds import bare
from kimedlib.genomics_contamination import BASES, MINIMUM_DEPTH, UNLIKE_ERRORS, error_rates
from kimedlib.variant_comparison import CalledVariant

Site = tuple[str, int, str, str]  # contig, 0-based position, reference and other base
Interval = tuple[str, int, int]

MAXIMUM_SITES = 2000
FEW_SITES = 500  # below which sites beside the targets are looked for, too
FLANK = 300  # bases beside a target that fragments still reach
BASE_QUALITY = 30
MAPPING_QUALITY = 20
UNUSED = 0xF04  # flags of reads that are unmapped, secondary, failed, duplicates or supplementary
# Fragments count once: htslib keeps one of two mates that agree, with both qualities, and the better one less otherwise
PILEUP = {
    "truncate": True, "stepper": "samtools", "flag_filter": UNUSED, "ignore_overlaps": True, "ignore_orphans": False,
    "compute_baq": False,
    "max_depth": 100_000, "min_base_quality": BASE_QUALITY, "min_mapping_quality": MAPPING_QUALITY,
    "multiple_iterators": False,
}  # fmt: skip
SPAN = 500  # sites this close are counted in one go
AROUND = 50  # bases beside a site that tell the errors of its sample
HETEROZYGOUS = 0.3  # share of reads from which a person carries an allele that no caller has judged
CARRIED = 4  # reads that show it


def polymorphic_sites(people: Iterable[Iterable[CalledVariant]]) -> list[Site]:
    """Single-base variants of autosomes and X that anybody carries, at most `MAXIMUM_SITES`, evenly over the genome."""
    found = {
        (variant.contig, variant.position, variant.reference, variant.others[0])
        for variants in people
        for variant in variants
        if len(variant.reference) == len(variant.others[0]) == len(variant.others) == 1
        and bare(variant.contig) not in {"Y", "MT"}
    }
    positions: dict[tuple[str, int], int] = {}
    for contig, position, *_ in found:
        positions[contig, position] = positions.get((contig, position), 0) + 1
    single = sorted(site for site in found if positions[site[0], site[1]] == 1)
    step = max(1, -(-len(single) // MAXIMUM_SITES))
    return single[::step]


def on_x(sites: Sequence[Site]) -> np.ndarray:
    """Which sites are on X, where people have one or two copies; shape (sites,)."""
    return np.array([bare(site[0]) == "X" for site in sites], dtype=bool)


def merged(intervals: Iterable[Interval], flank: int) -> Iterator[Interval]:
    """Intervals with `flank` bases on both sides, overlapping ones joined, in order."""
    last: Interval | None = None
    for contig, first, end in sorted(intervals):
        start = max(0, first - flank)
        if last and last[0] == contig and start <= last[2]:
            last = contig, last[1], max(last[2], end + flank)
            continue
        if last:
            yield last
        last = contig, start, end + flank
    if last:
        yield last


def covering(alignments: pysam.AlignmentFile, contig: str, start: int, end: int) -> np.ndarray:
    """Reads by base and position (good bases, no duplicates), shape (4, end - start)."""

    def usable(read: pysam.AlignedSegment) -> bool:
        return read.mapping_quality >= MAPPING_QUALITY and not read.flag & UNUSED

    counts = alignments.count_coverage(contig, start, end, quality_threshold=BASE_QUALITY, read_callback=usable)
    return np.array(counts, dtype=np.int64)


def sites_beside_targets(
    people: Sequence[pysam.AlignmentFile], fasta: pysam.FastaFile, targets: Iterable[Interval], known: Sequence[Site]
) -> list[Site]:
    """Sites that calling, limited to the targets, has not seen: reads beside them show that somebody carries a base.

    Parameters
    ----------
    people
        Alignments of normals.
    fasta
        Reference.
    targets
        Where was called.
    known
        Sites that are there already.
    """
    taken = {(contig, position) for contig, position, *_ in known}
    found: dict[tuple[str, int], set[str]] = {}
    references: dict[tuple[str, int], str] = {}
    for contig, start, reach in merged(targets, FLANK):
        if bare(contig) in {"Y", "MT"}:
            continue
        bases = fasta.fetch(contig, start, reach).upper()
        for alignments in people:
            counts = covering(alignments, contig, start, start + len(bases))
            depth = counts.sum(axis=0)
            shown = (depth >= MINIMUM_DEPTH) & (counts >= np.maximum(CARRIED, HETEROZYGOUS * depth))
            for number, offset in np.argwhere(shown):
                key = contig, start + int(offset)
                if bases[offset] in BASES and BASES[number] != bases[offset] and key not in taken:
                    found.setdefault(key, set()).add(BASES[number])
                    references[key] = bases[offset]
    return sorted((*key, references[key], next(iter(others))) for key, others in found.items() if len(others) == 1)


class SampleReads(NamedTuple):
    """What one sample shows.

    Attributes
    ----------
    counts
        Fragments per allele, shape (sites, 2).
    errors
        Rates at which bases are read as others, shape (4, 4).
    """

    counts: np.ndarray
    errors: np.ndarray


def sample_reads(alignments: pysam.AlignmentFile, fasta: pysam.FastaFile, sites: Sequence[Site]) -> SampleReads:
    """Count the alleles of all sites, and the errors of the sample around them.

    Fragments count once; no duplicates, mapping quality 20, base quality 30.
    """
    counts = np.zeros((len(sites), 2), dtype=np.int64)
    seen = np.zeros((4, 4))
    for first, last in groups(sites):
        contig, start, end = sites[first][0], sites[first][1], sites[last][1] + 1
        places = {sites[number][1]: number for number in range(first, last + 1)}
        for column in alignments.pileup(contig, start, end, **PILEUP):
            number = places.get(column.reference_pos)
            if number is not None:
                shown = "".join(column.get_query_sequences()).upper()
                counts[number] = [shown.count(base) for base in sites[number][2:]]
        seen += errors_around(alignments, fasta, sites[first : last + 1])
    return SampleReads(counts, error_rates(seen))


def groups(sites: Sequence[Site]) -> Iterator[tuple[int, int]]:
    """First and last number of sites that lie within `SPAN`."""
    first = 0
    for number in range(1, len(sites) + 1):
        if number == len(sites) or sites[number][0] != sites[first][0] or sites[number][1] - sites[first][1] >= SPAN:
            yield first, number - 1
            first = number


def errors_around(alignments: pysam.AlignmentFile, fasta: pysam.FastaFile, sites: Sequence[Site]) -> np.ndarray:
    """Bases read where the reference has another, from positions around sites that vary in nobody; shape (4, 4)."""
    contig, start = sites[0][0], max(0, sites[0][1] - AROUND)
    bases = fasta.fetch(contig, start, sites[-1][1] + AROUND + 1).upper()
    counts = covering(alignments, contig, start, start + len(bases))
    true = np.array([BASES.find(base) for base in bases])
    depth = counts.sum(axis=0)
    same = np.where(true >= 0, counts[true, np.arange(len(bases))], 0)
    steady = (true >= 0) & (depth - same <= UNLIKE_ERRORS * depth)
    steady[[site[1] - start for site in sites]] = False
    seen = np.zeros((4, 4))
    for base in range(4):
        seen[base] = counts[:, steady & (true == base)].sum(axis=1)
    return seen
