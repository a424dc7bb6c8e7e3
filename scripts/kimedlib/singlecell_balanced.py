"""Batch-balanced neighbours: every cell has its nearest cells in each batch, so that batches meet in the graph.

References
----------
BBKNN: Polański et al., Bioinformatics 36:964 (2020), doi:10.1093/bioinformatics/btz625. The neighbours are BBKNN's; the
graph is that of shared neighbours, as for all methods, and not UMAP's: it still joins cells of one type where batches
are so far apart that UMAP's weights between them vanish (docs/benchmarks.md).
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from kimedlib.singlecell_embedding import Matrix, nearest, nearest_of_many
from kimedlib.singlecell_genes import batch_codes

# Fewest neighbours in a batch, as in BBKNN.
LEAST = 3


def balanced(
    positions: Matrix, batches: pd.Series, neighbours: int, threads: int = 1
) -> tuple[NDArray[np.int64], Matrix]:
    """Nearest neighbours within each batch, nearest first: indices and distances, (cells, neighbours).

    About `neighbours` in all, but at least `LEAST` (or all its cells) of each batch. Each cell is first in its own
    list. Exact in batches of up to 10,000 cells, see `nearest_of_many` for more; the same for any `threads`.

    Parameters
    ----------
    positions
        Cells x components, uncorrected: distances between batches decide nothing but the order in the list.
    """
    codes = batch_codes(batches)
    each = max(LEAST, -(-neighbours // (codes.max() + 1)))
    parts = []
    for code in range(codes.max() + 1):
        members = np.flatnonzero(codes == code)
        own = np.where(codes == code, np.cumsum(codes == code) - 1, -1)
        found, apart = nearest_of_many(positions[members], min(each, len(members)), threads, (positions, own))
        parts.append((members[found], apart))
    indices, distances = (np.hstack(part) for part in zip(*parts, strict=True))
    itself = indices == np.arange(len(positions))[:, None]
    order = np.lexsort((indices, np.where(itself, -1, distances)), axis=1)
    return np.take_along_axis(indices, order, axis=1), np.take_along_axis(distances, order, axis=1)


def neighbours_of(
    positions: Matrix, batches: pd.Series | None, neighbours: int, threads: int = 1
) -> tuple[NDArray[np.int64], Matrix]:
    """Nearest neighbours, `balanced` where batches are given; each cell first in its own list."""
    if batches is None:
        return nearest(positions, neighbours, threads)
    return balanced(positions, batches, neighbours, threads)


def linked_mixing(graph: sparse.csr_matrix, batches: pd.Series) -> float:
    """How many batches a cell is linked to in a graph, 0 (its own only) to 1 (as if links knew no cells): median.

    LISI over a cell's links: the inverse of the chance that two of them, drawn by weight, lead to the same batch. It is
    scaled by what all links of the graph give: lists that are balanced by construction, or batches of uneven size,
    neither gain nor lose by that.

    Parameters
    ----------
    graph
        Symmetric, cells x cells; a cell without two links counts as unmixed.
    """
    codes = batch_codes(batches)
    members = sparse.csr_matrix((np.ones(len(codes)), (np.arange(len(codes)), codes)))
    shares = (graph @ members).toarray()
    total, squares = shares.sum(axis=1), np.asarray(graph.multiply(graph).sum(axis=1)).ravel()
    pairs = np.maximum(total**2 - squares, 1e-12)
    # Without pairing a link with itself, so that few links do not look less mixed than many.
    same = np.where(total**2 - squares > 1e-9, ((shares**2).sum(axis=1) - squares) / pairs, 1.0)
    by_chance = float(((shares.sum(axis=0) / max(shares.sum(), 1e-12)) ** 2).sum())
    if by_chance >= 1:
        return 0.0
    around = float(np.median(np.clip(same, 1e-12, 1)))
    return float(np.clip((1 / around - 1) / (1 / by_chance - 1), 0, 1))


def without_batches(positions: Matrix, clusters: NDArray[np.int64], batches: pd.Series) -> Matrix:
    """Positions less what batches add to them where clusters are held fixed (least squares), (cells, components).

    For telling which clusters are neighbours, where cells of different batches cannot be compared otherwise.
    """
    codes = batch_codes(batches)
    number = int(clusters.max()) + 1
    columns = np.column_stack([clusters, number + codes]).ravel()
    ends = np.arange(0, len(columns) + 1, 2)
    design = sparse.csr_matrix((np.ones(len(columns)), columns, ends))
    effects = np.linalg.lstsq((design.T @ design).toarray(), design.T @ positions, rcond=None)[0]
    found: Matrix = positions - effects[number:][codes]
    return found
