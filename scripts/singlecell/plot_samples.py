"""Draw a page of quality control for each sample, and list what became of the samples."""

import logging
from pathlib import Path

import pandas as pd

from kimedlib.figure_style import save_figure, use_style
from kimedlib.logs import log_to
from kimedlib.singlecell_quarantine import MARK, QUARANTINED
from kimedlib.singlecell_sample_figures import Further, sample_page
from kimedlib.table_files import write_table

NAMES = ["sample", "patient_id", "condition", "batch"]
REASONS = ["doublet", "high_mitochondrial", "low_genes", "low_counts"]
MEDIANS = ["median_counts", "median_genes", "median_mitochondrial_percent"]
# Where droplets were called or ambient RNA was taken out: all barcodes, cells among them, share of ambient RNA.
FURTHER = ["droplets", "called", "ambient_percent"]
COLUMNS = [*NAMES, *FURTHER, "barcodes", "kept", *REASONS, *MEDIANS, "status", "problem"]
QUALITY = ("counts", "genes", "mitochondrial_percent")


def why(found: dict[str, object], intact: int, needed: str) -> str:
    """What is wrong with a sample in quarantine: at the first step that it failed."""
    if found.get("called") == 0:
        return f"no cell among {found['droplets']:,} barcodes"
    if found.get("called") and not found["barcodes"]:
        return f"too few cells to estimate ambient RNA from ({found['called']:,})"
    return f"{intact} intact cells, {needed} are needed"


def judged(
    row: dict[str, str], barcodes: pd.DataFrame, limits: pd.DataFrame, further: Further
) -> dict[str, object]:  # fmt: skip
    """One row of samples.tsv (`COLUMNS`); medians are those of kept cells, of all barcodes in quarantine."""
    reasons = barcodes["removed"].fillna("")
    failed = not (reasons == "").any()
    found: dict[str, object] = {name: row[name] for name in NAMES}
    if further.contamination is not None:
        estimate = further.contamination.iloc[0]
        found |= {"called": int(estimate["cells"]), "ambient_percent": 100 * float(estimate["contamination"])}
    if further.ranks is not None:
        found |= {"droplets": int(further.ranks["barcodes"].sum()), "called": int(further.ranks["cells"].sum())}
    found |= {"barcodes": len(barcodes), "kept": int((reasons == "").sum())}
    found |= {"status": QUARANTINED if failed else "used"}
    found |= {name: int((reasons == name).sum()) for name in REASONS}
    middles = (barcodes if failed else barcodes[reasons == ""])[list(QUALITY)].median()
    found |= {f"median_{name}": float(middles[name]) for name in QUALITY}
    if failed:
        needed = limits.loc[limits["limit"] == "minimum_cells", "value"].iloc[0]
        found["problem"] = why(found, int((reasons == QUARANTINED).sum()), needed)
    return found


def further_tables(sheet: list[dict[str, str]], tables: dict[str, list[Path]]) -> list[Further]:
    """What the sections of the config add, one for each sample.

    Parameters
    ----------
    tables
        ranks, contamination, ambient_genes: one per sample or none; phases, saturation: one of all samples or none.
    """
    read = {
        name: [pd.read_csv(path, sep="\t", dtype={"sample": str}) for path in paths] for name, paths in tables.items()
    }
    alone = {name: read[name] for name in ("ranks", "contamination", "ambient_genes") if read[name]}
    for name in ("phases", "saturation"):
        if read[name]:
            together = read[name][0]
            alone[name] = [together[together["sample"] == row["sample"]] for row in sheet]
    # A sample that was given as counts has no reads.
    return [
        Further(**{name: parts[place] for name, parts in alone.items() if name != "saturation" or len(parts[place])})
        for place in range(len(sheet))
    ]


def main(
    *, sheet: list[dict[str, str]], tables: list[Path], limits: list[Path], further: dict[str, list[Path]],
    summary: Path, pages: list[Path],
) -> None:  # fmt: skip
    """Write samples.tsv and one PNG per sample, in the order of the sheet.

    Parameters
    ----------
    further
        Tables of `further_tables`.
    """
    use_style()
    rows = []
    more = further_tables(sheet, further)
    for row, table, limit, page, added in zip(sheet, tables, limits, pages, more, strict=True):
        barcodes = pd.read_csv(table, sep="\t", dtype={"sample": str, "barcode": str})
        applied = pd.read_csv(limit, sep="\t", dtype={"value": str})
        rows.append(judged(row, barcodes, applied, added))
        if rows[-1]["status"] == QUARANTINED:
            logging.error("%ssample %s: %s", MARK, row["sample"], rows[-1]["problem"])
        save_figure(sample_page(rows[-1], barcodes, applied, added), page)
    known = {name for row in rows for name in row} | {"problem"}
    write_table(pd.DataFrame(rows, columns=[name for name in COLUMNS if name in known]), summary, "%.6g")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            sheet=snakemake.params.sheet,
            tables=[Path(path) for path in snakemake.input.tables],
            limits=[Path(path) for path in snakemake.input.limits],
            further={
                name: [Path(path) for path in snakemake.input[name]]
                for name in ("ranks", "contamination", "ambient_genes", "phases", "saturation")
            },
            summary=Path(snakemake.output.summary),
            pages=[Path(path) for path in snakemake.output.pages],
        )
