"""Figures of the single-cell workflow; each function draws one figure and returns it."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from kimedlib.figure_style import DIVERGING, GREY, PALE, PALETTE, SEQUENTIAL
from kimedlib.singlecell_annotation import UNASSIGNED
from kimedlib.singlecell_quarantine import QUARANTINED

# Eight types need more colours than the common palette has; both extras keep their contrast to it (Tol, 2021).
TYPE_PALETTE = (*PALETTE[:6], "#882255", "#999933", *PALETTE[6:])

# Above this share of a group's cells under its name, the name stands elsewhere.
HIDDEN = 0.5
# Between these quantiles a group ends, for the name beside it.
BULK = (0.05, 0.95)


def type_colours(types: list[str]) -> dict[str, str]:
    """One colour per type in the marker table's order; unassigned cells are grey."""
    named = [name for name in types if name != UNASSIGNED]
    return {**{name: TYPE_PALETTE[place % len(TYPE_PALETTE)] for place, name in enumerate(named)}, UNASSIGNED: PALE}


def point_size(cells: int) -> float:
    """Marker area in points squared, smaller for more cells."""
    return float(np.clip(12000 / max(cells, 1), 0.5, 14))


def bare(axes: Axes, title: str) -> None:
    """UMAP axes carry no units: only their names are shown, in a corner."""
    axes.set(xticks=[], yticks=[], title=title, xlabel="UMAP 1", ylabel="UMAP 2")
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.xaxis.label.set(color=GREY, size=8, ha="left", x=0.0)
    axes.yaxis.label.set(color=GREY, size=8, ha="left", y=0.0)
    axes.set_aspect("equal", adjustable="datalim")


def scatter_groups(axes: Axes, layout: NDArray[np.float32], groups: pd.Series, colours: dict[str, str]) -> None:
    """Points coloured by group, drawn in one shuffled order so that no group covers the others."""
    order = np.random.default_rng(0).permutation(len(layout))
    shades = groups.map(colours).to_numpy()[order]
    axes.scatter(layout[order, 0], layout[order, 1], c=shades, s=point_size(len(layout)), linewidths=0, rasterized=True)


def legend(axes: Axes, colours: dict[str, str], counts: pd.Series | None = None) -> None:
    """Legend beside the axes, with numbers of cells where given."""
    labels = {name: f"{name} ({counts[name]:,})" if counts is not None else name for name in colours}
    handles = [
        plt.Line2D([], [], marker="o", linestyle="", color=colours[name], label=labels[name]) for name in colours
    ]
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), handletextpad=0.2)


def inside(places: NDArray[np.float64], area: Bbox) -> NDArray[np.bool_]:
    """Which points (points x 2) lie in a part of the page."""
    found: NDArray[np.bool_] = np.all((places >= area.min) & (places <= area.max), axis=1)
    return found


def put(label: Annotation, beside: tuple[float, float], side: tuple[int, int]) -> Bbox:
    """Write a name at a point, or 4 pt beside it on a side (steps to the right and up); where it is then, in pixels."""
    label.xy = beside
    across, along = ("right", "center", "left")[side[0] + 1], ("top", "center", "bottom")[side[1] + 1]
    label.set(position=(4 * side[0], 4 * side[1]), ha=across, va=along)
    return label.get_window_extent()


def name_groups(axes: Axes, layout: NDArray[np.float32], groups: pd.Series, names: list[str]) -> None:
    """Write each group's name at its median; where that hid most of the group, on the side where it hides least.

    Call it last: where a name ends on the page depends on all that shares it.
    """
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    places, used = axes.transData.transform(layout), list[Bbox]()
    box = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
    for name in names:
        own = (groups == name).to_numpy()
        x, y = (float(value) for value in np.median(layout[own], axis=0))
        (left, low), (right, high) = np.quantile(layout[own], BULK, axis=0).tolist()
        label = axes.annotate(
            name, (x, y), (0, 0), textcoords="offset points", fontsize=8.5, fontweight="bold", bbox=box
        )
        area = put(label, (x, y), (0, 0))
        if inside(places[own], area).mean() > HIDDEN:
            sides = [((x, high), (0, 1)), ((left, y), (-1, 0)), ((right, y), (1, 0)), ((x, low), (0, -1))]
            areas = [put(label, *side) for side in sides]
            costs = [(tried.count_overlaps(used), int(inside(places, tried).sum())) for tried in areas]
            area = put(label, *sides[costs.index(min(costs))])
        used.append(area)


