"""Figures of the cohort study, drawn from its tables."""

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from kimedlib.figure_style import DIVERGING, GREY, PALE, PALETTE, new_figure

Floats = npt.NDArray[np.float64]

# Up to here patients are named on axes; beyond, names would overlap.
NAMED_PATIENTS = 40
MODALITY_COLOURS = {"genomics": PALETTE[2], "singlecell": PALETTE[3], "imaging": PALETTE[4], "clinical": GREY}
MODALITY_NAMES = {"genomics": "genomics", "singlecell": "single cells", "imaging": "imaging", "clinical": "clinical"}
ARM_COLOURS = {"treated": PALETTE[6], "untreated": PALE}
CAPITALS = {"snv", "vaf", "cd4", "cd8", "cd14", "cd16", "fcgr3a", "nk", "b", "dna"}
RESPONSE_COLOURS = {"1": PALETTE[2], "0": "#f3d9c9", "": "white"}


def readable(feature: str) -> str:
    """Name of a feature for people: without its modality, units in brackets, abbreviations in capitals."""
    name = feature.split(".", 1)[-1]
    unit = ""
    for ending, shown in (("_ml", " (ml)"), ("_hu", " (HU)"), ("_years", " (years)")):
        if name.endswith(ending):
            name, unit = name.removesuffix(ending), shown
    if name.startswith("clr_"):
        name, unit = name.removeprefix("clr_"), " (log-ratio)"
    words = [word.upper() if word in CAPITALS else word for word in name.replace("_", " ").split()]
    return " ".join(words).replace("CD4 t", "CD4 T").replace("CD8 t", "CD8 T") + unit


def subtype_colours(subtypes: pd.Series) -> dict[str, str]:
    """Blue for S1, orange for S2, then the rest of the palette."""
    names = sorted(set(subtypes))
    return {name: PALETTE[(0, 1, 5, 6, 2, 3, 4)[index % 7]] for index, name in enumerate(names)}


def heat_map(scores: pd.DataFrame, modalities: list[str], patients: pd.DataFrame) -> Figure:
    """Features by patients in blocks of modalities, below strips of subtype, arm and response.

    Parameters
    ----------
    scores
        patients x features, standard deviations from the mean, NaN where missing; rows in drawing order.
    modalities
        Of each column.
    patients
        Indexed like `scores`; columns subtype, treatment, response ("1", "0" or "").
    """
    count, features = scores.shape
    figure, (strips, body) = new_figure(
        2, 1, figsize=(max(6.5, min(11.0, 2.9 + 0.36 * count)), 1.9 + 0.27 * features),
        gridspec_kw={"height_ratios": [3, features]}, sharex=True,
    )  # fmt: skip
    rows = [
        ("subtype", patients["subtype"], subtype_colours(patients["subtype"])),
        ("treatment", patients["treatment"], ARM_COLOURS),
        ("response", patients["response"], RESPONSE_COLOURS),
    ]
    for row, (_, values, colours) in enumerate(rows):
        image = np.array([[list(colours).index(value) for value in values]])
        strips.imshow(
            image, cmap=ListedColormap(list(colours.values())), vmin=0, vmax=max(len(colours) - 1, 1), aspect="auto",
            extent=(-0.5, count - 0.5, row + 0.42, row - 0.42), interpolation="nearest",
        )  # fmt: skip
    strips.set(ylim=(2.5, -0.5), yticks=range(3), yticklabels=[name for name, _, _ in rows])
    colour_map = plt.get_cmap(DIVERGING).with_extremes(bad=PALE)
    image = body.imshow(
        np.ma.masked_invalid(scores.to_numpy().T),
        cmap=colour_map,
        vmin=-2.5,
        vmax=2.5,
        aspect="auto",
        interpolation="nearest",
    )
    for row, column in np.argwhere(np.isnan(scores.to_numpy().T)) if count <= NAMED_PATIENTS else []:
        body.text(column, row, "×", ha="center", va="center", color=GREY, fontsize=8)
    edges = [index for index in range(1, features) if modalities[index] != modalities[index - 1]]
    for axes in (strips, body):
        for index in np.flatnonzero(patients["subtype"].to_numpy()[1:] != patients["subtype"].to_numpy()[:-1]):
            axes.axvline(index + 0.5, color="white", linewidth=4)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    for edge in edges:
        body.axhline(edge - 0.5, color="white", linewidth=5)
    body.set_yticks(range(features), [readable(name) for name in scores.columns])
    for label, modality in zip(body.get_yticklabels(), modalities, strict=True):
        label.set_color({"genomics": "#00684c", "singlecell": "#8a3f6d", "imaging": "#7d5200"}[modality])
    named = count <= NAMED_PATIENTS
    body.set_xticks(range(count) if named else [], scores.index if named else [], rotation=90)
    body.set_xlabel("patients" if named else f"{count} patients")
    bar = figure.colorbar(image, ax=body, shrink=min(1.0, 6 / features), pad=0.02)
    bar.set_label("SD from the mean of the arm")
    handles = [Patch(color=colour, label=name) for name, colour in rows[0][2].items()]
    handles += [Patch(color=colour, label=name) for name, colour in ARM_COLOURS.items()]
    handles += [
        Patch(color=RESPONSE_COLOURS["1"], label="response"),
        Patch(color=RESPONSE_COLOURS["0"], label="no response"),
    ]
    handles.append(Patch(color=PALE, label="× not measured"))
    figure.legend(handles=handles, loc="outside upper center", ncols=4)
    return figure


