"""From counts to clusters: normalisation, principal components, neighbours, Leiden.

Every step gives the same bits for any number of threads: float64, exact neighbours, rounded components.
"""

import random as python_random
import warnings
from itertools import chain
from typing import Protocol

import igraph
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import eigh
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NearestNeighbors

from kimedlib.singlecell_blocks import stacked
from kimedlib.singlecell_threads import in_order

Matrix = NDArray[np.float64]
# A graph as igraph holds it, and the weights of its edges.
Network = tuple[igraph.Graph, NDArray[np.float64]]
# Rounding removes the last bits, which depend on the CPU and on the number of threads.
DECIMALS = 6
BLOCK = 4096
# Above this, neighbours are sought among lists of cells around; candidates beyond those wanted are for lost digits.
TREE_CELLS, SPARE = 20_000, 4
LIST_CELLS, LISTS = 250, 40
EDGES = 65_536
# Below this share of stored values, a product of sparse matrices is faster than one of dense matrices.
SPARSE = 0.07


def log_normalised(counts: sparse.csr_matrix, target: float = 1e4) -> sparse.csr_matrix:
    """log(1 + counts scaled to `target` per cell), cells x genes, float64."""
    depth = np.maximum(np.asarray(counts.sum(axis=1), dtype=np.float64).ravel(), 1)
    scaled = np.log1p(counts.data * np.repeat(target / depth, np.diff(counts.indptr)))
    return sparse.csr_matrix((scaled, counts.indices, counts.indptr), shape=counts.shape)


def proportionally_fitted(counts: sparse.csr_matrix, depth: float) -> sparse.csr_matrix:
    """PFlog1pPF: log(1 + counts scaled to the mean `depth`), scaled again so that every cell adds up to the same.

    The common sum is 1e4; genes are z-scored afterwards, so it changes nothing. Cells x genes, float64.

    References
    ----------
    Booeshaghi et al., bioRxiv 2022.05.06.490859 (2022).
    """
    logs = log_normalised(counts, depth)
    total = np.maximum(np.asarray(logs.sum(axis=1)).ravel(), 1e-12)
    fitted = logs.data * np.repeat(1e4 / total, np.diff(logs.indptr))
    return sparse.csr_matrix((fitted, logs.indices, logs.indptr), shape=logs.shape)


class Centred(Protocol):
    """Values whose components are sought: block by block, less a mean; `Scaling` for z-scores.

    Attributes
    ----------
    shape
        Cells and genes.
    centre
        Mean over the cells, (genes,).
    """

    shape: tuple[int, int]
    centre: Matrix

    def block(self, start: int) -> sparse.csr_matrix | Matrix:
        """Values of `BLOCK` cells from `start` on, before the mean is taken off."""


class Scaling:
    """Z-scores of genes without holding them: values in units of their gene's standard deviation, less a mean.

    Scores above `limit` are cut, as Seurat and scanpy do. Zeros stay zeros before the mean is taken off.

    Parameters
    ----------
    values
        Cells x genes, log-normalised.
    limit
        In standard deviations.
    threads
        Change the time only.

    Attributes
    ----------
    centre
        Mean of the scaled values, (genes,).
    """

    def __init__(self, values: sparse.csr_matrix, limit: float = 10.0, threads: int = 1) -> None:
        self.values, self.shape = values, values.shape
        cells, genes = values.shape
        starts = range(0, cells, BLOCK)

        def sums(start: int) -> Matrix:
            block = values[start : start + BLOCK]
            weights = block.data, block.data**2
            return np.vstack([np.bincount(block.indices, weights=weight, minlength=genes) for weight in weights])

        def scaled_sums(start: int) -> Matrix:
            block = self.block(start)
            return np.bincount(block.indices, weights=block.data, minlength=genes).astype(np.float64, copy=False)

        total, squares = sum(in_order(sums, starts, threads))
        mean = total / cells
        self.deviation = np.sqrt(np.maximum((squares - total * mean) / max(cells - 1, 1), 1e-12))
        self.highest = limit + mean / self.deviation
        self.centre = sum(in_order(scaled_sums, starts, threads)) / cells

    def block(self, start: int) -> sparse.csr_matrix:
        """Scaled values of the cells from `start` on, before the mean is taken off."""
        block = self.values[start : start + BLOCK]
        data = np.minimum(block.data / self.deviation[block.indices], self.highest[block.indices])
        return sparse.csr_matrix((data, block.indices, block.indptr), shape=block.shape)


