"""Neighbourhoods of cells whose share differs between the conditions (Milo): finer than cell types."""

import logging
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd

from kimedlib.figure_style import save_figure, use_style
from kimedlib.logs import log_to
from kimedlib.seeding import generator
from kimedlib.singlecell_abundance import abundance, counted, neighbour_number, neighbourhoods, spatial_fdr
from kimedlib.singlecell_analysis_figures import abundance_by_type
from kimedlib.singlecell_design import choose_design, donor_units, permuted_conditions
from kimedlib.singlecell_threads import one_thread
from kimedlib.table_files import write_table

COLUMNS = ["neighbourhood", "cell", "cell_type", "type_share", "cells", "log2_fold_change", "standard_error", "p_value"]
COLUMNS += ["spatial_fdr", "null_p_value", "design", "status"]
SUMMARY = ["cell_type", "neighbourhoods", "more", "less", "median_log2_fold_change", "null_rate"]
CHANCE = 0.05


def majority(names: np.ndarray) -> tuple[str, float]:
    """The most frequent name, and its share."""
    values, numbers = np.unique(names, return_counts=True)
    best = int(np.argmax(numbers))
    return str(values[best]), float(numbers[best] / len(names))


def tested(
    data: ad.AnnData, samples: pd.DataFrame, settings: dict[str, Any], comparison: dict[str, Any], seed: int
) -> pd.DataFrame:
    """One row per neighbourhood (`COLUMNS`); one row that says why where no test is possible."""
    units = donor_units(samples)
    own = data.obs["sample"].astype(str).map(units)
    samples = samples.loc[units.unique()]
    reference, contrast = comparison["reference"], comparison["contrast"]
    chosen = samples[samples["condition"].isin([reference, contrast]) & samples.index.isin(own)]
    design = choose_design(chosen, reference, contrast, comparison["minimum_donors"])
    if design.skipped:
        logging.warning("abundance is not tested: %s", design.skipped)
        return pd.DataFrame([{"status": f"skipped: {design.skipped}"}], columns=COLUMNS)
    positions = data.obsm["X_pca"].astype(np.float64).round(6)
    number = neighbour_number(len(chosen), settings["neighbours"], len(positions))
    members, distances = neighbourhoods(positions, number, settings["sampled_share"], generator(seed, "abundance"))
    counts, sizes = counted(members, own, chosen.index), own.value_counts()
    found = abundance(counts, sizes, chosen, design, (reference, contrast))
    exchanged = permuted_conditions(chosen, design, reference, contrast).loc[chosen.index]
    null = abundance(counts, sizes, exchanged, design, (reference, contrast))
    types = data.obs["cell_type"].astype(str).to_numpy()
    named = pd.DataFrame([majority(types[cells]) for cells in members], columns=["cell_type", "type_share"])
    found = found.join(named).assign(
        neighbourhood=range(len(members)), cell=data.obs_names[members[:, 0]], cells=counts.sum().to_numpy(),
        spatial_fdr=spatial_fdr(found["p_value"].to_numpy(), distances), null_p_value=null["p_value"],
        design=design.formula, status="tested",
    )  # fmt: skip
    logging.info("%d neighbourhoods of %d cells; %s", len(members), number, design.formula)
    return found[COLUMNS]


def summarised(found: pd.DataFrame, level: float) -> pd.DataFrame:
    """By majority type (`SUMMARY`): neighbourhoods, how many hold more or fewer cells, share of null p below 0.05."""
    rows = []
    for name, part in found[found["status"] == "tested"].groupby("cell_type", sort=True):
        sure = part["spatial_fdr"] < level
        up, down = (int((sure & (sign * part["log2_fold_change"] > 0)).sum()) for sign in (1, -1))
        null = float((part["null_p_value"].dropna() < CHANCE).mean())
        rows.append([name, len(part), up, down, part["log2_fold_change"].median(), null])
    return pd.DataFrame(rows, columns=SUMMARY)


def main(
    *, cells: Path, sheet: list[dict[str, str]], table: Path, summary: Path, figure: Path, seed: int,
    settings: dict[str, Any], comparison: dict[str, Any],
) -> None:  # fmt: skip
    """Write the test of each neighbourhood, a summary by cell type, and a figure.

    Parameters
    ----------
    settings, comparison
        Sections `abundance` and `comparison` of the config.
    """
    stored = ad.read_h5ad(cells, backed="r")
    data = ad.AnnData(obs=stored.obs, obsm={"X_pca": stored.obsm["X_pca"]})
    with one_thread():
        found = tested(data, pd.DataFrame(sheet).set_index("sample"), settings, comparison, seed)
    level = comparison["false_discovery_rate"]
    write_table(found, table, "%.6g")
    write_table(summarised(found, level), summary, "%.6g")
    use_style()
    save_figure(abundance_by_type(found, level, comparison["contrast"]), figure)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            cells=Path(snakemake.input.cells),
            sheet=snakemake.params.sheet,
            table=Path(snakemake.output.table),
            summary=Path(snakemake.output.summary),
            figure=Path(snakemake.output.figure),
            seed=snakemake.params.seed,
            settings=snakemake.params.settings,
            comparison=snakemake.params.comparison,
        )