def patient_map(found: pd.DataFrame, test: pd.DataFrame, arms: pd.Series) -> Figure:
    """Patients on the two axes that modalities share most, and the test whether they share any.

    Parameters
    ----------
    found
        Output `subtypes` of discover_subtypes, strings apart from map_1, map_2 and confidence.
    test
        Its output `components`.
    arms
        Treatment by patient.
    """
    figure, (left, right) = new_figure(1, 2, figsize=(9, 4.2), gridspec_kw={"width_ratios": [1.7, 1]})
    colours = subtype_colours(found["subtype"])
    for (subtype, arm), members in found.assign(arm=found["patient_id"].map(arms)).groupby(["subtype", "arm"]):
        colour = colours[str(subtype)]
        left.scatter(
            members["map_1"], members["map_2"], s=40 + 120 * members["confidence"] ** 2, color=colour,
            marker="o" if arm == "treated" else "^", edgecolor="white", linewidth=0.8, label=f"{subtype}, {arm}",
        )  # fmt: skip
    if len(found) <= NAMED_PATIENTS:
        for row in found.itertuples():
            left.annotate(
                row.patient_id,
                (row.map_1, row.map_2),
                xytext=(6, 5),
                textcoords="offset points",
                fontsize=8,
                color=GREY,
            )
    left.set(
        title="Patients by all modalities", xlabel=f"axis 1 ({test['variance_share'].iloc[0]:.0%} of variance)",
        ylabel=f"axis 2 ({test['variance_share'].iloc[1]:.0%})" if len(test) > 1 else "axis 2",
    )  # fmt: skip
    left.margins(0.12)
    left.legend(loc="best", title="size: confidence", title_fontsize=8.5)
    place = np.arange(len(test))
    real = test["component"] < test["clusters"].iloc[0]
    right.bar(place, 100 * test["variance_share"], color=[PALETTE[0] if shown else PALE for shown in real], width=0.6)
    right.hlines(
        100 * test["chance_limit_95"], place - 0.4, place + 0.4, color=PALETTE[1], label="95 % limit by chance"
    )
    tops = 100 * test[["variance_share", "chance_limit_95"]].max(axis=1)
    for index, (top, p_value) in enumerate(zip(tops, test["p_value"], strict=True)):
        right.annotate(
            f"p = {p_value:.2g}", (index, top), xytext=(0, 4), textcoords="offset points", ha="center", fontsize=8.5
        )
    right.set(
        title="Do modalities agree?",
        xlabel="shared axis",
        ylabel="variance, %",
        xticks=place,
        xticklabels=test["component"],
    )
    right.margins(y=0.18)
    right.legend(loc="upper right")
    return figure