def gene_covariance(scaling: Centred, threads: int) -> Matrix:
    """Covariance of genes, accumulated over blocks of cells in a fixed order: the same for any number of threads."""
    cells, genes = scaling.shape

    def products(start: int) -> Matrix:
        block = scaling.block(start)
        if not isinstance(block, np.ndarray):
            if block.nnz < SPARSE * block.shape[0] * genes:
                few: Matrix = (block.T.tocsr() @ block).toarray()
                return few
            block = block.toarray()
        # numpy sees that both are the same and computes one half only, without holding up other threads.
        result: Matrix = block.T @ block
        return result

    gram = np.zeros((genes, genes))
    for part in in_order(products, range(0, cells, BLOCK), threads):
        gram += part
    covariance: Matrix = (gram - cells * np.outer(scaling.centre, scaling.centre)) / max(cells - 1, 1)
    return covariance


def principal_components(
    values: sparse.csr_matrix | Centred, number: int, threads: int = 1
) -> tuple[Matrix, Matrix, Matrix]:
    """PCA by the eigenvectors of the gene covariance; exact, and the same for any `threads`.

    Parameters
    ----------
    values
        Cells x genes: log-normalised ones are z-scored, `Centred` ones taken as they are.
    number
        Components wanted; limited by the size of the matrix.

    Returns
    -------
    tuple
        Scores (cells, components), loadings (genes, components), variances (components,).
    """
    cells, genes = values.shape
    scaling: Centred = Scaling(values, threads=threads) if sparse.issparse(values) else values
    number = max(1, min(number, genes, cells - 1))
    covariance = gene_covariance(scaling, threads)
    variances, loadings = eigh(covariance, subset_by_index=[genes - number, genes - 1])
    variances, loadings = variances[::-1], loadings[:, ::-1]
    # An eigenvector's sign is arbitrary: its largest loading shall be positive.
    loadings = loadings * np.sign(loadings[np.argmax(np.abs(loadings), axis=0), np.arange(number)])
    scores = np.vstack(list(in_order(lambda start: scaling.block(start) @ loadings, range(0, cells, BLOCK), threads)))
    scores -= scaling.centre @ loadings
    return scores.round(DECIMALS), loadings.round(DECIMALS), variances.round(DECIMALS)


def nearest(positions: Matrix, neighbours: int, threads: int = 1) -> tuple[NDArray[np.int64], Matrix]:
    """Nearest neighbours, each cell first in its own list: indices and distances, (cells, neighbours).

    Exact up to `TREE_CELLS` cells; see `nearest_of_many` for more. The same for any `threads`.
    """
    neighbours = min(neighbours, len(positions))
    if len(positions) > TREE_CELLS:
        return nearest_of_many(positions, neighbours, threads)
    tree = NearestNeighbors(n_neighbors=neighbours, algorithm="kd_tree", n_jobs=threads).fit(positions)
    distances, indices = tree.kneighbors(positions)
    return indices.astype(np.int64), distances


def nearest_among(
    positions: Matrix, chosen: NDArray[np.int64], wide: NDArray[np.int64], neighbours: int
) -> NDArray[np.int64]:
    """Nearest neighbours of some cells among each other, (chosen, neighbours), as numbers of the chosen ones.

    Parameters
    ----------
    chosen
        Numbers of the cells, ascending.
    wide
        Nearest neighbours of all cells, more than are wanted: those chosen among them are the nearest chosen ones.
    """
    neighbours = min(neighbours, len(chosen))
    number = np.full(len(positions), -1)
    number[chosen] = np.arange(len(chosen))
    lists = number[wide[chosen]]
    first = np.argsort(lists < 0, axis=1, kind="stable")[:, :neighbours]
    found = np.take_along_axis(lists, first, axis=1)
    short = np.flatnonzero((lists >= 0).sum(axis=1) < neighbours)
    if len(short):
        tree = NearestNeighbors(n_neighbors=neighbours, algorithm="kd_tree").fit(positions[chosen])
        found[short] = tree.kneighbors(positions[chosen[short]], return_distance=False)
    return found


