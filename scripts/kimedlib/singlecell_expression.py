"""Pseudobulk differential expression: counts summed per sample and cell type, tested with DESeq2's model."""

import warnings

import numpy as np
import pandas as pd
from anndata import AnnData

from kimedlib.singlecell_design import Design

COLUMNS = ["gene", "base_mean", "log2_fold_change", "standard_error", "statistic", "p_value", "p_adjusted"]


def pseudobulk(data: AnnData, cell_type: str, minimum_cells: int) -> pd.DataFrame:
    """Summed raw counts of one type (samples x genes), for samples with at least `minimum_cells` such cells."""
    inside = (data.obs["cell_type"] == cell_type).to_numpy()
    samples = data.obs.loc[inside, "sample"].astype(str)
    counts = data.layers["counts"][np.flatnonzero(inside)]
    rows = {}
    for sample in sorted(samples.unique()):
        members = np.flatnonzero((samples == sample).to_numpy())
        if len(members) >= minimum_cells:
            rows[sample] = np.asarray(counts[members].sum(axis=0)).ravel().round().astype(np.int64)
    return pd.DataFrame.from_dict(rows, orient="index", columns=data.var_names)


def expressed(counts: pd.DataFrame, samples: pd.DataFrame, minimum_counts: int) -> pd.DataFrame:
    """Genes with at least `minimum_counts` counts in as many samples as the smaller condition has, as edgeR filters."""
    needed = int(samples["condition"].value_counts().min())
    return counts.loc[:, (counts >= minimum_counts).sum(axis=0) >= needed]


def deseq(counts: pd.DataFrame, samples: pd.DataFrame, design: Design, reference: str, contrast: str) -> pd.DataFrame:
    """Wald test of `contrast` against `reference` for each gene.

    Parameters
    ----------
    counts
        Samples x genes, whole numbers.
    samples
        Same index; columns patient_id, condition, batch.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`, by p-value. log2 fold changes are maximum-likelihood estimates.

    References
    ----------
    Love et al., Genome Biol 15:550 (2014), doi:10.1186/s13059-014-0550-8; PyDESeq2: Muzellec et al.,
    Bioinformatics 39:btad547 (2023). Samples, not cells, are the units: Squair et al., Nat Commun 12:5692 (2021).
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
    return table.sort_values(["p_value", "gene"], kind="stable").reset_index(drop=True)