def survival_panel(axes: Axes, below: Axes, curves: pd.DataFrame, colours: dict[str, str]) -> None:
    """Kaplan-Meier curves with bands and censoring marks; the numbers at risk in the axes `below`."""
    ticks = np.linspace(0, np.ceil(curves["day"].max() / 100) * 100, 5)
    groups = [(str(group), curve) for group, curve in curves.groupby("group")]
    for index, (group, curve) in enumerate(groups):
        colour, start = colours[group], curve["at_risk"].iloc[0]
        axes.step(curve["day"], 100 * curve["survival"], where="post", color=colour, label=f"{group} (n = {start})")
        low, high = curve["ci_low"].fillna(curve["survival"]), curve["ci_high"].fillna(curve["survival"])
        axes.fill_between(curve["day"], 100 * low, 100 * high, step="post", color=colour, alpha=0.15, linewidth=0)
        lost = curve[curve["censored"] > 0]
        axes.plot(lost["day"], 100 * lost["survival"], "|", color=colour, markersize=9)
        for tick in ticks:
            gone = (curve["events"] + curve["censored"])[curve["day"] < tick].sum()
            below.text(tick, index, str(int(start - gone)), ha="center", va="center", fontsize=8.5)
    axes.set(xlabel="days", ylim=(0, 102), xticks=ticks)
    axes.legend(loc="lower left")
    below.set(ylim=(len(groups) - 0.5, -0.5))
    below.set_title("at risk", fontsize=8.5, fontweight="normal", color=GREY)
    below.set_yticks(range(len(groups)), [group for group, _ in groups])
    for label, (group, _) in zip(below.get_yticklabels(), groups, strict=True):
        label.set_color(colours[group])
    below.tick_params(length=0, labelbottom=False)
    below.spines[:].set_visible(False)


def survival_figure(curves: pd.DataFrame, notes: dict[str, str]) -> Figure:
    """Survival by subtype and by treatment side by side; `notes` holds the tests per grouping."""
    parts = {grouping: curves[curves["grouping"] == grouping] for grouping in ("subtype", "treatment")}
    colours = {
        "subtype": subtype_colours(parts["subtype"]["group"]),
        "treatment": {"treated": PALETTE[6], "untreated": GREY},
    }
    most = max(part["group"].nunique() for part in parts.values())
    figure, panels = new_figure(
        2, 2, figsize=(9.5, 4.6 + 0.24 * most), sharex="col", gridspec_kw={"height_ratios": [14, most]}
    )
    for column, (grouping, part) in enumerate(parts.items()):
        survival_panel(panels[0, column], panels[1, column], part, colours[grouping])
        panels[0, column].tick_params(labelbottom=True)
        heading = {"subtype": "By discovered subtype", "treatment": "By treatment"}[grouping]
        panels[0, column].set_title(heading, pad=34)
        panels[0, column].text(
            0, 1.02, notes[grouping], transform=panels[0, column].transAxes, va="bottom", fontsize=8.5
        )
    panels[0, 0].set_ylabel("alive, %")
    return figure


def standardised(row: pd.Series) -> tuple[float, float, float]:
    """Effect and limits as standardised differences; odds ratios by ln(OR) sqrt(3) / pi (Chinn 2000)."""
    values = row[["estimate", "ci_low", "ci_high"]].to_numpy(dtype=float)
    if row["measure"] == "odds_ratio":
        with np.errstate(divide="ignore"):
            values = np.log(values) * np.sqrt(3) / np.pi
    return float(values[0]), float(values[1]), float(values[2])


