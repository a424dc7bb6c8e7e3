"""The page of quality control of one sample: distributions with the cut-offs, and each cut-off in words."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from kimedlib.figure_style import PALE, PALETTE, new_figure

KEPT, REMOVED = PALETTE[2], PALETTE[1]
BINS = 40


def histogram(axes: Axes, values: pd.Series, kept: pd.Series, cut: float, label: str, *, logarithmic: bool) -> None:
    """Distribution of kept and removed barcodes, stacked, with the cut-off as a line."""
    shown = values.clip(lower=1) if logarithmic else values
    low, high = float(shown.min()), max(float(shown.max()), cut) * 1.02 + 1e-9
    bins = (np.geomspace if logarithmic else np.linspace)(low, high, BINS).tolist()
    axes.hist([shown[kept], shown[~kept]], bins=bins, stacked=True, color=[KEPT, REMOVED], label=["kept", "removed"])
    if cut > 0:
        axes.axvline(cut, color="black", linewidth=1, linestyle="--")
    axes.set(xlabel=label, ylabel="Barcodes", xscale="log" if logarithmic else "linear", title=f"cut-off {cut:,.4g}")


def sample_page(sample: str, barcodes: pd.DataFrame, limits: pd.DataFrame) -> Figure:
    """Counts, genes, mitochondrial share and doublet score of all barcodes, and what each limit took out.

    Parameters
    ----------
    barcodes
        Columns counts, genes, mitochondrial_percent, doublet_score, doublet, removed.
    limits
        Columns limit, value, barcodes, rule.
    """
    kept = barcodes["removed"].fillna("") == ""
    known = limits.set_index("limit")
    cuts = pd.to_numeric(known["value"], errors="coerce")
    figure, ((counts, genes, mitochondrial), (depth, doublets, words)) = new_figure(2, 3, figsize=(11.4, 6.6))
    histogram(counts, barcodes["counts"], kept, cuts["minimum_counts"], "Molecules per barcode", logarithmic=True)
    histogram(genes, barcodes["genes"], kept, cuts["minimum_genes"], "Genes per barcode", logarithmic=True)
    share = barcodes["mitochondrial_percent"]
    histogram(mitochondrial, share, kept, cuts["maximum_mitochondrial_percent"], "Mitochondrial, %", logarithmic=False)
    counts.legend()
    for part, colour in ((~kept, REMOVED), (kept, KEPT)):
        places = barcodes.loc[part, ["counts", "genes"]].clip(lower=1)
        depth.scatter(places["counts"], places["genes"], s=5, c=colour, linewidths=0, alpha=0.6)
    depth.set(xscale="log", yscale="log", xlabel="Molecules", ylabel="Genes", title="depth")
    for axis in (counts.xaxis, genes.xaxis, depth.xaxis, depth.yaxis):
        # Labels between the decades run into each other.
        axis.set_minor_formatter(NullFormatter())
    scores = barcodes["doublet_score"].dropna()
    if len(scores):
        called = barcodes.loc[scores.index, "doublet"].astype(bool)
        colours, names = [PALE, PALETTE[3]], ["single", "doublet"]
        doublets.hist([scores[~called], scores[called]], bins=BINS, stacked=True, color=colours, label=names)
        doublets.legend()
    else:
        doublets.text(0.5, 0.5, "not sought", ha="center", va="center", transform=doublets.transAxes)
    doublets.set(xlabel="Doublet score", ylabel="Cells", title="doublets")
    lines = [f"{int(kept.sum()):,} of {len(barcodes):,} barcodes kept", ""]
    for name, row in known.iterrows():
        said = f"{str(name).replace('_', ' ')} {row['value']}: {row['rule']} ({row['barcodes']:,} removed)"
        lines += textwrap.wrap(said, 52, subsequent_indent="  ")
    words.text(0, 1, "\n".join(lines), va="top", fontsize=8.5, transform=words.transAxes)
    words.set_axis_off()
    state, colour = ("", "black") if kept.any() else (": IN QUARANTINE, left out of all that follows", REMOVED)
    figure.suptitle(f"Sample {sample}{state}", fontweight="bold", x=0.01, ha="left", color=colour)
    return figure
