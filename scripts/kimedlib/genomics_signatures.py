"""Mutational signatures: which of them explain the substitutions of a tumour.

Signatures are the user's (COSMIC's may not be passed on by everybody): a table as COSMIC gives it, columns Type and one
per signature. Exposures by non-negative least squares, as in deconstructSigs and SigProfilerAssignment, with intervals
by resampling mutations.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from kimedlib.genomics_contexts import CONTEXTS

TOLERANCE = 0.01  # sum of a signature's 96 shares


class Exposure(NamedTuple):
    """Share of mutations that a signature explains, with a 95 % interval over resampled mutations."""

    signature: str
    share: float
    low: float
    high: float


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