def umap_types(data: AnnData) -> Figure:
    """Cells by type, with the types' names."""
    figure: Figure
    figure, axes = plt.subplots(figsize=(7.2, 4.8))
    types = data.obs["cell_type"].astype(str)
    present = [name for name in data.obs["cell_type"].cat.categories if (types == name).any()]
    colours = {
        name: shade
        for name, shade in type_colours(list(data.obs["cell_type"].cat.categories)).items()
        if name in present
    }
    layout = data.obsm["X_umap"]
    scatter_groups(axes, layout, types, colours)
    bare(axes, f"{data.n_obs:,} cells by type")
    legend(axes, colours, types.value_counts())
    name_groups(axes, layout, types, present)
    return figure


def ordered(names: set[str], first: tuple[str, ...] = ()) -> list[str]:
    """`first` in its order, then numbers by size, then the rest by name."""
    rest = sorted(names - set(first), key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0, name))
    return [name for name in first if name in names] + rest


def umap_samples(data: AnnData, reference: str, contrast: str) -> Figure:
    """Cells by condition, batch and cluster: mixing of samples can be judged by eye."""
    figure: Figure
    figure, panels = plt.subplots(1, 3, figsize=(11.4, 3.7))
    for axes, column in zip(panels, ("condition", "batch", "cluster"), strict=True):
        groups = data.obs[column].astype(str)
        names = ordered(set(groups), (reference, contrast))
        shades = (
            TYPE_PALETTE
            if len(names) <= len(TYPE_PALETTE)
            else [plt.get_cmap("turbo")(x) for x in np.linspace(0.02, 0.98, len(names))]
        )
        colours = dict(zip(names, shades, strict=False))
        scatter_groups(axes, data.obsm["X_umap"], groups, colours)
        bare(axes, f"By {column}")
        if column == "cluster":
            name_groups(axes, data.obsm["X_umap"], groups, names)
        else:
            handles = [
                plt.Line2D([], [], marker="o", linestyle="", color=colours[name], label=name) for name in names[:12]
            ]
            axes.legend(
                handles=handles,
                loc="upper center",
                bbox_to_anchor=(0.5, -0.06),
                ncols=min(3, len(names)),
                handletextpad=0.2,
            )
    return figure


def umap_quality(data: AnnData) -> Figure:
    """Counts, mitochondrial share and doublet score on the UMAP."""
    figure: Figure
    figure, panels = plt.subplots(1, 3, figsize=(11.4, 3.6))
    shown = {
        "counts": ("Molecules (log10)", np.log10(data.obs["counts"].clip(lower=1))),
        "mitochondrial_percent": ("Mitochondrial, %", data.obs["mitochondrial_percent"]),
        "doublet_score": ("Doublet score (rank)", data.obs["doublet_score"]),
    }
    for axes, (title, values) in zip(panels, shown.values(), strict=True):
        order = np.argsort(values.fillna(-np.inf).to_numpy(), kind="stable")
        layout = data.obsm["X_umap"][order]
        points = axes.scatter(
            layout[:, 0], layout[:, 1], c=values.to_numpy(dtype=float)[order], cmap=SEQUENTIAL,
            s=point_size(len(layout)), linewidths=0, rasterized=True,
        )  # fmt: skip
        bare(axes, title)
        figure.colorbar(points, ax=axes, shrink=0.7)
    return figure


def quality_overview(table: pd.DataFrame, samples: list[str]) -> Figure:
    """What became of all barcodes of each of the samples, and how deep they are; one may have no cell in the table."""
    reasons = {"": "kept", "doublet": "doublet", "high_mitochondrial": "dying (mitochondrial)"}
    reasons |= {"low_genes": "too few genes", "low_counts": "too few molecules"}
    shades = [PALETTE[2], PALETTE[3], PALETTE[1], PALETTE[4], PALE]
    if (table["removed"] == QUARANTINED).any():
        reasons, shades = reasons | {QUARANTINED: "sample in quarantine"}, [*shades, "black"]
    samples = sorted(samples)
    figure: Figure
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.4, 0.28 * len(samples) + 2.2), width_ratios=[1, 1.1])
    counts = pd.crosstab(table["sample"], table["removed"].fillna("")).reindex(
        index=samples, columns=list(reasons), fill_value=0
    )
    start = np.zeros(len(samples))
    for (reason, label), shade in zip(reasons.items(), shades, strict=True):
        left.barh(samples, counts[reason], left=start, color=shade, label=label, height=0.75)
        start += counts[reason].to_numpy()
    left.set(xlabel="Barcodes", title="Barcodes kept and removed")
    left.invert_yaxis()
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.75 / (0.28 * len(samples) + 1)), ncols=3)
    kept = table["removed"].fillna("") == ""
    for mask, shade, label in ((kept, PALETTE[2], "kept"), (~kept, PALETTE[1], "removed")):
        points = table[mask]
        right.scatter(
            points["counts"].clip(lower=1),
            points["mitochondrial_percent"],
            s=5,
            c=shade,
            label=label,
            linewidths=0,
            alpha=0.6,
            rasterized=True,
        )
    right.set(
        xscale="log", xlabel="Molecules per barcode", ylabel="Mitochondrial, %", title="Depth and mitochondrial share"
    )
    right.legend(markerscale=2.5)
    return figure


