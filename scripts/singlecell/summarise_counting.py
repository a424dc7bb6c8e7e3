"""What became of the reads: one row per sample, and what less sequencing would have shown."""

from pathlib import Path

import numpy as np
import pandas as pd

from kimedlib.cells_reading import read_h5
from kimedlib.figure_style import GREY, PALETTE, new_figure, save_figure, use_style
from kimedlib.logs import log_to
from kimedlib.singlecell_counting import genes_at, saturation
from kimedlib.table_files import write_table

FRACTIONS = np.linspace(0.05, 1.0, 20).round(2)


def summary(statistics: pd.DataFrame, quality: pd.DataFrame, chemistry: str) -> dict[str, object]:
    """One row: what the engine told of a sample, and its cells after quality control."""
    told = {str(name): value for name, value in statistics.iloc[0].items()}
    cells = quality[quality["removed"] == ""]
    return {
        "sample": told.pop("sample"),
        "engine": told.pop("engine"),
        "chemistry": chemistry,
        **told,
        "cells": len(cells),
        "molecules_in_cells_percent": 100 * cells["counts"].sum() / told["molecules"],
        "reads_per_cell": told["reads"] / max(len(cells), 1),
        "median_molecules": cells["counts"].median(),
        "median_genes": cells["genes"].median(),
    }


def curve(row: dict[str, object], quality: pd.DataFrame, reads: Path, histogram: Path) -> pd.DataFrame:
    """Saturation and median genes per cell for each of `FRACTIONS` of the reads of a sample."""
    data, copies = read_h5(reads), pd.read_csv(histogram, sep="\t")
    kept = data.obs_names.isin(set(quality.loc[quality["removed"] == "", "barcode"]))
    cells = data.X[np.flatnonzero(kept)]
    return pd.DataFrame(
        {
            "sample": row["sample"],
            "fraction": FRACTIONS,
            "reads_per_cell": float(str(row["reads_per_cell"])) * FRACTIONS,
            "saturation_percent": [100 * saturation(copies, fraction) for fraction in FRACTIONS],
            "median_genes": [pd.Series(genes_at(cells, fraction)).median() for fraction in FRACTIONS],
        }
    )


def draw(table: pd.DataFrame, path: Path) -> None:
    """Both curves of all samples; a curve that still rises would gain from more sequencing."""
    use_style()
    figure, axes = new_figure(1, 2, figsize=(8.4, 3.6))
    names = {"saturation_percent": "Sequencing saturation, %", "median_genes": "Median genes per cell"}
    for axis, (column, label) in zip(axes, names.items(), strict=True):
        for number, (sample, part) in enumerate(table.groupby("sample", sort=False)):
            axis.plot(part["reads_per_cell"], part[column], color=PALETTE[number % len(PALETTE)], label=str(sample))
        axis.set_xlabel("Mean reads per cell")
        axis.set_ylabel(label)
        axis.set_xlim(0)
        axis.set_ylim(0, 100 if column == "saturation_percent" else None)
        axis.grid(axis="y", color=GREY, alpha=0.2)
    if table["sample"].nunique() <= len(PALETTE):
        axes[1].legend(loc="lower right")
    save_figure(figure, path)


def main(
    *, statistics: list[Path], quality: list[Path], reads: list[Path], histograms: list[Path],
    chemistries: dict[str, str], table: Path, saturations: Path | None, figure: Path | None,
) -> None:  # fmt: skip
    """Write the table, and where the engine tells the reads of each count, the curves; lists are in one order."""
    rows, cells = [], []
    for told, barcodes in zip(statistics, quality, strict=True):
        numbers = pd.read_csv(told, sep="\t", dtype={"sample": str})
        cells.append(pd.read_csv(barcodes, sep="\t", keep_default_na=False, dtype={"sample": str}))
        rows.append(summary(numbers, cells[-1], chemistries[str(numbers["sample"].iloc[0])]))
    write_table(pd.DataFrame(rows), table, "%.6g")
    if saturations and figure:
        parts = [curve(*one) for one in zip(rows, cells, reads, histograms, strict=True)]
        whole = pd.concat(parts, ignore_index=True)
        write_table(whole, saturations, "%.6g")
        draw(whole, figure)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            statistics=[Path(path) for path in snakemake.input.statistics],
            quality=[Path(path) for path in snakemake.input.quality],
            reads=[Path(path) for path in snakemake.input.reads],
            histograms=[Path(path) for path in snakemake.input.histograms],
            chemistries=snakemake.params.chemistries,
            table=Path(snakemake.output.table),
            saturations=Path(snakemake.output.curve) if snakemake.output.curve else None,
            figure=Path(snakemake.output.figure) if snakemake.output.figure else None,
        )
