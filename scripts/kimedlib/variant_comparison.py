"""Compare called with true variants by the haplotypes they spell, not by how they are written.

The idea is that of RTG vcfeval (Cleary et al. 2015, doi:10.1101/023754) on small clusters: two sets of variants
agree if some phasing of each gives the same pair of sequences. Genotypes must agree too, unless the comparison
is about alleles only, as for somatic calls.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product

Edit = tuple[int, int, str]
CLUSTER_DISTANCE = 40
MAXIMUM_PHASINGS = 4096
MAXIMUM_TRIES = 1000  # choices of records of one cluster; all of them up to nine records


@dataclass(frozen=True, order=True)
class CalledVariant:
    """A record with its genotype.

    Attributes
    ----------
    contig, position
        Place of the first reference base, 0-based.
    reference, others
        Alleles as in VCF.
    genotype
        Allele numbers of the haplotypes; haploid genotypes have one.
    quality
        QUAL of the record, if there is one; no part of what a variant is.
    """

    contig: str
    position: int
    reference: str
    others: tuple[str, ...]
    genotype: tuple[int, ...]
    quality: float | None = field(default=None, compare=False)

    def edit(self, allele: int) -> Edit | None:
        """Replace [start, end) by bases, without what reference and allele share; None for the reference allele."""
        if allele == 0:
            return None
        reference, other, start = self.reference, self.others[allele - 1], self.position
        while reference and other and reference[-1] == other[-1]:
            reference, other = reference[:-1], other[:-1]
        while reference and other and reference[0] == other[0]:
            reference, other, start = reference[1:], other[1:], start + 1
        return (start, start + len(reference), other)

    @property
    def pair(self) -> tuple[Edit | None, Edit | None]:
        """Edits of both haplotypes, in the order of the genotype; a haploid genotype counts as homozygous."""
        first, last = self.genotype[0], self.genotype[-1]
        return self.edit(first), self.edit(last)

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The different edits, in ascending order."""
        return tuple(sorted({edit for edit in self.pair if edit}))

    @property
    def span(self) -> tuple[int, int]:
        """Reference stretch that is changed."""
        return min(edit[0] for edit in self.edits), max(edit[1] for edit in self.edits)

    @property
    def kind(self) -> str:
        """Class of the variant: "snv" if no allele changes the length, else "indel"."""
        return "snv" if all(len(bases) == end - start for start, end, bases in self.edits) else "indel"

    @property
    def key(self) -> tuple[str, tuple[Edit | None, ...]]:
        """What two equal records of the same genotype share, whatever the phase."""
        return self.contig, tuple(sorted(self.pair, key=lambda edit: edit or (-1, -1, "")))


@dataclass
class Tally:
    """Counts of one class of variants."""

    true_found: int = 0
    true_missed: int = 0
    calls_right: int = 0
    calls_wrong: int = 0

    def metrics(self) -> dict[str, float]:
        """Return tp, fp, fn, precision, recall and f1; a ratio without cases is 1."""
        calls, truths = self.calls_right + self.calls_wrong, self.true_found + self.true_missed
        precision = self.calls_right / calls if calls else 1.0
        recall = self.true_found / truths if truths else 1.0
        return {
            "tp": self.true_found,
            "fp": self.calls_wrong,
            "fn": self.true_missed,
            "precision": precision,
            "recall": recall,
            "f1": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        }

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.true_found + other.true_found,
            self.true_missed + other.true_missed,
            self.calls_right + other.calls_right,
            self.calls_wrong + other.calls_wrong,
        )


@dataclass
class Comparison:
    """Outcome of a comparison.

    Attributes
    ----------
    tallies
        Counts per class.
    agreements
        What spells the same: (truths, calls) of each place.
    missed, wrong
        Truths and calls that agree with nothing.
    """

    tallies: dict[str, Tally] = field(default_factory=lambda: {"snv": Tally(), "indel": Tally()})
    agreements: list[tuple[list[CalledVariant], list[CalledVariant]]] = field(default_factory=list)
    missed: list[CalledVariant] = field(default_factory=list)
    wrong: list[CalledVariant] = field(default_factory=list)


