"""Estimate the ambient RNA in the cells of one sample and take it out of the counts (SoupX)."""

import logging
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from kimedlib.atomic import atomic_path
from kimedlib.cells_reading import format_of, read_cells
from kimedlib.check_singlecell_droplets import profile_problems
from kimedlib.logs import log_to
from kimedlib.problems import InputProblems, Problem, raise_if
from kimedlib.seeding import generator
from kimedlib.singlecell_ambient import changed_genes, contamination, without_ambient
from kimedlib.singlecell_embedding import leiden, log_normalised, nearest, principal_components, shared_neighbour_graph
from kimedlib.singlecell_genes import GeneMoments, variable_genes
from kimedlib.singlecell_quarantine import quarantine
from kimedlib.singlecell_threads import one_thread
from kimedlib.table_files import write_table

# Coarse clusters, which only tell what a group of cells does not express.
GENES, COMPONENTS, NEIGHBOURS, RESOLUTION = 2000, 20, 20, 1.0
# Fewer cells have no groups; nothing is estimated from them.
LEAST_CELLS = 20
# A profile that knows less of the counts is of other genes.
LEAST_COVERED = 0.5


def coarse_clusters(counts: sparse.csr_matrix, seed: int) -> NDArray[np.int64]:
    """Leiden clusters of the cells of one sample, (cells,)."""
    batches, blocks = pd.Series("all", index=range(counts.shape[0])), lambda: [(slice(None), counts)]
    moments = GeneMoments([blocks], np.zeros(counts.shape[0], dtype=np.int64), counts.shape[1])
    chosen = np.flatnonzero(variable_genes([blocks], batches, moments, GENES))
    positions = principal_components(log_normalised(counts)[:, chosen], COMPONENTS)[0]
    return leiden(shared_neighbour_graph(nearest(positions, NEIGHBOURS)[0]), RESOLUTION, seed)


def profile_of(data: ad.AnnData, profile: str, counts: Path) -> NDArray[np.float64]:
    """Share of each gene of `data` in the soup, from a table (gene, share) or the file's column `var/<name>`, (genes,).

    Raises
    ------
    InputProblems
        No such column, shares that are none, or a profile of other genes.
    """
    if profile.startswith("var/"):
        name = profile.removeprefix("var/")
        columns = ad.read_h5ad(counts, backed="r").var if format_of(counts) == "h5ad" else data.var
        if name not in columns:
            known = ", ".join(map(str, columns.columns))
            remedy = f"set `ambient.profile` to a table, or to var/ and one of: {known}"
            raise InputProblems([Problem(str(counts), profile, f"var has no column '{name}'", remedy)])
        shares = pd.to_numeric(columns[name], errors="coerce").to_numpy(dtype=np.float64)
    else:
        table = pd.read_csv(profile, sep="\t", dtype={"gene": str})
        raise_if(profile_problems(table, profile))
        shares = table.set_index("gene")["share"].astype(float).reindex(data.var_names).fillna(0).to_numpy()
    if not np.isfinite(shares).all() or shares.min() < 0:
        raise InputProblems([Problem(str(counts), profile, "holds values that are no shares", "give shares of 0 to 1")])
    counted = np.asarray(data.X.sum(axis=0)).ravel()
    if counted[shares > 0].sum() < LEAST_COVERED * counted.sum():
        found = f"its genes hold {100 * counted[shares > 0].sum() / counted.sum():.0f} % of the sample's counts"
        remedy = "give the profile of this sample, with the same gene names"
        raise InputProblems([Problem(profile, str(counts), found, remedy)])
    result: NDArray[np.float64] = shares / shares.sum()
    return result


def main(
    *, counts: Path, profile: str, cells: Path, table: Path, genes: Path, sample: dict[str, str],
    seed: int, source: dict[str, Any], settings: dict[str, Any], on_failure: str,
) -> None:  # fmt: skip
    """Write the cells with corrected counts (H5AD), one row with the estimate, and the genes that lost most.

    Parameters
    ----------
    profile
        Table with columns gene and share, or `var/<column>` of the counts' file.
    sample
        The sheet's row: sample, subset.
    source, settings
        Sections `input` and `ambient` of the config; see config/schemas/singlecell.schema.yaml.
    on_failure
        stop or quarantine: what a sample does that has too few cells to estimate from; in quarantine it hands on none.

    Raises
    ------
    InputProblems
        The counts or the profile cannot be used, or there are too few cells and `on_failure` is stop.
    """
    handed_on = source.get("handed_on", False)
    data = read_cells(counts, source["h5ad_matrix"], sample["subset"], source["state"], handed_on=handed_on)
    shares = profile_of(data, profile, counts)
    entered, few = data.n_obs, data.n_obs < LEAST_CELLS
    if few and entered and settings["contamination"] == "auto":
        found = f"too few cells to estimate ambient RNA from ({entered}, {LEAST_CELLS} are needed)"
        remedy = "take the sample out of the sheet, leave out `ambient`, or set `ambient.contamination`"
        quarantine(Problem(str(counts), f"sample {sample['sample']}", found, remedy), on_failure)
        data = data[:0].copy()
    share, bounds, pairs = float("nan"), (float("nan"), float("nan")), 0
    with one_thread():
        clusters = np.zeros(data.n_obs, dtype=np.int64) if few else coarse_clusters(data.X, seed)
        if data.n_obs:
            share, bounds, pairs = contamination(data.X, clusters, shares)
            if settings["contamination"] != "auto":
                share = float(settings["contamination"])
        known = np.isfinite(share)
        if not known and data.n_obs:
            logging.warning("%s: no gene tells the soup from expression; the counts stay as they are", sample["sample"])
        random = generator(seed, "ambient", sample["sample"])
        corrected = without_ambient(data.X, clusters, shares, share, random) if known else data.X
    estimate = {
        "sample": sample["sample"],
        "cells": entered,
        "contamination": share,
        "low": bounds[0],
        "high": bounds[1],
        "pairs": pairs,
    }
    totals = {"counts_before": float(data.X.sum()), "counts_after": float(corrected.sum())}
    logging.info("%s: %s", sample["sample"], estimate)
    write_table(pd.DataFrame([estimate | totals]), table, "%.6g")
    write_table(
        changed_genes(data.X, corrected, data.var_names, shares).head(settings["reported_genes"]), genes, "%.6g"
    )
    data.X = corrected.astype(np.float32)
    with atomic_path(cells) as temporary:
        data.write_h5ad(temporary)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            counts=Path(snakemake.input.counts),
            profile=str(snakemake.input.profile) or snakemake.params.settings["profile"],
            cells=Path(snakemake.output.cells),
            table=Path(snakemake.output.table),
            genes=Path(snakemake.output.genes),
            sample=snakemake.params.sample,
            seed=snakemake.params.seed,
            source=snakemake.params.source,
            settings=snakemake.params.settings,
            on_failure=snakemake.params.on_failure,
        )