def forest_plot(comparisons: pd.DataFrame, reach: float = 8.0) -> Figure:
    """Effect of every feature with its interval, per contrast; filled where q < 0.05.

    Intervals that leave +-`reach` end in an arrow.
    """
    contrasts = list(dict.fromkeys(comparisons["contrast"]))
    features = list(dict.fromkeys(comparisons["feature"]))[::-1]
    figure, panels = new_figure(
        1, len(contrasts), figsize=(3.6 + 3.1 * len(contrasts), 1.5 + 0.25 * len(features)), sharey=True, squeeze=False
    )
    for axes, contrast in zip(panels[0], contrasts, strict=True):
        axes.axvline(0, color=GREY, linewidth=1)
        for row in comparisons[comparisons["contrast"] == contrast].to_dict("records"):
            estimate, low, high = standardised(pd.Series(row))
            if not np.isfinite([low, high]).any():
                continue
            height, colour = features.index(row["feature"]), MODALITY_COLOURS[row["modality"]]
            ends = np.clip([low, high], -reach, reach)
            axes.plot(ends, [height, height], color=colour, linewidth=1.6)
            for beyond, end, marker in ((low < -reach, -reach, "<"), (high > reach, reach, ">")):
                if beyond:
                    axes.plot(end, height, marker=marker, color=colour, markersize=5)
            if np.isfinite(estimate):
                clear = row["q_value"] < 0.05
                axes.plot(
                    np.clip(estimate, -reach, reach),
                    height,
                    "o",
                    color=colour,
                    markerfacecolor=colour if clear else "white",
                )
        axes.set(title=contrast, xlabel="standardised difference, 95 % CI", xlim=(-reach * 1.08, reach * 1.08))
        axes.set_yticks(range(len(features)), [readable(name) for name in features])
        axes.grid(axis="y", color="#eeeeee")
        axes.set_axisbelow(True)
    present = [name for name in MODALITY_NAMES if name in set(comparisons["modality"])]
    handles: list[object] = [Patch(color=MODALITY_COLOURS[name], label=MODALITY_NAMES[name]) for name in present]
    handles += plt.plot([], [], "o", color=GREY, label="q < 0.05")
    handles += plt.plot([], [], "o", color=GREY, markerfacecolor="white", label="q ≥ 0.05")
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure


def missingness_figure(missing: pd.DataFrame) -> Figure:
    """Which patient has which modality: complete, partial or absent."""
    states = {"complete": PALETTE[0], "partial": PALETTE[5], "absent": "white"}
    grid = missing.pivot_table(index="modality", columns="patient_id", values="observed", sort=False)
    total = missing.groupby("modality", sort=False)["expected"].first()
    state = missing.pivot_table(index="modality", columns="patient_id", values="state", sort=False, aggfunc="first")
    count, observed = grid.shape[1], grid.to_numpy(dtype=float)
    figure, axes = new_figure(figsize=(max(6.5, min(11.0, 1.8 + 0.5 * count)), 2.3))
    axes.imshow(
        state.map(list(states).index).to_numpy(dtype=float), cmap=ListedColormap(list(states.values())), vmin=0, vmax=2,
        aspect="auto", interpolation="nearest",
    )  # fmt: skip
    for row, modality in enumerate(grid.index):
        for column in range(count) if count <= NAMED_PATIENTS else ():
            kind = state.iloc[row, column]
            text = f"{observed[row, column]:.0f}/{total[modality]}"
            axes.text(
                column,
                row,
                text,
                ha="center",
                va="center",
                fontsize=8.5,
                color="white" if kind == "complete" else "black",
            )
    axes.set_yticks(range(len(grid)), [MODALITY_NAMES[name] for name in grid.index])
    named = count <= NAMED_PATIENTS
    axes.set_xticks(range(count) if named else [], grid.columns if named else [])
    axes.set_xlabel("patients (features measured / features used)" if named else f"{count} patients")
    axes.set_xticks(np.arange(count + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(grid) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white" if count > NAMED_PATIENTS else PALE, linewidth=1.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    handles = [Patch(facecolor=colour, edgecolor=PALE, label=name) for name, colour in states.items()]
    figure.legend(handles=handles, loc="outside upper right", ncols=3)
    return figure