class Regions:
    """Where variants are compared: BED intervals, merged and sorted by contig; none at all means everywhere."""

    def __init__(self, intervals: Iterable[tuple[str, int, int]]) -> None:
        self.merged: dict[str, list[tuple[int, int]]] = {}
        for contig, start, end in sorted(intervals):
            spans = self.merged.setdefault(contig, [])
            if spans and start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            else:
                spans.append((start, end))

    def hold(self, variant: CalledVariant) -> bool:
        """Whether a variant lies in the regions as a whole."""
        if not self.merged:
            return True
        start, end = variant.span
        spans = self.merged.get(variant.contig, [])
        place = bisect_right(spans, (start, float("inf"))) - 1
        return place >= 0 and spans[place][0] <= start and end <= spans[place][1]


def clusters(variants: Sequence[CalledVariant]) -> Iterator[list[int]]:
    """Indices of variants whose changed stretches lie within `CLUSTER_DISTANCE` of each other."""
    order = sorted(range(len(variants)), key=lambda index: (variants[index].contig, variants[index].span))
    group: list[int] = []
    contig, end = "", 0
    for index in order:
        variant = variants[index]
        if group and (variant.contig != contig or variant.span[0] - end > CLUSTER_DISTANCE):
            yield group
            group, end = [], 0
        group.append(index)
        contig, end = variant.contig, max(end, variant.span[1])
    if group:
        yield group


def spelled(bases: str, offset: int, edits: Sequence[Edit]) -> str | None:
    """Sequence after the edits; None if two of them touch the same bases or insert at the same place."""
    parts, here, inserted_at = [], offset, -1
    for start, end, new in sorted(edits):
        if start < here or (start == end == inserted_at):
            return None
        parts += [bases[here - offset : start - offset], new]
        here, inserted_at = end, start if start == end else -1
    return "".join([*parts, bases[here - offset :]])


def haplotype_pairs(variants: Sequence[CalledVariant], bases: str, offset: int) -> set[tuple[str, str]]:
    """All unordered pairs of sequences that some phasing of the variants spells; empty if there are too many."""
    choices = [{variant.pair, variant.pair[::-1]} for variant in variants]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > MAXIMUM_PHASINGS:
        return set()
    pairs = set()
    for phasing in product(*choices):
        sides = [spelled(bases, offset, [edit for pair in phasing if (edit := pair[side])]) for side in (0, 1)]
        if sides[0] is not None and sides[1] is not None:
            pairs.add((min(sides[0], sides[1]), max(sides[0], sides[1])))
    return pairs


def agree(
    truths: Sequence[CalledVariant], calls: Sequence[CalledVariant], fetch: Callable[[str, int, int], str]
) -> bool:
    """Whether both sets can spell the same pair of haplotypes."""
    everything = [*truths, *calls]
    start = max(0, min(variant.span[0] for variant in everything) - 1)
    end = max(variant.span[1] for variant in everything) + 1
    bases = fetch(everything[0].contig, start, end).upper()
    return bool(haplotype_pairs(truths, bases, start) & haplotype_pairs(calls, bases, start))


def matched(
    truths: Sequence[CalledVariant], calls: Sequence[CalledVariant], fetch: Callable[[str, int, int], str]
) -> list[tuple[list[int], list[int]]]:
    """Indices of the truths and calls of one cluster that agree, in groups that agree by themselves.

    Equal records are one group each; the rest is tried together, leaving out as few as possible. Where that leaves
    something over, all records are tried together too, and what explains more of them is taken.
    """
    equal: list[tuple[list[int], list[int]]] = []
    by_key: dict[object, list[int]] = {}
    for number, call in enumerate(calls):
        by_key.setdefault(call.key, []).append(number)
    for number, truth in enumerate(truths):
        if by_key.get(truth.key):
            equal.append(([number], [by_key[truth.key].pop(0)]))
    paired: tuple[set[int], set[int]] = {one[0] for one, _ in equal}, {one[0] for _, one in equal}
    rest = [("truth", n) for n in range(len(truths)) if n not in paired[0]]
    rest += [("call", n) for n in range(len(calls)) if n not in paired[1]]
    if not rest:
        return equal
    best = equal + together(rest, truths, calls, fetch)
    if explained(best) < len(truths) + len(calls) and equal:
        everything = [("truth", n) for n in range(len(truths))] + [("call", n) for n in range(len(calls))]
        other = together(everything, truths, calls, fetch)
        best = max(best, other, key=explained)
    return best


