"""Find the intact single cells of one sample: MAD-based quality control, then doublets."""

import logging
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from kimedlib.atomic import atomic_path
from kimedlib.cells_reading import read_cells
from kimedlib.logs import log_to
from kimedlib.problems import Problem
from kimedlib.seeding import generator
from kimedlib.singlecell_quality import (
    QualityLimits,
    Thresholds,
    cell_metrics,
    failures,
    mitochondrial,
    thresholds,
)
from kimedlib.singlecell_quarantine import QUARANTINED, quarantine
from kimedlib.singlecell_threads import one_thread
from kimedlib.table_files import write_table

# Below this the simulated neighbourhoods say nothing.
CELLS_FOR_DOUBLETS = 50


def too_few(place: tuple[Path, str], metrics: pd.DataFrame, limits: Thresholds, kept: int, minimum: int) -> Problem:
    """Says which limits left too few cells of a sample; `place` is its file and name."""
    remedy = "remove the sample from the sheet or relax `quality` in the config"
    if metrics.empty:
        found = f"no cell was handed on, {minimum} are needed"
        return Problem(str(place[0]), f"sample {place[1]}", found, "see the log of call_droplets or remove_ambient")
    medians = ", ".join(f"{name} {value:.4g}" for name, value in metrics.median().items())
    found = f"{kept} of {len(metrics)} barcodes are intact cells, {minimum} are needed"
    return Problem(str(place[0]), f"sample {place[1]}", f"{found} (limits: {limits}; medians: {medians})", remedy)


def explained(
    applied: Thresholds, quality: dict[str, Any], share: float | None, reason: pd.Series, *, raw: bool
) -> pd.DataFrame:  # fmt: skip
    """Columns limit, value, barcodes (removed by it) and rule (in words).

    Parameters
    ----------
    share
        Share of intact cells called doublets; None where they were not sought.
    raw
        Whether there are counts; without, only the least number of cells is applied.
    """
    below = f"{quality['deviations']:g} MAD below the median of the log"
    above = f"{quality['mitochondrial_deviations']:g} MAD above the median"
    bounds = f"{quality['mitochondrial_floor_percent']:g} to {quality['mitochondrial_ceiling_percent']:g} %"
    rules = {
        "minimum_counts": f"{below}, at least {quality['minimum_counts']}",
        "minimum_genes": f"{below}, at least {quality['minimum_genes']}",
        "maximum_mitochondrial_percent": f"{above}, {bounds}",
    }
    reasons = dict(zip(rules, ("low_counts", "low_genes", "high_mitochondrial"), strict=True))
    unapplied = "not applied: the input holds no counts"
    lines = [(name, getattr(applied, name), reasons[name], rule if raw else unapplied) for name, rule in rules.items()]
    sought = "not sought" if share is None else "share of intact cells with the highest score, called doublets"
    lines += [("doublet_share", share, "doublet", sought)]
    lines += [("minimum_cells", quality["minimum_cells"], QUARANTINED, "intact cells that a sample must have")]
    removed = reason.value_counts()
    rows = [(name, value, int(removed.get(why, 0)), rule) for name, value, why, rule in lines]
    return pd.DataFrame(rows, columns=["limit", "value", "barcodes", "rule"])


