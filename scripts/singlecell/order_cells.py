"""Order cells along a process by diffusion pseudotime, from a root that markers name; graph of their groups."""

import logging
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from kimedlib.figure_style import save_figure, use_style
from kimedlib.logs import log_to
from kimedlib.problems import InputProblems, Problem
from kimedlib.singlecell_analysis_figures import abstracted_graph_over_cells, pseudotime_by_group
from kimedlib.singlecell_blocks import read_frames, read_genes
from kimedlib.singlecell_pseudotime import abstracted_graph, diffusion_pseudotime, gene_trends, root_cell
from kimedlib.singlecell_threads import one_thread
from kimedlib.table_files import write_table

MINIMUM_CELLS = 50
# Of one donor, for correlations within it.
MINIMUM_DONOR_CELLS = 30


def chosen_cells(data: ad.AnnData, settings: dict[str, Any]) -> ad.AnnData:
    """Cells of the types that the process runs through.

    Raises
    ------
    InputProblems
        A type or a root gene is not there, or there are too few cells.
    """
    known = set(data.obs["cell_type"].astype(str))
    problems = [
        Problem(
            "config", "key pseudotime.types", f"no cell is called '{name}'", f"use some of: {', '.join(sorted(known))}"
        )
        for name in settings["types"]
        if name not in known
    ]
    genes = [gene for gene in settings["root_genes"] if gene in data.var_names]
    if not genes:
        found = f"none of {', '.join(settings['root_genes'])} was measured"
        problems.append(Problem("config", "key pseudotime.root_genes", found, "name genes that mark the beginning"))
    inside = data.obs["cell_type"].astype(str).isin(settings["types"] or known).to_numpy()
    if not problems and inside.sum() < MINIMUM_CELLS:
        found = f"{inside.sum()} cells are of these types, {MINIMUM_CELLS} are needed"
        problems.append(Problem("config", "key pseudotime.types", found, "name more types"))
    if problems:
        raise InputProblems(problems)
    return data[inside].copy()


def main(
    *, cells: Path, table: Path, trends: Path, links: Path, figure: Path, graph_figure: Path, settings: dict[str, Any]
) -> None:
    """Write pseudotime per cell, genes that follow it, connectivities of clusters and of types, and two figures.

    Parameters
    ----------
    settings
        Section `pseudotime` of the config.

    Raises
    ------
    InputProblems
        As `chosen_cells`.
    """
    var = read_frames(cells).var
    wanted = [*var.index[var["highly_variable"]], *settings["root_genes"]]
    data = chosen_cells(read_genes(cells, wanted, ("obsm", "obsp")), settings)
    graph = sparse.csr_matrix(data.obsp["connectivities"], dtype=np.float64)
    values = sparse.csr_matrix(data.X, dtype=np.float64)
    genes = data.var_names.get_indexer(pd.Index([gene for gene in settings["root_genes"] if gene in data.var_names]))
    with one_thread():
        root = root_cell(values[:, genes], graph)
        time = diffusion_pseudotime(graph, root)
        variable = np.flatnonzero(data.var["highly_variable"])
        donors = data.obs["patient_id"].astype(str)
        found = gene_trends(values[:, variable], data.var_names[variable], time, donors, MINIMUM_DONOR_CELLS)
    logging.info("root: %s (%s)", data.obs_names[root], data.obs["cell_type"].iloc[root])
    if found.empty:
        logging.warning("no donor has %d cells with pseudotime: no genes are listed", MINIMUM_DONOR_CELLS)
    if np.isnan(time).any():
        logging.warning("%d cells are not connected with the root: no pseudotime", np.isnan(time).sum())
    described = data.obs[["sample", "barcode", "patient_id", "condition", "cluster", "cell_type"]].astype(str)
    described = described.assign(pseudotime=time, root=np.where(np.arange(len(time)) == root, "yes", "no"))
    write_table(described, table, "%.6g")
    write_table(found, trends, "%.6g")
    connected = abstracted_graph(sparse.csr_matrix(data.obsp["distances"]), described)
    write_table(connected, links, "%.6g")
    use_style()
    save_figure(pseudotime_by_group(described), figure)
    save_figure(abstracted_graph_over_cells(connected, described, data.obsm["X_umap"]), graph_figure)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            cells=Path(snakemake.input.cells),
            table=Path(snakemake.output.table),
            trends=Path(snakemake.output.trends),
            links=Path(snakemake.output.links),
            figure=Path(snakemake.output.figure),
            graph_figure=Path(snakemake.output.graph_figure),
            settings=snakemake.params.settings,
        )
