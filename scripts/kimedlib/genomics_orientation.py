"""Substitutions that only one orientation of read pairs shows: damage before or in the preparation of the library.

Such damage changes one strand of a molecule, so that after amplification the change is in the first read of pairs of
one orientation (F1R2) and its complement in the other (oxidation: Costello et al. 2013, doi:10.1093/nar/gks1443). How
frequent artefacts are differs between samples and kinds of change, which is why their share is learned from the
sample, as Mutect2's read orientation model does it; here per kind of substitution, not per context.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A"}
STRAY = 0.02  # share of an artefact's fragments with the other orientation
# Pseudo-counts of real alleles and of artefacts of either orientation: with few candidates nothing is learned
PRIOR = np.array([30.0, 0.1, 0.1])
ROUNDS = 100


class Oriented(NamedTuple):
    """Fragments of a substitution by orientation (first read forward, F1R2; first read reverse, F2R1)."""

    reference: str
    other: str
    shown: tuple[int, int]
    expected: tuple[int, int]


def folded(one: Oriented) -> tuple[str, tuple[int, int], tuple[int, int]]:
    """Kind of change with a pyrimidine as reference, and counts whose first entry is F1R2 of that strand."""
    if one.reference in "CT":
        return f"{one.reference}>{one.other}", one.shown, one.expected
    kind = f"{COMPLEMENT[one.reference]}>{COMPLEMENT[one.other]}"
    return kind, (one.shown[1], one.shown[0]), (one.expected[1], one.expected[0])


def orientation_artefacts(alleles: Sequence[Oriented]) -> tuple[list[float], dict[str, float]]:
    """Probability of every allele to be an artefact of orientation, and the share of artefacts per kind.

    Three classes per kind of substitution (real, artefact of F1R2, artefact of F2R1) whose shares are learned by
    expectation maximisation over all alleles of the sample, with pseudo-counts `PRIOR`. Of a real allele the fragments
    are oriented as those of the reference allele.

    Parameters
    ----------
    alleles
        Candidates of one sample that the normal does not show.
    """
    by_kind: dict[str, list[int]] = {}
    likelihoods = np.zeros((len(alleles), 3))
    for number, one in enumerate(alleles):
        kind, (first, second), (first_reference, second_reference) = folded(one)
        by_kind.setdefault(kind, []).append(number)
        balance = (first_reference + 1) / (first_reference + second_reference + 2)
        likelihoods[number] = [
            balance**first * (1 - balance) ** second,
            (1 - STRAY) ** first * STRAY**second,
            STRAY**first * (1 - STRAY) ** second,
        ]
    probabilities = [0.0] * len(alleles)
    shares: dict[str, float] = {}
    for kind, members in sorted(by_kind.items()):
        weights = PRIOR / PRIOR.sum()
        here = likelihoods[members]
        for _ in range(ROUNDS):
            posterior = here * weights
            posterior /= posterior.sum(axis=1, keepdims=True)
            weights = (posterior.sum(axis=0) + PRIOR) / (len(members) + PRIOR.sum())
        shares[kind] = float(weights[1:].sum())
        for number, row in zip(members, posterior, strict=True):
            probabilities[number] = float(row[1:].sum())
    return probabilities, shares


def told(shares: Mapping[str, float]) -> str:
    """Shares in words for a log."""
    parts = [f"{kind} {100 * share:.1f} %" for kind, share in sorted(shares.items())]
    return f"orientation artefacts: {', '.join(parts) or 'no candidates'}"
