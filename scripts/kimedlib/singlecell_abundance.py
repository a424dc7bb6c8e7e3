"""Differential abundance in neighbourhoods of cells: where among the cells the conditions differ (Milo)."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from kimedlib.singlecell_design import Design
from kimedlib.singlecell_embedding import Matrix, nearest
from kimedlib.singlecell_expression import wald_tests

# Milo advises five cells of a neighbourhood per sample; fewer than this are no neighbourhood.
PER_UNIT, LEAST = 5, 30


def neighbourhoods(
    positions: Matrix, neighbours: int, share: float, random: np.random.Generator
) -> tuple[NDArray[np.int64], Matrix]:
    """Cells of each neighbourhood, (neighbourhoods, neighbours), and the distance of the farthest, (neighbourhoods,).

    A share of the cells is drawn; each stands for the cell nearest to the median of its neighbours, which finds dense
    places and takes fewer cells than were drawn.

    References
    ----------
    Dann et al., Nat Biotechnol 40:245 (2022), doi:10.1038/s41587-021-01033-z (refined sampling).
    """
    indices, distances = nearest(positions, neighbours)
    drawn = np.sort(random.choice(len(positions), max(1, round(share * len(positions))), replace=False))
    middles = np.median(positions[indices[drawn]], axis=1)
    tree = NearestNeighbors(n_neighbors=1, algorithm="kd_tree").fit(positions)
    chosen = np.unique(tree.kneighbors(middles, return_distance=False))
    return indices[chosen], distances[chosen, -1]


def neighbour_number(units: int, wanted: int | str, cells: int) -> int:
    """Cells of a neighbourhood: as wanted, or for `auto` five per unit of comparison, 30 or more."""
    number = max(LEAST, PER_UNIT * units) if wanted == "auto" else int(wanted)
    return min(number, cells)


def counted(members: NDArray[np.int64], units: pd.Series, names: pd.Index) -> pd.DataFrame:
    """Cells of each unit in each neighbourhood (units x neighbourhoods).

    Parameters
    ----------
    members
        (neighbourhoods, neighbours), numbers of cells.
    units
        Unit of each cell; others than `names` are not counted.
    """
    codes = names.get_indexer(pd.Index(units))
    inside = codes[members]
    table = np.zeros((len(names), len(members)), dtype=np.int64)
    for unit in range(len(names)):
        table[unit] = (inside == unit).sum(axis=1)
    return pd.DataFrame(table, index=names, columns=[f"n{number}" for number in range(len(members))])


def spatial_fdr(p_values: NDArray[np.float64], distances: Matrix) -> Matrix:
    """Benjamini-Hochberg with weights: crowded neighbourhoods overlap and count less. NaN is no test.

    References
    ----------
    Lun et al., Nat Methods 14:707 (2017), doi:10.1038/nmeth.4295; weights as in Dann et al. (2022).
    """
    result = np.full(len(p_values), np.nan)
    tested = np.flatnonzero(np.isfinite(p_values))
    if not len(tested):
        return result
    weights = 1 / np.maximum(distances[tested], 1e-12)
    order = np.argsort(p_values[tested], kind="stable")
    levels = weights.sum() * p_values[tested][order] / np.cumsum(weights[order])
    result[tested[order]] = np.minimum(np.minimum.accumulate(levels[::-1])[::-1], 1)
    return result


def abundance(
    counts: pd.DataFrame, sizes: pd.Series, samples: pd.DataFrame, design: Design, conditions: tuple[str, str]
) -> pd.DataFrame:
    """Change of each neighbourhood's share of cells: log2_fold_change, standard_error, p_value.

    One row per column of `counts`, in their order. Negative binomial regression per neighbourhood with dispersions
    shrunk over all (PyDESeq2, as pertpy's Milo offers it), offset by the cells of each unit.

    Parameters
    ----------
    counts
        Units x neighbourhoods.
    sizes
        All cells of each unit.
    conditions
        Reference and contrast.
    """
    factors = sizes.loc[counts.index].to_numpy(dtype=float)
    factors /= np.exp(np.log(factors).mean())
    table = wald_tests(counts, samples, design, conditions, factors).set_index("gene").loc[counts.columns]
    return table[["log2_fold_change", "standard_error", "p_value"]].reset_index(drop=True)
