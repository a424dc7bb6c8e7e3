"""Which genes vary more than their expression explains, from counts that are read in blocks."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from statsmodels.nonparametric.smoothers_lowess import lowess

from kimedlib.singlecell_threads import in_processes

Matrix = NDArray[np.float64]
Blocks = Callable[[], Iterable[tuple[slice, sparse.csr_matrix]]]
# Below this a gene carries nothing.
LEAST_VARIANCE = 1e-12


def summed(
    function: Callable[[int, sparse.csr_matrix], Matrix],
    readers: Sequence[Blocks],
    codes: NDArray[np.int64],
    shape: tuple[int, ...],
    threads: int,
) -> Matrix:
    """By batch, the sum of what `function` makes of a batch's number and some of its cells, (batches, ...).

    Several processes share the files: the sums of each file are added in the files' order, whatever their number.
    """

    def of_file(blocks: Blocks) -> dict[int, Matrix]:
        sums: dict[int, Matrix] = {}
        for code, part in by_batch(blocks, codes):
            sums[code] = sums.get(code, 0) + function(code, part)
        return sums

    total = np.zeros(shape)
    for sums in in_processes(of_file, readers, threads):
        for code, part in sums.items():
            total[code] += part
    return total


def by_batch(blocks: Blocks, codes: NDArray[np.int64]) -> Iterator[tuple[int, sparse.csr_matrix]]:
    """The cells of each block, one batch at a time."""
    for rows, block in blocks():
        inside = codes[rows]
        present = np.unique(inside)
        for code in present:
            yield int(code), block if len(present) == 1 else block[np.flatnonzero(inside == code)]


class GeneMoments:
    """Per batch and gene: cells, sum, sum of squares and cells with a value, gathered in one reading.

    Attributes
    ----------
    cells
        (batches,).
    total, squares, seen
        (batches, genes).
    """

    def __init__(self, readers: Sequence[Blocks], codes: NDArray[np.int64], genes: int, threads: int = 1) -> None:
        batches = int(codes.max()) + 1
        self.cells = np.bincount(codes, minlength=batches)

        def sums(_: int, part: sparse.csr_matrix) -> Matrix:
            values = part.data.astype(np.float64)
            seen = part.indices if values.all() else part.indices[values > 0]
            totals = [np.bincount(part.indices, weights=weight, minlength=genes) for weight in (values, values**2)]
            return np.vstack([*totals, np.bincount(seen, minlength=genes)])

        self.total, self.squares, self.seen = summed(sums, readers, codes, (batches, 3, genes), threads).swapaxes(0, 1)

    def keep_genes(self, chosen: NDArray[np.bool_]) -> None:
        """Leave genes out, (genes,)."""
        self.total, self.squares, self.seen = (part[:, chosen] for part in (self.total, self.squares, self.seen))

    def variance(self) -> Matrix:
        """Unbiased variance, (batches, genes)."""
        cells = self.cells[:, None]
        found: Matrix = (self.squares - self.total**2 / cells) / np.maximum(cells - 1, 1)
        return found


def expected_deviation(mean: Matrix, variance: Matrix) -> Matrix:
    """Standard deviation that the mean-variance trend gives, (genes,); infinite for genes that do not vary."""
    deviation = np.full(len(mean), np.inf)
    varying = np.flatnonzero(variance > LEAST_VARIANCE)
    if len(varying) >= 3:
        x = np.log10(np.abs(mean[varying]))
        trend = lowess(np.log10(variance[varying]), x, frac=0.3, delta=0.01 * float(np.ptp(x)), return_sorted=False)
        deviation[varying] = np.sqrt(10**trend)
    return deviation


def standardised_variance(
    readers: Sequence[Blocks], codes: NDArray[np.int64], moments: GeneMoments, threads: int = 1
) -> Matrix:
    """Variance of each gene after the mean-variance trend is taken out, (batches, genes); made for raw counts.

    References
    ----------
    vst of Seurat 3: Stuart et al., Cell 177:1888 (2019), doi:10.1016/j.cell.2019.05.031. The trend is a lowess
    curve of log10 variance over log10 mean (span 0.3); standardised values are clipped at sqrt(cells).
    """
    mean, variance = moments.total / moments.cells[:, None], moments.variance()
    deviation = np.vstack([expected_deviation(*pair) for pair in zip(mean, variance, strict=True)])
    limits = np.sqrt(moments.cells)[:, None]
    highest = mean + limits * deviation
    # Sum of squares of all stored values, less what the few above the limit have too much.
    total = (moments.squares - 2 * mean * moments.total + moments.seen * mean**2) / deviation**2

    def too_much(code: int, part: sparse.csr_matrix) -> Matrix:
        beyond = np.flatnonzero(part.data > highest[code, part.indices])
        genes = part.indices[beyond]
        values = (part.data[beyond] - mean[code, genes]) / deviation[code, genes]
        surplus = np.bincount(genes, weights=values**2 - limits[code] ** 2, minlength=mean.shape[1])
        return surplus.astype(np.float64, copy=False)

    total -= summed(too_much, readers, codes, total.shape, threads)
    cells = moments.cells[:, None]
    result: Matrix = (total + (cells - moments.seen) * (mean / deviation) ** 2) / np.maximum(cells - 1, 1)
    return result


def variable_genes(
    readers: Sequence[Blocks], batches: pd.Series, moments: GeneMoments, number: int, threads: int = 1
) -> NDArray[np.bool_]:
    """The `number` genes of best median rank over the batches, (genes,).

    Ranking within batches keeps genes out that only differ between batches.

    Parameters
    ----------
    readers
        Each reads a part of the cells anew at each call.
    moments
        Of the same cells, batches in alphabetical order.
    """
    scores = standardised_variance(readers, batch_codes(batches), moments, threads)
    ranks = [np.argsort(np.argsort(-score.round(9), kind="stable"), kind="stable") for score in scores]
    cells = moments.cells.sum()
    spread = moments.squares.sum(axis=0) / cells - (moments.total.sum(axis=0) / cells) ** 2
    # Genes without variance anywhere carry nothing, whatever their rank.
    order = np.where(spread > LEAST_VARIANCE, np.median(ranks, axis=0), np.inf)
    chosen = np.zeros(len(order), dtype=bool)
    chosen[np.argsort(order, kind="stable")[:number]] = True
    chosen[~np.isfinite(order)] = False
    return chosen


def batch_codes(batches: pd.Series) -> NDArray[np.int64]:
    """Number of each cell's batch, in alphabetical order, (cells,)."""
    codes: NDArray[np.int64] = np.unique(batches.astype(str), return_inverse=True)[1].astype(np.int64)
    return codes
