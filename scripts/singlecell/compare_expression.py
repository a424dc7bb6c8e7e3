"""Genes that differ between the conditions within each cell type (pseudobulk, PyDESeq2)."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kimedlib.logs import log_to
from kimedlib.singlecell_annotation import UNASSIGNED
from kimedlib.singlecell_blocks import has_matrix, read_frames
from kimedlib.singlecell_design import choose_design, donor_units, permuted_conditions, samples_with_cells
from kimedlib.singlecell_expression import COLUMNS, COUNTS, SHRUNKEN, deseq, expressed, pseudobulk
from kimedlib.singlecell_permutation import LEVEL
from kimedlib.singlecell_threads import one_thread
from kimedlib.table_files import write_table

SUMMARY = [
    "cell_type",
    "status",
    "design",
    "samples_reference",
    "samples_contrast",
    "genes_tested",
    "genes_significant",
]


def compare_type(
    counts: pd.DataFrame, name: str, samples: pd.DataFrame, settings: dict[str, Any]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Table of genes (empty where no test is possible) and one summary row for a cell type from its `pseudobulk`."""
    reference, contrast = settings["reference"], settings["contrast"]
    chosen = samples.loc[counts.index]
    chosen = chosen[chosen["condition"].isin([reference, contrast])]
    design = choose_design(chosen, reference, contrast, settings["minimum_donors"])
    row: dict[str, Any] = {"cell_type": name, "design": design.formula}
    row |= {f"samples_{role}": int((chosen["condition"] == settings[role]).sum()) for role in ("reference", "contrast")}
    if design.skipped:
        reason = f"skipped: {design.skipped} (samples with at least {settings['minimum_cells']} cells)"
        logging.warning("%s: %s", name, reason)
        return pd.DataFrame(columns=COLUMNS), row | {"status": reason, "design": ""}
    counts = expressed(counts.loc[chosen.index], chosen, settings["minimum_counts"])
    if counts.shape[1] < 2:
        return pd.DataFrame(columns=COLUMNS), row | {"status": "skipped: no gene is expressed enough", "design": ""}
    found = deseq(counts, chosen, design, reference, contrast, shrink=settings.get("shrunken", False))
    level = settings["false_discovery_rate"]
    row |= {
        "status": "tested",
        "genes_tested": len(found),
        "genes_significant": int((found["p_adjusted"] < level).sum()),
    }
    if settings["permutation_control"]:
        null = deseq(
            counts,
            permuted_conditions(chosen, design, reference, contrast).loc[chosen.index],
            design,
            reference,
            contrast,
        )
        row["false_de_rate"] = float((null["p_adjusted"] < level).mean())
        tested = null["p_value"].dropna()
        row["null_rate"] = float((tested < LEVEL).mean()) if len(tested) else np.nan
    return found, row


def main(*, cells: Path, sheet: list[dict[str, str]], table: Path, summary: Path, settings: dict[str, Any]) -> None:
    """Write one table of all genes and types, and one row per type that says what was tested or why not.

    Parameters
    ----------
    settings
        Section `comparison` of the config.
    """
    data, counted = read_frames(cells, ("obs",)), has_matrix(cells, COUNTS)
    samples = samples_with_cells(sheet, data.obs["sample"])
    units = donor_units(samples)
    data.obs["sample"], samples = data.obs["sample"].astype(str).map(units), samples.loc[units.unique()]
    types = [name for name in data.obs["cell_type"].cat.categories if name != UNASSIGNED] or [UNASSIGNED]
    bulk = pseudobulk(cells, data.obs, types, settings["minimum_cells"]) if counted else {}
    tables, rows = [], []
    with one_thread():
        for name in types:
            if not counted:
                rows.append({"cell_type": name, "status": "skipped: the input holds no counts"})
                continue
            found, row = compare_type(bulk[name], name, samples, settings)
            tables.append(found.assign(cell_type=name))
            rows.append(row)
    filled = [part for part in tables if len(part)]
    columns = ["cell_type", *COLUMNS, *([SHRUNKEN] if settings.get("shrunken", False) else [])]
    genes = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns)
    outputs = {table: genes[columns], summary: pd.DataFrame(rows)}
    control = ["false_de_rate", "null_rate"] if settings["permutation_control"] else []
    outputs[summary] = outputs[summary].reindex(columns=[*SUMMARY, *control])
    for path, content in outputs.items():
        write_table(content, path, "%.6g")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            cells=Path(snakemake.input.cells),
            sheet=snakemake.params.sheet,
            table=Path(snakemake.output.table),
            summary=Path(snakemake.output.summary),
            settings=snakemake.params.settings,
        )
