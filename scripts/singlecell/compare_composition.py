"""Share of each cell type per patient, and its difference between the conditions."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from kimedlib.logs import log_to
from kimedlib.singlecell_annotation import UNASSIGNED
from kimedlib.singlecell_bayes import bayesian_effects
from kimedlib.singlecell_composition import adjusted, compare, composition, propeller
from kimedlib.singlecell_design import choose_design, donor_units
from kimedlib.singlecell_permutation import permutation_null
from kimedlib.singlecell_threads import one_thread
from kimedlib.table_files import write_table

TEST_COLUMNS = ["cell_type", "effect", "ci_low", "ci_high", "p_value", "p_adjusted", "design", "status"]


def reported_types(marker_table: Path | None, cells: pd.DataFrame) -> list[str]:
    """All types of the marker table; without one, what is there."""
    if marker_table is None:
        return sorted(cells["cell_type"].unique())
    return list(yaml.safe_load(marker_table.read_text(encoding="utf-8"))["types"])


def tested_types(
    rows: pd.DataFrame, samples: pd.DataFrame, types: list[str], settings: dict[str, Any], seed: int
) -> pd.DataFrame:
    """One row per type; one row that says why where no test is possible. Donors are the units, not samples or cells."""
    reference, contrast = settings["reference"], settings["contrast"]
    units = donor_units(samples)
    rows, samples = rows.assign(group=rows["sample"].map(units)), samples.loc[units.unique()]
    design = choose_design(samples, reference, contrast, settings["minimum_donors"])
    skipped = (
        f"{len(types)} cell types have no composition" if len(types) < 2 and not design.skipped else design.skipped
    )
    if skipped:
        logging.warning("composition is not tested: %s", skipped)
        return pd.DataFrame([{"status": f"skipped: {skipped}"}], columns=TEST_COLUMNS)
    counted = composition(rows, types)
    tested = compare(counted, samples, design, reference, contrast)
    chosen = samples[samples["condition"].isin([reference, contrast])]
    if settings.get("propeller"):
        p_values = propeller(rows[rows["cell_type"].isin(types)], chosen, design, reference, contrast)
        tested["propeller_p"] = tested["cell_type"].map(p_values)
        tested["propeller_p_adjusted"] = adjusted(tested["propeller_p"])
    if settings.get("bayesian"):
        numbers = counted.pivot_table(index="group", columns="cell_type", values="cells")[types].loc[chosen.index]
        tested = tested.join(bayesian_effects(numbers, chosen, design, contrast), on="cell_type")
    ratios = counted.pivot_table(index="group", columns="cell_type", values="clr")[types].loc[chosen.index]
    tested = tested.join(permutation_null(ratios, chosen, design, contrast, seed), on="cell_type")
    logging.info("exchanged labels: %.1f %% of tests with p < 0.05", 100 * tested["null_rate"].mean())
    return tested.assign(design=design.formula, status="tested")


def main(
    *, cells: Path, sheet: list[dict[str, str]], marker_table: Path | None, table: Path, test: Path,
    settings: dict[str, Any], seed: int,
) -> None:  # fmt: skip
    """Write fractions and centred log-ratios per sample, and the test of the conditions per type.

    Parameters
    ----------
    settings
        Section `comparison` of the config.
    """
    rows = pd.read_csv(cells, sep="\t", dtype={"sample": str, "patient_id": str, "cluster": str}, keep_default_na=False)
    samples = pd.DataFrame(sheet).set_index("sample")
    types = reported_types(marker_table, rows)
    counted = composition(rows.assign(group=rows["sample"]), types).rename(columns={"group": "sample"})
    unassigned = (rows["cell_type"] == UNASSIGNED).groupby(rows["sample"]).mean()
    counted = counted.merge(samples[["patient_id", "condition", "batch"]], left_on="sample", right_index=True)
    counted["unassigned_fraction"] = counted["sample"].map(unassigned)
    with one_thread():
        tested = tested_types(rows, samples, types, settings, seed)
    for path, content in ((table, counted), (test, tested)):
        write_table(content, path, "%.6g")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            cells=Path(snakemake.input.cells),
            sheet=snakemake.params.sheet,
            marker_table=Path(snakemake.input.marker_table[0]) if snakemake.input.marker_table else None,
            table=Path(snakemake.output.table),
            test=Path(snakemake.output.test),
            settings=snakemake.params.settings,
            seed=snakemake.params.seed,
        )
