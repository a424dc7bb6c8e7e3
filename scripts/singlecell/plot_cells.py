"""Draw the figures of the report."""

from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from kimedlib import singlecell_figures as figures
from kimedlib.figure_style import save_figure, use_style
from kimedlib.logs import log_to
from kimedlib.singlecell_annotation import marker_types
from kimedlib.singlecell_blocks import read_genes
from kimedlib.table_files import read_tables, write_table


def main(
    *, cells: Path, tables: list[Path], composition: Path, composition_test: Path, expression: Path,
    marker_table: Path | None, markers: Path, outputs: dict[str, Path], samples: list[str],
    settings: dict[str, Any],
) -> None:  # fmt: skip
    """Write one PNG per figure, and the table that the markers' figure shows.

    Parameters
    ----------
    outputs
        Paths by name: umap_types, umap_samples, umap_quality, quality, composition, volcano, marker_dots,
        marker_table.
    samples
        All of them: those without any cell have no row in their table.
    settings
        Section `comparison` of the config.
    """
    use_style()
    quality = read_tables(tables, ["sample"])
    shares = pd.read_csv(composition, sep="\t", dtype={"sample": str, "condition": str})
    test = pd.read_csv(composition_test, sep="\t")
    genes = pd.read_csv(expression, sep="\t")
    if marker_table:
        shown = {
            name: entry["present"]
            for name, entry in marker_types(yaml.safe_load(marker_table.read_text(encoding="utf-8"))).items()
        }
    else:
        found = pd.read_csv(markers, sep="\t", dtype={"cluster": str})
        shown = {str(name): list(part["gene"]) for name, part in found.groupby("cluster")}
    data = read_genes(cells, {gene for names in shown.values() for gene in names})
    reference, contrast = settings["reference"], settings["contrast"]
    save_figure(figures.umap_types(data), outputs["umap_types"])
    save_figure(figures.umap_samples(data, reference, contrast), outputs["umap_samples"])
    save_figure(figures.umap_quality(data), outputs["umap_quality"])
    save_figure(figures.quality_overview(quality, samples), outputs["quality"])
    save_figure(figures.composition_overview(shares, test, reference, contrast), outputs["composition"])
    save_figure(figures.volcanoes(genes, settings["false_discovery_rate"], reference, contrast), outputs["volcano"])
    values = figures.marker_values(data, shown)
    write_table(values, outputs["marker_table"], "%.6g")
    save_figure(figures.marker_dots(values), outputs["marker_dots"])


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            cells=Path(snakemake.input.cells),
            tables=[Path(path) for path in snakemake.input.tables],
            composition=Path(snakemake.input.composition),
            composition_test=Path(snakemake.input.composition_test),
            expression=Path(snakemake.input.expression),
            marker_table=Path(snakemake.input.marker_table[0]) if snakemake.input.marker_table else None,
            markers=Path(snakemake.input.markers),
            outputs={name: Path(path) for name, path in snakemake.output.items()},
            samples=snakemake.params.samples,
            settings=snakemake.params.settings,
        )
