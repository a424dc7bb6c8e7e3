"""Pseudobulk differential expression: counts summed per sample and cell type, tested with DESeq2's model."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from kimedlib.singlecell_blocks import read_frames, stored_blocks
from kimedlib.singlecell_design import Design

COUNTS = "layers/counts"
COLUMNS = ["gene", "base_mean", "log2_fold_change", "standard_error", "statistic", "p_value", "p_adjusted"]
SHRUNKEN = "log2fc_shrunken"


def pseudobulk(cells: Path, obs: pd.DataFrame, types: list[str], minimum_cells: int) -> dict[str, pd.DataFrame]:
    """Summed raw counts by type (samples x genes), for samples with at least `minimum_cells` cells of the type.

    Parameters
    ----------
    cells
        H5AD file, which is read in blocks.
    obs
        Its cells: columns cell_type and sample.
    """
    genes = read_frames(cells).var_names
    codes, groups = pd.factorize(pd.MultiIndex.from_frame(obs[["cell_type", "sample"]].astype(str)), sort=True)
    sums = np.zeros((len(groups), len(genes)))
    for rows, block in stored_blocks(cells, COUNTS):
        inside, member = np.unique(codes[rows], return_inverse=True)
        ones = np.ones(len(member))
        shape = (len(inside), len(member))
        sums[inside] += (sparse.csr_matrix((ones, (member, np.arange(len(member)))), shape) @ block).toarray()
    enough = np.bincount(codes, minlength=len(groups)) >= minimum_cells
    found = {}
    for name in types:
        chosen = np.flatnonzero(enough & (groups.get_level_values(0) == name))
        samples = pd.Index(groups.get_level_values(1)[chosen], dtype=object)
        found[name] = pd.DataFrame(sums[chosen].round().astype(np.int64), index=samples, columns=genes)
    return found


def expressed(counts: pd.DataFrame, samples: pd.DataFrame, minimum_counts: int) -> pd.DataFrame:
    """Genes with at least `minimum_counts` counts in as many samples as the smaller condition has, as edgeR filters."""
    needed = int(samples["condition"].value_counts().min())
    return counts.loc[:, (counts >= minimum_counts).sum(axis=0) >= needed]


def deseq(
    counts: pd.DataFrame, samples: pd.DataFrame, design: Design, reference: str, contrast: str, *, shrink: bool = False
) -> pd.DataFrame:  # fmt: skip
    """Wald test of `contrast` against `reference` for each gene.

    Parameters
    ----------
    counts
        Samples x genes, whole numbers.
    samples
        Same index; columns patient_id, condition, batch.
    shrink
        Add the column `SHRUNKEN`; the others stay as they are.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`, by p-value. log2 fold changes are maximum-likelihood estimates; shrunken ones are drawn to 0, the
        more the less the counts say, by a Cauchy prior whose width comes from all genes.

    References
    ----------
    Love et al., Genome Biol 15:550 (2014), doi:10.1186/s13059-014-0550-8; PyDESeq2: Muzellec et al.,
    Bioinformatics 39:btad547 (2023). Samples, not cells, are the units: Squair et al., Nat Commun 12:5692 (2021).
    Shrinkage: apeglm, Zhu et al., Bioinformatics 35:2084 (2019), doi:10.1093/bioinformatics/bty895.
    """
    from pydeseq2.dds import DeseqDataSet
    from pydeseq2.default_inference import DefaultInference
    from pydeseq2.ds import DeseqStats

    inference = DefaultInference(n_cpus=1)
    metadata = samples.loc[counts.index, [*design.terms, "condition"]].astype(str)
    with warnings.catch_warnings():
        # Flat dispersion trends of small samples are announced as warnings and handled by PyDESeq2 itself.
        warnings.simplefilter("ignore")
        dataset = DeseqDataSet(counts=counts, metadata=metadata, design=design.formula, inference=inference, quiet=True)
        dataset.deseq2()
        test = DeseqStats(dataset, contrast=["condition", contrast, reference], inference=inference, quiet=True)
        test.summary()
        table: pd.DataFrame = test.results_df.rename_axis("gene").reset_index()
        table.columns = pd.Index(COLUMNS)
        if shrink:
            # The model's own coefficient is that of the condition that comes second by name.
            sign = 1 if contrast > reference else -1
            test.lfc_shrink(f"condition[T.{max(reference, contrast)}]")
            table[SHRUNKEN] = sign * test.results_df["log2FoldChange"].to_numpy()
    return table.sort_values(["p_value", "gene"], kind="stable").reset_index(drop=True)