def explained(groups: Sequence[tuple[list[int], list[int]]]) -> int:
    """Number of records in the groups."""
    return sum(len(truths) + len(calls) for truths, calls in groups)


def together(
    records: Sequence[tuple[str, int]],
    truths: Sequence[CalledVariant],
    calls: Sequence[CalledVariant],
    fetch: Callable[[str, int, int], str],
) -> list[tuple[list[int], list[int]]]:
    """The largest group of these records that agrees, if one is found within `MAXIMUM_TRIES`; empty if not."""
    tries = 0
    for left_out in range(len(records) - 1):
        for dropped in combinations(records, left_out):
            tries += 1
            if tries > MAXIMUM_TRIES:
                return []
            kept_truths = [n for side, n in records if side == "truth" and (side, n) not in dropped]
            kept_calls = [n for side, n in records if side == "call" and (side, n) not in dropped]
            if not kept_truths or not kept_calls:
                continue
            if agree([truths[n] for n in kept_truths], [calls[n] for n in kept_calls], fetch):
                return [(kept_truths, kept_calls)]
    return []


def compare(
    truths: Iterable[CalledVariant],
    calls: Iterable[CalledVariant],
    regions: Regions,
    fetch: Callable[[str, int, int], str],
    *,
    genotypes: bool = True,
) -> Comparison:
    """Compare calls with truth.

    Parameters
    ----------
    truths, calls
        Variants; those that carry no other allele are ignored.
    regions
        Where the truth is complete.
    fetch
        Reference bases of (contig, start, end), 0-based and half-open.
    genotypes
        Whether genotypes must agree; otherwise each allele counts as heterozygous.
    """
    inside: tuple[list[CalledVariant], list[CalledVariant]] = ([], [])
    for side, variants in enumerate((truths, calls)):
        for variant in variants:
            alleles = sorted(set(variant.genotype) - {0})
            versions = [variant] if genotypes else [allele_only(variant, allele) for allele in alleles]
            inside[side].extend(version for version in versions if version.edits and regions.hold(version))
    everything = inside[0] + inside[1]
    border = len(inside[0])
    result = Comparison()
    for group in clusters(everything):
        here = [everything[index] for index in group if index < border]
        called = [everything[index] for index in group if index >= border]
        groups = matched(here, called, fetch)
        result.agreements += [([here[n] for n in first], [called[n] for n in second]) for first, second in groups]
        right = {n for first, _ in groups for n in first}, {n for _, second in groups for n in second}
        for number, variant in enumerate(here):
            if number in right[0]:
                result.tallies[variant.kind].true_found += 1
            else:
                result.tallies[variant.kind].true_missed += 1
                result.missed.append(variant)
        for number, variant in enumerate(called):
            if number in right[1]:
                result.tallies[variant.kind].calls_right += 1
            else:
                result.tallies[variant.kind].calls_wrong += 1
                result.wrong.append(variant)
    return result


def allele_only(variant: CalledVariant, allele: int) -> CalledVariant:
    """One allele of a variant as if heterozygous."""
    return replace(variant, others=(variant.others[allele - 1],), genotype=(0, 1))


def pooled(comparisons: Iterable[Mapping[str, Tally]]) -> dict[str, Tally]:
    """Sum of tallies, per class."""
    total = {"snv": Tally(), "indel": Tally()}
    for tallies in comparisons:
        total = {kind: total[kind] + tallies[kind] for kind in total}
    return total
