"""Train scVI on the variable genes of all cells: components without batch effects, offered to `cluster_cells`."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kimedlib.logs import log_to
from kimedlib.singlecell_blocks import stacked
from kimedlib.singlecell_genes import batch_codes
from kimedlib.singlecell_merging import genes_in_use, merged
from kimedlib.singlecell_scvi import CURVE, fitted
from kimedlib.singlecell_threads import one_thread
from kimedlib.table_files import write_table


def main(
    *, samples: list[Path], latent: Path, training: Path, seed: int, source: dict[str, str], batch: str,
    normalisation: str, variable_genes: int, settings: dict[str, Any], gpus: int = 0, gpu_required: bool = False,
) -> None:  # fmt: skip
    """Write the components of each cell, and the loss of each epoch per cell; no rows where there is one batch.

    Cells, genes and batches are those of `cluster_cells`. All cells are read in blocks; their counts of the variable
    genes are held.

    Parameters
    ----------
    source, settings
        Sections `input` and `scvi` of the config; see config/schemas/singlecell.schema.yaml.
    batch, normalisation, variable_genes
        Keys of `embedding`; what else it says does not change what is learned.
    gpus, gpu_required
        Resources of the job, see `torch_device.device_for`.

    Raises
    ------
    InputProblems
        No common genes, or no gene varies.
    ChildProcessError
        Training failed.
    """
    cells = merged(samples, source["genes"])
    batches = cells.obs[batch].astype(str)
    if batches.nunique() < 2:
        logging.warning("one batch (%s): there is no batch effect to take out, scVI is not trained", batches.iloc[0])
        write_table(pd.DataFrame(columns=["cell"]), latent)
        write_table(pd.DataFrame(columns=["epoch", *CURVE]), training)
        return
    with one_thread():
        variable = np.flatnonzero(genes_in_use(cells, batches, variable_genes, normalisation))
    counts = stacked([block[:, variable].astype(np.float32) for _, block in cells.blocks()])
    logging.info("%d cells, %d variable genes, %d batches", *counts.shape, batches.nunique())
    found, curve = fitted(counts, batch_codes(batches), seed, settings, gpus=gpus, gpu_required=gpu_required)
    table = pd.DataFrame(found, columns=[f"latent_{number}" for number in range(1, found.shape[1] + 1)])
    table.insert(0, "cell", cells.obs.index)
    write_table(table, latent, "%.6f")
    write_table(curve, training, "%.6g")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            samples=[Path(path) for path in snakemake.input.samples],
            latent=Path(snakemake.output.latent),
            training=Path(snakemake.output.training),
            seed=snakemake.params.seed,
            source=snakemake.params.source,
            batch=snakemake.params.batch,
            normalisation=snakemake.params.normalisation,
            variable_genes=snakemake.params.variable_genes,
            settings=snakemake.params.settings,
            gpus=snakemake.resources.get("gpu", 0),
            gpu_required=bool(snakemake.resources.get("gpu_required", 0)),
        )
