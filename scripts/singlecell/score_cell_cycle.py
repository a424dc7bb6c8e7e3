"""Phase of the cell cycle of each cell from the genes of S and G2/M (scanpy)."""

import logging
from pathlib import Path
from typing import Any

import anndata as ad
import pandas as pd
import yaml

from kimedlib.figure_style import save_figure, use_style
from kimedlib.logs import log_to
from kimedlib.problems import raise_if
from kimedlib.singlecell_analysis_figures import shares_grid
from kimedlib.singlecell_cycle import gene_problems, measured
from kimedlib.singlecell_threads import compiled_code_cache, one_thread
from kimedlib.table_files import write_table

CELLS = ["sample", "barcode", "patient_id", "condition", "cluster", "cell_type"]
PHASES = ("G1", "S", "G2M")


def phase_shares(cells: pd.DataFrame) -> pd.DataFrame:
    """Columns sample, patient_id, condition, cell_type, cells, G1, S, G2M (shares that add up to 1)."""
    keys = ["sample", "patient_id", "condition", "cell_type"]
    counted = cells.assign(one=1).pivot_table(index=keys, columns="phase", values="one", aggfunc="sum", fill_value=0)
    counted = counted.reindex(columns=list(PHASES), fill_value=0).rename_axis(columns=None)
    total = counted.sum(axis=1)
    return counted.div(total, axis=0).assign(cells=total).reset_index()[[*keys, "cells", *PHASES]]


def main(
    *, cells: Path, sets: Path, table: Path, shares: Path, figure: Path, seed: int, settings: dict[str, Any]
) -> None:  # fmt: skip
    """Write S and G2/M scores and the phase of each cell, the shares of phases by sample and type, and a figure.

    Raises
    ------
    InputProblems
        Too few of the genes were measured.

    References
    ----------
    Tirosh et al., Science 352:189 (2016), doi:10.1126/science.aad0501; `score_genes_cell_cycle` of scanpy.
    """
    data = ad.read_h5ad(cells)
    known = yaml.safe_load(sets.read_text(encoding="utf-8"))
    raise_if(gene_problems(known, data.var_names, settings["minimum_genes"], str(sets)))
    s_genes, g2m_genes = measured(known, data.var_names).values()
    logging.info("%d genes of S, %d of G2/M", len(s_genes), len(g2m_genes))
    with compiled_code_cache(), one_thread():
        from scanpy.tools import score_genes_cell_cycle

        score_genes_cell_cycle(data, s_genes=s_genes, g2m_genes=g2m_genes, random_state=seed)
    scored = data.obs[[*CELLS, "S_score", "G2M_score", "phase"]]
    described = scored.astype(dict.fromkeys([*CELLS, "phase"], str)).round(6)
    write_table(described, table, "%.6g")
    write_table(phase_shares(described), shares, "%.6g")
    use_style()
    save_figure(shares_grid(described, "cell_type", "phase", "Type", "Phase"), figure)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            cells=Path(snakemake.input.cells),
            sets=Path(snakemake.input.sets),
            table=Path(snakemake.output.table),
            shares=Path(snakemake.output.shares),
            figure=Path(snakemake.output.figure),
            seed=snakemake.params.seed,
            settings=snakemake.params.settings,
        )