def composition_overview(table: pd.DataFrame, test: pd.DataFrame, reference: str, contrast: str) -> Figure:
    """Fractions per sample by condition, and the difference of log-ratios with 95 % confidence intervals."""
    types = list(dict.fromkeys(table["cell_type"]))
    tested = "effect" in test and test["effect"].notna().any()
    figure: Figure
    figure, panels = plt.subplots(
        1, 1 + tested, figsize=(6.2 + 4.4 * tested, 4.2), width_ratios=[1.5, 1] if tested else None, squeeze=False
    )
    axes, random = panels[0, 0], np.random.default_rng(0)
    conditions = [name for name in (reference, contrast) if name in set(table["condition"])] or sorted(
        table["condition"].unique()
    )
    for place, name in enumerate(conditions):
        offset = (place - (len(conditions) - 1) / 2) * 0.34
        for position, cell_type in enumerate(types):
            values = table[(table["condition"] == name) & (table["cell_type"] == cell_type)]["fraction"] * 100
            spots = position + offset + random.uniform(-0.07, 0.07, len(values))
            axes.scatter(
                spots,
                values,
                s=20,
                color=PALETTE[place],
                alpha=0.75,
                linewidths=0,
                label=name if position == 0 else None,
            )
            axes.hlines(
                values.mean(),
                position + offset - 0.13,
                position + offset + 0.13,
                color="black",
                linewidth=1.6,
                zorder=3,
            )
    axes.set_xticks(range(len(types)), types, rotation=35, ha="right")
    axes.set(ylabel="Share of a sample's cells, %", title="Composition of each sample", ylim=(0, None))
    axes.legend(loc="upper right")
    if tested:
        right = panels[0, 1]
        rows = test.set_index("cell_type").loc[types[::-1]]
        sure = (rows["p_adjusted"] < 0.05).to_numpy()
        levels = np.arange(len(rows))
        for mask, shade in ((sure, PALETTE[1]), (~sure, GREY)):
            part = rows[mask]
            spread = np.vstack([part["effect"] - part["ci_low"], part["ci_high"] - part["effect"]])
            right.errorbar(part["effect"], levels[mask], xerr=spread, fmt="o", color=shade, capsize=3, linewidth=1.4)
        right.axvline(0, color="black", linewidth=0.8)
        right.set_yticks(levels, rows.index)
        right.set(xlabel=f"Difference of log-ratio (CLR), {contrast} - {reference}", title="Effect, 95 % CI")
        right.plot([], [], "o", color=PALETTE[1], label="adjusted p < 0.05")
        right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16))
    return figure


def name_genes(axes: Axes, genes: pd.DataFrame, height: pd.Series, number: int = 3) -> None:
    """Write the names of the most significant genes of each direction beside the cloud, apart from each other."""
    top = float(height.max())
    axes.set_ylim(-0.04 * top, 1.12 * top)
    for up in (True, False):
        chosen = genes[(genes["log2_fold_change"] > 0) == up].head(number)
        level = 1.08 * top
        for gene, x, y in zip(chosen["gene"], chosen["log2_fold_change"], height[chosen.index], strict=True):
            level = min(level, float(y))
            spot = (0.52 if up else 0.48, (level + 0.04 * top) / (1.16 * top))
            axes.annotate(
                gene, (x, y), xytext=spot, textcoords="axes fraction", fontsize=8, style="italic",
                ha="left" if up else "right", va="center", annotation_clip=False,
                arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": GREY, "shrinkA": 1, "shrinkB": 2},
            )  # fmt: skip
            level -= 0.085 * top


