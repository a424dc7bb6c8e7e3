"""Cell types by a CellTypist model, beside those by markers."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kimedlib.figure_style import save_figure, use_style
from kimedlib.logs import log_to
from kimedlib.pinned_files import check_digest
from kimedlib.problems import InputProblems, Problem
from kimedlib.singlecell_analysis_figures import shares_grid
from kimedlib.singlecell_blocks import has_matrix, read_frames, stored_blocks
from kimedlib.singlecell_celltypist import agreement, predicted, read_model
from kimedlib.singlecell_embedding import log_normalised
from kimedlib.singlecell_expression import COUNTS
from kimedlib.singlecell_threads import one_thread
from kimedlib.singlecell_transfer import UNKNOWN, by_cluster
from kimedlib.table_files import write_table

CELLS = ["sample", "barcode", "cluster", "cell_type", "called", "label", "probability", "majority"]


def main(
    *, cells: Path, model: Path, table: Path, clusters: Path, agreed: Path, figure: Path, settings: dict[str, Any]
) -> None:
    """Write one row per cell, per cluster, and per pair of types, and a figure.

    Parameters
    ----------
    settings
        Section `celltypist` of the config.

    Raises
    ------
    InputProblems
        The model is not the one that the config means, no model, or knows too few of the genes.
    """
    check_digest(model, settings["sha256"], "celltypist.sha256")
    loaded = read_model(model)
    data = read_frames(cells)
    shared = loaded.genes.isin(data.var_names)
    if shared.mean() < settings["minimum_shared_genes"]:
        found = f"{shared.sum()} of its {len(shared)} genes were measured (e.g. '{loaded.genes[0]}' is one of its)"
        remedy = "name genes as the model does (symbols), or lower `celltypist.minimum_shared_genes`"
        raise InputProblems([Problem(str(model), "gene names", found, remedy)])
    counted = has_matrix(cells, COUNTS)
    blocks = stored_blocks(cells, COUNTS if counted else "X")
    with one_thread():
        label, probability = predicted(
            loaded, blocks, data.var_names, data.n_obs, log_normalised if counted else lambda values: values
        )
    described = data.obs[["sample", "barcode", "cluster", "cell_type"]].astype(str)
    described = described.assign(label=label, probability=probability.round(6))
    described["called"] = np.where(described["probability"] >= settings["minimum_probability"], label, UNKNOWN)
    voted = by_cluster(described.rename(columns={"called": "transferred"}))
    voted = voted.rename(columns={"transferred": "majority"})
    voted["majority"] = voted["majority"].where(voted["share"] >= settings["minimum_share"], UNKNOWN)
    described["majority"] = described["cluster"].map(voted.set_index("cluster")["majority"])
    logging.info("%d types, %d of %d genes measured; unknown: %.1f %% of cells", len(loaded.types), shared.sum(),
                 len(shared), 100 * (described["called"] == UNKNOWN).mean())  # fmt: skip
    write_table(described[CELLS], table, "%.6g")
    write_table(voted, clusters, "%.6g")
    write_table(agreement(pd.DataFrame(described)), agreed, "%.6g")
    use_style()
    save_figure(shares_grid(described, "cell_type", "called", "Type by markers", "Type by CellTypist model"), figure)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            cells=Path(snakemake.input.cells),
            model=Path(snakemake.input.model),
            table=Path(snakemake.output.table),
            clusters=Path(snakemake.output.clusters),
            agreed=Path(snakemake.output.agreement),
            figure=Path(snakemake.output.figure),
            settings=snakemake.params.settings,
        )
