"""Analytic Pearson residuals: what of a count neither the cell's depth nor the gene's share explains.

References
----------
Lause, Berens and Kobak, Genome Biol 22:258 (2021), doi:10.1186/s13059-021-02451-7.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from kimedlib.singlecell_embedding import BLOCK, Matrix
from kimedlib.singlecell_genes import Blocks, GeneMoments, batch_codes, by_batch

# Overdispersion of the negative binomial distribution, as the paper and scanpy set it.
THETA = 100.0
# Different depths that are looked at together, each with all genes.
DEPTHS = 256


def residuals_of(counts: Matrix | float, expected: Matrix, limit: float) -> Matrix:
    """(counts - expected) in standard deviations of a negative binomial distribution, cut at +-`limit`."""
    found: Matrix = counts - expected
    spread = expected / THETA
    spread += 1
    spread *= expected
    # In place: several blocks are in work at once.
    found /= np.sqrt(np.maximum(spread, np.finfo(float).tiny, out=spread), out=spread)
    return np.clip(found, -limit, limit, out=found)


class Residuals:
    """Residuals of chosen genes, computed block by block from the counts: they have no zeros, counts have.

    Parameters
    ----------
    counts
        Cells x chosen genes.
    depth
        Counts of each cell, all genes, (cells,).
    share
        Share of the chosen genes in the counts of all cells, (genes,).

    Attributes
    ----------
    shape, centre
        See `kimedlib.singlecell_embedding.Centred`.
    """

    def __init__(self, counts: sparse.csr_matrix, depth: Matrix, share: Matrix) -> None:
        self.counts, self.depth, self.share, self.shape = counts, depth, share, counts.shape
        total = np.zeros(counts.shape[1])
        for start in range(0, counts.shape[0], BLOCK):
            total += self.block(start).sum(axis=0)
        self.centre = total / counts.shape[0]

    def of(self, cells: slice | NDArray[np.int64]) -> Matrix:
        """Residuals of some cells, dense."""
        expected = self.depth[cells, None] * self.share
        return residuals_of(self.counts[cells].toarray(), expected, float(np.sqrt(self.shape[0])))

    def block(self, start: int) -> Matrix:
        """Residuals of `BLOCK` cells from `start` on."""
        return self.of(slice(start, start + BLOCK))


class Dense:
    """Values that are held as they are; see `kimedlib.singlecell_embedding.Centred`."""

    def __init__(self, values: Matrix) -> None:
        self.values, self.shape, self.centre = values, values.shape, values.mean(axis=0)

    def block(self, start: int) -> Matrix:
        """Values of `BLOCK` cells from `start` on."""
        return self.values[start : start + BLOCK]


def residual_variance(blocks: Blocks, codes: NDArray[np.int64], moments: GeneMoments) -> Matrix:
    """Variance of the residuals of each gene within each batch, cut at sqrt(its cells), (batches, genes).

    Cells of the same depth expect the same, so zeros are summed once for each depth and not for each cell.
    """
    share = moments.total / np.maximum(moments.total.sum(axis=1, keepdims=True), 1)
    limits, genes = np.sqrt(moments.cells), moments.total.shape[1]
    total, squares = np.zeros_like(share), np.zeros_like(share)
    depths: list[list[Matrix]] = [[] for _ in limits]
    for code, part in by_batch(blocks, codes):
        depth = np.asarray(part.sum(axis=1), dtype=np.float64).ravel()
        depths[code].append(depth)
        expected = np.repeat(depth, np.diff(part.indptr)) * share[code, part.indices]
        found = residuals_of(part.data.astype(np.float64), expected, limits[code])
        zero = residuals_of(0.0, expected, limits[code])
        total[code] += np.bincount(part.indices, weights=found - zero, minlength=genes)
        squares[code] += np.bincount(part.indices, weights=found**2 - zero**2, minlength=genes)
    for code, parts in enumerate(depths):
        different, times = np.unique(np.concatenate(parts), return_counts=True)
        for start in range(0, len(different), DEPTHS):
            some = slice(start, start + DEPTHS)
            zero = residuals_of(0.0, different[some, None] * share[code], limits[code])
            total[code] += times[some] @ zero
            squares[code] += times[some] @ zero**2
    cells = moments.cells[:, None]
    variance: Matrix = squares / cells - (total / cells) ** 2
    return variance


def residual_genes(blocks: Blocks, batches: pd.Series, moments: GeneMoments, number: int) -> NDArray[np.bool_]:
    """The `number` genes that are among so many of highest residual variance in most batches, (genes,).

    Ties are broken by the median rank in those batches, as scanpy does.

    Parameters
    ----------
    blocks
        Reads the cells anew at each call.
    """
    variance = residual_variance(blocks, batch_codes(batches), moments)
    ranks = np.argsort(np.argsort(-variance.round(9), axis=1, kind="stable"), axis=1, kind="stable")
    among = ranks < number
    times = among.sum(axis=0)
    middle = pd.DataFrame(np.where(among, ranks, np.nan)).median(axis=0)
    chosen = np.zeros(len(times), dtype=bool)
    chosen[np.lexsort((middle, -times))[:number]] = True
    chosen &= (times > 0) & (variance.max(axis=0) > 0)
    return chosen
