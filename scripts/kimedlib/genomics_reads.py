"""Paired short reads as a sequencer gives them: inserts, adapters, duplicates, binned qualities and their errors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kimedlib.genomics_reference import Interval, reverse_complement
from kimedlib.genomics_variants import Variant, apply_variants

# TruSeq adapters, as read through from short inserts (Illumina adapter sequences document 1000000002694)
ADAPTERS = ("AGATCGGAAGAGCACACGTCTGAACTCCAGTCA", "AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT")
QUALITY_BINS = np.array([2, 11, 25, 37], dtype=np.uint8)  # those of NovaSeq's real-time analysis
BLOCK_BASES = 5000
CODES = np.frombuffer(b"ACGT", dtype=np.uint8)


@dataclass(frozen=True)
class Carried:
    """Variants on one haplotype of a sample, on one contig.

    Attributes
    ----------
    fixed
        In every molecule (germline), sorted.
    clonal
        In a share of the molecules of this haplotype (somatic), sorted, with that share.
    """

    fixed: tuple[Variant, ...]
    clonal: tuple[tuple[Variant, float], ...] = ()


def start_windows(intervals: Sequence[Interval], insert: int, read_length: int) -> Iterator[Interval]:
    """Where fragments begin that overlap an interval by a third of a read at least.

    Long intervals come in pieces of at most `BLOCK_BASES`, so that memory does not grow with them.
    """
    for interval in intervals:
        overlap = min(read_length // 3, interval.length)
        first, last = interval.start - insert + overlap, interval.end - overlap
        for start in range(first, max(last, first + 1), BLOCK_BASES):
            yield Interval(interval.contig, start, min(start + BLOCK_BASES, max(last, first + 1)))


def insert_sizes(rng: np.random.Generator, count: int, settings: Mapping[str, Any]) -> np.ndarray:
    """Lengths of `count` fragments, bases: normal about the mean, a share short enough to read into the adapter."""
    sizes = rng.normal(settings["mean"], settings["sd"], count)
    short = rng.random(count) < settings["short_share"]
    sizes[short] = rng.uniform(60, 150, int(short.sum()))
    return np.maximum(sizes, 60).astype(int)


def fragments(
    rng: np.random.Generator,
    *,
    bases: str,
    window: Interval,
    carried: Carried,
    depth: float,
    read_length: int,
    settings: Mapping[str, Any],
) -> list[str]:
    """Fragments of one haplotype that begin in `window`, as many as give a mean coverage of `depth`.

    A molecule carries a somatic variant if its clone does: variants of the larger share are in every molecule
    that has one of a smaller share (nested clones).
    """
    seen = np.minimum(insert_sizes(rng, 1000, settings), 2 * read_length).mean()
    count = int(rng.poisson(depth / seen * window.length))
    starts = np.maximum(rng.integers(window.start, window.end, count), 0)
    lengths = insert_sizes(rng, count, settings)
    clones = rng.random(count)
    versions: dict[tuple[Variant, ...], list[int]] = {}
    made = []
    for start, length, clone in zip(starts.tolist(), lengths.tolist(), clones.tolist(), strict=True):
        somatic = tuple(variant for variant, share in carried.clonal if clone < share)
        variants = tuple(sorted(carried.fixed + somatic)) if somatic else carried.fixed
        positions = versions.setdefault(variants, [variant.position for variant in variants])
        made.append(apply_variants(bases, start, length, variants, positions))
    return [fragment for fragment in made if len(fragment) >= 50]


def qualities(rng: np.random.Generator, count: int, read_length: int, settings: Mapping[str, Any]) -> np.ndarray:
    """Phred qualities, shape (count, read_length), in bins: falling along the read, some reads with a bad tail."""
    along = np.linspace(0, 1, read_length)
    drop = rng.random((count, read_length)) < settings["low_quality_start"] + settings["low_quality_rise"] * along**3
    bins = np.full((count, read_length), 3)
    bins[drop] = rng.choice([2, 2, 2, 1], int(drop.sum()))
    tails = rng.random(count) < settings["bad_tail_share"]
    begins = rng.integers(int(read_length * 0.6), read_length, count)
    bad = tails[:, None] & (np.arange(read_length) >= begins[:, None])
    bins[bad] = rng.choice([0, 0, 1], int(bad.sum()))
    binned: np.ndarray = QUALITY_BINS[bins]
    return binned


def sequenced(
    rng: np.random.Generator, molecules: Sequence[str], adapter: str, read_length: int, settings: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Bases and qualities (Phred+33) of one end: adapter after the insert, errors as often as the quality says."""
    padding = adapter + "G" * read_length  # two-colour chemistry reads no signal as G
    text = "".join((molecule + padding)[:read_length] for molecule in molecules)
    codes = np.frombuffer(text.encode(), dtype=np.uint8).reshape(-1, read_length)
    scores = qualities(rng, len(molecules), read_length, settings)
    wrong = rng.random(scores.shape) < 10.0 ** (scores / -10.0)
    mistaken = np.where(wrong, CODES[rng.integers(0, 4, scores.shape)], codes)
    for line, quality in zip(mistaken, scores + 33, strict=True):
        yield line.tobytes().decode(), quality.tobytes().decode()


def read_pairs(
    rng: np.random.Generator,
    *,
    contigs: Mapping[str, str],
    intervals: Sequence[Interval],
    haplotypes: Mapping[str, Sequence[Carried]],
    depth: float,
    settings: Mapping[str, Any],
) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Pairs of (bases, qualities), window by window, each window shuffled.

    Parameters
    ----------
    rng
        Generator of this sample.
    contigs
        Reference bases by contig.
    intervals
        What is captured.
    haplotypes
        Per contig the haplotypes of the sample: two, or one for the X of a male.
    depth
        Mean coverage of a diploid place, each haplotype giving half.
    settings
        Section `genomics` of config/synthetic.yaml: read_length, insert, duplicate_share, capture_sd, quality.
    """
    read_length, insert = settings["read_length"], settings["insert"]
    for window in start_windows(intervals, int(insert["mean"]), read_length):
        local = depth / 2 * float(np.exp(rng.normal(0, settings["capture_sd"])))
        molecules = [
            molecule
            for carried in haplotypes[window.contig]
            for molecule in fragments(
                rng,
                bases=contigs[window.contig],
                window=window,
                carried=carried,
                depth=local,
                read_length=read_length,
                settings=insert,
            )
        ]
        copies = rng.random(len(molecules)) < settings["duplicate_share"]
        turned = rng.random(len(molecules)) < 0.5
        molecules = [reverse_complement(one) if turn else one for one, turn in zip(molecules, turned, strict=True)]
        molecules += [one for one, copied in zip(molecules, copies, strict=True) if copied]
        molecules = [molecules[index] for index in rng.permutation(len(molecules))]
        if not molecules:
            continue
        other_ends = [reverse_complement(one) for one in molecules]
        yield from zip(
            sequenced(rng, molecules, ADAPTERS[0], read_length, settings["quality"]),
            sequenced(rng, other_ends, ADAPTERS[1], read_length, settings["quality"]),
            strict=True,
        )
