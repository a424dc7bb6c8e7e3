"""From counts to clusters: normalisation, variable genes, principal components, neighbours, Leiden.

Every step gives the same bits for any number of threads: float64, exact neighbours, rounded components.
"""

import random as python_random

import igraph
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.neighbors import NearestNeighbors
from statsmodels.nonparametric.smoothers_lowess import lowess

Matrix = NDArray[np.float64]
# Rounding removes the last bits, which depend on the CPU and on the number of threads.
DECIMALS = 6
BLOCK = 4096


def log_normalised(counts: sparse.csr_matrix, target: float = 1e4) -> sparse.csr_matrix:
    """log(1 + counts scaled to `target` per cell), cells x genes, float64."""
    depth = np.maximum(np.asarray(counts.sum(axis=1), dtype=np.float64).ravel(), 1)
    scaled = sparse.csr_matrix(sparse.diags(target / depth) @ counts.astype(np.float64))
    scaled.data = np.log1p(scaled.data)
    return scaled


def standardised_variance(values: sparse.csr_matrix) -> NDArray[np.float64]:
    """Variance of each gene after the mean-variance trend is taken out, (genes,); made for raw counts.

    References
    ----------
    vst of Seurat 3: Stuart et al., Cell 177:1888 (2019), doi:10.1016/j.cell.2019.05.031. The trend is a lowess
    curve of log10 variance over log10 mean (span 0.3); standardised values are clipped at sqrt(cells).
    """
    columns = sparse.csc_matrix(values, dtype=np.float64)
    cells = columns.shape[0]
    mean = np.asarray(columns.mean(axis=0)).ravel()
    squares = np.asarray(columns.multiply(columns).mean(axis=0)).ravel()
    variance = (squares - mean**2) * cells / max(cells - 1, 1)
    result = np.zeros(len(mean))
    varying = np.flatnonzero(variance > 1e-12)
    if len(varying) < 3:
        return result
    x = np.log10(np.abs(mean[varying]))
    trend = lowess(np.log10(variance[varying]), x, frac=0.3, delta=0.01 * float(np.ptp(x)), return_sorted=False)
    deviation, limit = np.sqrt(10**trend), np.sqrt(cells)
    for gene, sd in zip(varying, deviation, strict=True):
        seen = columns.data[columns.indptr[gene] : columns.indptr[gene + 1]]
        above = np.minimum((seen - mean[gene]) / sd, limit)
        result[gene] = (np.sum(above**2) + (cells - len(seen)) * (mean[gene] / sd) ** 2) / max(cells - 1, 1)
    return result


def variable_genes(values: sparse.csr_matrix, batches: pd.Series, number: int) -> NDArray[np.bool_]:
    """The `number` genes of best median rank over the batches, (genes,).

    Ranking within batches keeps genes out that only differ between batches.
    """
    ranks = []
    for batch in sorted(batches.unique()):
        score = standardised_variance(values[(batches == batch).to_numpy()])
        ranks.append(np.argsort(np.argsort(-score.round(9), kind="stable"), kind="stable"))
    # Genes without variance anywhere carry nothing, whatever their rank.
    spread = np.asarray(values.multiply(values).mean(axis=0)).ravel() - np.asarray(values.mean(axis=0)).ravel() ** 2
    order = np.where(spread > 1e-12, np.median(ranks, axis=0), np.inf)
    chosen = np.zeros(values.shape[1], dtype=bool)
    chosen[np.argsort(order, kind="stable")[:number]] = True
    chosen[~np.isfinite(order)] = False
    return chosen


def standardised_block(values: sparse.csr_matrix, mean: Matrix, deviation: Matrix, limit: float = 10.0) -> Matrix:
    """Dense z-scores of some cells, clipped at `limit` as in Seurat and scanpy."""
    block: Matrix = np.minimum((np.asarray(values.todense(), dtype=np.float64) - mean) / deviation, limit)
    return block


