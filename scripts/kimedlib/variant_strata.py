"""Where calls are right and where not: strata of variants, and precision and recall over QUAL.

Strata are those that GIAB and the GA4GH benchmarking team use (Krusche et al. 2019, doi:10.1038/s41587-019-0054-x;
Dwarshuis et al. 2024, doi:10.1038/s41467-024-53260-y), computed here from the reference instead of from BED files.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from kimedlib.statistics_intervals import exact_interval
from kimedlib.variant_comparison import CalledVariant, Comparison

HOMOPOLYMER = 7  # bases, GIAB's shortest stratum that is hard for short reads
REPEAT_BASES, REPEAT_COPIES = 10, 3  # shortest repeat of units of 2 to 4
LONGEST_UNIT = 4
SLOP = 5  # bases beside a repeat that belong to it, as in GIAB's files
REACH = 60
SIZES = ((1, "1"), (5, "2-5"), (15, "6-15"))
DEPTHS = ((10, "below 10"), (20, "10-19"), (40, "20-39"))
Fetch = Callable[[str, int, int], str]
STRATA = ("all", "change", "size", "context", "zygosity", "coverage")


class Stratified(NamedTuple):
    """Counts of one class of variants within one stratum."""

    truths: int
    found: int
    calls: int
    right: int

    def row(self) -> dict[str, float | str]:
        """Counts, recall and precision with exact 95 % intervals, F1; a ratio without cases is empty."""
        cells: dict[str, float | str] = dict(self._asdict())
        for name, hits, total in (("recall", self.found, self.truths), ("precision", self.right, self.calls)):
            low, high = exact_interval(hits, total) if total else ("", "")
            cells |= {name: hits / total if total else "", f"{name}_low": low, f"{name}_high": high}
        cells["f1"] = ""
        if self.truths and self.calls and self.found and self.right:
            cells["f1"] = 2 / (self.truths / self.found + self.calls / self.right)
        return {key: round(value, 6) if isinstance(value, float) else value for key, value in cells.items()}


def size_of(variant: CalledVariant) -> int:
    """Largest change of length; 0 for substitutions."""
    return max(abs(len(new) - (end - start)) for start, end, new in variant.edits)


def change_of(variant: CalledVariant) -> str:
    """How a variant changes the reference: substitution, several bases, insertion, deletion or both."""
    changes = [len(new) - (end - start) for start, end, new in variant.edits]
    if not any(changes):
        return "substitution" if all(end - start == 1 for start, end, _ in variant.edits) else "several bases"
    if any(end > start and new for start, end, new in variant.edits) or (min(changes) < 0 < max(changes)):
        return "complex"
    return "insertion" if max(changes) > 0 else "deletion"


def below(value: float, borders: Sequence[tuple[int, str]], beyond: str, *, inclusive: bool) -> str:
    """Name of the first border that `value` does not pass."""
    return next((name for border, name in borders if value < border or (inclusive and value == border)), beyond)


def context_of(variant: CalledVariant, fetch: Fetch) -> str:
    """Repeat that a variant lies in or beside: "homopolymer", "short repeat" or "elsewhere"."""
    start, end = variant.span
    offset = max(0, start - REACH)
    bases = fetch(variant.contig, offset, end + REACH).upper()
    near = max(0, start - SLOP - offset), end + SLOP - offset
    found = "elsewhere"
    for unit in range(1, LONGEST_UNIT + 1):
        shortest = HOMOPOLYMER if unit == 1 else max(REPEAT_BASES, REPEAT_COPIES * unit)
        run = 0
        for place in range(unit, len(bases) + 1):
            if place < len(bases) and bases[place] == bases[place - unit] != "N":
                run += 1
                continue
            if run and run + unit >= shortest and place > near[0] and place - run - unit < near[1]:
                if unit == 1:
                    return "homopolymer"
                found = "short repeat"
            run = 0
    return found


def levels(
    variant: CalledVariant, fetch: Fetch, depth: Callable[[CalledVariant], int], *, genotypes: bool
) -> dict[str, str]:
    """Level of a variant in every stratum that applies to it.

    Parameters
    ----------
    variant
        True or called variant.
    fetch
        Reference bases.
    depth
        Reads of the sample at the variant.
    genotypes
        Whether the genotype means something; of somatic variants it does not.
    """
    found = {"all": "all", "change": change_of(variant), "context": context_of(variant, fetch)}
    if variant.kind == "indel":
        found["size"] = below(size_of(variant), SIZES, "above 15", inclusive=True)
    if genotypes:
        found["zygosity"] = "homozygous" if variant.pair[0] == variant.pair[1] else "heterozygous"
    found["coverage"] = below(depth(variant), DEPTHS, "40 and more", inclusive=False)
    return found


Counts = dict[tuple[str, str, str], list[int]]


def count_strata(counts: Counts, outcome: Comparison, levels_of: Callable[[CalledVariant], dict[str, str]]) -> None:
    """Add a comparison to `counts`: (class, stratum, level) to [truths, found, calls, right]."""
    for records, cells in (
        ([one for truths, _ in outcome.agreements for one in truths], (0, 1)),
        (outcome.missed, (0,)),
        ([one for _, calls in outcome.agreements for one in calls], (2, 3)),
        (outcome.wrong, (2,)),
    ):
        for variant in records:
            for stratum, level in levels_of(variant).items():
                row = counts.setdefault((variant.kind, stratum, level), [0, 0, 0, 0])
                for cell in cells:
                    row[cell] += 1


class CurvePoint(NamedTuple):
    """Counts if only calls of at least this QUAL were made."""

    minimum_quality: float
    truths: int
    found: int
    wrong: int
    calls: int


def curve(outcomes: Iterable[Comparison], kind: str, points: int = 40) -> list[CurvePoint]:
    """How precision and recall depend on QUAL.

    A group of records that agrees together counts as far as its weakest call. Of many thresholds about `points` are
    given, evenly by rank, always with the lowest and the highest.

    Raises
    ------
    ValueError
        A call has no QUAL.
    """
    found: list[float] = []  # QUAL at which a truth is lost
    right: list[float] = []
    wrong: list[float] = []
    truths = 0
    for outcome in outcomes:
        for some, calls in outcome.agreements:
            weakest = min(quality_of(call) for call in calls)
            found += [weakest for one in some if one.kind == kind]
            right += [weakest for one in calls if one.kind == kind]
        truths += sum(one.kind == kind for one in outcome.missed)
        wrong += [quality_of(one) for one in outcome.wrong if one.kind == kind]
    truths += len(found)
    thresholds = sorted({*found, *right, *wrong})
    step = max(1, len(thresholds) // points)
    chosen = sorted({*thresholds[::step], *thresholds[-1:]})
    return [
        CurvePoint(
            one,
            truths,
            sum(value >= one for value in found),
            sum(value >= one for value in wrong),
            sum(value >= one for value in right) + sum(value >= one for value in wrong),
        )
        for one in chosen
    ]


def quality_of(call: CalledVariant) -> float:
    """QUAL of a call.

    Raises
    ------
    ValueError
        It has none.
    """
    if call.quality is None:
        raise ValueError(f"{call.contig}:{call.position + 1}: a call without QUAL has no place on a curve")
    return call.quality
