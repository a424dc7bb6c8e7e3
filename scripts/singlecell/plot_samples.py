"""Draw a page of quality control for each sample, and list what became of the samples."""

import logging
from pathlib import Path

import pandas as pd

from kimedlib.figure_style import save_figure, use_style
from kimedlib.logs import log_to
from kimedlib.singlecell_quality import QUARANTINED
from kimedlib.singlecell_sample_figures import sample_page
from kimedlib.table_files import write_table

NAMES = ["sample", "patient_id", "condition", "batch"]
REASONS = ["doublet", "high_mitochondrial", "low_genes", "low_counts"]
MEDIANS = ["median_counts", "median_genes", "median_mitochondrial_percent"]
COLUMNS = [*NAMES, "barcodes", "kept", *REASONS, *MEDIANS, "status", "problem"]
QUALITY = ("counts", "genes", "mitochondrial_percent")


def judged(row: dict[str, str], barcodes: pd.DataFrame, limits: pd.DataFrame) -> dict[str, object]:
    """One row of samples.tsv (`COLUMNS`); medians are those of kept cells, of all barcodes in quarantine."""
    reasons = barcodes["removed"].fillna("")
    failed = not (reasons == "").any()
    found: dict[str, object] = {name: row[name] for name in NAMES}
    found |= {"barcodes": len(barcodes), "kept": int((reasons == "").sum())}
    found |= {"status": QUARANTINED if failed else "used"}
    found |= {name: int((reasons == name).sum()) for name in REASONS}
    middles = (barcodes if failed else barcodes[reasons == ""])[list(QUALITY)].median()
    found |= {f"median_{name}": float(middles[name]) for name in QUALITY}
    if failed:
        needed = limits.loc[limits["limit"] == "minimum_cells", "value"].iloc[0]
        found["problem"] = f"{(reasons == QUARANTINED).sum()} intact cells, {needed} are needed"
    return found


def main(
    *, sheet: list[dict[str, str]], tables: list[Path], limits: list[Path], summary: Path, pages: list[Path]
) -> None:  # fmt: skip
    """Write samples.tsv and one PNG per sample, in the order of the sheet."""
    use_style()
    rows = []
    for row, table, limit, page in zip(sheet, tables, limits, pages, strict=True):
        barcodes = pd.read_csv(table, sep="\t", dtype={"sample": str, "barcode": str})
        applied = pd.read_csv(limit, sep="\t", dtype={"value": str})
        rows.append(judged(row, barcodes, applied))
        if rows[-1]["status"] == QUARANTINED:
            logging.error("QUARANTINE: sample %s: %s", row["sample"], rows[-1]["problem"])
        save_figure(sample_page(row["sample"], barcodes, applied), page)
    write_table(pd.DataFrame(rows, columns=COLUMNS), summary, "%.6g")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            sheet=snakemake.params.sheet,
            tables=[Path(path) for path in snakemake.input.tables],
            limits=[Path(path) for path in snakemake.input.limits],
            summary=Path(snakemake.output.summary),
            pages=[Path(path) for path in snakemake.output.pages],
        )
