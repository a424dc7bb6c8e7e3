"""How much of the genome could have shown a mutation, and mutations per megabase of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pysam

from kimedlib.statistics_intervals import exact_interval, poisson_interval

Interval = tuple[str, int, int]
WINDOW = 100_000
UNUSED = pysam.FUNMAP | pysam.FSECONDARY | pysam.FQCFAIL | pysam.FDUP


class Burden(NamedTuple):
    """Mutations per callable megabase with the exact Poisson interval of the count (95 %)."""

    mutations: int
    callable_bases: int
    per_megabase: float
    low: float
    high: float


class Bin(NamedTuple):
    """Mean depths of tumour and normal over a stretch, and its share of G and C among known bases."""

    contig: str
    start: int
    end: int
    gc: float
    tumour: float
    normal: float


class Coverage(NamedTuple):
    """Where both samples can be judged (sorted, half-open), and depths per bin."""

    callable_spans: list[Interval]
    bins: list[Bin]


def burden(count: int, callable_bases: int) -> Burden:
    """Mutations per megabase.

    Raises
    ------
    ValueError
        Nothing is callable.
    """
    if callable_bases <= 0:
        raise ValueError("no base is covered deeply enough to call a mutation; per megabase of what?")
    low, high = poisson_interval(count)
    scale = 1e6 / callable_bases
    return Burden(count, callable_bases, count * scale, low * scale, high * scale)


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Intervals without overlap, sorted."""
    found: list[Interval] = []
    for contig, start, end in sorted(intervals):
        if found and found[-1][0] == contig and start <= found[-1][2]:
            found[-1] = contig, found[-1][1], max(end, found[-1][2])
        else:
            found.append((contig, start, end))
    return found


def pieces(intervals: Sequence[Interval], size: int) -> Iterator[Interval]:
    """Intervals cut into equal parts of about `size` bases, none of which is shorter than half of that if avoidable."""
    for contig, start, end in intervals:
        count = max(1, round((end - start) / size))
        borders = np.linspace(start, end, count + 1).round().astype(int)
        yield from ((contig, int(one), int(two)) for one, two in pairwise(borders))


def depths(alignments: pysam.AlignmentFile, interval: Interval, mapping_quality: int, base_quality: int) -> np.ndarray:
    """Usable reads on every base of an interval, shape (end - start,)."""

    def usable(read: pysam.AlignedSegment) -> bool:
        return not read.flag & UNUSED and read.mapping_quality >= mapping_quality

    counts = alignments.count_coverage(*interval, quality_threshold=base_quality, read_callback=usable)
    return np.asarray(np.sum([np.asarray(one) for one in counts], axis=0))


def cover(
    tumour: pysam.AlignmentFile,
    normal: pysam.AlignmentFile | None,
    bases: Callable[[str, int, int], str],
    intervals: Sequence[Interval],
    *,
    minimum_depth: int,
    mapping_quality: int,
    base_quality: int,
    bin_size: int,
) -> Coverage:
    """Depth of both samples over the intervals.

    Parameters
    ----------
    tumour, normal
        Indexed alignments; None for a tumour alone (bins then have the normal depth 0).
    bases
        Reference bases of (contig, start, end).
    intervals
        Where; merged first.
    minimum_depth
        Usable reads that both samples need for a base to be callable.
    mapping_quality, base_quality
        What is usable, as for calling.
    bin_size
        Bases per bin.
    """
    spans: list[Interval] = []
    bins: list[Bin] = []
    for contig, start, end in pieces(merged(intervals), WINDOW):
        window = contig, start, end
        shown = depths(tumour, window, mapping_quality, base_quality)
        beside = depths(normal, window, mapping_quality, base_quality) if normal else None
        good = shown >= minimum_depth
        if beside is not None:
            good &= beside >= minimum_depth
        edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
        spans += [
            (contig, start + int(one), start + int(two)) for one, two in zip(edges[::2], edges[1::2], strict=True)
        ]
        sequence = bases(contig, start, end).upper()
        for _, left, right in pieces([window], bin_size):
            part, here = sequence[left - start : right - start], slice(left - start, right - start)
            known = len(part) - part.count("N")
            gc = (part.count("G") + part.count("C")) / known if known else float("nan")
            mean = float(beside[here].mean()) if beside is not None else 0.0
            bins.append(Bin(contig, left, right, gc, float(shown[here].mean()), mean))
    return Coverage(merged(spans), bins)


class Leak(NamedTuple):
    """Tumour cells in the normal: share of what the tumour shows, with a 95 % interval."""

    share: float
    low: float
    high: float
    variants: int


def tumour_in_normal(variants: Sequence[tuple[int, int, float]]) -> Leak | None:
    """Share of tumour DNA in the normal, as deTiN (doi:10.1038/s41592-018-0036-9) asks, here by counts alone.

    Parameters
    ----------
    variants
        Somatic alleles: fragments of the normal that show it, all of the normal, allele fraction in the tumour.

    Returns
    -------
    Leak or None
        Reads seen over reads expected if the normal were tumour; None without variants. The interval is the exact
        binomial one of the pooled reads.
    """
    expected = sum(total * fraction for _, total, fraction in variants)
    if expected < 1:
        return None
    seen, total = sum(one for one, _, _ in variants), sum(one for _, one, _ in variants)
    low, high = (value * total / expected for value in exact_interval(seen, total))
    return Leak(min(1.0, seen / expected), min(1.0, low), min(1.0, high), len(variants))
