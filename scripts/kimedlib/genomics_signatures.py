"""Mutational signatures: the 96 kinds of substitutions in their context, and which signatures explain them.

Signatures are the user's (COSMIC's may not be passed on by everybody): a table as COSMIC gives it, columns Type and one
per signature. Exposures by non-negative least squares, as in deconstructSigs and SigProfilerAssignment, with intervals
by resampling mutations.
"""

from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import nnls

COMPLEMENT = str.maketrans("ACGT", "TGCA")
CHANGES = ("C>A", "C>G", "C>T", "T>A", "T>C", "T>G")
CONTEXTS = tuple(f"{left}[{change}]{right}" for change in CHANGES for left in "ACGT" for right in "ACGT")
TOLERANCE = 0.01  # sum of a signature's 96 shares


class Exposure(NamedTuple):
    """Share of mutations that a signature explains, with a 95 % interval over resampled mutations."""

    signature: str
    share: float
    low: float
    high: float


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


def opportunity(sequenced: Mapping[str, int], genome: Mapping[str, int]) -> np.ndarray:
    """How much more often each of the 96 contexts occurs where was sequenced than in the genome, shape (96,)."""
    total, whole = sum(sequenced.values()), sum(genome.values())
    factors = []
    for name in CONTEXTS:
        three = name[0] + name[2] + name[6]
        known = genome.get(three, 0)
        factors.append((sequenced.get(three, 0) / total) / (known / whole) if known and total else 0.0)
    return np.array(factors)


def read_signatures(path: Path) -> pd.DataFrame:
    """Signatures of a table in COSMIC's form, rows in the order of `CONTEXTS`.

    Raises
    ------
    ValueError
        A kind is missing, twice or unknown, or a column is no distribution; names file, row or column, and remedy.
    """
    table = pd.read_csv(path, sep="\t")
    if "Type" not in table.columns or len(table.columns) < 2:
        raise ValueError(f"{path}: columns must be Type (as A[C>A]A) and one per signature, tab-separated")
    table = table.set_index("Type")
    for name in sorted(set(CONTEXTS) ^ set(table.index)):
        state = "missing" if name in CONTEXTS else "not one of the 96 kinds of substitutions"
        raise ValueError(f"{path}: row {name} is {state}; give the table of single-base substitutions (SBS96)")
    if table.index.has_duplicates:
        raise ValueError(f"{path}: row {table.index[table.index.duplicated()][0]} is there twice")
    table = table.loc[list(CONTEXTS)]
    for name in table.columns:
        values = pd.to_numeric(table[name], errors="coerce")
        if values.isna().any() or (values < 0).any() or abs(values.sum() - 1) > TOLERANCE:
            raise ValueError(f"{path}: column {name} must hold 96 shares that add up to 1")
    return table.astype(float)


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Cosine similarity; 0 if one of them is empty."""
    scale = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / scale if scale else 0.0


def shares_of(counts: np.ndarray, signatures: np.ndarray) -> np.ndarray:
    """Shares of the signatures (columns) by non-negative least squares, adding up to 1."""
    weights, _ = nnls(signatures, counts / max(1, counts.sum()))
    total = weights.sum()
    return np.asarray(weights / total if total else weights)


def exposures(
    counts: np.ndarray, signatures: pd.DataFrame, factors: np.ndarray, rng: np.random.Generator, resamples: int
) -> tuple[list[Exposure], float]:
    """Which signatures explain a catalogue, and how well (cosine of catalogue and reconstruction).

    Parameters
    ----------
    counts
        Catalogue, shape (96,).
    signatures
        Of `read_signatures`: shares in a whole genome.
    factors
        Of `opportunity`; signatures are adapted to what was sequenced by them.
    rng, resamples
        For the intervals: catalogues drawn from the observed one.

    Raises
    ------
    ValueError
        There are no mutations.
    """
    if not counts.sum():
        raise ValueError("a catalogue without mutations has no signatures")
    adapted = signatures.to_numpy() * factors[:, None]
    sums = adapted.sum(axis=0)
    adapted = np.divide(adapted, sums, out=np.zeros_like(adapted), where=sums > 0)
    best = shares_of(counts, adapted)
    drawn = rng.multinomial(counts.sum(), counts / counts.sum(), size=resamples)
    low, high = np.quantile([shares_of(one, adapted) for one in drawn], [0.025, 0.975], axis=0)
    fitted = [
        Exposure(str(name), float(best[n]), float(low[n]), float(high[n])) for n, name in enumerate(signatures.columns)
    ]
    return fitted, cosine(counts.astype(float), adapted @ best)
