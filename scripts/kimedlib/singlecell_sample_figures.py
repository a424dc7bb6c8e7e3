"""The page of one sample: its way from reads to cells, distributions with the cut-offs, each cut-off in words."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from kimedlib.figure_style import PALE, PALETTE, new_figure
from kimedlib.singlecell_analysis_figures import draw_rank_curve
from kimedlib.singlecell_quarantine import QUARANTINED

KEPT, REMOVED = PALETTE[2], PALETTE[1]
COLUMNS, BINS = 3, 40
NOTHING = "no cell was handed on"
# Of the sections droplets, ambient, cell cycle.
GENES, TYPES = 8, 8
PHASES = {"G1": PALE, "S": PALETTE[5], "G2M": PALETTE[0]}


@dataclass(frozen=True)
class Further:
    """Tables of one sample that only some configs make; None where the section is absent.

    Attributes
    ----------
    ranks
        Columns counts, barcodes, cells, rank (`call_droplets`).
    contamination, ambient_genes
        One row with the estimate; genes that lost most (`remove_ambient`).
    phases
        Columns cell_type, cells, G1, S, G2M (`score_cell_cycle`).
    saturation
        Columns reads_per_cell, saturation_percent, median_genes (`summarise_counting`).
    """

    ranks: pd.DataFrame | None = None
    contamination: pd.DataFrame | None = None
    ambient_genes: pd.DataFrame | None = None
    phases: pd.DataFrame | None = None
    saturation: pd.DataFrame | None = None


def histogram(
    axes: Axes, values: pd.Series, kept: pd.Series, cut: float, label: str, *, logarithmic: bool, legend: bool
) -> None:
    """Distribution of kept and removed barcodes, stacked, with the cut-off as a line."""
    axes.set(xlabel=label, ylabel="Barcodes")
    if values.empty:
        nothing(axes, NOTHING)
        return
    shown = values.clip(lower=1) if logarithmic else values
    low, high = float(shown.min()), max(float(shown.max()), cut) * 1.02 + 1e-9
    bins = (np.geomspace if logarithmic else np.linspace)(low, high, BINS).tolist()
    axes.hist([shown[kept], shown[~kept]], bins=bins, stacked=True, color=[KEPT, REMOVED], label=["kept", "removed"])
    if cut > 0:
        axes.axvline(cut, color="black", linewidth=1, linestyle="--")
    axes.set(xscale="log" if logarithmic else "linear", title=f"cut-off {cut:,.4g}")
    if logarithmic:
        decades_only(axes.xaxis)
    if legend:
        axes.legend()


def decades_only(axis: Axis) -> None:
    """No labels between the decades: they run into each other."""
    axis.set_minor_formatter(NullFormatter())


def nothing(axes: Axes, why: str) -> None:
    """Words in place of a picture."""
    axes.set(xticks=[], yticks=[])
    axes.text(0.5, 0.5, why, ha="center", va="center", transform=axes.transAxes)


def draw_depth(axes: Axes, barcodes: pd.DataFrame, kept: pd.Series) -> None:
    """Genes over molecules of each barcode."""
    axes.set(xlabel="Molecules", ylabel="Genes", title="depth")
    if barcodes.empty:
        nothing(axes, NOTHING)
        return
    for part, colour in ((~kept, REMOVED), (kept, KEPT)):
        places = barcodes.loc[part, ["counts", "genes"]].clip(lower=1)
        axes.scatter(places["counts"], places["genes"], s=5, c=colour, linewidths=0, alpha=0.6)
    axes.set(xscale="log", yscale="log")
    decades_only(axes.xaxis)
    decades_only(axes.yaxis)


def draw_doublets(axes: Axes, barcodes: pd.DataFrame) -> None:
    """Distribution of the doublet score of single cells and called doublets."""
    scores = barcodes["doublet_score"].dropna()
    if len(scores):
        called = barcodes.loc[scores.index, "doublet"].astype(bool)
        colours, names = [PALE, PALETTE[3]], ["single", "doublet"]
        axes.hist([scores[~called], scores[called]], bins=BINS, stacked=True, color=colours, label=names)
        axes.legend()
    else:
        axes.text(0.5, 0.5, "not sought", ha="center", va="center", transform=axes.transAxes)
    axes.set(xlabel="Doublet score", ylabel="Cells", title="doublets")


def draw_words(axes: Axes, row: dict[str, object], limits: pd.DataFrame) -> None:
    """Why the sample is left out, if it is, and each cut-off in words."""
    lines = [
        *textwrap.wrap(str(row.get("problem", "")), 52),
        f"{row['kept']:,} of {row['barcodes']:,} barcodes kept",
        "",
    ]
    for name, limit in limits.iterrows():
        value = "" if pd.isna(limit["value"]) else f" {limit['value']}"
        said = f"{str(name).replace('_', ' ')}{value}: {limit['rule']} ({limit['barcodes']:,} removed)"
        lines += textwrap.wrap(said, 52, subsequent_indent="  ")
    axes.text(0, 1, "\n".join(lines), va="top", fontsize=8.5, transform=axes.transAxes)
    axes.set_axis_off()


def draw_ranks(axes: Axes, curve: pd.DataFrame, title: str) -> None:
    """The curve of ranks with its colours explained where it leaves room."""
    points = draw_rank_curve(axes, curve, title)
    axes.figure.colorbar(points, cax=axes.inset_axes((0.08, 0.08, 0.04, 0.45)), label="Share called a cell")


def draw_ambient(axes: Axes, estimate: pd.DataFrame, genes: pd.DataFrame, *, entered_none: bool) -> None:
    """Counts of the genes that lost most, before and after ambient RNA was taken out; the share in the title."""
    row, shown = estimate.iloc[0], genes.head(GENES)
    if not np.isfinite(row["contamination"]):
        nothing(
            axes, NOTHING if entered_none else "not estimated, counts as they were:\nno gene tells soup from expression"
        )
        axes.set(title="ambient RNA")
        return
    places = range(len(shown))
    lost = shown["counts_before"] - shown["counts_after"]
    axes.barh(places, shown["counts_before"], color=PALE, label="counted")
    axes.barh(places, lost, color=REMOVED, label="of it taken out")
    axes.set_yticks(places, shown["gene"])
    axes.invert_yaxis()
    axes.legend()
    span = f"; estimate {100 * row['low']:.3g} to {100 * row['high']:.3g} %" if np.isfinite(row["low"]) else ""
    # More labels run into each other.
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set(xlabel=f"Molecules{span}", title=f"ambient RNA {100 * row['contamination']:.3g} %")


def draw_phases(axes: Axes, phases: pd.DataFrame) -> None:
    """Share of each phase of the cell cycle in the largest types."""
    axes.set(xlabel="Cells, %", title="cell cycle", xlim=(0, 100))
    if phases.empty:
        nothing(axes, "no cell of the sample is left")
        return
    shown = phases.sort_values("cells", ascending=False, kind="stable").head(TYPES)
    start = np.zeros(len(shown))
    for phase, colour in PHASES.items():
        widths = 100 * shown[phase].to_numpy()
        axes.barh(range(len(shown)), widths, left=start, color=colour, label=phase.replace("2M", "2/M"))
        start += widths
    names = [f"{name} ({cells:,})" for name, cells in zip(shown["cell_type"], shown["cells"], strict=True)]
    axes.set_yticks(range(len(shown)), names)
    axes.invert_yaxis()
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=len(PHASES))


def draw_saturation(axes: Axes, curve: pd.DataFrame) -> None:
    """Saturation over the depth of sequencing."""
    last = curve.iloc[-1]
    axes.plot(curve["reads_per_cell"], curve["saturation_percent"], color=PALETTE[0])
    title = f"saturation {last['saturation_percent']:.0f} %"
    axes.set(xlabel="Mean reads per cell", ylabel="Saturation, %", ylim=(0, 100), title=title)
    axes.set_xlim(0)
    axes.grid(axis="y", color=PALE)
    said = f"{last['median_genes']:,.0f} genes per cell" if np.isfinite(last["median_genes"]) else "no cell"
    axes.text(0.97, 0.05, said, ha="right", transform=axes.transAxes)


def draw_losses(axes: Axes, row: dict[str, object]) -> None:
    """What is left after each step, and what was lost there.

    Parameters
    ----------
    row
        Of samples.tsv: barcodes, kept, low_counts, ..., where droplets were called also droplets.
    """
    number = {name: value for name, value in row.items() if isinstance(value, int)}
    intact = number["barcodes"] - sum(number[name] for name in ("low_counts", "low_genes", "high_mitochondrial"))
    steps = [("barcodes", number["droplets"])] if "droplets" in number else []
    steps += [("cells" if steps else "barcodes", number.get("called", number["barcodes"]))]
    steps += [("intact", intact), ("single", intact - number["doublet"])]
    if row["status"] == QUARANTINED:
        steps += [("used", number["kept"])]
    places, left = range(len(steps)), np.array([count for _, count in steps])
    axes.barh(places, left, color=[PALE] * (len(steps) - 1) + [KEPT])
    axes.set_yticks(places, [name for name, _ in steps])
    axes.invert_yaxis()
    for place, count in enumerate(left):
        lost = left[place - 1] - count if place else 0
        axes.text(
            max(count, 1), place, f" {count:,}" + (f" ({lost:,} lost)" if lost else ""), va="center", fontsize=8.5
        )
    # The first bar is often a hundred times the last.
    axes.set(xscale="log", xlim=(1, max(left.max(), 10) ** 1.7), xlabel="Barcodes", title="left after each step")
    decades_only(axes.xaxis)


def sample_page(row: dict[str, object], barcodes: pd.DataFrame, limits: pd.DataFrame, further: Further) -> Figure:
    """Counts, genes, mitochondrial share and doublet score of all barcodes, and what each limit took out.

    Before them stand saturation, the curve of ranks and ambient RNA, after them the cell cycle and what is left after
    each step, where the config has these sections.

    Parameters
    ----------
    row
        The sample's row of samples.tsv.
    barcodes
        Columns counts, genes, mitochondrial_percent, doublet_score, doublet, removed.
    limits
        Columns limit, value, barcodes, rule.
    """
    kept = barcodes["removed"].fillna("") == ""
    known = limits.set_index("limit")
    cuts = pd.to_numeric(known["value"], errors="coerce")
    panels: list[Callable[[Axes], None]] = []
    if further.saturation is not None:
        panels.append(partial(draw_saturation, curve=further.saturation))
    if further.ranks is not None:
        title = f"{row['called']:,} cells of {row['droplets']:,} barcodes"
        panels.append(partial(draw_ranks, curve=further.ranks, title=title))
    if further.contamination is not None and further.ambient_genes is not None:
        ambient = partial(draw_ambient, estimate=further.contamination)
        panels.append(partial(ambient, genes=further.ambient_genes, entered_none=barcodes.empty))
    distributions = (
        ("counts", "minimum_counts", "Molecules per barcode", True),
        ("genes", "minimum_genes", "Genes per barcode", True),
        ("mitochondrial_percent", "maximum_mitochondrial_percent", "Mitochondrial, %", False),
    )
    for name, limit, label, logarithmic in distributions:
        drawn = partial(histogram, values=barcodes[name], kept=kept, cut=cuts[limit], label=label)
        panels.append(partial(drawn, logarithmic=logarithmic, legend=name == "counts"))
    panels.append(partial(draw_depth, barcodes=barcodes, kept=kept))
    panels.append(partial(draw_doublets, barcodes=barcodes))
    if further.phases is not None:
        panels.append(partial(draw_phases, phases=further.phases))
    if any(table is not None for table in vars(further).values()):
        panels.append(partial(draw_losses, row=row))
    panels.append(partial(draw_words, row=row, limits=known))
    rows = -(-len(panels) // COLUMNS)
    figure, axes = new_figure(rows, COLUMNS, figsize=(11.4, 3.3 * rows))
    for place, panel in zip(axes.flat, panels, strict=False):
        panel(place)
    for place in axes.flat[len(panels) :]:
        place.set_axis_off()
    state, colour = (
        ("", "black") if row["status"] != QUARANTINED else (": IN QUARANTINE, left out of all that follows", REMOVED)
    )
    figure.suptitle(f"Sample {row['sample']}{state}", fontweight="bold", x=0.01, ha="left", color=colour)
    return figure
