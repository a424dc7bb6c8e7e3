"""Agreement with published or planted labels; used only where such labels are given."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, roc_auc_score, silhouette_samples

from kimedlib.singlecell_annotation import UNASSIGNED

DOUBLET_WORDS = {"doublet", "dbl", "true", "yes", "1", "1.0"}
SINGLET_WORDS = {"singlet", "sng", "false", "no", "0", "0.0"}


def plain(name: str) -> str:
    """Letters, digits and plus signs of a label in lower case: "CD14+ Mono" and "cd14+_mono" are the same name.

    A final plural s is dropped.
    """
    return "".join(letter for letter in name.lower() if letter.isalnum() or letter == "+").rstrip("s")


def coarse_label(label: str, table: dict[str, Any]) -> frozenset[str]:
    """Our types that a published label stands for; empty if the marker table knows none.

    Parameters
    ----------
    table
        A marker table with `types`, `synonyms` and `groups` (config/markers/*.yaml).
    """
    wanted = plain(label)
    for name in table.get("types", {}):
        known = [name, *table.get("synonyms", {}).get(name, [])]
        if wanted in {plain(other) for other in known}:
            return frozenset({name})
    for group, members in table.get("groups", {}).items():
        if wanted == plain(group):
            return frozenset(members)
    return frozenset()


def annotation_accuracy(found: pd.Series, labels: pd.Series, table: dict[str, Any]) -> tuple[float, int]:
    """Share of cells whose type is one their label stands for, and the number of cells that could be compared.

    "unassigned" counts as wrong; cells whose label names no type of the table are left out.
    """
    meanings = {label: coarse_label(label, table) for label in labels.unique()}
    comparable = labels.map(lambda label: bool(meanings[label])).to_numpy(dtype=bool)
    if not comparable.any():
        return float("nan"), 0
    pairs = zip(found[comparable], labels[comparable], strict=True)
    return float(np.mean([cell_type in meanings[label] for cell_type, label in pairs])), int(comparable.sum())


def macro_f1(found: pd.Series, labels: pd.Series, table: dict[str, Any]) -> float:
    """Mean F1 over the types that labels stand for unambiguously."""
    meanings = {label: coarse_label(label, table) for label in labels.unique()}
    truth = labels.map(lambda label: next(iter(meanings[label])) if len(meanings[label]) == 1 else "")
    scores = []
    for name in sorted(set(truth) - {""}):
        hit = int(((found == name) & (truth == name)).sum())
        wrong = int(((found == name) & (truth != name) & (truth != "")).sum())
        missed = int(((found != name) & (truth == name)).sum())
        scores.append(2 * hit / max(2 * hit + wrong + missed, 1))
    return float(np.mean(scores)) if scores else float("nan")


def clustering_agreement(clusters: pd.Series, labels: pd.Series) -> dict[str, float]:
    """Adjusted Rand index and normalised mutual information (arithmetic mean)."""
    return {
        "ari": float(adjusted_rand_score(labels, clusters)),
        "nmi": float(normalized_mutual_info_score(labels, clusters)),
    }


def silhouettes(
    positions: NDArray[np.float64], labels: pd.Series, groups: dict[str, pd.Series], limit: int = 5000
) -> dict[str, float]:
    """Average silhouette widths scaled to 0..1, high is good for all: labels apart, groups mixed within labels.

    `label_asw`, and for each of the `groups` (batch, condition) that differ within a label, means over the labels:

    `<name>_asw`
        1 - |mean silhouette of the label|: what lies too far out and what lies too far in cancel each other.
    `<name>_asw_scib`
        1 - |silhouette| cell by cell, scIB's definition.
    `<name>_asw_scib_ceiling`
        The same for groups exchanged at random within labels: perfect mixing, which few dimensions and small groups
        keep from 1.

    At most `limit` evenly spaced cells are used, since all pairs are compared.

    References
    ----------
    scIB: Luecken et al., Nat Methods 19:41 (2022), doi:10.1038/s41592-021-01336-8. Both definitions on published
    cells: docs/decisions/0024-batch-silhouettes.md.
    """
    chosen = np.unique(np.linspace(0, len(labels) - 1, min(limit, len(labels))).round().astype(int))
    positions, labels = positions[chosen], labels.iloc[chosen]
    result = {}
    if 1 < labels.nunique() < len(labels):
        result["label_asw"] = float((silhouette_samples(positions, labels).mean() + 1) / 2)
    for name, all_members in groups.items():
        members, random = all_members.iloc[chosen].to_numpy(), np.random.default_rng(0)
        rows = []
        for label in sorted(labels.unique()):
            inside = (labels == label).to_numpy()
            if 1 < len(np.unique(members[inside])) < inside.sum():
                widths = silhouette_samples(positions[inside], members[inside])
                exchanged = silhouette_samples(positions[inside], random.permutation(members[inside]))
                scib = [np.mean(1 - np.abs(each)) for each in (widths, exchanged)]
                rows.append([1 - np.abs(np.mean(widths)), *scib])
        if rows:
            names = (f"{name}_asw", f"{name}_asw_scib", f"{name}_asw_scib_ceiling")
            result |= dict(zip(names, map(float, np.mean(rows, axis=0)), strict=True))
    return result


def graph_connectivity(graph: sparse.csr_matrix, labels: pd.Series) -> float:
    """Share of each label's cells in the largest part that hangs together without other cells, mean over the labels.

    0 (all apart) to 1 (each label in one piece): scIB's graph connectivity, of the symmetric graph, (cells, cells).
    """
    shares = []
    for label in sorted(labels.unique()):
        inside = np.flatnonzero((labels == label).to_numpy())
        parts = connected_components(graph[inside][:, inside], directed=False)[1]
        shares.append(np.bincount(parts).max() / len(inside))
    return float(np.mean(shares))


def explained_by(positions: NDArray[np.float64], groups: pd.Series) -> float:
    """Share of the variance of all components that the groups explain, 0..1: scIB's principal component regression.

    The R2 of each component regressed on the groups, weighted by its variance. That is the sum of squares between the
    groups over the whole one, however the axes are turned. Components without variance give 0.
    """
    centred = positions - positions.mean(axis=0)
    codes, sizes = np.unique(groups.to_numpy(), return_inverse=True, return_counts=True)[1:]
    means = np.zeros((len(sizes), positions.shape[1]))
    np.add.at(means, codes, centred)
    between = float((means**2 / sizes[:, None]).sum())
    return between / max(float((centred**2).sum()), 1e-300)


def regression_comparison(before: float, after: float) -> float:
    """How much less the batches explain after integration, 0 (no less) to 1 (nothing any more), as scIB's."""
    return max(0.0, (before - after) / before) if before > 0 else 0.0


def doublet_truth(values: pd.Series) -> pd.Series:
    """1 doublet, 0 singlet, NaN anything else (e.g. "Negative")."""
    words = values.astype(str).str.strip().str.lower()
    truth = pd.Series(np.nan, index=values.index)
    truth[words.isin(DOUBLET_WORDS)] = 1.0
    truth[words.isin(SINGLET_WORDS)] = 0.0
    return truth


def doublet_agreement(scores: pd.Series, called: pd.Series, truth: pd.Series) -> dict[str, float]:
    """AUROC of the score, precision and recall of the calls, over cells that have a score and a truth."""
    known = truth.notna() & scores.notna()
    truth, scores, called = truth[known].astype(bool), scores[known], called[known].astype(bool)
    if truth.nunique() < 2:
        return {}
    hits = int((truth & called).sum())
    return {
        "doublet_auroc": float(roc_auc_score(truth, scores)),
        "doublet_precision": hits / max(int(called.sum()), 1),
        "doublet_recall": hits / int(truth.sum()),
    }


def response_in_top(table: pd.DataFrame, genes: set[str], top: int = 15) -> dict[str, int]:
    """Members of an expected gene set among the `top` genes of each cell type, by p-value."""
    return {
        str(name): int(part.nsmallest(top, "p_value", keep="first")["gene"].isin(genes).sum())
        for name, part in table.groupby("cell_type", sort=True)
        if name != UNASSIGNED
    }
