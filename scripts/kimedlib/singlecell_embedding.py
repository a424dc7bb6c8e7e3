"""From counts to clusters: normalisation, principal components, neighbours, Leiden.

Every step gives the same bits for any number of threads: float64, exact neighbours, rounded components.
"""

import random as python_random
from concurrent.futures import ThreadPoolExecutor

import igraph
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import eigh
from scipy.linalg.blas import dsyrk
from scipy.sparse.linalg import LinearOperator, eigsh
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

Matrix = NDArray[np.float64]
# Rounding removes the last bits, which depend on the CPU and on the number of threads.
DECIMALS = 6
BLOCK = 4096
# Above this all pairs of cells are compared; candidates beyond those wanted, for ties and lost digits.
TREE_CELLS, SPARE = 20_000, 4
LISTED_EDGES = 3_000_000


def log_normalised(counts: sparse.csr_matrix, target: float = 1e4) -> sparse.csr_matrix:
    """log(1 + counts scaled to `target` per cell), cells x genes, float64."""
    depth = np.maximum(np.asarray(counts.sum(axis=1), dtype=np.float64).ravel(), 1)
    scaled = sparse.csr_matrix(sparse.diags(target / depth) @ counts.astype(np.float64))
    scaled.data = np.log1p(scaled.data)
    return scaled


def centred_scale(values: sparse.csr_matrix, limit: float = 10.0) -> tuple[sparse.csr_matrix, Matrix]:
    """Values in units of their gene's standard deviation, z-scores above `limit` cut, and the mean of each gene.

    The matrix less the means is what Seurat and scanpy scale to; as zeros stay zeros, it need not be held densely.

    Parameters
    ----------
    values
        Cells x genes, log-normalised.
    """
    cells, genes = values.shape
    total = np.bincount(values.indices, weights=values.data, minlength=genes)
    squares = np.bincount(values.indices, weights=values.data**2, minlength=genes)
    mean = total / cells
    deviation = np.sqrt(np.maximum((squares - total * mean) / max(cells - 1, 1), 1e-12))
    data = np.minimum(values.data / deviation[values.indices], limit + (mean / deviation)[values.indices])
    scaled = sparse.csr_matrix((data, values.indices, values.indptr), shape=values.shape)
    return scaled, np.bincount(values.indices, weights=data, minlength=genes) / cells


def gene_covariance(scaled: sparse.csr_matrix, centre: Matrix, threads: int) -> Matrix:
    """Covariance of genes, accumulated over blocks of cells in a fixed order: the same for any number of threads."""
    cells, genes = scaled.shape

    def products(start: int) -> Matrix:
        block = scaled[start : start + BLOCK].toarray()
        # Fortran sees the transpose, so this is block.T @ block, of which only one half is computed.
        result: Matrix = dsyrk(1.0, block.T)
        return result

    gram = np.zeros((genes, genes))
    starts = range(0, cells, BLOCK)
    with ThreadPoolExecutor(threads) as pool:
        # A few at a time: each waiting product takes genes x genes.
        for first in range(0, len(starts), threads):
            for part in pool.map(products, starts[first : first + threads]):
                gram += part
    gram = np.triu(gram) + np.triu(gram, 1).T
    covariance: Matrix = (gram - cells * np.outer(centre, centre)) / max(cells - 1, 1)
    return covariance


