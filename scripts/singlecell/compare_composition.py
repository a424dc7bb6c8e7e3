"""Share of each cell type per patient, and its difference between the conditions."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from kimedlib.logs import log_to
from kimedlib.singlecell_annotation import UNASSIGNED
from kimedlib.singlecell_composition import compare, composition
from kimedlib.singlecell_design import choose_design
from kimedlib.table_files import write_table

TEST_COLUMNS = ["cell_type", "effect", "ci_low", "ci_high", "p_value", "p_adjusted", "design", "status"]


def reported_types(marker_table: Path | None, cells: pd.DataFrame) -> list[str]:
    """All types of the marker table; without one, what is there."""
    if marker_table is None:
        return sorted(cells["cell_type"].unique())
    return list(yaml.safe_load(marker_table.read_text(encoding="utf-8"))["types"])


def main(
    *,
    cells: Path,
    sheet: list[dict[str, str]],
    marker_table: Path | None,
    table: Path,
    test: Path,
    settings: dict[str, Any],
) -> None:
    """Write fractions and centred log-ratios per sample, and the test of the conditions per type.

    Where no test is possible, the test table holds one row that says why.
    """
    rows = pd.read_csv(cells, sep="\t", dtype={"sample": str, "patient_id": str, "cluster": str}, keep_default_na=False)
    samples = pd.DataFrame(sheet).set_index("sample")
    types = reported_types(marker_table, rows)
    counted = composition(rows.assign(group=rows["sample"]), types).rename(columns={"group": "sample"})
    unassigned = (rows["cell_type"] == UNASSIGNED).groupby(rows["sample"]).mean()
    counted = counted.merge(samples[["patient_id", "condition", "batch"]], left_on="sample", right_index=True)
    counted["unassigned_fraction"] = counted["sample"].map(unassigned)
    design = choose_design(samples, settings["reference"], settings["contrast"], settings["minimum_donors"])
    if len(types) < 2 and not design.skipped:
        skipped = f"{len(types)} cell types have no composition"
    else:
        skipped = design.skipped
    if skipped:
        logging.warning("composition is not tested: %s", skipped)
        tested = pd.DataFrame([{"status": f"skipped: {skipped}"}], columns=TEST_COLUMNS)
    else:
        tested = compare(
            counted.rename(columns={"sample": "group"}), samples, design, settings["reference"], settings["contrast"]
        )
        tested = tested.assign(design=design.formula, status="tested")
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
        )