def principal_components(values: sparse.csr_matrix, number: int) -> tuple[Matrix, Matrix, Matrix]:
    """PCA of z-scored genes by the eigenvectors of the gene covariance, accumulated in blocks of cells.

    Parameters
    ----------
    values
        Cells x genes, log-normalised.
    number
        Components wanted; limited by the size of the matrix.

    Returns
    -------
    tuple
        Scores (cells, components), loadings (genes, components), variances (components,).
    """
    cells, genes = values.shape
    mean = np.asarray(values.mean(axis=0)).ravel()
    squares = np.asarray(values.multiply(values).mean(axis=0)).ravel()
    deviation = np.sqrt(np.maximum((squares - mean**2) * cells / max(cells - 1, 1), 1e-12))
    total, gram = np.zeros(genes), np.zeros((genes, genes))
    starts = range(0, cells, BLOCK)
    for start in starts:
        block = standardised_block(values[start : start + BLOCK], mean, deviation)
        total += block.sum(axis=0)
        gram += block.T @ block
    centre = total / cells
    covariance = (gram - cells * np.outer(centre, centre)) / max(cells - 1, 1)
    variances, vectors = np.linalg.eigh(covariance)
    number = max(1, min(number, genes, cells - 1))
    order = np.argsort(-variances, kind="stable")[:number]
    loadings = vectors[:, order]
    # An eigenvector's sign is arbitrary: its largest loading shall be positive.
    loadings = loadings * np.sign(loadings[np.argmax(np.abs(loadings), axis=0), np.arange(loadings.shape[1])])
    parts = [
        (standardised_block(values[start : start + BLOCK], mean, deviation) - centre) @ loadings for start in starts
    ]
    return np.vstack(parts).round(DECIMALS), loadings.round(DECIMALS), variances[order].round(DECIMALS)


def informative_components(
    values: sparse.csr_matrix, variances: Matrix, random: np.random.Generator, bounds: tuple[int, int]
) -> int:
    """Components whose variance exceeds what genes without any correlation would give (Horn's parallel analysis).

    The null is one copy of the matrix with every gene shuffled over the cells.

    References
    ----------
    Horn, Psychometrika 30:179 (1965); recommended for single cells by Amezquita et al., Nat Methods 17:137 (2020).
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
    chance = principal_components(shuffled.tocsr(), 1)[2][0]
    return int(np.clip(np.sum(variances > chance), *bounds))


def nearest(positions: Matrix, neighbours: int) -> tuple[NDArray[np.int64], Matrix]:
    """Exact nearest neighbours, each cell first in its own list: indices and distances, (cells, neighbours)."""
    neighbours = min(neighbours, len(positions))
    distances, indices = (
        NearestNeighbors(n_neighbors=neighbours, algorithm="kd_tree").fit(positions).kneighbors(positions)
    )
    return indices.astype(np.int64), distances


def shared_neighbour_graph(indices: NDArray[np.int64]) -> sparse.csr_matrix:
    """Jaccard overlap of the neighbour lists of all pairs of cells, below 1/15 set to 0 (as in Seurat), symmetric."""
    cells, neighbours = indices.shape
    rows = np.repeat(np.arange(cells), neighbours)
    lists = sparse.csr_matrix((np.ones(cells * neighbours), (rows, indices.ravel())), shape=(cells, cells))
    shared = sparse.coo_matrix(lists @ lists.T)
    weights = shared.data / (2 * neighbours - shared.data)
    keep = (weights >= 1 / 15) & (shared.row != shared.col)
    graph = sparse.csr_matrix((weights[keep], (shared.row[keep], shared.col[keep])), shape=(cells, cells))
    graph.sort_indices()
    return graph


def leiden(graph: sparse.csr_matrix, resolution: float, seed: int) -> NDArray[np.int64]:
    """Leiden clusters by modularity, numbered from the largest to the smallest, (cells,).

    References
    ----------
    Traag et al., Sci Rep 9:5233 (2019), doi:10.1038/s41598-019-41695-z.
    """
    upper = sparse.triu(graph, k=1).tocoo()
    network = igraph.Graph(n=graph.shape[0], edges=np.column_stack([upper.row, upper.col]))
    igraph.set_random_number_generator(python_random.Random(seed))
    found = network.community_leiden("modularity", weights=upper.data, resolution=resolution, n_iterations=-1)
    membership = np.asarray(found.membership)
    sizes = np.bincount(membership)
    rank = np.argsort(np.argsort(-sizes, kind="stable"), kind="stable")
    clusters: NDArray[np.int64] = rank[membership].astype(np.int64)
    return clusters
