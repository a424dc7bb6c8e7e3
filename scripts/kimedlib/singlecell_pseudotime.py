"""Order of cells along a continuous process: diffusion pseudotime from a root that markers name."""

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

        data = AnnData(sparse.csr_matrix((len(inside), 1), dtype=np.float32))
        connected = sparse.csr_matrix(graph[inside][:, inside], dtype=np.float64)
        data.obsp["connectivities"], data.obsp["distances"] = connected, connected
        data.uns["neighbors"] = {
            "connectivities_key": "connectivities", "distances_key": "distances",
            "params": {"n_neighbors": 15, "method": "umap"},
        }  # fmt: skip
        data.uns["iroot"] = int(np.flatnonzero(inside == root)[0])
        sc.tl.diffmap(data, n_comps=COMPONENTS, random_state=0)
        sc.tl.dpt(data, n_dcs=COMPONENTS)
    result[inside] = data.obs["dpt_pseudotime"].to_numpy(dtype=np.float64).round(DECIMALS)
    return result


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
