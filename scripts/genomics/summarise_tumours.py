"""Tables and figures over all tumours: burden, instability, purity, mutations and drivers, contexts and signatures."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from kimedlib.figure_style import GREY, PALETTE, new_figure, save_figure, use_style
from kimedlib.genomics_consequences import PROTEIN_CHANGING
from kimedlib.genomics_contexts import CHANGES, CONTEXTS, catalogue
from kimedlib.genomics_drivers import Driver, fits, read_drivers
from kimedlib.genomics_signatures import exposures, opportunity, read_signatures
from kimedlib.logs import log_to
from kimedlib.seeding import generator
from kimedlib.table_files import write_table

MEGABASE = 1_000_000
MAXIMUM_TUMOURS = 40
# Colours of the six changes as COSMIC's plots have them, darkened where they vanish on white
CHANGE_COLOURS = ("#1EBFF0", "#050708", "#E62725", "#8C8C8C", "#7FB24E", "#C98F8F")
TUMOUR_COLUMNS = [
    "sample", "patient_id", "callable_bases", "mutations", "burden_per_mb", "burden_lower", "burden_upper",
    "burden_status", "protein_changing_per_mb", "msi_loci", "msi_unstable", "msi_share", "msi_low", "msi_high",
    "msi_status", "clones", "purity_estimate", "tumour_in_normal", "tumour_in_normal_low", "tumour_in_normal_high",
    "driver_genes",
]  # fmt: skip
VARIANT_COLUMNS = [
    "sample", "patient_id", "contig", "position", "reference", "other", "gene", "consequence", "amino_acids", "driver",
    "driver_role", "driver_source", "fits_role", "tumour_reads", "tumour_depth", "tumour_fraction", "normal_reads",
    "normal_depth", "quality", "clone", "cancer_cell_fraction",
]  # fmt: skip
EXPOSURE_COLUMNS = ["sample", "signature", "share", "low", "high", "mutations", "cosine", "status"]


def is_driver(row: Mapping[str, Any], drivers: Mapping[str, Driver]) -> bool:
    """Whether a mutation changes the protein of a driver gene."""
    return row["gene"] in drivers and bool(PROTEIN_CHANGING & set(row["consequence"].split("&")))


def variant_rows(profile: Mapping[str, Any], drivers: Mapping[str, Driver]) -> list[dict[str, Any]]:
    """Rows of a tumour in the table of mutations."""
    groups = profile["clones"]
    rows = []
    for number, variant in enumerate(profile["variants"]):
        row = {"sample": profile["sample"], "patient_id": profile["patient_id"], **variant, "driver": "no"}
        driver = drivers.get(variant["gene"])
        if driver and is_driver(variant, drivers):
            row |= {"driver": "yes", "driver_role": driver.role, "driver_source": driver.source}
            row["fits_role"] = "yes" if fits(driver.role, variant["consequence"]) else "no"
        if groups:
            fraction = 2 * variant["tumour_fraction"] / groups["purity"] if groups["purity"] else 0.0
            row |= {"clone": groups["member"][number] + 1, "cancer_cell_fraction": round(min(1.0, fraction), 3)}
        rows.append({key: "" if row.get(key) is None else row[key] for key in VARIANT_COLUMNS})
    return rows


def tumour_row(
    profile: Mapping[str, Any], drivers: Mapping[str, Driver], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Row of a tumour."""
    burden, stable, leak, groups = (profile[key] for key in ("burden", "instability", "tumour_in_normal", "clones"))
    status = "high" if burden["per_megabase"] >= settings["burden_high"] else "low"
    if burden["callable_bases"] < settings["minimum_callable_megabases"] * MEGABASE:
        status = "not determinable"
    row = {
        "sample": profile["sample"],
        "patient_id": profile["patient_id"],
        "callable_bases": burden["callable_bases"],
        "mutations": burden["mutations"],
        "burden_per_mb": round(burden["per_megabase"], 2),
        "burden_lower": round(burden["low"], 2),
        "burden_upper": round(burden["high"], 2),
        "burden_status": status,
        "protein_changing_per_mb": round(profile["protein_changing_burden"]["per_megabase"], 2),
        "msi_status": "not determinable",
        "driver_genes": " ".join(sorted({one["gene"] for one in profile["variants"] if is_driver(one, drivers)})),
    }
    if stable:
        row |= {"msi_loci": stable["loci"], "msi_unstable": stable["unstable"], "msi_status": stable["status"]}
        row |= {f"msi_{key}": stable[key] for key in ("share", "low", "high")}
    if groups:
        row |= {"clones": len(groups["fractions"]), "purity_estimate": round(groups["purity"], 3)}
    if leak:
        row |= {"tumour_in_normal": leak["share"], "tumour_in_normal_low": leak["low"]}
        row["tumour_in_normal_high"] = leak["high"]
    cells = {key: "" if row.get(key) is None else row[key] for key in TUMOUR_COLUMNS}
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in cells.items()}


