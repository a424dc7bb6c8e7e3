"""Find the barcodes of an unfiltered matrix that hold a cell, and what empty droplets hold (EmptyDrops)."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kimedlib.atomic import atomic_path
from kimedlib.cells_reading import read_cells
from kimedlib.check_singlecell_droplets import LEAST_EMPTY, UNFILTERED, too_few_empty
from kimedlib.figure_style import save_figure, use_style
from kimedlib.logs import log_to
from kimedlib.problems import InputProblems, Problem
from kimedlib.seeding import generator
from kimedlib.singlecell_analysis_figures import barcode_rank_curve
from kimedlib.singlecell_droplets import called_droplets
from kimedlib.singlecell_quarantine import quarantine
from kimedlib.singlecell_threads import one_thread
from kimedlib.table_files import write_table


def curve(droplets: pd.DataFrame) -> pd.DataFrame:
    """Columns counts, barcodes, cells, rank (middle): the barcode rank curve, one row per number of counts."""
    seen = droplets[droplets["counts"] > 0]
    grouped = seen.assign(cell=seen["call"] == "cell").groupby("counts")
    table = grouped.agg(barcodes=("cell", "size"), cells=("cell", "sum"), rank=("rank", "first"))
    return table.sort_index(ascending=False).reset_index()


def main(
    *, counts: Path, cells: Path, droplets: Path, ranks: Path, ambient: Path, figure: Path, sample: dict[str, str],
    seed: int, source: dict[str, str], settings: dict[str, Any], on_failure: str,
) -> None:  # fmt: skip
    """Write the called cells (H5AD), the tested barcodes, the rank curve with its figure, and the ambient profile.

    Parameters
    ----------
    sample
        The sheet's row: sample, subset.
    source, settings
        Sections `input` and `droplets` of the config; see config/schemas/singlecell.schema.yaml.
    on_failure
        stop or quarantine: what a library without cells does; in quarantine it hands on none.

    Raises
    ------
    InputProblems
        The counts cannot be used, the matrix holds no empty droplets (it is filtered already), or no barcode is a cell
        and `on_failure` is stop.
    """
    data = read_cells(counts, source["h5ad_matrix"], sample["subset"], source["state"])
    place = f"sample {sample['sample']}"
    totals = np.asarray(data.X.sum(axis=1)).ravel()
    empty = int(((totals > 0) & (totals <= settings["lower"])).sum())
    # A library in which nothing is above the limit is no filtered one: it is dead.
    if empty < LEAST_EMPTY and (totals > settings["lower"]).any():
        found = too_few_empty(empty, data.n_obs, settings["lower"])
        raise InputProblems([Problem(str(counts), place, found, UNFILTERED)])
    random = generator(seed, "droplets", sample["sample"])
    with one_thread():
        found_there, profile, known = called_droplets(
            data.X, settings["lower"], settings["false_discovery_rate"], settings["simulations"], random
        )
    least = found_there["p_value"] <= 1 / (settings["simulations"] + 0.5)
    if limited := int((least & (found_there["call"] != "cell")).sum()):
        said = "%s: %d barcodes could not be called with so few simulations; raise `droplets.simulations`"
        logging.warning(said, sample["sample"], limited)
    kept = (found_there["call"] == "cell").to_numpy()
    if not kept.any():
        found = f"no cell: none of {data.n_obs} barcodes differs from what empty droplets hold"
        remedy = "check the library and take it out of the sheet; if it is shallow, lower `droplets.lower`"
        if limited:
            found = f"no cell: {limited} of {data.n_obs} barcodes could not be called with so few simulations"
            remedy = "raise `droplets.simulations`, or `droplets.false_discovery_rate`"
        quarantine(Problem(str(counts), place, found, remedy), on_failure)
    logging.info("%s: %d cells among %d barcodes; %s", sample["sample"], kept.sum(), data.n_obs, known)
    found_there.insert(0, "barcode", data.obs_names)
    write_table(found_there[found_there["call"] != "ambient"], droplets, "%.6g")
    shown = curve(found_there)
    write_table(shown, ranks, "%.6g")
    profile_table = {"gene": data.var_names, "gene_id": data.var["gene_id"].to_numpy(), "share": profile.shares}
    write_table(pd.DataFrame(profile_table), ambient, "%.8g")
    use_style()
    save_figure(barcode_rank_curve(shown, sample["sample"]), figure)
    with atomic_path(cells) as temporary:
        data[kept].write_h5ad(temporary)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            counts=Path(snakemake.input.counts),
            cells=Path(snakemake.output.cells),
            droplets=Path(snakemake.output.droplets),
            ranks=Path(snakemake.output.ranks),
            ambient=Path(snakemake.output.ambient),
            figure=Path(snakemake.output.figure),
            sample=snakemake.params.sample,
            seed=snakemake.params.seed,
            source=snakemake.params.source,
            settings=snakemake.params.settings,
            on_failure=snakemake.params.on_failure,
        )
