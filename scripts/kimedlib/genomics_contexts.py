"""Substitutions in their context: the 96 kinds that mutational signatures are made of."""

from collections.abc import Iterable
from itertools import product

import numpy as np

COMPLEMENT = str.maketrans("ACGT", "TGCA")
CHANGES = ("C>A", "C>G", "C>T", "T>A", "T>C", "T>G")
CONTEXTS = tuple(f"{left}[{change}]{right}" for change in CHANGES for left in "ACGT" for right in "ACGT")


def context_of(before: str, reference: str, after: str, other: str) -> str | None:
    """Kind of a substitution by its pyrimidine strand, e.g. `A[C>T]G`; None next to unknown bases."""
    three = f"{before}{reference}{after}".upper()
    if set(three + other.upper()) - set("ACGT"):
        return None
    changed = other.upper()
    if three[1] in "AG":
        three, changed = three.translate(COMPLEMENT)[::-1], changed.translate(COMPLEMENT)
    return f"{three[0]}[{three[1]}>{changed}]{three[2]}"


def catalogue(kinds: Iterable[str | None]) -> np.ndarray:
    """Counts per kind in the order of `CONTEXTS`, shape (96,); None is left out."""
    place = {name: number for number, name in enumerate(CONTEXTS)}
    counts = np.zeros(len(CONTEXTS), dtype=int)
    for kind in kinds:
        if kind is not None:
            counts[place[kind]] += 1
    return counts


def trinucleotides(sequences: Iterable[str]) -> dict[str, int]:
    """How often each of the 32 contexts (middle base C or T) occurs on either strand."""
    counts = np.zeros(125, dtype=np.int64)
    codes = np.full(256, 4, dtype=np.int64)
    codes[np.frombuffer(b"ACGT", dtype=np.uint8)] = range(4)
    for sequence in sequences:
        bases = codes[np.frombuffer(sequence.upper().encode(), dtype=np.uint8)]
        if len(bases) > 2:
            counts += np.bincount(25 * bases[:-2] + 5 * bases[1:-1] + bases[2:], minlength=125)
    folded: dict[str, int] = {}
    for number, three in enumerate("".join(bases) for bases in product("ACGTN", repeat=3)):
        if counts[number] and "N" not in three:
            key = three if three[1] in "CT" else three.translate(COMPLEMENT)[::-1]
            folded[key] = folded.get(key, 0) + int(counts[number])
    return folded
