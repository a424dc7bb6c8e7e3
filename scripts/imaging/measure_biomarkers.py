"""Compute all IBSI biomarkers of every region, as it is and under small changes, and keep what is stable."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kimedlib.figure_style import GREY, PALETTE, new_figure, save_figure, use_style
from kimedlib.imaging_nifti import load_canonical, load_labels, voxel_sizes
from kimedlib.imaging_tables import OUTLINE_TASKS, label_names, passed_samples, records, region_folders, region_names
from kimedlib.logs import log_to
from kimedlib.radiomics import biomarkers, settings_of
from kimedlib.radiomics_grid import crop
from kimedlib.radiomics_stability import judge, noise_level, perturbations
from kimedlib.table_files import write_table

KEYS = ["sample", "patient_id", "modality", "region"]
FAMILIES = {
    "morph": "shape", "loc": "local peak", "stat": "statistics", "ih": "histogram", "ivh": "intensity-volume",
    "cm": "co-occurrence", "rlm": "run length", "szm": "size zone", "dzm": "distance zone", "ngt": "grey tone",
    "ngl": "dependence",
}  # fmt: skip


@dataclass(frozen=True)
class Work:
    """One region of one image: where it is, who it is (`KEYS`), and the config section on how to measure it."""

    image: Path
    mask: Path
    value: int
    who: tuple[str, str, str, str]
    settings: dict[str, Any]


def ways_of(settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Ways to measure by name: of the image itself, and of its responses to filters.

    Raises
    ------
    ValueError
        One name for both kinds, or a filter that cannot be computed; says which.
    """
    ways, filters = settings["biomarkers"], settings.get("filters") or {}
    if twice := sorted(set(ways) & set(filters)):
        raise ValueError(f"radiomics.filters.{twice[0]}: radiomics.biomarkers has this name too; choose another")
    for name, said in filters.items():
        try:
            settings_of(said)
        except ValueError as error:
            raise ValueError(f"radiomics.filters.{name}: {error}") from error
    return {**ways, **filters}


def measure(work: Work) -> list[tuple[str, int, dict[str, float]]]:
    """Features by configuration and change (0: none); empty where the region is.

    Raises
    ------
    ValueError
        The unchanged region cannot be measured; says which.
    """
    data, reference = load_canonical(work.image)
    region = load_labels(work.mask, reference) == work.value
    if not region.any():
        return []
    spacing = voxel_sizes(reference)
    changes = perturbations(work.settings["perturbations"], noise_level(data[crop(region, spacing)]))
    found = []
    for name, said in ways_of(work.settings).items():
        if work.who[2] not in said["modalities"]:
            continue
        settings = settings_of(said)
        for number, change in enumerate([None, *changes]):
            try:
                found.append((name, number, biomarkers(data, region, spacing, settings, change)))
            except ValueError as error:
                if change is None:
                    kind = "filters" if "filter" in said else "biomarkers"
                    raise ValueError(f"{work.who[0]}, {work.who[3]}, radiomics.{kind}.{name}: {error}") from error
                print(f"{work.who[0]}, {name}: nothing is left of the region under {change}")
    return found


def judge_all(table: pd.DataFrame, stable_from: float) -> pd.DataFrame:
    """One row per configuration, region and feature; measurements missing under a change leave that region out."""
    judged = []
    for (configuration, region, feature), group in table.groupby(["configuration", "region", "feature"], sort=False):
        values = group.pivot_table(index="sample", columns="change", values="value", dropna=False).to_numpy(float)
        values = values[np.isfinite(values).all(axis=1)]
        icc, low, stable = judge(values, stable_from)
        judged.append(
            {"configuration": configuration, "region": region, "feature": feature, "regions": len(values),
             "icc": icc, "icc_low": low, "stable": stable}
        )  # fmt: skip
    columns = ["configuration", "region", "feature", "regions", "icc", "icc_low", "stable"]
    return pd.DataFrame(judged, columns=columns)


