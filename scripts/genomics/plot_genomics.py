"""Draw coverage of all samples and the somatic variants of all tumours."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kimedlib.figure_style import save_figure, use_style
from kimedlib.genomics_files import open_variants, passing, tumour_fraction
from kimedlib.logs import log_to

# colour-blind safe (Okabe and Ito 2008)
COLOURS = {"normal": "#0072B2", "tumour": "#D55E00", "snv": "#56B4E9", "indel": "#E69F00", "driver": "#009E73"}
MAXIMUM_TUMOURS = 40


def tidy(axes: Axes) -> None:
    """Take away what carries no information."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.92", linewidth=0.8)
    axes.set_axisbelow(True)


def plot_coverage(qualities: Sequence[Path], path: Path) -> None:
    """Share of bases that have at least so many reads, one line per sample."""
    samples = [json.loads(one.read_text(encoding="utf-8")) for one in qualities]
    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    axes = figure.subplots()
    deepest = 20.0
    for sample in samples:
        histogram = np.array(sample["depth_histogram"])
        share = 100 * histogram[::-1].cumsum()[::-1] / max(1, histogram.sum())
        deepest = max(deepest, float(np.flatnonzero(share > 1).max(initial=0)))
        axes.plot(np.arange(len(share)), share, color=COLOURS[sample["role"]], linewidth=1, alpha=0.7)
    for role in sorted({sample["role"] for sample in samples}):
        count = sum(sample["role"] == role for sample in samples)
        axes.plot([], [], color=COLOURS[role], linewidth=2, label=f"{role} ({count})")
    axes.axvline(20, color="0.6", linewidth=0.8, linestyle="--")
    axes.set(
        xlim=(0, deepest * 1.05), ylim=(0, 102), xlabel="Reads per base (without duplicates)",
        ylabel="Bases covered at least so deeply (%)", title="Coverage of what was sequenced",
    )  # fmt: skip
    axes.legend(frameon=False, title="Samples")
    tidy(axes)
    save_figure(figure, path)


def tumour_fractions(path: Path) -> list[float]:
    """Allele fractions of the passing variants of a tumour."""
    with open_variants(path) as records:
        return [tumour_fraction(record) for record in records if passing(record)]


def plot_variants(somatic: Sequence[Path], features: Path, path: Path, driver_genes: Sequence[str]) -> None:
    """Counts per tumour and the allele fractions behind them; a tumour with a driver is marked."""
    with features.open(encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle, delimiter="\t") if row["somatic_snv_count"] != ""]
    rows = sorted(rows, key=lambda row: -int(row["somatic_snv_count"]) - int(row["somatic_indel_count"]))
    shown = rows[:MAXIMUM_TUMOURS]
    fractions = [fraction for one in somatic for fraction in tumour_fractions(one)]
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    places = np.arange(len(shown))
    snvs = np.array([int(row["somatic_snv_count"]) for row in shown])
    indels = np.array([int(row["somatic_indel_count"]) for row in shown])
    left.bar(places, snvs, color=COLOURS["snv"], label="single bases")
    left.bar(places, indels, bottom=snvs, color=COLOURS["indel"], label="insertions and deletions")
    drivers = [number for number, row in enumerate(shown) if row["driver_mutated"] == "1"]
    if drivers:
        heights = (snvs + indels)[drivers]
        label = f"driver: {', '.join(driver_genes)}"
        left.scatter(np.array(drivers), heights + 0.6, marker="v", color=COLOURS["driver"], label=label, zorder=3)
    left.set_xticks(places, [row["patient_id"] for row in shown], rotation=60, ha="right", fontsize=8)
    hidden = f" (first {MAXIMUM_TUMOURS} of {len(rows)})" if len(rows) > len(shown) else ""
    left.set(ylabel="Somatic variants", title=f"What each tumour carries{hidden}")
    left.set_ylim(0, max(1, int((snvs + indels).max(initial=0))) * 1.25)
    left.legend(frameon=False, fontsize=8)
    right.hist(fractions, bins=np.arange(0, 1.0001, 0.05), color=COLOURS["tumour"], edgecolor="white")
    right.set(
        xlim=(0, 1), xlabel="Share of reads with the variant", ylabel="Somatic variants, all tumours",
        title="Clones: allele fractions",
    )  # fmt: skip
    for axes in (left, right):
        tidy(axes)
    if not rows:
        left.text(0.5, 0.5, "no tumours in this run", transform=left.transAxes, ha="center", color="0.4")
    save_figure(figure, path)


def main(
    *,
    qualities: Sequence[Path],
    somatic: Sequence[Path],
    features: Path,
    coverage: Path,
    variants: Path,
    driver_genes: Sequence[str],
) -> None:
    """Draw both figures.

    Parameters
    ----------
    qualities
        JSON of every sample.
    somatic
        VCF of every tumour.
    features
        Table of `collect_features`.
    coverage, variants
        PNG files to write.
    driver_genes
        Named in the legend.
    """
    use_style()
    plot_coverage(qualities, coverage)
    plot_variants(somatic, features, variants, driver_genes)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            qualities=[Path(path) for path in snakemake.input.quality],
            somatic=[Path(path) for path in snakemake.input.somatic],
            features=Path(snakemake.input.features),
            coverage=Path(snakemake.output.coverage),
            variants=Path(snakemake.output.variants),
            driver_genes=snakemake.params.driver_genes,
        )
