"""Carry the cell types of a labelled reference over to the cells, with "unknown" for types it does not hold."""

import logging
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from kimedlib.cells_reading import read_cells
from kimedlib.figure_style import save_figure, use_style
from kimedlib.logs import log_to
from kimedlib.pinned_files import check_digest
from kimedlib.problems import InputProblems, Problem
from kimedlib.singlecell_analysis_figures import shares_grid
from kimedlib.singlecell_threads import one_thread
from kimedlib.singlecell_transfer import UNKNOWN, Side, by_cluster, called, shared_space, strange_share, transfer
from kimedlib.table_files import write_table

CELLS = [
    "sample",
    "barcode",
    "cluster",
    "cell_type",
    "transferred",
    "label",
    "confidence",
    "novelty_p",
    "strange_share",
]
# Types of fewer cells cannot be halved for the calibration.
MINIMUM_CELLS = 10
# Barcodes of different libraries of 10x agree by chance in some percent at most.
SAME_BARCODES = 0.2


def read_reference(path: Path, settings: dict[str, Any], state: str) -> ad.AnnData:
    """Cells of the reference with a usable label, in obs["label"].

    Raises
    ------
    InputProblems
        The file is not the one whose digest the config gives, cannot be read, or lacks labels.
    """
    check_digest(path, settings["sha256"], "transfer.sha256")
    data = read_cells(path, settings["matrix"], "", state)
    column, described, source = settings["label_column"], data.obs, str(path)
    if settings["label_table"]:
        source = settings["label_table"]
        separator = "," if ".csv" in Path(source).suffixes else "\t"
        described = pd.read_csv(source, sep=separator, dtype=str).drop_duplicates("barcode").set_index("barcode")
        described = described.reindex(data.obs_names)
    if column not in described:
        known_columns = ", ".join(map(str, described.columns)) or "none"
        raise InputProblems([Problem(source, f"column {column}", "no such column", f"use one of: {known_columns}")])
    labels = described[column].astype(object).where(described[column].notna(), "").astype(str)
    sizes = labels[labels != ""].value_counts()
    kept = sorted(sizes.index[sizes >= MINIMUM_CELLS])
    for name in sorted(set(sizes.index) - set(kept)):
        logging.warning("reference type '%s' has %d cells, %d are needed: left out", name, sizes[name], MINIMUM_CELLS)
    if len(kept) < 2:
        found = f"{len(kept)} types have at least {MINIMUM_CELLS} cells"
        raise InputProblems([Problem(source, f"column {column}", found, "give a reference with two types or more")])
    data.obs["label"] = labels
    return data[labels.isin(kept).to_numpy()].copy()


def shared_genes(reference: ad.AnnData, cells: ad.AnnData, path: Path, minimum: float) -> pd.Index:
    """Genes of the cells that the reference measured too.

    Raises
    ------
    InputProblems
        They are less than `minimum` of the smaller gene list.
    """
    common: pd.Index = cells.var_names[cells.var_names.isin(reference.var_names)]
    smaller = min(cells.n_vars, reference.n_vars)
    if len(common) < minimum * smaller:
        found = (
            f"shares {len(common)} genes with the cells, {len(common) / smaller:.1%} of the smaller list "
            f"(e.g. '{reference.var_names[0]}' here, '{cells.var_names[0]}' there)"
        )
        remedy = "name genes of both alike (symbols or Ensembl identifiers), or lower `transfer.minimum_shared_genes`"
        raise InputProblems([Problem(str(path), "gene names", found, remedy)])
    return common


def main(
    *, cells: Path, reference: Path, table: Path, clusters: Path, figure: Path, seed: int, source: dict[str, str],
    batch: str, settings: dict[str, Any],
) -> None:  # fmt: skip
    """Write one row per cell, one per cluster, and a figure of types by markers against types by reference.

    Parameters
    ----------
    settings
        Section `transfer` of the config.
    batch
        obs column of the cells that names batches.
    """
    data = ad.read_h5ad(cells)
    known = read_reference(reference, settings, source["state"])
    genes = shared_genes(known, data, reference, settings["minimum_shared_genes"])
    logging.info(
        "reference: %d cells, %d types, %d shared genes", known.n_obs, known.obs["label"].nunique(), len(genes)
    )
    twice = known.obs_names.isin([*data.obs["barcode"].astype(str), *data.obs_names]).mean()
    if twice > SAME_BARCODES:
        logging.warning(
            "%.0f %% of the reference's barcodes are in the samples: the same cells on both sides make noise "
            "look like structure, and most cells unknown; leave those samples out",
            100 * twice,
        )
    values = data[:, genes].layers["counts"] if "counts" in data.layers else data[:, genes].X
    column = settings["batch_column"]
    batches = known.obs[column].astype(str) if column else pd.Series("all", index=known.obs_names)
    with one_thread():
        query = Side(sparse.csr_matrix(values), data.obs[batch].astype(str).reset_index(drop=True))
        space = shared_space(
            Side(sparse.csr_matrix(known[:, genes].X), batches.reset_index(drop=True)), query,
            settings["variable_genes"], source["state"] == "counts", seed,
        )  # fmt: skip
        found = transfer(space, known.obs["label"].to_numpy(dtype=object), query.batches, seed)
    found.index = data.obs_names
    transferred = called(found, settings["minimum_confidence"], settings["novelty_level"])
    if not np.isfinite(found[["confidence", "novelty_p"]].to_numpy()).all():
        raise AssertionError("confidence and novelty of every cell must be numbers")
    logging.info("batches: %s; unknown: %.1f %% of cells", space.method, 100 * (transferred == UNKNOWN).mean())
    described = data.obs[["sample", "barcode", "cluster", "cell_type"]].astype(str).join(found)
    shares = strange_share(found, settings["novelty_level"])
    described = described.assign(transferred=transferred, strange_share=shares)[CELLS]
    write_table(described, table, "%.6g")
    write_table(by_cluster(described), clusters, "%.6g")
    use_style()
    save_figure(shares_grid(described, "cell_type", "transferred", "Type by markers", "Type by reference"), figure)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            cells=Path(snakemake.input.cells),
            reference=Path(snakemake.input.reference),
            table=Path(snakemake.output.table),
            clusters=Path(snakemake.output.clusters),
            figure=Path(snakemake.output.figure),
            seed=snakemake.params.seed,
            source=snakemake.params.source,
            batch=snakemake.params.batch,
            settings=snakemake.params.settings,
        )
