"""Cell types of clusters from published marker genes."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

UNASSIGNED = "unassigned"


def cluster_means(values: sparse.csr_matrix, genes: pd.Index, clusters: pd.Series) -> pd.DataFrame:
    """Mean of each gene in each cluster (clusters x genes)."""
    names = sorted(clusters.unique())
    rows = [np.asarray(values[(clusters == name).to_numpy()].mean(axis=0)).ravel() for name in names]
    return pd.DataFrame(np.vstack(rows), index=pd.Index(names, name="cluster"), columns=genes)


def type_scores(means: pd.DataFrame, types: dict[str, dict[str, list[str]]]) -> pd.DataFrame:
    """Evidence for each type in each cluster (clusters x types).

    Each gene is scaled to its largest cluster mean, so that a strongly expressed gene does not drown the
    others; a type's score is the mean over its `present` genes less the mean over its `absent` ones. Genes that
    were not measured are left out; a type with fewer than two measured `present` genes scores NaN.
    """
    largest = means.max(axis=0)
    relative = means.div(largest.where(largest > 0, 1.0), axis=1)
    scores = pd.DataFrame(index=means.index, columns=list(types), dtype=np.float64)
    for name, genes in types.items():
        present = [gene for gene in genes["present"] if gene in means and largest[gene] > 0]
        absent = [gene for gene in genes.get("absent", []) if gene in means and largest[gene] > 0]
        if len(present) >= 2:
            against = relative[absent].mean(axis=1) if absent else 0.0
            scores[name] = relative[present].mean(axis=1) - against
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
            {"cell_type": best if sure else UNASSIGNED, "best_type": best, "score": score, "second_type": second, "margin": margin}
        )
    return pd.DataFrame(rows, index=scores.index)


def marker_types(table: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    """The `types` of a marker table (config/markers/*.yaml): name -> present and absent genes."""
    return {name: {"present": entry["present"], "absent": entry.get("absent", [])} for name, entry in table["types"].items()}


def slug(name: str) -> str:
    """Column-name form of a cell type: "CD8 T" -> "cd8_t"."""
    return "_".join("".join(letter.lower() if letter.isalnum() else " " for letter in name).split())
