"""Cell types of clusters from published marker genes."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

UNASSIGNED = "unassigned"


# A marker counts fully where this share of a cluster's cells shows it: a few strong strangers do not name a cluster.
FULL_DETECTION = 0.2


def cluster_sums(
    blocks: Iterable[tuple[slice, sparse.csr_matrix]], codes: NDArray[np.int64], clusters: int, genes: int
) -> NDArray[np.float64]:
    """Sum of each gene's values in each cluster, and how many of its cells show it: (2, clusters, genes).

    Parameters
    ----------
    blocks
        Rows and log-normalised values (cells x genes).
    codes
        Each cell's cluster as a number; of all cells, not only those of the blocks.
    """
    found = np.zeros((2, clusters, genes))
    for rows, block in blocks:
        inside = codes[rows]
        member = sparse.csr_matrix((np.ones(len(inside)), (inside, np.arange(len(inside)))), (clusters, len(inside)))
        values = sparse.csr_matrix(block, dtype=np.float64, copy=True)
        found[0] += (member @ values).toarray()
        values.data = (values.data > 0).astype(np.float64)
        found[1] += (member @ values).toarray()
    return found


def cluster_evidence(sums: NDArray[np.float64], genes: pd.Index, clusters: pd.Series) -> pd.DataFrame:
    """How strongly each cluster shows each gene, 0 to 1 (clusters x genes).

    The mean of the cluster divided by that of the highest cluster, so that a strongly expressed gene does not drown
    the others, times the share of cells that show the gene, up to `FULL_DETECTION`. Genes that no cell shows are NaN.

    Parameters
    ----------
    sums
        `cluster_sums` over all cells, clusters in alphabetical order.
    clusters
        Of each cell.
    """
    names, sizes = np.unique(clusters.astype(str), return_counts=True)
    means, shares = sums / sizes[:, None]
    highest = means.max(axis=0)
    relative = np.divide(means, highest, out=np.full_like(means, np.nan), where=highest > 0)
    evidence = relative * np.minimum(shares / FULL_DETECTION, 1)
    return pd.DataFrame(evidence, index=pd.Index(names, name="cluster"), columns=genes)


def type_scores(evidence: pd.DataFrame, types: dict[str, dict[str, list[str]]]) -> pd.DataFrame:
    """Score of each type in each cluster (clusters x types).

    Mean evidence of the type's `present` genes less that of its `absent` ones. Genes that were not measured are left
    out; a type with fewer than two measured `present` genes scores NaN.
    """
    measured = set(evidence.columns[evidence.notna().all(axis=0)])
    scores = pd.DataFrame(index=evidence.index, columns=list(types), dtype=np.float64)
    for name, genes in types.items():
        present = [gene for gene in genes["present"] if gene in measured]
        absent = [gene for gene in genes.get("absent", []) if gene in measured]
        if len(present) >= 2:
            against = evidence[absent].mean(axis=1) if absent else 0.0
            scores[name] = evidence[present].mean(axis=1) - against
    return scores


def annotate_clusters(scores: pd.DataFrame, minimum_score: float, minimum_margin: float) -> pd.DataFrame:
    """Best type per cluster, or "unassigned" where it is weak or hardly ahead of the second.

    Returns
    -------
    pandas.DataFrame
        Index cluster; columns cell_type, best_type, score, second_type, margin.
    """
    rows = []
    for _, row in scores.iterrows():
        ranked = row.dropna().sort_values(ascending=False, kind="stable")
        best, score = (str(ranked.index[0]), float(ranked.iloc[0])) if len(ranked) else ("", float("nan"))
        second, margin = "", score
        if len(ranked) > 1:
            second, margin = str(ranked.index[1]), score - float(ranked.iloc[1])
        sure = len(ranked) > 0 and score >= minimum_score and margin >= minimum_margin
        rows.append(
            {
                "cell_type": best if sure else UNASSIGNED,
                "best_type": best,
                "score": score,
                "second_type": second,
                "margin": margin,
            }
        )
    return pd.DataFrame(rows, index=scores.index)


def marker_types(table: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    """The `types` of a marker table (config/markers/*.yaml): name -> present and absent genes."""
    return {
        name: {"present": entry["present"], "absent": entry.get("absent", [])} for name, entry in table["types"].items()
    }


def slug(name: str) -> str:
    """Column-name form of a cell type: "CD8 T" -> "cd8_t"."""
    return "_".join("".join(letter.lower() if letter.isalnum() else " " for letter in name).split())
