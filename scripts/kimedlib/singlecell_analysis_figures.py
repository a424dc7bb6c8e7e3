"""Figures of the analyses that only some configs ask for; each is drawn from one table of results."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kimedlib.figure_style import DIVERGING, GREY, PALE, PALETTE, SEQUENTIAL, new_figure
from kimedlib.singlecell_figures import bare, point_size

# Weaker ones outside the spanning tree would cover the figure.
SHOWN_CONNECTIVITY = 0.05


def grid(table: pd.DataFrame, title: str, colour_label: str, text: pd.DataFrame, *, diverging: bool = False) -> Figure:
    """Coloured cells with their text; NaN stays white.

    Parameters
    ----------
    table, text
        Same rows and columns: what is coloured, what is written.
    diverging
        Colours around 0, else from 0 to the largest value.
    """
    figure, axes = new_figure(figsize=(max(4.6, 0.72 * table.shape[1] + 2.8), 0.36 * table.shape[0] + 2.2))
    values, words = table.to_numpy(dtype=float), text.to_numpy()
    reach = float(np.nanmax(np.abs(values), initial=1e-9))
    image = axes.imshow(
        values, aspect="auto", cmap=DIVERGING if diverging else SEQUENTIAL, vmin=-reach if diverging else 0, vmax=reach
    )
    for row, column in np.ndindex(values.shape):
        strong = abs(values[row, column]) > 0.6 * reach if diverging else values[row, column] < 0.6 * reach
        axes.text(
            column, row, words[row, column], ha="center", va="center", fontsize=8,
            color="white" if strong else "black",
        )  # fmt: skip
    axes.set_xticks(range(table.shape[1]), table.columns, rotation=35, ha="right")
    axes.set_yticks(range(table.shape[0]), table.index)
    axes.set(title=title, xlabel=table.columns.name or "", ylabel=table.index.name or "")
    figure.colorbar(image, ax=axes, label=colour_label, shrink=0.9, pad=0.02)
    return figure


def shares_grid(table: pd.DataFrame, rows: str, columns: str, row_name: str, column_name: str) -> Figure:
    """How the cells of each row label are spread over the column labels, in percent of the row."""
    counted = pd.crosstab(table[rows].astype(str), table[columns].astype(str))
    shares = counted.div(counted.sum(axis=1), axis=0) * 100
    shares = shares.rename_axis(index=row_name, columns=column_name)
    return grid(shares, f"{len(table):,} cells", "Cells of the row, %", shares.map(lambda value: f"{value:.0f}"))


def no_comparison() -> Figure:
    """What stands in place of a figure where no comparison was possible."""
    figure, axes = new_figure(figsize=(5, 2))
    axes.text(0.5, 0.5, "No comparison was possible\n(the table says why)", ha="center", va="center")
    axes.set_axis_off()
    return figure


def effects_grid(tested: pd.DataFrame, level: float, title: str) -> Figure:
    """Effects of the sources (columns) in the cell types (rows) that were tested; a star where adjusted p < `level`."""
    done = tested[tested["effect"].notna()]
    if done.empty:
        return no_comparison()
    order = list(dict.fromkeys(done["source"]))
    done = done.assign(star=(done["p_adjusted"] < level).astype(float))
    effects, stars = (
        done.pivot_table(index="cell_type", columns="source", values=name, sort=False)[order]
        for name in ("effect", "star")
    )
    marks = stars.map(lambda value: "*" if value > 0 else "")
    words = effects.map(lambda value: "" if np.isnan(value) else f"{value:.1f}") + marks
    effects = effects.rename_axis(index="", columns="")
    effects.columns = [str(name).replace("_", " ") for name in effects.columns]
    return grid(effects, title, "Difference of activity", words, diverging=True)


def pseudotime_by_group(table: pd.DataFrame) -> Figure:
    """Pseudotime of the cells of each type, from the earliest to the latest type; medians as lines."""
    known = table[table["pseudotime"].notna()]
    middles = known.groupby("cell_type")["pseudotime"].median().sort_values(kind="stable")
    figure, axes = new_figure(figsize=(7.0, 0.5 * max(len(middles), 1) + 1.7))
    random = np.random.default_rng(0)
    for place, (name, middle) in enumerate(middles.items()):
        times = known.loc[known["cell_type"] == name, "pseudotime"]
        heights = place + random.uniform(-0.3, 0.3, len(times))
        axes.scatter(times, heights, s=6, linewidths=0, alpha=0.6, color=PALETTE[place % len(PALETTE)])
        axes.vlines(middle, place - 0.38, place + 0.38, color="black", linewidth=1.6)
    axes.set_yticks(range(len(middles)), middles.index)
    axes.set(xlabel="Diffusion pseudotime (0: root)", xlim=(-0.02, 1.02), title=f"{len(known):,} cells in order")
    axes.invert_yaxis()
    return figure


def abstracted_graph_over_cells(links: pd.DataFrame, cells: pd.DataFrame, layout: NDArray[np.float32]) -> Figure:
    """Clusters and their connectivities over the cells, both coloured by pseudotime (grey: none).

    Parameters
    ----------
    links
        Columns grouping, first, second, connectivity, in_tree.
    cells
        Columns cluster, cell_type, pseudotime; `layout` (cells, 2) has their places.
    """
    figure, axes = new_figure(figsize=(6.6, 4.8))
    shade = plt.get_cmap(SEQUENTIAL).with_extremes(bad=PALE)
    known = np.ma.masked_invalid(cells["pseudotime"].to_numpy(dtype=float))
    axes.scatter(layout[:, 0], layout[:, 1], c=known, cmap=shade, vmin=0, vmax=1, plotnonfinite=True,
                 s=point_size(len(cells)), alpha=0.35, linewidths=0, rasterized=True)  # fmt: skip
    places = pd.DataFrame(layout, index=cells.index).groupby(cells["cluster"]).median()
    between = links[links["grouping"] == "cluster"]
    columns = (between[name] for name in ("first", "second", "connectivity", "in_tree"))
    for first, second, strength, in_tree in zip(*columns, strict=True):
        if in_tree == "yes" or strength > SHOWN_CONNECTIVITY:
            ends = places.loc[[first, second]].to_numpy()
            style = ("black", "-", 2) if in_tree == "yes" else (GREY, "--", 1)
            axes.plot(ends[:, 0], ends[:, 1], color=style[0], linestyle=style[1], zorder=style[2],
                      linewidth=0.6 + 5 * strength)  # fmt: skip
    grouped = cells.groupby("cluster")
    sizes, times = grouped.size().loc[places.index], grouped["pseudotime"].median().loc[places.index]
    drawn = axes.scatter(places[0], places[1], c=np.ma.masked_invalid(times), cmap=shade, vmin=0, vmax=1, zorder=3,
                         plotnonfinite=True, s=60 + 500 * sizes / sizes.max(), edgecolors="black")  # fmt: skip
    for name, place in places.iterrows():
        label = f"{name} {grouped.get_group(name)['cell_type'].iloc[0]}"
        box = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
        axes.annotate(label, place, xytext=(0, 14), textcoords="offset points", ha="center", fontsize=8, bbox=box)
    bare(axes, f"{len(places)} clusters of {len(cells):,} cells")
    figure.colorbar(drawn, ax=axes, label="Diffusion pseudotime, median of the cluster", shrink=0.8)
    return figure


def communication_grid(found: pd.DataFrame, level: float, number: int = 25) -> Figure:
    """Strongest pairs (rows) in the combinations of types (columns) where they are specific (adjusted p < `level`)."""
    sure = found[found["p_adjusted"].astype(float) < level].copy()
    if sure.empty:
        figure, axes = new_figure(figsize=(5, 2))
        axes.text(0.5, 0.5, "No pair is specific to two types", ha="center", va="center")
        axes.set_axis_off()
        return figure
    sure["pair"] = sure["ligand"] + " - " + sure["receptor"]
    sure["types"] = sure["sender"] + " > " + sure["receiver"]
    sure = sure.sort_values("score", ascending=False, kind="stable").head(number)
    scores = sure.pivot_table(index="pair", columns="types", values="score", sort=False).astype(float)
    words = scores.map(lambda value: "" if np.isnan(value) else f"{value:.1f}")
    return grid(scores.rename_axis(index="", columns=""), "Ligand - receptor pairs", "Score", words)


def abundance_by_type(tested: pd.DataFrame, level: float, title: str) -> Figure:
    """Change of each neighbourhood, grouped by type; filled where the spatial FDR is below `level`."""
    done = tested[tested["p_value"].notna()]
    if done.empty:
        return no_comparison()
    types = sorted(done["cell_type"].unique(), reverse=True)
    figure, axes = new_figure(figsize=(5.5, 0.42 * len(types) + 1.8))
    for row, name in enumerate(types):
        part = done[done["cell_type"] == name].sort_values("log2_fold_change")
        called = (part["spatial_fdr"] < level).to_numpy()
        # Neighbours in value stand side by side.
        places = row + 0.3 * (np.arange(len(part)) % 5 - 2) / 2
        axes.scatter(part["log2_fold_change"], places, s=14, linewidths=0.7, edgecolors=PALETTE[0],
                     facecolors=np.where(called, PALETTE[0], "none"))  # fmt: skip
    axes.axvline(0, color="grey", linewidth=0.8)
    axes.set_yticks(range(len(types)), types)
    called = int((done["spatial_fdr"] < level).sum())
    # Two lines: one is wider than the axes.
    said = f"{title}\n{called} of {len(done)} neighbourhoods called"
    axes.set(title=said, xlabel="log2 fold change of the share of cells")
    return figure


def draw_rank_curve(axes: Axes, curve: pd.DataFrame, title: str) -> PathCollection:
    """Counts over rank, both logarithmic, coloured by the share of barcodes with so many counts that hold a cell.

    Parameters
    ----------
    curve
        Columns counts (falling), barcodes, cells, rank.
    """
    shares = curve["cells"] / curve["barcodes"]
    points = axes.scatter(curve["rank"], curve["counts"], c=shares, s=9, linewidths=0, cmap=SEQUENTIAL, vmin=0, vmax=1)
    # All barcodes from here on are cells: those above the cliff, and smaller ones as far as none failed the test.
    if all_cells := int((shares == 1).cummin().sum()):
        retained = curve["counts"].iloc[all_cells - 1]
        axes.axhline(retained, color="black", linewidth=1, linestyle="--")
        axes.text(1, retained, f" all are cells from {retained:,.0f}", va="bottom", fontsize=8.5)
    axes.set(xscale="log", yscale="log", xlabel="Rank of the barcode", ylabel="Counts", title=title)
    return points


def barcode_rank_curve(curve: pd.DataFrame, sample: str) -> Figure:
    """The curve of `draw_rank_curve` alone."""
    figure, axes = new_figure(figsize=(5.2, 3.8))
    title = f"{sample}: {int(curve['cells'].sum()):,} cells of {int(curve['barcodes'].sum()):,} barcodes"
    points = draw_rank_curve(axes, curve, title)
    figure.colorbar(points, ax=axes, label="Share called a cell", shrink=0.9)
    return figure


def methods_compared(scores: pd.DataFrame) -> Figure:
    """Mixing, conservation and total of each method against batch effects, simplest on top; the chosen one is filled.

    Parameters
    ----------
    scores
        `kimedlib.singlecell_integration.COLUMNS`; where all cells were of one batch, a row without scores.
    """
    if scores["total"].isna().all():
        return no_comparison()
    measures = {"mixing": "Mixing of batches", "conservation": "Conservation", "total": "Total (0.4 and 0.6)"}
    figure, panels = new_figure(1, 3, figsize=(9.6, 0.42 * len(scores) + 1.5), sharey=True)
    levels = np.arange(len(scores))
    chosen = scores["chosen"].to_numpy(dtype=bool)
    for axes, (column, title), shade in zip(panels, measures.items(), PALETTE, strict=False):
        bars = axes.barh(levels, scores[column], height=0.62, edgecolor=shade, facecolor="white", linewidth=1.2)
        for bar, filled in zip(bars, chosen, strict=True):
            bar.set_facecolor(shade if filled else "white")
        for level, value in zip(levels, scores[column], strict=True):
            axes.text(value + 0.02, level, f"{value:.3f}", va="center", fontsize=8.5)
        axes.set(title=title, xlim=(0, 1.18), xticks=[0, 0.5, 1])
    panels[0].set_yticks(levels, scores["method"])
    panels[0].invert_yaxis()
    for label, bold in zip(panels[0].get_yticklabels(), chosen, strict=True):
        label.set_fontweight("bold" if bold else "normal")
    return figure
