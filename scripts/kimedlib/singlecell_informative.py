"""How many principal components carry more than chance does: parallel analysis."""

import numpy as np
from scipy import sparse
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator, eigsh

from kimedlib.singlecell_blocks import stacked
from kimedlib.singlecell_embedding import BLOCK, Matrix, Scaling
from kimedlib.singlecell_residuals import Residuals


def largest_variance(values: sparse.csr_matrix) -> float:
    """Variance of the first component of z-scored genes, by Lanczos iterations, to 4 digits or better."""
    cells, genes = values.shape
    scaling = Scaling(values)
    scaled = stacked([scaling.block(start) for start in range(0, cells, BLOCK)])
    centre = scaling.centre

    def product(vector: Matrix) -> Matrix:
        scores = scaled @ vector.ravel() - centre @ vector.ravel()
        result: Matrix = scaled.T @ scores - centre * scores.sum()
        return result

    operator = LinearOperator((genes, genes), matvec=product, dtype=np.float64)
    # Chance has many variances that are nearly the largest: more digits take several times as long.
    found = eigsh(operator, k=1, v0=np.ones(genes), ncv=min(40, genes), tol=1e-4, return_eigenvectors=False)
    largest: float = float(found[0]) / max(cells - 1, 1)
    return largest


def chance_variance(values: sparse.csr_matrix, random: np.random.Generator) -> float:
    """Largest variance of a component where genes have no correlation: each one's values shuffled over the cells.

    At most 5 `BLOCK` random cells stand for all.
    """
    sample = values
    if values.shape[0] > 5 * BLOCK:
        sample = values[np.sort(random.choice(values.shape[0], 5 * BLOCK, replace=False))]
    shuffled = sparse.csc_matrix(sample, copy=True)
    rows = np.empty_like(shuffled.indices)
    for gene in range(shuffled.shape[1]):
        place = slice(shuffled.indptr[gene], shuffled.indptr[gene + 1])
        rows[place] = random.choice(shuffled.shape[0], shuffled.indptr[gene + 1] - shuffled.indptr[gene], replace=False)
    shuffled = sparse.csc_matrix((shuffled.data, rows, shuffled.indptr), shape=shuffled.shape)
    return largest_variance(shuffled.tocsr())


def informative_components(variances: Matrix, chance: float, bounds: tuple[int, int]) -> int:
    """Components whose variance exceeds `chance_variance` (Horn's parallel analysis), within the bounds.

    References
    ----------
    Horn, Psychometrika 30:179 (1965); recommended for single cells by Amezquita et al., Nat Methods 17:137 (2020).
    """
    return int(np.clip(np.sum(variances > chance), *bounds))


def informative_residuals(residuals: Residuals, random: np.random.Generator, bounds: tuple[int, int]) -> int:
    """The same for residuals, each gene in units of its standard deviation: else the most variable gene were the limit.

    Residuals have no zeros, so at most 5 `BLOCK` random cells are held, dense (330 MB for 2,000 genes).
    """
    cells, genes = residuals.shape
    chosen = np.arange(cells)
    if cells > 5 * BLOCK:
        chosen = np.sort(random.choice(cells, 5 * BLOCK, replace=False))
    values = np.empty((len(chosen), genes))
    for start in range(0, len(chosen), BLOCK):
        values[start : start + BLOCK] = residuals.of(chosen[start : start + BLOCK])
    values -= values.mean(axis=0)
    values /= np.maximum(np.sqrt(np.einsum("ij,ij->j", values, values) / (len(chosen) - 1)), 1e-12)

    def variances(number: int) -> Matrix:
        wanted = [genes - min(number, genes), genes - 1]
        found: Matrix = eigh(values.T @ values / (len(chosen) - 1), eigvals_only=True, subset_by_index=wanted)
        return found

    found = variances(bounds[1])
    random.permuted(values, axis=0, out=values)
    return informative_components(found, float(variances(1)[0]), bounds)
