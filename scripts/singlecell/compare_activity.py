"""Pathways and regulators whose activity differs between the conditions within each cell type."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd

from kimedlib.figure_style import save_figure, use_style
from kimedlib.logs import log_to
from kimedlib.singlecell_activity import activities, log_counts_per_million, read_network, weights_of
from kimedlib.singlecell_analysis_figures import effects_grid
from kimedlib.singlecell_annotation import UNASSIGNED
from kimedlib.singlecell_blocks import has_matrix, read_frames
from kimedlib.singlecell_composition import adjusted, linear_effect
from kimedlib.singlecell_design import choose_design, design_matrix, donor_units, samples_with_cells
from kimedlib.singlecell_expression import COUNTS, expressed, pseudobulk
from kimedlib.singlecell_permutation import permutation_null
from kimedlib.singlecell_threads import one_thread
from kimedlib.table_files import write_table

TEST = ["cell_type", "source", "genes", "effect", "ci_low", "ci_high", "p_value", "p_adjusted", "permutation_p"]
TEST += ["relabelings", "null_rate", "design", "status"]
UNITS = ["cell_type", "sample", "patient_id", "condition", "source", "activity"]


def compare_type(
    counts: pd.DataFrame,
    name: str,
    samples: pd.DataFrame,
    network: pd.DataFrame,
    *,
    settings: dict[str, Any],
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Activities of the units and tests of the sources for a cell type; one row that says why where there is no test.

    Parameters
    ----------
    counts
        The type's `pseudobulk`.
    samples
        Units: index sample, one row per donor and condition.
    settings
        Section `comparison` of the config, with `minimum_genes` of `activity`.
    """
    reference, contrast = settings["reference"], settings["contrast"]
    chosen = samples.loc[counts.index]
    chosen = chosen[chosen["condition"].isin([reference, contrast])]
    design = choose_design(chosen, reference, contrast, settings["minimum_donors"])
    reason = design.skipped and f"{design.skipped} (samples with at least {settings['minimum_cells']} cells)"
    weights = pd.DataFrame()
    if not reason:
        counts = expressed(counts.loc[chosen.index], chosen, settings["minimum_counts"])
        weights = weights_of(network, counts.columns, settings["minimum_genes"])
        if weights.empty:
            reason = f"no set has {settings['minimum_genes']} expressed genes"
    if reason:
        logging.warning("%s: skipped: %s", name, reason)
        return pd.DataFrame(columns=UNITS), pd.DataFrame([{"cell_type": name, "status": f"skipped: {reason}"}])
    found = activities(log_counts_per_million(counts), weights)
    matrix = design_matrix(chosen, design, contrast)
    tests = pd.DataFrame([linear_effect(found[source].to_numpy(), matrix) for source in found], index=found.columns)
    tests["genes"] = (weights != 0).sum(axis=0)
    tests = tests.join(permutation_null(found, chosen, design, contrast, seed))
    tests = tests.rename_axis("source").reset_index()
    long = found.rename_axis("sample").reset_index().melt("sample", var_name="source", value_name="activity")
    long = long.join(chosen[["patient_id", "condition"]], on="sample").assign(cell_type=name)
    return long[UNITS], tests.assign(cell_type=name, design=design.formula, status="tested")


def main(
    *, cells: Path, network: Path, sheet: list[dict[str, str]], table: Path, test: Path, figure: Path,
    settings: dict[str, Any], comparison: dict[str, Any], seed: int,
) -> None:  # fmt: skip
    """Write activities per donor, condition and type, their test with what exchanged labels give, and a figure.

    Parameters
    ----------
    settings, comparison
        Sections `activity` and `comparison` of the config.
    """
    data, known = read_frames(cells, ("obs",)), read_network(network)
    samples = samples_with_cells(sheet, data.obs["sample"])
    units = donor_units(samples)
    data.obs["sample"] = data.obs["sample"].astype(str).map(units)
    types = [name for name in data.obs["cell_type"].cat.categories if name != UNASSIGNED] or [UNASSIGNED]
    parts = []
    if has_matrix(cells, COUNTS):
        bulk = pseudobulk(cells, data.obs, types, comparison["minimum_cells"])
        with one_thread():
            parts = [
                compare_type(
                    bulk[name], name, samples.loc[units.unique()], known, settings={**comparison, **settings}, seed=seed
                )
                for name in types
            ]
    else:
        parts = [(pd.DataFrame(columns=UNITS), pd.DataFrame([{"status": "skipped: the input holds no counts"}]))]
    tested = pd.concat([part[1] for part in parts], ignore_index=True).reindex(columns=TEST)
    tested["p_adjusted"] = adjusted(tested["p_value"].astype(float))
    if tested["null_rate"].notna().any():
        logging.info("exchanged labels: %.1f %% of tests with p < 0.05", 100 * tested["null_rate"].mean())
    filled = [part[0] for part in parts if len(part[0])]
    units_table = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=UNITS)
    write_table(units_table, table, "%.6g")
    write_table(tested, test, "%.6g")
    use_style()
    title = f"Activity, {comparison['contrast']} - {comparison['reference']}"
    save_figure(effects_grid(tested, comparison["false_discovery_rate"], title), figure)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            cells=Path(snakemake.input.cells),
            network=Path(snakemake.input.network),
            sheet=snakemake.params.sheet,
            table=Path(snakemake.output.table),
            test=Path(snakemake.output.test),
            figure=Path(snakemake.output.figure),
            settings=snakemake.params.settings,
            comparison=snakemake.params.comparison,
            seed=snakemake.params.seed,
        )