def cell_lists(
    positions: Matrix, queries: Matrix | None = None
) -> tuple[list[NDArray[np.int64]], NDArray[np.int64], list[NDArray[np.int64]]]:
    """Cells parted into lists of about `LIST_CELLS` that lie together, and the nearest lists of each list.

    The third part says which of the `queries` (without any: which cells) belong to each list.
    """
    if queries is not None and len(positions) <= LISTS * LIST_CELLS:
        return [np.arange(len(positions))], np.zeros((1, 1), dtype=np.int64), [np.arange(len(queries))]
    number = max(2, len(positions) // LIST_CELLS)
    random = np.random.default_rng(0)
    some = positions[np.sort(random.choice(len(positions), min(len(positions), 32 * number), replace=False))]
    parts = KMeans(number, init="random", n_init=1, max_iter=5, random_state=0, tol=0)
    with warnings.catch_warnings():
        # Equal cells make fewer lists.
        warnings.simplefilter("ignore", ConvergenceWarning)
        middles = parts.fit(some).cluster_centers_.round(DECIMALS)
    # Rounded, so that last bits of the means decide nothing.
    tree = NearestNeighbors(n_neighbors=min(LISTS, number), algorithm="brute").fit(middles)

    def parted(places: Matrix) -> list[NDArray[np.int64]]:
        own = tree.kneighbors(places, n_neighbors=1, return_distance=False).ravel()
        order = np.argsort(own, kind="stable")
        return np.split(order, np.searchsorted(own[order], np.arange(1, number)))

    lists = parted(positions)
    around = np.sort(tree.kneighbors(middles, return_distance=False), axis=1)
    return lists, around, lists if queries is None else parted(queries)


def nearest_of_many(
    positions: Matrix,
    neighbours: int,
    threads: int,
    queries: tuple[Matrix, NDArray[np.int64]] | None = None,
) -> tuple[NDArray[np.int64], Matrix]:
    """Neighbours among the `LISTS` lists of cells around a cell's own list: nearly all of the nearest, rarely not one.

    The idea of inverted files: Jégou et al., IEEE TPAMI 33:117 (2011), doi:10.1109/TPAMI.2010.57.

    Parameters
    ----------
    queries
        Whose neighbours among the cells are sought, (queries, components), and which cell each is, -1 for none: that
        one comes first in its list. Without, the cells themselves.
    """
    places, own = (positions, np.arange(len(positions))) if queries is None else queries
    lists, around, asking = cell_lists(positions, None if queries is None else places)
    # One product gives squared distances, less the square of the cell itself.
    ends = np.column_stack([positions, np.einsum("ij,ij->i", positions, positions)])
    begins = np.column_stack([-2 * places, np.ones(len(places))])
    indices = np.empty((len(places), neighbours), dtype=np.int64)
    distances = np.empty((len(places), neighbours))

    def search(task: tuple[int, NDArray[np.int64]]) -> None:
        number, rows = task
        others = np.sort(np.concatenate([lists[other] for other in np.union1d(around[number], number)]))
        if len(others) < neighbours:
            others = np.arange(len(positions))
        rough = begins[rows] @ ends[others].T
        # Among many equal cells, each must still find itself.
        known = np.flatnonzero(own[rows] >= 0)
        rough[known, np.searchsorted(others, own[rows[known]])] = -np.inf
        some = min(neighbours + SPARE, len(others))
        found = others[np.argpartition(rough, some - 1, axis=1)[:, :some]]
        # Products lose digits; the order of the candidates is found without.
        apart = np.sqrt(((places[rows, None, :] - positions[found]) ** 2).sum(axis=2))
        apart[found == own[rows, None]] = -1
        order = np.lexsort((found, apart), axis=1)[:, :neighbours]
        indices[rows] = np.take_along_axis(found, order, axis=1)
        distances[rows] = np.maximum(np.take_along_axis(apart, order, axis=1), 0)

    tasks = (
        (number, rows)
        for number, cells in enumerate(asking)
        if len(cells)
        for rows in np.array_split(cells, len(cells) // LIST_CELLS + 1)
    )
    for _ in in_order(search, tasks, threads):
        pass
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
    graph = stacked(parts)
    graph.sort_indices()
    return graph


def network(graph: sparse.csr_matrix) -> Network:
    """A symmetric graph as igraph holds it, and the weights of its edges, for any number of `communities`."""
    upper = sparse.triu(graph, k=1).tocoo()
    # Short lists one after the other: igraph takes arrays six times slower, one list of all pairs fills the memory.
    pairs = (
        zip(upper.row[start : start + EDGES].tolist(), upper.col[start : start + EDGES].tolist(), strict=True)
        for start in range(0, upper.nnz, EDGES)
    )
    return igraph.Graph(n=graph.shape[0], edges=chain.from_iterable(pairs)), upper.data


def communities(
    edges: Network,
    resolution: float,
    seed: int,
    *,
    iterations: int = -1,
    start: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Leiden clusters by modularity, numbered from the largest to the smallest, (cells,).

    Parameters
    ----------
    iterations
        Passes over the graph; -1 = until nothing changes.
    start
        Clusters to begin with, (cells,); without, each cell is one of its own.

    References
    ----------
    Traag et al., Sci Rep 9:5233 (2019), doi:10.1038/s41598-019-41695-z.
    """
    igraph.set_random_number_generator(python_random.Random(seed))
    found = edges[0].community_leiden(
        "modularity",
        weights=edges[1],
        resolution=resolution,
        n_iterations=iterations,
        initial_membership=None if start is None else start.tolist(),
    )
    membership = np.asarray(found.membership)
    sizes = np.bincount(membership)
    rank = np.argsort(np.argsort(-sizes, kind="stable"), kind="stable")
    clusters: NDArray[np.int64] = rank[membership].astype(np.int64)
    return clusters


def leiden(graph: sparse.csr_matrix, resolution: float, seed: int) -> NDArray[np.int64]:
    """Leiden clusters of a graph that is clustered once; see `communities`."""
    return communities(network(graph), resolution, seed)
