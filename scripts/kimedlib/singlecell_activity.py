"""Activity of pathways and regulators from the expression of their genes: sets, networks, univariate linear models."""

from pathlib import Path

import numpy as np
import pandas as pd

from kimedlib.problems import InputProblems, Problem

REMEDY = "give a .gmt (name, description, genes) or a .tsv with columns source, target, weight"


def read_network(path: Path) -> pd.DataFrame:
    """Columns source, target, weight (1 for members of gene sets).

    Parameters
    ----------
    path
        Gene sets as GMT, or a table with weights (as decoupler uses for regulators and their targets).

    Raises
    ------
    InputProblems
        Absent or repeated entries, weights that are no numbers, or another form.
    """
    problems = []
    if path.name.endswith(".gmt"):
        rows = []
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            name, *rest = line.split("\t")
            genes = [gene for gene in rest[1:] if gene]
            if not name.strip() or not genes:
                problems.append(Problem(str(path), f"line {number}", "has no name or no genes", REMEDY))
            rows += [(name, gene, 1.0) for gene in genes]
        network = pd.DataFrame(rows, columns=["source", "target", "weight"])
    else:
        network = pd.read_csv(path, sep="\t", dtype={"source": str, "target": str})
        missing = [name for name in ("source", "target", "weight") if name not in network]
        if missing:
            raise InputProblems([Problem(str(path), f"column {name}", "is absent", REMEDY) for name in missing])
        network = network[["source", "target", "weight"]]
        weights = pd.to_numeric(network["weight"], errors="coerce")
        for place in np.flatnonzero(~np.isfinite(weights.to_numpy(dtype=float)) | (weights == 0).to_numpy()):
            found = f"weight '{network['weight'].iloc[place]}' is no number other than 0"
            problems.append(Problem(str(path), f"line {place + 2}", found, REMEDY))
        network["weight"] = weights
    repeated = network[network.duplicated(["source", "target"])]
    if len(repeated):
        first = repeated.iloc[0]
        found = f"{len(repeated)} pairs stand twice, first '{first['source']}' and '{first['target']}'"
        problems.append(Problem(str(path), "", found, "keep one of each"))
    if problems:
        raise InputProblems(problems)
    return network


def weights_of(network: pd.DataFrame, genes: pd.Index, minimum_genes: int) -> pd.DataFrame:
    """Genes x sources with at least `minimum_genes` of `genes`, and not all of them; 0 where not a member."""
    measured = network[network["target"].isin(genes)]
    table = measured.pivot_table(index="target", columns="source", values="weight", fill_value=0.0, sort=True)
    table = table.reindex(genes, fill_value=0.0)
    sizes = (table != 0).sum(axis=0)
    return table.loc[:, (sizes >= minimum_genes) & (sizes < len(genes) - 1)]


def activities(values: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    """Univariate linear model: t value of the slope of a unit's expression over a source's weights.

    Parameters
    ----------
    values
        Units x genes, log expression. The mean of each gene over the units is taken off first, so that activity says
        how a unit differs from the others and not which genes are strong in general.
    weights
        Genes x sources, from `weights_of`.

    Returns
    -------
    pandas.DataFrame
        Units x sources.

    References
    ----------
    Badia-i-Mompel et al., Bioinform Adv 2:vbac016 (2022), doi:10.1093/bioadv/vbac016 (decoupler's `ulm`).
    """
    outcome = (values - values.mean(axis=0)).to_numpy(dtype=float)
    outcome = outcome - outcome.mean(axis=1, keepdims=True)
    member = weights.to_numpy(dtype=float) - weights.to_numpy(dtype=float).mean(axis=0)
    scale = np.sqrt((outcome**2).sum(axis=1))[:, None] * np.sqrt((member**2).sum(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = np.nan_to_num(outcome @ member / scale)
    freedom = values.shape[1] - 2
    slope = correlation * np.sqrt(freedom / np.maximum(1 - correlation**2, 1e-12))
    return pd.DataFrame(slope, index=values.index, columns=weights.columns)


def log_counts_per_million(counts: pd.DataFrame) -> pd.DataFrame:
    """log2 of counts per million with half a count added, as limma's voom does (units x genes).

    References
    ----------
    Law et al., Genome Biol 15:R29 (2014), doi:10.1186/gb-2014-15-2-r29.
    """
    depth = counts.sum(axis=1) + 1
    logs = np.log2((counts + 0.5).div(depth, axis=0).to_numpy() * 1e6)
    return pd.DataFrame(logs, index=counts.index, columns=counts.columns)
