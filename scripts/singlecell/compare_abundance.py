"""Neighbourhoods of cells that gain or lose cells between the conditions, donor by donor (Milo)."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kimedlib.figure_style import save_figure, use_style
from kimedlib.logs import log_to
from kimedlib.seeding import generator
from kimedlib.singlecell_abundance import counted, described, neighbourhoods, reach, spatial_fdr
from kimedlib.singlecell_analysis_figures import abundance_by_type
from kimedlib.singlecell_blocks import read_frames
from kimedlib.singlecell_counts_model import common_dispersion, quasi_likelihood_test
from kimedlib.singlecell_design import (
    Design,
    choose_design,
    design_matrix,
    donor_units,
    relabelings,
    samples_with_cells,
)
from kimedlib.singlecell_embedding import Matrix
from kimedlib.singlecell_integration import GRAPHS
from kimedlib.singlecell_permutation import LEVEL
from kimedlib.singlecell_threads import one_thread
from kimedlib.table_files import write_table

COLUMNS = ["neighbourhood", "cell_type", "type_share", "cells_reference", "cells_contrast", "log2_fold_change"]
COLUMNS += ["statistic", "p_value", "spatial_fdr", "permutation_p", "relabelings", "null_rate", "null_called"]
COLUMNS += ["design", "status"]
# Each way of exchanging labels is a whole fit of all neighbourhoods.
RELABELINGS = 99
# Milo's advice: on average five cells of each unit in a neighbourhood; not more than this share of all cells.
CELLS_PER_UNIT, LARGEST_SHARE, LEAST_NEIGHBOURS = 5, 0.1, 10
MOST_NEIGHBOURHOODS = 2000


def tested(
    counts: Matrix, totals: Matrix, distances: Matrix, units: pd.DataFrame, *, design: Design, contrast: str,
    level: float, seed: int,
) -> pd.DataFrame:  # fmt: skip
    """Test of each neighbourhood, with what exchanged labels of the donors give.

    Parameters
    ----------
    counts
        Neighbourhoods x units.
    totals
        All cells of each unit.
    units
        Index unit; columns patient_id, condition, batch.
    level
        Spatial false discovery rate of `null_called`: the share of other labellings that call any neighbourhood.
    """
    matrix, offset = design_matrix(units, design, contrast), np.log(totals)
    dispersion = common_dispersion(counts, matrix, offset)
    change, statistic, p_values = quasi_likelihood_test(counts, matrix, offset, dispersion)
    labels = relabelings(units, design, contrast, RELABELINGS, seed)
    other = ~np.all(labels == 1 - labels[0], axis=1)
    other[0] = False
    nulls = [p_values]
    for way in labels[1:]:
        changed = np.column_stack([matrix[:, :-1], way])
        full = np.linalg.matrix_rank(changed) == changed.shape[1]
        found = quasi_likelihood_test(counts, changed, offset, dispersion)[2] if full else np.full(len(counts), np.nan)
        nulls.append(found)
    null = np.array(nulls)
    known = np.isfinite(null)
    with np.errstate(divide="ignore", invalid="ignore"):
        extreme = (np.where(known, null, np.inf).round(9) <= p_values.round(9)).sum(axis=0) / known.sum(axis=0)
        rate = (np.where(known, null, 1.0)[other] < LEVEL).sum(axis=0) / known[other].sum(axis=0)
    called = [bool((spatial_fdr(values, distances) < level).any()) for values in null[other]]
    logging.info("dispersion %.3g, %d labellings of %d units", dispersion, len(labels), len(units))
    return pd.DataFrame(
        {
            "log2_fold_change": change, "statistic": statistic, "p_value": p_values,
            "spatial_fdr": spatial_fdr(p_values, distances),
            "permutation_p": np.where(np.isfinite(p_values), extreme, np.nan), "relabelings": len(labels),
            "null_rate": rate, "null_called": float(np.mean(called)) if called else np.nan, "design": design.formula,
        }
    )  # fmt: skip


def main(
    *, cells: Path, table: Path, figure: Path, sheet: list[dict[str, str]], settings: dict[str, Any],
    comparison: dict[str, Any], seed: int,
) -> None:  # fmt: skip
    """Write one row per neighbourhood, or one that says why nothing is compared, and a figure.

    Parameters
    ----------
    settings, comparison
        Sections `abundance` and `comparison` of the config.
    """
    data = read_frames(cells, ("obs", "obsm", "uns"))
    samples = samples_with_cells(sheet, data.obs["sample"])
    unit = data.obs["sample"].astype(str).map(donor_units(samples))
    reference, contrast = comparison["reference"], comparison["contrast"]
    sizes = unit.value_counts()
    enough = sizes.index[sizes >= comparison["minimum_cells"]]
    units = samples[samples.index.isin(enough) & samples["condition"].isin([reference, contrast])]
    design = choose_design(units, reference, contrast, comparison["minimum_donors"])
    kept = unit.isin(units.index).to_numpy()
    wanted = settings["neighbours"]
    largest = int(LARGEST_SHARE * kept.sum())
    neighbours = min(max(CELLS_PER_UNIT * len(units), LEAST_NEIGHBOURS), largest) if wanted == "auto" else wanted
    reason = design.skipped
    method = data.uns["integration"]["method"]
    if method in GRAPHS:
        reason = reason or f"integration by {method} leaves no components in which cells of all batches can be compared"
    if not reason and not 1 < neighbours < kept.sum():
        reason = f"{kept.sum()} cells are too few for neighbourhoods of {max(neighbours, LEAST_NEIGHBOURS)}"
    if reason:
        logging.warning("abundance is not tested: %s", reason)
        found = pd.DataFrame([{"status": f"skipped: {reason}"}])
    else:
        positions = np.asarray(data.obsm["X_pca"], dtype=np.float64)[kept]
        number = min(max(1, round(settings["share"] * len(positions))), MOST_NEIGHBOURHOODS)
        codes = units.index.get_indexer(unit[kept])
        with one_thread():
            members = neighbourhoods(positions, number, neighbours, generator(seed, "neighbourhoods"))
            counts = counted(members, codes, len(units)).astype(np.float64)
            totals = np.bincount(codes, minlength=len(units)).astype(np.float64)
            found = tested(
                counts, totals, reach(positions, members), units, design=design, contrast=contrast,
                level=comparison["false_discovery_rate"], seed=seed,
            )  # fmt: skip
        found = found.join(described(members, data.obs["cell_type"].to_numpy(dtype=object)[kept]))
        for role in ("reference", "contrast"):
            found[f"cells_{role}"] = counts[:, units["condition"] == comparison[role]].sum(axis=1).astype(int)
        found["neighbourhood"], found["status"] = np.arange(1, len(found) + 1), "tested"
        logging.info("%d neighbourhoods of %d cells; exchanged labels: %.1f %% of tests with p < 0.05",
                     len(found), neighbours + 1, 100 * found["null_rate"].mean())  # fmt: skip
        found = found.sort_values(["p_value", "neighbourhood"], kind="stable")
    found = found.reindex(columns=COLUMNS)
    write_table(found, table, "%.6g")
    use_style()
    title = f"Abundance, {contrast} / {reference}"
    save_figure(abundance_by_type(found, comparison["false_discovery_rate"], title), figure)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            cells=Path(snakemake.input.cells),
            table=Path(snakemake.output.table),
            figure=Path(snakemake.output.figure),
            sheet=snakemake.params.sheet,
            settings=snakemake.params.settings,
            comparison=snakemake.params.comparison,
            seed=snakemake.params.seed,
        )
