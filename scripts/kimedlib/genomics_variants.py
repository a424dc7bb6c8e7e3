"""Variants as data: their form, left alignment, haplotypes, and the invented population they come from."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kimedlib.genomics_reference import BASES


@dataclass(frozen=True, order=True)
class Variant:
    """A change of the reference; `position` is 0-based, `reference` and `other` share the first base of indels."""

    contig: str
    position: int
    reference: str
    other: str

    @property
    def end(self) -> int:
        """Behind the last reference base."""
        return self.position + len(self.reference)

    @property
    def kind(self) -> str:
        """Either "snv" or "indel"."""
        return "snv" if len(self.reference) == len(self.other) == 1 else "indel"


def left_aligned(bases: str, variant: Variant) -> Variant:
    """The same indel as far left as it goes (Tan, Abecasis and Kang 2015), trimmed to its anchor base."""
    position, reference, other = variant.position, variant.reference, variant.other
    while len(reference) != len(other) and reference[-1] == other[-1]:
        if min(len(reference), len(other)) == 1:
            if position == 0:
                break
            position -= 1
            reference, other = bases[position] + reference, bases[position] + other
        reference, other = reference[:-1], other[:-1]
    while min(len(reference), len(other)) > 1 and reference[0] == other[0]:
        reference, other, position = reference[1:], other[1:], position + 1
    return Variant(variant.contig, position, reference, other)


def random_variant(rng: np.random.Generator, contig: str, bases: str, position: int, indel_share: float) -> Variant:
    """A variant at about `position`: transitions twice as likely as transversions; indels of 1-12, left-aligned."""
    base = bases[position]
    if rng.random() >= indel_share:
        transition = {"A": "G", "G": "A", "C": "T", "T": "C"}[base]
        others = [transition, *(other for other in BASES if other not in {base, transition})]
        return Variant(contig, position, base, str(rng.choice(others, p=[2 / 3, 1 / 6, 1 / 6])))
    size = min(int(rng.geometric(0.45)), 12)
    if rng.random() < 0.5:
        return left_aligned(bases, Variant(contig, position, bases[position : position + size + 1], base))
    return left_aligned(bases, Variant(contig, position, base, base + "".join(rng.choice(list(BASES), size))))


def spaced_variants(
    rng: np.random.Generator,
    contig: str,
    bases: str,
    *,
    candidates: np.ndarray,
    count: int,
    indel_share: float,
    taken: Sequence[Variant] = (),
    spacing: int = 15,
) -> list[Variant]:
    """`count` variants at random candidate positions, at least `spacing` bases from each other and from `taken`.

    Raises
    ------
    ValueError
        There is no room for so many.
    """
    occupied = sorted((variant.position, variant.end) for variant in taken if variant.contig == contig)
    chosen: list[Variant] = []
    for position in rng.permutation(candidates):
        if len(chosen) == count:
            break
        variant = random_variant(rng, contig, bases, int(position), indel_share)
        place = bisect_left(occupied, (variant.position, variant.end))
        neighbours = occupied[max(0, place - 1) : place + 1]
        if all(variant.end + spacing <= start or end + spacing <= variant.position for start, end in neighbours):
            occupied.insert(place, (variant.position, variant.end))
            chosen.append(variant)
    if len(chosen) < count:
        raise ValueError(f"contig {contig}: room for {len(chosen)} variants only, {count} are wanted")
    return sorted(chosen)


def inherit(
    family: np.random.Generator, own: np.random.Generator, frequencies: np.ndarray, sex_linked: np.ndarray, male: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Which population variants a person has on each haplotype.

    Parents' haplotypes come from the family's generator, so that siblings share them; each child gets one of
    each parent's two, without recombination. Sons get no paternal X.

    Parameters
    ----------
    family, own
        Generators of the family and of the person.
    frequencies
        Population frequency of each variant, shape (variants,).
    sex_linked
        Whether it lies on X, shape (variants,).
    male
        Whether the person is male.

    Returns
    -------
    tuple of two boolean arrays, shape (variants,)
        Maternal and paternal haplotype.
    """
    founders = family.random((4, len(frequencies))) < frequencies
    mother, father = founders[:2], founders[2:]
    maternal = mother[int(own.integers(2))]
    # a father has one X only
    paternal = np.where(sex_linked, father[0] & (not male), father[int(own.integers(2))])
    return maternal, paternal


def apply_variants(bases: str, start: int, length: int, variants: Sequence[Variant], positions: Sequence[int]) -> str:
    """`length` bases of a haplotype from reference position `start`; shorter where the contig ends.

    Parameters
    ----------
    bases
        Reference contig.
    start, length
        First reference position and number of bases of the haplotype.
    variants
        Variants of the haplotype on this contig, sorted, not overlapping.
    positions
        Their positions.
    """
    parts, done, here = [], 0, start
    index = bisect_left(positions, start)
    while done < length and here < len(bases):
        if index == len(variants) or positions[index] >= here + length - done:
            parts.append(bases[here : here + length - done])
            break
        variant = variants[index]
        parts += [bases[here : variant.position], variant.other]
        done += variant.position - here + len(variant.other)
        here = variant.end
        index += 1
    return "".join(parts)[:length]
