"""Differential abundance in neighbourhoods of cells (Milo): which regions gain or lose cells between the conditions.

Neighbourhoods are chosen on the integrated components; their cells are counted per donor, and donors are compared.

References
----------
Milo: Dann et al., Nat Biotechnol 40:245 (2022), doi:10.1038/s41587-021-01033-z.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from kimedlib.singlecell_embedding import DECIMALS, Matrix

# A neighbourhood has a type if so many of its cells have it, as in Milo.
MAJORITY = 0.7
MIXED = "mixed"


def neighbourhoods(positions: Matrix, number: int, neighbours: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Cells of each neighbourhood, its centre first (neighbourhoods x (neighbours + 1)).

    Refined sampling: the middle (median) of a random cell's neighbours is sought and the cell next to it taken, so that
    centres lie where cells are dense; centres that are met twice count once.

    Parameters
    ----------
    positions
        Cells x components.
    number
        Random cells to begin with; no more centres come out.
    """
    tree = NearestNeighbors(n_neighbors=neighbours + 1).fit(positions)
    begin = np.sort(random.choice(len(positions), min(number, len(positions)), replace=False))
    around = tree.kneighbors(positions[begin], return_distance=False)
    middle = np.median(positions[around], axis=1).round(DECIMALS)
    centres = np.unique(tree.kneighbors(middle, 1, return_distance=False).ravel())
    found = tree.kneighbors(positions[centres], return_distance=False).astype(np.int64)
    # Cells at the same place may come before the centre itself.
    others = np.array([row[row != centre][:neighbours] for row, centre in zip(found, centres, strict=True)])
    return np.column_stack([centres, others])


def reach(positions: Matrix, members: NDArray[np.int64]) -> Matrix:
    """Distance from each centre to its farthest member (neighbourhoods,)."""
    away: Matrix = np.linalg.norm(positions[members[:, -1]] - positions[members[:, 0]], axis=1)
    return away


def counted(members: NDArray[np.int64], units: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """Cells of each unit in each neighbourhood (neighbourhoods x units); units below 0 are not counted."""
    codes = units[members]
    rows, _ = np.nonzero(codes >= 0)
    flat = rows * number + codes[codes >= 0]
    return np.bincount(flat, minlength=len(members) * number).reshape(len(members), number).astype(np.int64)


def described(members: NDArray[np.int64], types: NDArray[np.object_]) -> pd.DataFrame:
    """Columns cell_type, that of most cells of each neighbourhood ("mixed" below `MAJORITY`), and type_share."""
    names, codes = np.unique(types.astype(str), return_inverse=True)
    shares = np.stack([(codes[members] == code).mean(axis=1) for code in range(len(names))], axis=1)
    share = shares.max(axis=1)
    label = np.where(share >= MAJORITY, names[shares.argmax(axis=1)], MIXED)
    return pd.DataFrame({"cell_type": label, "type_share": share})


def spatial_fdr(p_values: Matrix, distances: Matrix) -> Matrix:
    """Benjamini-Hochberg weighted by density, as neighbourhoods overlap where cells are dense (the "k-distance" rule).

    Parameters
    ----------
    distances
        From `reach`: the weight of a neighbourhood is its reciprocal. NaN among the p-values is no test.
    """
    result = np.full(len(p_values), np.nan)
    tested = np.flatnonzero(np.isfinite(p_values))
    weights = 1 / np.maximum(distances[tested], 1e-12)
    order = np.argsort(p_values[tested], kind="stable")
    ranked, heavy = p_values[tested][order], weights[order]
    adjusted = heavy.sum() * ranked / np.cumsum(heavy)
    result[tested[order]] = np.minimum(np.minimum.accumulate(adjusted[::-1])[::-1], 1)
    return result
