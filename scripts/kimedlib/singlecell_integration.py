"""Batch effects: candidates for taking them out, and which is best without looking at any label."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics import normalized_mutual_info_score, silhouette_score

from kimedlib.singlecell_balanced import linked_mixing, neighbours_of
from kimedlib.singlecell_embedding import (
    DECIMALS,
    Matrix,
    leiden,
    nearest,
    principal_components,
    shared_neighbour_graph,
)  # fmt: skip
from kimedlib.singlecell_residuals import Dense, Residuals
from kimedlib.singlecell_threads import compiled_code_cache

# From the simplest to the one that changes most; a later one must be better by more than MARGIN.
METHODS = ("none", "combat", "harmony", "bbknn", "scvi")
# These correct the graph and leave the components as they are.
GRAPHS = ("bbknn",)
MARGIN = 0.01
# As scIB weighs conservation of biology and removal of batch effects.
WEIGHTS = {"conservation": 0.6, "mixing": 0.4}
COLUMNS = ["method", "mixing", "conservation_nmi", "conservation_asw", "conservation", "total", "chosen"]
# All pairs are compared, so a random part stands for more cells.
CELLS = 5000
OWN_RESOLUTION = 0.6


def harmony(positions: Matrix, batches: pd.Series, seed: int) -> Matrix:
    """Components corrected by Harmony, rounded.

    References
    ----------
    Korsunsky et al., Nat Methods 16:1289 (2019), doi:10.1038/s41592-019-0619-0.
    """
    import harmonypy

    frame = pd.DataFrame({"batch": batches.astype(str).to_numpy()})
    found = harmonypy.run_harmony(positions, frame, ["batch"], random_state=seed, ncores=1, verbose=False).Z_corr
    corrected = np.asarray(found, dtype=np.float64)
    result: Matrix = (corrected if corrected.shape == positions.shape else corrected.T).round(DECIMALS)
    return result


def combat(values: sparse.csr_matrix | Residuals, batches: pd.Series, components: int) -> Matrix:
    """Components of values that ComBat corrected gene by gene; dense, so for up to some 10,000 cells.

    References
    ----------
    Johnson et al., Biostatistics 8:118 (2007), doi:10.1093/biostatistics/kxj037; scanpy's implementation.
    """
    with compiled_code_cache(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import scanpy as sc

        obs = pd.DataFrame({"batch": pd.Categorical(batches.astype(str))}, index=[str(n) for n in range(len(batches))])
        held = values.of(slice(None)) if isinstance(values, Residuals) else values.toarray()
        corrected = np.nan_to_num(sc.pp.combat(AnnData(held, obs=obs), key="batch", inplace=False))
    kept = Dense(corrected) if isinstance(values, Residuals) else sparse.csr_matrix(corrected)
    return principal_components(kept, components)[0]


def read_latent(path: Path, cells: pd.Index) -> Matrix | None:
    """Components that `train_scvi` wrote, rounded; None where it had nothing to train.

    Raises
    ------
    ValueError
        The table holds other cells than `cells`, or in another order.
    """
    table = pd.read_csv(path, sep="\t", dtype={"cell": str}, keep_default_na=False).set_index("cell")
    if table.empty:
        return None
    if list(table.index) != list(cells):
        raise ValueError(f"{path}: not the cells to be clustered, or in another order; remove it and run again")
    result: Matrix = table.to_numpy(dtype=np.float64).round(DECIMALS)
    return result


def mixing(positions: Matrix, batches: pd.Series) -> float:
    """How many batches stand around a cell, 0 (its own only) to 1 (all): scaled median of Harmony's LISI."""
    from harmonypy import compute_lisi

    codes = pd.DataFrame({"batch": batches.astype(str).to_numpy()})
    perplexity = min(30.0, max(2.0, (len(positions) - 1) / 4))
    around = np.median(compute_lisi(positions, codes, ["batch"], perplexity=perplexity))
    return float(np.clip((around - 1) / max(batches.nunique() - 1, 1), 0, 1))


def own_clusters(positions: Matrix, batches: pd.Series, neighbours: int, seed: int) -> dict[str, np.ndarray]:
    """Clusters of each batch alone, from uncorrected components; they stand in for labels that nobody knows."""
    return {
        name: leiden(shared_neighbour_graph(nearest(positions[batches == name], neighbours)[0]), OWN_RESOLUTION, seed)
        for name in sorted(batches.unique())
    }


def conservation(
    corrected: Matrix | None, common: NDArray[np.int64], batches: pd.Series, own: dict[str, np.ndarray]
) -> tuple[float, float]:
    """What is left of the clusters of each batch: mutual information with the common clusters, and silhouette (0..1).

    Means over the batches, weighted by their cells. Without corrected components the silhouette is NaN.
    """
    information, widths, sizes = [], [], []
    for name, clusters in own.items():
        inside = (batches == name).to_numpy()
        information.append(normalized_mutual_info_score(clusters, common[inside]))
        sizes.append(inside.sum())
        if corrected is not None:
            apart = 1 < len(np.unique(clusters)) < inside.sum()
            widths.append((silhouette_score(corrected[inside], clusters) + 1) / 2 if apart else 0.5)
    width = float(np.average(widths, weights=sizes)) if widths else float("nan")
    return float(np.average(information, weights=sizes)), width


def choose_integration(
    candidates: dict[str, Matrix], batches: pd.Series, neighbours: int, seed: int
) -> tuple[str, pd.DataFrame]:
    """The candidate of the highest total score; a simpler one if that is worse by at most `MARGIN`.

    Parameters
    ----------
    candidates
        Components (cells x any number) by method, for `GRAPHS` the uncorrected ones; "none" must be among them if there
        are several.

    Returns
    -------
    tuple
        Method and table with `COLUMNS`, simplest first. Scores of a single candidate are not computed. Where one of
        `GRAPHS` is among them, all are judged by what a graph has: mixing of its links, and mutual information alone.

    References
    ----------
    Weights and measures after scIB: Luecken et al., Nat Methods 19:41 (2022), doi:10.1038/s41592-021-01336-8.
    """
    methods = [name for name in METHODS if name in candidates]
    if len(methods) == 1 or batches.nunique() < 2:
        return methods[0], pd.DataFrame([{"method": methods[0], "chosen": True}], columns=COLUMNS)
    chosen = np.arange(len(batches))
    if len(batches) > CELLS:
        chosen = np.sort(np.random.default_rng(seed).choice(len(batches), CELLS, replace=False))
    batches = batches.astype(str).iloc[chosen].reset_index(drop=True)
    own = own_clusters(candidates["none"][chosen], batches, neighbours, seed)
    rows, by_graph = [], any(name in GRAPHS for name in methods)
    for name in methods:
        positions, corrects_graph = candidates[name][chosen], name in GRAPHS
        graph = shared_neighbour_graph(neighbours_of(positions, batches if corrects_graph else None, neighbours)[0])
        common = leiden(graph, OWN_RESOLUTION, seed)
        information, width = conservation(None if corrects_graph else positions, common, batches, own)
        row = {"conservation_nmi": information, "conservation_asw": width}
        row |= {"conservation": information if by_graph else (information + width) / 2}
        row |= {"mixing": linked_mixing(graph, batches) if by_graph else mixing(positions, batches)}
        row |= {"total": sum(weight * row[key] for key, weight in WEIGHTS.items())}
        rows.append({"method": name, **row, "chosen": False})
    table = pd.DataFrame(rows)[COLUMNS].round(6)
    best = table.index[table["total"] >= table["total"].max() - MARGIN][0]
    table.loc[best, "chosen"] = True
    return str(table.loc[best, "method"]), table