def exposure_rows(
    profile: Mapping[str, Any], signatures: pd.DataFrame | None, settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Exposures of a tumour; one row that says why not where there are too few mutations."""
    if signatures is None:
        return []
    counts = catalogue(one["context"] for one in profile["variants"])
    row = {"sample": profile["sample"], "mutations": int(counts.sum())}
    if counts.sum() < settings["minimum_signature_mutations"]:
        return [{**row, "signature": "", "status": "too few mutations"}]
    factors = opportunity(profile["sequenced_contexts"], profile["genome_contexts"])
    rng = generator(settings["seed"], "signatures", profile["sample"])
    found, similarity = exposures(counts, signatures, factors, rng, settings["signature_resamples"])
    return [
        {**row, **{key: round(value, 4) if isinstance(value, float) else value for key, value in one._asdict().items()},
         "cosine": round(similarity, 4), "status": "fitted"}
        for one in found
    ]  # fmt: skip


def plot_contexts(table: pd.DataFrame, path: Path) -> None:
    """The 96 kinds of substitutions of all tumours together."""
    counts = table.drop(columns="context").sum(axis=1).to_numpy() if len(table.columns) > 1 else np.zeros(96)
    figure, axes = new_figure(figsize=(10, 3.4))
    for number, change in enumerate(CHANGES):
        here = np.arange(16 * number, 16 * number + 16)
        axes.bar(here, counts[here], color=CHANGE_COLOURS[number], width=0.75)
        axes.text(16 * number + 7.5, 1.01, change, transform=axes.get_xaxis_transform(), ha="center", va="bottom")
        if number:
            axes.axvline(16 * number - 0.5, color="0.85", linewidth=0.8)
    axes.set_xticks(np.arange(96), [f"{name[0]}{name[2]}{name[6]}" for name in CONTEXTS], rotation=90, fontsize=8)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlim=(-0.8, 95.8), ylabel="Substitutions")
    axes.set_title(f"Substitutions in context, all tumours ({int(counts.sum())})", pad=18)
    save_figure(figure, path)


def plot_clones(profiles: Sequence[Mapping[str, Any]], drivers: Mapping[str, Driver], path: Path) -> None:
    """Allele fractions of every tumour, one column each, coloured by clone, drivers marked."""
    shown = profiles[:MAXIMUM_TUMOURS]
    figure, axes = new_figure(figsize=(max(6.0, 0.62 * len(shown) + 1.5), 4.2))
    for number, profile in enumerate(shown):
        draw_tumour(axes, number, profile, drivers)
    axes.set_xticks(range(len(shown)), [one["patient_id"] for one in shown], rotation=60, ha="right")
    hidden = f" (first {len(shown)} of {len(profiles)})" if len(profiles) > len(shown) else ""
    axes.set(ylim=(0, 1), xlim=(-0.6, max(0.6, len(shown) - 0.4)), ylabel="Share of reads with the mutation")
    axes.set_title(f"Clones of each tumour{hidden}")
    labels = [("o", PALETTE[n], f"cluster {n + 1}") for n in range(3)] + [("v", "black", "driver")]
    for marker, colour, label in labels:
        axes.scatter([], [], marker=marker, color=colour, s=22, label=label)
    axes.legend(loc="upper right", ncols=4)
    if not shown:
        axes.text(0.5, 0.5, "no tumours in this run", transform=axes.transAxes, ha="center", color=GREY)
    save_figure(figure, path)


def draw_tumour(axes: Axes, place: int, profile: Mapping[str, Any], drivers: Mapping[str, Driver]) -> None:
    """One column of `plot_clones`: mutations by fraction, spread sideways by rank."""
    variants, groups = profile["variants"], profile["clones"]
    if not variants:
        return
    order = sorted(range(len(variants)), key=lambda one: variants[one]["tumour_fraction"])
    sideways = place + 0.56 * ((np.arange(len(order)) + 0.5) / len(order) - 0.5)
    fractions = np.array([variants[number]["tumour_fraction"] for number in order])
    colours = [PALETTE[groups["member"][number]] if groups else GREY for number in order]
    axes.scatter(sideways, fractions, s=16, color=colours, alpha=0.85, linewidths=0)
    marked = np.array([is_driver(variants[number], drivers) for number in order])
    axes.scatter(sideways[marked], fractions[marked] + 0.03, s=26, marker="v", color="black", zorder=3)
    for fraction in groups["fractions"] if groups else ():
        axes.hlines(fraction, place - 0.35, place + 0.35, color=GREY, linewidth=0.8)


def main(
    *,
    profiles: Sequence[Path],
    driver_table: Path | None,
    signatures: Path | None,
    tumours: Path,
    variants: Path,
    contexts: Path,
    exposed: Path,
    clonality: Path,
    spectrum: Path,
    driver_genes: Sequence[str],
    settings: Mapping[str, Any],
) -> None:
    """Write four tables and two figures, tumours in ascending order.

    Parameters
    ----------
    profiles
        Results of `profile_tumour`.
    driver_table, signatures
        Tables of the user (`genomics_drivers.read_drivers`, `genomics_signatures.read_signatures`); None for none.
    tumours, variants, contexts, exposed
        Tables to write: one row per tumour, per passing mutation, per context, per tumour and signature.
    clonality, spectrum
        PNG files to write.
    driver_genes
        Further driver genes, of the config.
    settings
        Section `tumour` of the config.

    Raises
    ------
    ValueError
        A table of the user is wrong.
    """
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(profiles)]
    drivers = read_drivers(driver_table, driver_genes)
    known = read_signatures(signatures) if signatures else None
    write_table(pd.DataFrame([tumour_row(one, drivers, settings) for one in found], columns=TUMOUR_COLUMNS), tumours)
    rows = [row for one in found for row in variant_rows(one, drivers)]
    write_table(pd.DataFrame(rows, columns=VARIANT_COLUMNS), variants)
    table = pd.DataFrame(
        {"context": CONTEXTS} | {one["sample"]: catalogue(row["context"] for row in one["variants"]) for one in found}
    )
    write_table(table, contexts)
    explained = [row for one in found for row in exposure_rows(one, known, settings)]
    write_table(pd.DataFrame(explained, columns=EXPOSURE_COLUMNS).fillna(""), exposed)
    use_style()
    plot_clones(found, drivers, clonality)
    plot_contexts(table, spectrum)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            profiles=[Path(path) for path in snakemake.input.profiles],
            driver_table=Path(snakemake.input.driver_table) if snakemake.input.driver_table else None,
            signatures=Path(snakemake.input.signatures) if snakemake.input.signatures else None,
            tumours=Path(snakemake.output.tumours),
            variants=Path(snakemake.output.variants),
            contexts=Path(snakemake.output.contexts),
            exposed=Path(snakemake.output.exposures),
            clonality=Path(snakemake.output.clonality),
            spectrum=Path(snakemake.output.spectrum),
            driver_genes=snakemake.params.driver_genes,
            settings=snakemake.params.settings,
        )