def principal_components(values: sparse.csr_matrix, number: int, threads: int = 1) -> tuple[Matrix, Matrix, Matrix]:
    """PCA of z-scored genes by the eigenvectors of the gene covariance; exact, and the same for any `threads`.

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
    scaled, centre = centred_scale(values)
    number = max(1, min(number, genes, cells - 1))
    covariance = gene_covariance(scaled, centre, threads)
    variances, loadings = eigh(covariance, subset_by_index=[genes - number, genes - 1])
    variances, loadings = variances[::-1], loadings[:, ::-1]
    # An eigenvector's sign is arbitrary: its largest loading shall be positive.
    loadings = loadings * np.sign(loadings[np.argmax(np.abs(loadings), axis=0), np.arange(number)])
    scores = scaled @ loadings - centre @ loadings
    return scores.round(DECIMALS), loadings.round(DECIMALS), variances.round(DECIMALS)


def largest_variance(values: sparse.csr_matrix) -> float:
    """Variance of the first component of z-scored genes, by Lanczos iterations."""
    scaled, centre = centred_scale(values)
    cells, genes = values.shape
    turned = sparse.csr_matrix(scaled.T)

    def product(vector: Matrix) -> Matrix:
        scores = scaled @ vector.ravel() - centre @ vector.ravel()
        result: Matrix = turned @ scores - centre * scores.sum()
        return result

    operator = LinearOperator((genes, genes), matvec=product, dtype=np.float64)
    found = eigsh(operator, k=1, v0=np.ones(genes), tol=1e-6, return_eigenvectors=False)
    return float(found[0]) / max(cells - 1, 1)


def informative_components(
    values: sparse.csr_matrix,
    variances: Matrix,
    random: np.random.Generator,
    bounds: tuple[int, int],
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
    chance = largest_variance(shuffled.tocsr())
    return int(np.clip(np.sum(variances > chance), *bounds))


def nearest(positions: Matrix, neighbours: int, threads: int = 1) -> tuple[NDArray[np.int64], Matrix]:
    """Exact nearest neighbours, each cell first in its own list: indices and distances, (cells, neighbours).

    Trees are faster for few cells, comparing all pairs for many; both give the same for any `threads`.
    """
    cells = len(positions)
    neighbours = min(neighbours, cells)
    if cells <= TREE_CELLS:
        tree = NearestNeighbors(n_neighbors=neighbours, algorithm="kd_tree", n_jobs=threads).fit(positions)
        distances, indices = tree.kneighbors(positions)
        return indices.astype(np.int64), distances
    with threadpool_limits(threads, user_api="openmp"):
        found = NearestNeighbors(n_neighbors=min(neighbours + SPARE, cells), algorithm="brute").fit(positions)
        candidates = found.kneighbors(positions, return_distance=False).astype(np.int64)
    indices, distances = np.empty((cells, neighbours), dtype=np.int64), np.empty((cells, neighbours))
    for start in range(0, cells, BLOCK):
        rows = slice(start, start + BLOCK)
        # All pairs are compared by products, which lose digits; the order of the candidates is found without.
        apart = np.sqrt(((positions[rows, None, :] - positions[candidates[rows]]) ** 2).sum(axis=2))
        apart[candidates[rows] == np.arange(start, start + len(apart))[:, None]] = -1
        order = np.lexsort((candidates[rows], apart), axis=1)[:, :neighbours]
        indices[rows] = np.take_along_axis(candidates[rows], order, axis=1)
        distances[rows] = np.maximum(np.take_along_axis(apart, order, axis=1), 0)
    return indices, distances


def shared_neighbour_graph(indices: NDArray[np.int64]) -> sparse.csr_matrix:
    """Jaccard overlap of the neighbour lists of all pairs of cells, below 1/15 set to 0 (as in Seurat), symmetric."""
    cells, neighbours = indices.shape
    ends = np.arange(0, cells * neighbours + 1, neighbours)
    lists = sparse.csr_matrix((np.ones(indices.size, dtype=np.uint16), indices.ravel(), ends), shape=(cells, cells))
    holders = lists.T.tocsr()
    parts = []
    for start in range(0, cells, BLOCK):
        shared = (lists[start : start + BLOCK] @ holders).tocoo()
        counts = shared.data.astype(np.float64)
        weights = counts / (2 * neighbours - counts)
        keep = (weights >= 1 / 15) & (shared.row + start != shared.col)
        place = (shared.row[keep], shared.col[keep])
        parts.append(sparse.csr_matrix((weights[keep], place), shape=shared.shape))
    graph = sparse.csr_matrix(sparse.vstack(parts))
    graph.sort_indices()
    return graph


def network(graph: sparse.csr_matrix) -> tuple[igraph.Graph, NDArray[np.float64]]:
    """A symmetric graph as igraph holds it, and the weights of its edges, for any number of `communities`."""
    upper = sparse.triu(graph, k=1).tocoo()
    edges = np.column_stack([upper.row, upper.col])
    # igraph takes a list four times as fast as an array, but a list of 25 million pairs fills 3 GB.
    pairs = list(map(tuple, edges.tolist())) if len(edges) < LISTED_EDGES else edges
    return igraph.Graph(n=graph.shape[0], edges=pairs), upper.data


def communities(
    edges: tuple[igraph.Graph, NDArray[np.float64]], resolution: float, seed: int
) -> NDArray[np.int64]:  # fmt: skip
    """Leiden clusters by modularity, numbered from the largest to the smallest, (cells,).

    References
    ----------
    Traag et al., Sci Rep 9:5233 (2019), doi:10.1038/s41598-019-41695-z.
    """
    igraph.set_random_number_generator(python_random.Random(seed))
    found = edges[0].community_leiden("modularity", weights=edges[1], resolution=resolution, n_iterations=-1)
    membership = np.asarray(found.membership)
    sizes = np.bincount(membership)
    rank = np.argsort(np.argsort(-sizes, kind="stable"), kind="stable")
    clusters: NDArray[np.int64] = rank[membership].astype(np.int64)
    return clusters


def leiden(graph: sparse.csr_matrix, resolution: float, seed: int) -> NDArray[np.int64]:
    """Leiden clusters of a graph that is clustered once; see `communities`."""
    return communities(network(graph), resolution, seed)