def volcanoes(table: pd.DataFrame, level: float, reference: str, contrast: str) -> Figure:
    """log2 fold change against p-value for every tested type; the strongest genes are named."""
    types = list(dict.fromkeys(table["cell_type"]))
    columns = min(4, max(len(types), 1))
    rows = max(1, -(-len(types) // columns))
    figure: Figure
    figure, panels = plt.subplots(rows, columns, figsize=(3.1 * columns + 0.4, 3.0 * rows + 0.3), squeeze=False)
    for axes in panels.ravel()[len(types) :]:
        axes.set_visible(False)
    if not types:
        panels[0, 0].set_visible(True)
        panels[0, 0].text(
            0.5, 0.5, "No comparison was possible\n(see expression_summary.tsv)", ha="center", va="center"
        )
        panels[0, 0].set_axis_off()
    for axes, name in zip(panels.ravel(), types, strict=False):
        part = table[(table["cell_type"] == name) & table["p_value"].notna()]
        height = -np.log10(part["p_value"].clip(lower=1e-300))
        sure = part["p_adjusted"] < level
        shades = np.where(~sure, PALE, np.where(part["log2_fold_change"] > 0, PALETTE[1], PALETTE[0]))
        axes.scatter(part["log2_fold_change"], height, c=shades, s=9, linewidths=0, rasterized=True)
        name_genes(axes, part[sure], height)
        axes.axvline(0, color=GREY, linewidth=0.6)
        axes.set_title(f"{name}: {int(sure.sum())} genes", fontsize=10)
        reach = 1.1 * float(part["log2_fold_change"].abs().max())
        axes.set_xlim(-reach, reach)
    figure.supxlabel(f"log2 fold change, {contrast} / {reference}", fontsize=9.5)
    figure.supylabel("-log10 p-value", fontsize=9.5)
    return figure


def marker_values(data: AnnData, genes: dict[str, list[str]], per_type: int = 4) -> pd.DataFrame:
    """Columns cell_type, gene, mean_expression (log-normalised), share_expressing: first genes of each type."""
    groups = data.obs["cell_type"].astype(str)
    shown = dict.fromkeys(gene for name in genes for gene in [g for g in genes[name] if g in data.var_names][:per_type])
    columns = data.var_names.get_indexer(pd.Index(list(shown), dtype=object))
    parts = []
    for name in [name for name in data.obs["cell_type"].cat.categories if (groups == name).any()]:
        part = data.X[np.flatnonzero((groups == name).to_numpy())][:, columns]
        values = {"mean_expression": np.asarray(part.mean(axis=0)).ravel()}
        values["share_expressing"] = np.asarray((part > 0).mean(axis=0)).ravel()
        parts.append(pd.DataFrame({"cell_type": name, "gene": list(shown), **values}))
    return pd.concat(parts, ignore_index=True).round(6)


def marker_dots(table: pd.DataFrame) -> Figure:
    """`marker_values` as dots: colour is mean expression scaled per gene, size the share of cells expressing it."""
    names, shown = (list(dict.fromkeys(table[column])) for column in ("cell_type", "gene"))
    means, shares = (
        table[column].to_numpy(dtype=np.float64).reshape(len(names), len(shown))
        for column in ("mean_expression", "share_expressing")
    )
    figure: Figure
    figure, axes = plt.subplots(figsize=(max(5.0, 0.29 * len(shown) + 2.6), 0.34 * len(names) + 1.9))
    scaled = means / np.maximum(means.max(axis=0, initial=0), 1e-9)
    x, y = np.meshgrid(np.arange(len(shown)), np.arange(len(names)))
    dots = axes.scatter(
        x, y, c=scaled, s=shares * 105 + 1, cmap=DIVERGING, vmin=-1, vmax=1, linewidths=0.3, edgecolors=GREY
    )
    dots.set_cmap("Reds")
    dots.set_clim(0, 1)
    axes.set_xticks(range(len(shown)), shown, rotation=90, style="italic")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlim=(-0.7, len(shown) - 0.3), ylim=(len(names) - 0.4, -0.6), title="Published markers by assigned type")
    figure.colorbar(dots, ax=axes, label="Mean expression\n(of the gene's maximum)", shrink=0.9, pad=0.01)
    handles = [axes.scatter([], [], s=share * 105 + 1, color=GREY, label=f"{share:.0%}") for share in (0.25, 0.5, 1.0)]
    axes.legend(
        handles=handles,
        title="Cells expressing",
        ncols=3,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.28),
        handletextpad=0.1,
    )
    return figure
