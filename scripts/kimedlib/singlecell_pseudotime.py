"""Order of cells along a process: diffusion pseudotime from a root that markers name, and the graph of their groups."""

import warnings

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy import sparse, stats

from kimedlib.singlecell_embedding import DECIMALS
from kimedlib.singlecell_threads import compiled_code_cache

Vector = NDArray[np.float64]
COMPONENTS = 10
GROUPINGS = ("cluster", "cell_type")
LINKS = [
    "grouping", "first", "second", "cells_first", "cells_second", "pseudotime_first", "pseudotime_second",
    "connectivity", "in_tree",
]  # fmt: skip


def root_cell(values: sparse.csr_matrix, graph: sparse.csr_matrix) -> int:
    """Cell whose neighbourhood shows the root's genes most.

    Parameters
    ----------
    values
        Cells x root genes, log-normalised. Each gene counts relative to its highest neighbourhood.
    graph
        Weights between cells, symmetric. Averages over neighbours, so that one noisy cell is not the root.
    """
    weights = sparse.csr_matrix(graph + sparse.identity(graph.shape[0]))
    depth = np.asarray(weights.sum(axis=1)).ravel()
    smooth = np.asarray((weights @ values).todense()) / depth[:, None]
    smooth = smooth / np.maximum(smooth.max(axis=0), 1e-12)
    return int(np.argmax(smooth.mean(axis=1).round(DECIMALS)))


def cells_of_graph(graph: sparse.csr_matrix) -> AnnData:
    """Cells without genes that scanpy's tools take `graph` for the neighbours of."""
    data = AnnData(sparse.csr_matrix((graph.shape[0], 1), dtype=np.float32))
    data.obsp["connectivities"], data.obsp["distances"] = graph, graph
    data.uns["neighbors"] = {
        "connectivities_key": "connectivities", "distances_key": "distances",
        "params": {"n_neighbors": 15, "method": "umap"},
    }  # fmt: skip
    return data


def diffusion_pseudotime(graph: sparse.csr_matrix, root: int) -> Vector:
    """Pseudotime of each cell, 0 at the root and 1 at the farthest cell; NaN where no path leads from the root.

    Parameters
    ----------
    graph
        Weights between cells, symmetric.

    References
    ----------
    Haghverdi et al., Nat Methods 13:845 (2016), doi:10.1038/nmeth.3971; scanpy's implementation.
    """
    _, parts = sparse.csgraph.connected_components(graph, directed=False)
    inside = np.flatnonzero(parts == parts[root])
    result = np.full(graph.shape[0], np.nan)
    if len(inside) < COMPONENTS + 2:
        return result
    with compiled_code_cache(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import scanpy as sc

        data = cells_of_graph(sparse.csr_matrix(graph[inside][:, inside], dtype=np.float64))
        data.uns["iroot"] = int(np.flatnonzero(inside == root)[0])
        sc.tl.diffmap(data, n_comps=COMPONENTS, random_state=0)
        sc.tl.dpt(data, n_dcs=COMPONENTS)
    result[inside] = data.obs["dpt_pseudotime"].to_numpy(dtype=np.float64).round(DECIMALS)
    return result


def abstracted_graph(neighbours: sparse.csr_matrix, cells: pd.DataFrame) -> pd.DataFrame:
    """How strongly groups of cells are connected, each pair once (PAGA, scanpy's implementation).

    Parameters
    ----------
    neighbours
        Cells x cells, an entry for each of a cell's nearest neighbours, whatever its value.
    cells
        Columns `GROUPINGS`, pseudotime.

    Returns
    -------
    pandas.DataFrame
        `LINKS`: connectivity is the number of edges between two groups over that expected of random edges, at most 1;
        in_tree says whether the pair is in the spanning tree of the strongest connectivities; pseudotime is the median.

    References
    ----------
    Wolf et al., Genome Biol 20:59 (2019), doi:10.1186/s13059-019-1663-x.
    """
    tables = []
    edges = neighbours.copy()
    edges.data[:] = 1
    for grouping in GROUPINGS:
        found = cells[grouping].astype(str).to_numpy()
        names = sorted(set(found), key=lambda name: name.zfill(9) if name.isdigit() else name)
        # As categories with their order: scanpy would sort plain names its own way ("CD4" before "CD14").
        groups = pd.Categorical(found, categories=names)
        codes = groups.codes
        start, end = edges.nonzero()
        strength = tree = np.zeros((len(names), len(names)))
        if (codes[start] != codes[end]).any():
            with compiled_code_cache(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                import scanpy as sc

                data = cells_of_graph(edges)
                data.obs["group"] = groups
                sc.tl.paga(data, groups="group")
            strength = data.uns["paga"]["connectivities"].toarray()
            tree = data.uns["paga"]["connectivities_tree"].toarray()
        first, second = np.triu_indices(len(names), 1)
        sizes = np.bincount(codes, minlength=len(names))
        middles = cells["pseudotime"].groupby(codes).median().to_numpy()
        columns = [
            grouping, np.array(names)[first], np.array(names)[second], sizes[first], sizes[second], middles[first],
            middles[second], strength[first, second], np.where((tree + tree.T)[first, second] > 0, "yes", "no"),
        ]  # fmt: skip
        tables.append(pd.DataFrame(dict(zip(LINKS, columns, strict=True))))
    return pd.concat(tables, ignore_index=True)


def gene_trends(
    values: sparse.csr_matrix, genes: pd.Index, time: Vector, donors: pd.Series, minimum_cells: int
) -> pd.DataFrame:
    """Spearman correlation of each gene with pseudotime, within each donor of enough cells.

    No p-values: pseudotime comes from the same genes, so they would be too small.

    Returns
    -------
    pandas.DataFrame
        Columns gene, donors, correlation (mean over donors), lowest, highest; by size of the mean. Empty where no
        donor has enough cells.
    """
    dense, known = values.toarray(), np.isfinite(time)
    rows = []
    for name in sorted(donors.unique()):
        members = np.flatnonzero((donors == name).to_numpy() & known)
        if len(members) >= minimum_cells:
            ranks = stats.rankdata(dense[members], axis=0)
            ranks -= ranks.mean(axis=0)
            when = stats.rankdata(time[members])
            when -= when.mean()
            scale = np.sqrt((ranks**2).sum(axis=0) * (when**2).sum())
            rows.append(np.divide(when @ ranks, scale, out=np.zeros(len(genes)), where=scale > 0))
    if not rows:
        return pd.DataFrame(columns=["gene", "donors", "correlation", "lowest", "highest"])
    found = np.array(rows)
    table = pd.DataFrame(
        {
            "gene": genes, "donors": len(rows), "correlation": found.mean(axis=0), "lowest": found.min(axis=0),
            "highest": found.max(axis=0),
        }
    )  # fmt: skip
    order = np.argsort(-table["correlation"].abs().round(DECIMALS), kind="stable")
    return table.iloc[order].reset_index(drop=True)
