"""Draw precision and recall over the smallest QUAL."""

from pathlib import Path

import pandas as pd

from kimedlib.figure_style import GREY, PALETTE, new_figure, save_figure, use_style
from kimedlib.logs import log_to

CLASSES = ("snv", "indel")


def plot_curves(rows: pd.DataFrame, path: Path) -> None:
    """Precision over recall as the smallest QUAL falls, one panel per kind of samples."""
    use_style()
    kinds = list(dict.fromkeys(rows["sample"])) or ["no calls"]
    figure, panels = new_figure(1, len(kinds), figsize=(4.6 * len(kinds), 3.9), squeeze=False)
    for axes, kind in zip(panels[0], kinds, strict=True):
        lowest = 1.0
        for number, (colour, name) in enumerate(zip(PALETTE, CLASSES, strict=False)):
            line = rows[(rows["sample"] == kind) & (rows["class"] == name)].sort_values("minimum_quality")
            if not len(line):
                continue
            axes.plot(line["recall"], line["precision"], color=colour, marker="o", markersize=3, label=name)
            lowest = min(lowest, float(line["precision"].min()))
            end = line.iloc[0]
            axes.annotate(
                f"{name} QUAL {end['minimum_quality']:.0f}", (end["recall"], end["precision"]), ha="right",
                textcoords="offset points", xytext=(-6, -12 - 12 * number), fontsize=8, color=GREY,
            )  # fmt: skip
        axes.set(
            xlim=(0, 1.03), ylim=(min(0.9, lowest) - 0.05, 1.02), xlabel="Recall", ylabel="Precision", title=kind
        )  # fmt: skip
        if axes.get_lines():
            axes.legend(title="Calls of at least QUAL", loc="lower left")
    save_figure(figure, path)


def main(*, curves: Path, figure: Path) -> None:
    """Draw the figure.

    Parameters
    ----------
    curves
        Table of `stratify_scores`: precision and recall over the smallest QUAL.
    figure
        PNG to write.
    """
    plot_curves(pd.read_csv(curves, sep="\t"), figure)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(curves=Path(snakemake.input.curves), figure=Path(snakemake.output.figure))
