"""Microsatellite instability: repeats whose lengths in the tumour are others than in the normal.

The idea is that of MSIsensor (Niu et al. 2014, doi:10.1093/bioinformatics/btt755): a test per repeat of both
distributions of lengths, a false discovery rate over all, and the share of repeats that changed.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kimedlib.statistics_intervals import exact_interval

LONGEST_LOCUS = 60  # bases; reads must span it
LONGEST_UNIT = 4
RARE = 3  # fragments; rarer lengths are counted with their neighbour


class Locus(NamedTuple):
    """A repeat of the reference, half-open."""

    contig: str
    start: int
    end: int
    unit: str


class Instability(NamedTuple):
    """Share of repeats with changed lengths, with the exact 95 % interval."""

    loci: int
    unstable: int
    share: float | None
    low: float | None
    high: float | None
    status: str


def repeats(contig: str, offset: int, bases: str, settings: Mapping[str, Any]) -> Iterator[Locus]:
    """Repeats of units of 1 to 4 bases that begin in `bases`, by position."""
    found: list[Locus] = []
    for size in range(1, LONGEST_UNIT + 1):
        copies = settings["minimum_homopolymer"] if size == 1 else settings["minimum_copies"]
        for match in re.finditer(rf"([ACGT]{{{size}}})\1{{{copies - 1},}}", bases):
            unit = match[1]
            if any(unit == unit[:part] * (size // part) for part in range(1, size) if size % part == 0):
                continue  # a repeat of a shorter unit
            if match.end() - match.start() <= LONGEST_LOCUS:
                found.append(Locus(contig, offset + match.start(), offset + match.end(), unit))
    yield from sorted(found, key=lambda one: one[:3])


def pooled_lengths(one: Counter[int], other: Counter[int]) -> np.ndarray:
    """Counts of both samples per length, rare lengths joined with the next; shape (2, lengths)."""
    columns: list[list[int]] = []
    for length in sorted(one.keys() | other.keys()):
        cell = [one[length], other[length]]
        if columns and sum(columns[-1]) < RARE:
            columns[-1] = [a + b for a, b in zip(columns[-1], cell, strict=True)]
        else:
            columns.append(cell)
    if len(columns) > 1 and sum(columns[-1]) < RARE:
        last = columns.pop()
        columns[-1] = [a + b for a, b in zip(columns[-1], last, strict=True)]
    return np.array(columns).T


def differs(tumour: Counter[int], normal: Counter[int]) -> float:
    """P of the likelihood-ratio test that both samples have the same lengths; 1 where there is one length only."""
    table = pooled_lengths(tumour, normal)
    if table.shape[1] < 2:
        return 1.0
    from scipy.stats import chi2_contingency  # a second to import, and most panels have no repeats

    return float(chi2_contingency(table, correction=False, lambda_="log-likelihood").pvalue)


def instability(lengths: Sequence[tuple[Counter[int], Counter[int]]], settings: Mapping[str, Any]) -> Instability:
    """Verdict over all repeats.

    Parameters
    ----------
    lengths
        Fragments per length, of tumour and normal, of every repeat.
    settings
        Section `msi` of the config: minimum_spanning (of both), maximum_q, minimum_loci, unstable_share.

    Returns
    -------
    Instability
        status "MSI-H", "stable", or "not determinable" with fewer than minimum_loci repeats that can be judged.
    """
    enough = [pair for pair in lengths if min(one.total() for one in pair) >= settings["minimum_spanning"]]
    if not enough:
        return Instability(0, 0, None, None, None, "not determinable")
    from scipy.stats import false_discovery_control

    p_values = [differs(*pair) for pair in enough]
    unstable = int((false_discovery_control(p_values) <= settings["maximum_q"]).sum())
    low, high = exact_interval(unstable, len(enough))
    share = unstable / len(enough)
    status = "MSI-H" if share >= settings["unstable_share"] else "stable"
    if len(enough) < settings["minimum_loci"]:
        status = "not determinable"
    return Instability(len(enough), unstable, share, low, high, status)