def main(
    *, counts: Path, gene_sets: Path, cells: Path, table: Path, limits: Path, sample: dict[str, str], seed: int,
    source: dict[str, Any], quality: dict[str, Any], doublets: dict[str, Any],
) -> None:  # fmt: skip
    """Write the kept cells (H5AD, counts in X), all barcodes with the reason for leaving any out, and the limits.

    Parameters
    ----------
    sample
        The sheet's row: sample, patient_id, condition, batch, subset.
    source, quality, doublets
        Sections of the config; see config/schemas/singlecell.schema.yaml.

    Raises
    ------
    InputProblems
        The counts cannot be used, or fewer than `quality["minimum_cells"]` cells are left and `quality["on_failure"]`
        is stop. If it is quarantine, the sample hands on no cells; its table says so.
    """
    handed_on = source.get("handed_on", False)
    data = read_cells(counts, source["h5ad_matrix"], sample["subset"], source["state"], handed_on=handed_on)
    sets = yaml.safe_load(gene_sets.read_text(encoding="utf-8"))["mitochondrial"]
    genes = mitochondrial(data, set(sets["identifiers"]), sets["prefix"])
    if not genes.any():
        logging.warning("%s: no mitochondrial gene found by symbol or identifier; dying cells cannot be seen", counts)
    metrics = cell_metrics(data, genes)
    wanted = QualityLimits(**{field.name: quality[field.name] for field in fields(QualityLimits)})
    raw = source["state"] == "counts"
    applied = thresholds(metrics, wanted) if raw else Thresholds(0, 0, 100)
    reason = failures(metrics, applied)
    intact = (reason == "").to_numpy()
    failed = bool(intact.sum() < quality["minimum_cells"])
    if failed:
        problem = too_few((counts, sample["sample"]), metrics, applied, int(intact.sum()), quality["minimum_cells"])
        quarantine(problem, quality["on_failure"])
        reason[intact] = QUARANTINED

    scores, flagged = np.full((3, data.n_obs), np.nan), np.zeros(data.n_obs, dtype=bool)
    votes = np.zeros(data.n_obs, dtype=np.int64)
    share: float | None = None
    if raw and not failed and doublets["rounds"] and intact.sum() >= CELLS_FOR_DOUBLETS:
        # Only here: scikit-learn takes as long to import as a small sample to check.
        from kimedlib.singlecell_doublets import called, doublet_scores, expected_rate

        with one_thread():
            random = generator(seed, "doublets", sample["sample"])
            scores[:, intact] = doublet_scores(
                data.X[np.flatnonzero(intact)], random, doublets["genes"], doublets["rounds"]
            )
        rate = doublets["expected_rate"]
        share = expected_rate(int(intact.sum())) if rate == "auto" else float(rate)
        flagged[intact] = called(scores[0, intact], share)
        votes[intact] = called(scores[1, intact], share).astype(int) + called(scores[2, intact], share)
    if doublets["remove"]:
        reason[flagged] = "doublet"

    names = ("doublet_score", "cxds_rank", "simulated_rank")
    result = metrics.assign(**dict(zip(names, scores.round(6), strict=True)))
    result = result.assign(doublet_votes=votes, doublet=flagged, removed=reason)
    result.insert(0, "barcode", data.obs_names)
    result.insert(0, "sample", sample["sample"])
    write_table(result, table, "%.6g")
    write_table(explained(applied, quality, share, reason, raw=raw), limits, "%.6g")
    kept = data[(reason == "").to_numpy()].copy()
    kept.obs = result.loc[reason == "", ["barcode", *metrics.columns, "doublet_score", "doublet"]].copy()
    for name in ("batch", "condition", "patient_id", "sample"):
        kept.obs.insert(0, name, sample[name])
    kept.obs_names = [f"{sample['sample']}_{barcode}" for barcode in kept.obs["barcode"]]
    logging.info("%s: kept %d of %d barcodes; limits %s", sample["sample"], kept.n_obs, data.n_obs, asdict(applied))
    with atomic_path(cells) as temporary:
        # Read several times and then deleted: compression would cost more than reading.
        kept.write_h5ad(temporary)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            counts=Path(snakemake.input.counts),
            gene_sets=Path(snakemake.input.gene_sets),
            cells=Path(snakemake.output.cells),
            table=Path(snakemake.output.table),
            limits=Path(snakemake.output.limits),
            sample=snakemake.params.sample,
            seed=snakemake.params.seed,
            source=snakemake.params.source,
            quality=snakemake.params.quality,
            doublets=snakemake.params.doublets,
        )
