"""Genes that mark a cluster: Wilcoxon rank sums that sort what is not zero, without compiling anything."""

import itertools
from functools import partial

import numpy as np
import pandas as pd
from scipy import sparse, stats

from kimedlib.singlecell_annotation import cluster_sums
from kimedlib.singlecell_threads import in_processes

# Cells that a donor must have inside and outside a cluster to be asked.
DONOR_CELLS = 5
COLUMNS = ["cluster", "rank", "gene", "score", "log2_fold_change", "p_adjusted", "percent_inside", "percent_outside"]


def rank_sums(values: sparse.csc_matrix, codes: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Sum of ranks of each group (groups x genes) and the factor of the variance that corrects for ties (genes,).

    Zeros are the lowest values and tie with each other, so only the others are sorted.

    Raises
    ------
    ValueError
        A value is negative.
    """
    if values.data.size and values.data.min() < 0:
        raise ValueError("rank sums of sparse values need values of zero or more")
    cells, genes = values.shape
    sizes = np.bincount(codes, minlength=groups).astype(np.float64)
    sums, correction = np.zeros((groups, genes)), np.ones(genes)
    for gene in range(genes):
        place = slice(values.indptr[gene], values.indptr[gene + 1])
        seen, members = values.data[place], codes[values.indices[place]]
        zeros = cells - len(seen)
        ordered, ties = np.unique(seen, return_inverse=True)
        counts = np.bincount(ties, minlength=len(ordered)).astype(np.float64)
        ranks = (zeros + np.cumsum(counts) - (counts - 1) / 2)[ties]
        above = np.bincount(members, minlength=groups)
        sums[:, gene] = np.bincount(members, weights=ranks, minlength=groups) + (sizes - above) * (zeros + 1) / 2
        tied = float(np.sum(counts**3 - counts)) + float(zeros) ** 3 - zeros
        correction[gene] = 1 - tied / (float(cells) ** 3 - cells)
    return sums, correction


def cluster_markers(
    values: sparse.csr_matrix, genes: pd.Index, clusters: pd.Series, names: list[str], number: int, *, threads: int = 1
) -> pd.DataFrame:  # fmt: skip
    """Genes that are higher in a cluster than in all other cells (rank sum with ties, Benjamini-Hochberg).

    Parameters
    ----------
    values
        Cells x genes, log-normalised.
    names
        Clusters to report; one cell alone has no rank test and is left out.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`; `number` rows per cluster, by score. Empty if fewer than two clusters can be tested.

    References
    ----------
    Equal to scanpy's `rank_genes_groups(method="wilcoxon", tie_correct=True)`, a test compares them.
    """
    labels = clusters.astype(str).to_numpy()
    categories, codes = np.unique(labels, return_inverse=True)
    sizes = np.bincount(codes)
    tested = [name for name in names if sizes[np.searchsorted(categories, name)] > 1]
    if len(tested) < 2:
        return pd.DataFrame(columns=COLUMNS)
    columns = sparse.csc_matrix(values)
    columns.eliminate_zeros()
    columns.sort_indices()
    edges = np.linspace(0, columns.shape[1], threads + 1).astype(int)
    parts = [columns[:, first:last] for first, last in itertools.pairwise(edges)]
    ranked = in_processes(partial(rank_sums, codes=codes, groups=len(categories)), parts, threads)
    sums, correction = (np.concatenate(found, axis=-1) for found in zip(*ranked, strict=True))
    cells, tables = len(codes), []
    totals, seen = cluster_sums([(slice(0, cells), values)], codes, len(categories), len(genes))
    for name in tested:
        code = int(np.searchsorted(categories, name))
        inside, outside = float(sizes[code]), float(cells - sizes[code])
        deviation = np.sqrt(correction * inside * outside * (cells + 1) / 12)
        with np.errstate(divide="ignore", invalid="ignore"):
            score = np.nan_to_num((sums[code] - inside * (cells + 1) / 2) / deviation)
        adjusted = stats.false_discovery_control(2 * stats.norm.sf(np.abs(score)), method="bh")
        means = totals[code] / inside, (totals.sum(axis=0) - totals[code]) / outside
        change = np.log2((np.expm1(means[0]) + 1e-9) / (np.expm1(means[1]) + 1e-9))
        order = np.argsort(-score, kind="stable")[:number]
        part = pd.DataFrame({"cluster": name, "rank": range(1, len(order) + 1), "gene": genes[order]})
        part["score"], part["log2_fold_change"], part["p_adjusted"] = score[order], change[order], adjusted[order]
        part["percent_inside"] = 100 * seen[code, order] / inside
        part["percent_outside"] = 100 * (seen[:, order].sum(axis=0) - seen[code, order]) / outside
        tables.append(part)
    return pd.concat(tables, ignore_index=True)


def donor_support(
    table: pd.DataFrame, values: sparse.csr_matrix, genes: pd.Index, clusters: pd.Series, donors: pd.Series
) -> pd.DataFrame:
    """In how many donors a cluster's markers hold: the table of `cluster_markers` with two columns more.

    The p-values take cells for units, and clusters and genes come from the same counts; donors are neither. Another
    p-value would not mend that, as the genes were chosen by these very cells: only counts are given.

    Parameters
    ----------
    values
        The cells x genes that the table was made of.
    clusters, donors
        Of each cell.

    Returns
    -------
    pandas.DataFrame
        With donors (those with at least `DONOR_CELLS` cells inside and outside the cluster) and donors_up (those of
        them whose mean is higher inside).
    """
    wanted = pd.Index(sorted(set(table["gene"])), dtype=object)
    columns = sparse.csc_matrix(values)[:, genes.get_indexer(wanted)]
    names, codes = np.unique(clusters.astype(str), return_inverse=True)
    people, owners = np.unique(donors.astype(str), return_inverse=True)
    groups = owners * len(names) + codes
    shape = (len(people) * len(names), len(codes))
    member = sparse.csr_matrix((np.ones(len(codes)), (groups, np.arange(len(codes)))), shape)
    sums = (member @ columns).toarray().reshape(len(people), len(names), len(wanted))
    sizes = np.bincount(groups, minlength=shape[0]).reshape(len(people), len(names), 1)
    rest, others = sums.sum(axis=1, keepdims=True) - sums, sizes.sum(axis=1, keepdims=True) - sizes
    usable = (sizes >= DONOR_CELLS) & (others >= DONOR_CELLS)
    # Means that differ by rounding only are equal.
    higher = usable & (sums / np.maximum(sizes, 1) > rest / np.maximum(others, 1) + 1e-9)
    place = np.searchsorted(names, table["cluster"].astype(str)), wanted.get_indexer(pd.Index(table["gene"]))
    return table.assign(donors=usable.sum(axis=0)[place[0], 0], donors_up=higher.sum(axis=0)[place])
