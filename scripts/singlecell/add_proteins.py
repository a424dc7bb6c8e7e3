"""Add the surface proteins of CITE-seq to the annotated cells: MuData, proteins by type, annotation judged by gates."""

import logging
import warnings
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import yaml
from scipy import sparse

from kimedlib.atomic import atomic_path
from kimedlib.cells_proteins import (
    agreement,
    centred_log_ratios,
    gated,
    panel_names,
    read_proteins,
    sample_signs,
)  # fmt: skip
from kimedlib.figure_style import save_figure, use_style
from kimedlib.logs import log_to
from kimedlib.problems import InputProblems, Problem
from kimedlib.singlecell_analysis_figures import grid
from kimedlib.singlecell_threads import one_thread
from kimedlib.table_files import write_table


def merged_proteins(data: ad.AnnData, rows: list[dict[str, str]]) -> ad.AnnData:
    """Counts of the proteins that all samples have, for the cells of `data` in their order.

    Raises
    ------
    InputProblems
        The samples share no protein, or a file lacks kept cells.
    """
    parts = []
    for row in rows:
        part = read_proteins(Path(row["counts"]))
        wanted = data.obs.loc[(data.obs["sample"] == row["sample"]).to_numpy(), "barcode"].astype(str)
        places = part.obs_names.get_indexer(pd.Index(wanted))
        if (places < 0).any():
            found = f"lacks {int((places < 0).sum())} of the sample's cells"
            raise InputProblems([Problem(row["counts"], "barcodes", found, "copy the whole 10x output again")])
        part = part[places].copy()
        part.obs_names = wanted.index
        parts.append(part)
    merged = ad.concat(parts, join="inner", merge="first")[data.obs_names].copy()
    if not merged.n_vars:
        found = "the samples have no protein in common"
        raise InputProblems([Problem("sample sheet", "column counts", found, "compare samples of one panel")])
    return merged


def described(ratios: pd.DataFrame, signs: pd.DataFrame, types: pd.Series) -> pd.DataFrame:
    """Columns cell_type, protein, cells, mean_clr, positive_share."""
    names = types.astype(str)
    parts = []
    for name in sorted(names.unique()):
        members = (names == name).to_numpy()
        part = pd.DataFrame({"mean_clr": ratios[members].mean(), "positive_share": signs[members].mean()})
        part = part.rename_axis("protein").reset_index()
        parts.append(part.assign(cell_type=name, cells=int(members.sum())))
    return pd.concat(parts, ignore_index=True)[["cell_type", "protein", "cells", "mean_clr", "positive_share"]]


def main(
    *, cells: Path, rows: list[dict[str, str]], gates: Path, both: Path, table: Path, scores: Path, figure: Path,
    seed: int,
) -> None:  # fmt: skip
    """Write the MuData (modalities rna and prot), proteins by type, the agreement with the gates, and a figure.

    Parameters
    ----------
    rows
        The sheet's rows; `counts` names a 10x folder or H5 file with "Antibody Capture" features.
    gates
        config/markers/<tissue>_proteins.yaml.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mudata  # type: ignore[import-untyped]

    data = ad.read_h5ad(cells)
    proteins = merged_proteins(data, rows)
    counts = proteins.X.toarray()
    ratios = pd.DataFrame(centred_log_ratios(counts), index=data.obs_names, columns=proteins.var_names)
    with one_thread():
        signs = sample_signs(ratios, data.obs["sample"].astype(str), seed)
    known = yaml.safe_load(gates.read_text(encoding="utf-8"))
    short = panel_names(proteins.var_names, known.get("aliases", {}))
    named = signs[list(short.values())].set_axis(list(short), axis=1)
    truth = gated(named, known["types"])
    logging.info("%d proteins; gates name %.1f %% of cells", proteins.n_vars, 100 * (truth != "").mean())
    proteins.layers["counts"] = sparse.csr_matrix(counts, dtype=np.float32)
    proteins.X = ratios.to_numpy(dtype=np.float32)
    proteins.obs = pd.DataFrame({"protein_type": pd.Categorical(truth)}, index=data.obs_names)
    proteins.obsm["positive"] = signs
    summary = described(ratios, signs, data.obs["cell_type"])
    with atomic_path(both) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mudata.MuData({"rna": data, "prot": proteins}).write_h5mu(temporary)
    write_table(summary, table, "%.6g")
    write_table(agreement(data.obs["cell_type"].astype(str), truth), scores, "%.6g")
    use_style()
    shown = summary.pivot_table(index="cell_type", columns="protein", values="mean_clr", observed=True)
    shares = summary.pivot_table(index="cell_type", columns="protein", values="positive_share", observed=True)
    words = shares.map(lambda value: f"{100 * value:.0f}")
    shown = shown.rename_axis(index="Type by RNA", columns="")
    save_figure(grid(shown, "Surface proteins (numbers: % positive)", "Mean CLR", words, diverging=True), figure)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            cells=Path(snakemake.input.cells),
            rows=snakemake.params.rows,
            gates=Path(snakemake.input.gates),
            both=Path(snakemake.output.both),
            table=Path(snakemake.output.table),
            scores=Path(snakemake.output.scores),
            figure=Path(snakemake.output.figure),
            seed=snakemake.params.seed,
        )