def stable_only(table: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """One row per region; columns are the stable features, `<configuration>.<feature>`."""
    plain = table[table["change"] == 0]
    kept = judged.loc[judged["stable"] == "yes", ["configuration", "region", "feature"]]
    chosen = plain.merge(kept, on=["configuration", "region", "feature"], how="inner")
    chosen["name"] = chosen["configuration"] + "." + chosen["feature"]
    wide = chosen.pivot_table(index=KEYS, columns="name", values="value", sort=False)
    everyone = pd.MultiIndex.from_frame(plain[KEYS].drop_duplicates())
    return wide.reindex(everyone).reset_index()


def draw(judged: pd.DataFrame, stable_from: float, picture: Path) -> None:
    """Lower end of the interval of each feature by family."""
    use_style()
    figure, axes = new_figure(figsize=(8.6, 4.6))
    known = judged[judged["stable"] != "too_few"].dropna(subset=["icc_low"])
    family = known["feature"].str.split("_").str[0]
    labels = []
    for place, (key, text) in enumerate(FAMILIES.items()):
        part = known[family == key]
        good = part["stable"] == "yes"
        low = part["icc_low"].clip(lower=-0.2).to_numpy()
        across = place + (np.arange(len(part)) % 15 - 7) / 22  # beside each other, the same on every run
        for chosen, colour in ((good, PALETTE[0]), (~good, PALETTE[1])):
            at = chosen.to_numpy()
            axes.scatter(across[at], low[at], s=14, color=colour, alpha=0.7, linewidths=0)
        labels.append(f"{text}\n{int(good.sum())} of {len(part)}")
    axes.axhline(stable_from, color=GREY, linewidth=1, linestyle="--")
    axes.set_xticks(range(len(labels)), labels, rotation=40, ha="right")
    axes.set_ylim(-0.25, 1.05)
    axes.set_ylabel("intraclass correlation, lower 95 % limit")
    few = "" if len(known) else f": fewer than 3 regions, stability unknown ({len(judged)} features)"
    axes.set_title(f"{int((known['stable'] == 'yes').sum())} of {len(known)} features are stable{few}")
    save_figure(figure, picture)


def main(
    *, bids: Path, conversion: Path, checks: Path, model: list[Path], masks: list[Path], outlines: list[Path],
    biomarkers_table: Path, stability: Path, stable: Path, picture: Path,
    settings: dict[str, Any], processes: int,
) -> None:  # fmt: skip
    """Measure.

    Parameters
    ----------
    model, masks, outlines
        From the network steps and `outline_lesions`; empty lists where no row needs them.
    biomarkers_table
        Table: sample, patient_id, modality, region, configuration, feature, value.
    stability
        Table: configuration, region, feature, regions, icc, icc_low, stable (yes, no, too_few).
    stable
        One row per region with its stable features.
    settings
        Section `radiomics` of the config.
    processes
        Regions measured at the same time; changes nothing but the time.
    """
    ways_of(settings)
    names, folders = label_names(model), region_folders(Path(), masks, outlines)
    work = [
        Work(
            bids / row["image"], folders[row["task"]] / f"{row['sample']}.nii.gz", value,
            (row["sample"], row["patient_id"], row["modality"], region), settings,
        )
        for row in records(passed_samples(conversion, checks, ("lesion", "labels", *OUTLINE_TASKS)))
        for value, region in region_names(row, names, folders).items()
    ]  # fmt: skip
    if processes > 1 and len(work) > 1:
        with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("fork")) as pool:
            results = list(pool.map(measure, work))
    else:
        results = [measure(one) for one in work]
    entries = [
        (*one.who, name, number, feature, value)
        for one, result in zip(work, results, strict=True)
        for name, number, features in result
        for feature, value in features.items()
    ]
    table = pd.DataFrame(entries, columns=[*KEYS, "configuration", "change", "feature", "value"])
    judged = judge_all(table, settings["stable_from"])
    plain = table[table["change"] == 0].drop(columns="change")
    write_table(plain, biomarkers_table, "%.9g")
    write_table(judged, stability, "%.6g")
    write_table(stable_only(table, judged), stable, "%.9g")
    draw(judged, settings["stable_from"], picture)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            bids=Path(snakemake.input.bids),
            conversion=Path(snakemake.input.conversion),
            checks=Path(snakemake.input.checks),
            model=[Path(path) for path in snakemake.input.model],
            masks=[Path(path) for path in snakemake.input.masks],
            outlines=[Path(path) for path in snakemake.input.outlines],
            biomarkers_table=Path(snakemake.output.biomarkers),
            stability=Path(snakemake.output.stability),
            stable=Path(snakemake.output.stable),
            picture=Path(snakemake.output.picture),
            settings=snakemake.params.settings,
            processes=snakemake.threads,
        )
