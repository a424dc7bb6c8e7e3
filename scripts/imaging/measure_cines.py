"""Volumes, ejection fraction and mass of the left ventricle, by the contours and by the network, and how they agree."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kimedlib.cine_volumes import Function, phase_volumes, ventricular_function
from kimedlib.imaging_nifti import voxel_sizes
from kimedlib.imaging_scores import dice
from kimedlib.logs import log_to
from kimedlib.table_files import write_table

Areas = NDArray[np.float64]
MEASURES = ("end_diastole", "end_systole", "edv_ml", "esv_ml", "sv_ml", "ef_percent", "mass_g")


def contour_areas(table: pd.DataFrame) -> tuple[Areas, Areas]:
    """Areas (slice, phase) within the inner and outer contours, NaN where there is none."""
    shape = (int(table["slice"].max()) + 1, int(table["phase"].max()) + 1)
    inner, outer = np.full(shape, np.nan), np.full(shape, np.nan)
    inner[table["slice"], table["phase"]] = table["inner_mm2"]
    outer[table["slice"], table["phase"]] = table["outer_mm2"]
    return inner, outer


def region_areas(table: pd.DataFrame, labels: NDArray[np.uint8], pixel_mm2: float) -> tuple[Areas, Areas]:
    """Areas (slice, phase) within the network's outlines, NaN where there is no image."""
    inner, outer = np.full(labels.shape[2:], np.nan), np.full(labels.shape[2:], np.nan)
    where = (table["slice"].to_numpy(), table["phase"].to_numpy())
    inner[where] = (labels == 1).sum(axis=(0, 1))[where] * pixel_mm2
    outer[where] = (labels > 0).sum(axis=(0, 1))[where] * pixel_mm2
    return inner, outer


def agreement(
    network: Function, contours: Function, labels: NDArray[np.uint8], truth: NDArray[np.uint8], table: pd.DataFrame
) -> dict[str, float]:
    """Errors of the network against the contours of one sample."""
    outlined = table[table["inner_mm2"].notna()]
    where = (slice(None), slice(None), outlined["slice"].to_numpy(), outlined["phase"].to_numpy())
    walled = table[table["outer_mm2"].notna()]
    found = {
        "edv_error_pct": 100 * (network.edv_ml / contours.edv_ml - 1),
        "esv_error_pct": 100 * (network.esv_ml / contours.esv_ml - 1),
        "dice_cavity": dice(labels[where] == 1, truth[where] == 1),
    }
    if len(walled):
        around = (slice(None), slice(None), walled["slice"].to_numpy(), walled["phase"].to_numpy())
        found["dice_wall"] = dice(labels[around] == 2, truth[around] == 2)
        found["mass_error_pct"] = 100 * (network.mass_g / contours.mass_g - 1)
    return found


def main(
    *, frames: Path, references: Path, regions: list[Path], expected: dict[str, str],
    measurements: Path, volumes: Path, scores: Path,
) -> None:  # fmt: skip
    """Measure.

    Parameters
    ----------
    frames, references
        From `sort_cines`.
    regions
        Folders of `segment_cines`, one per fold.
    expected
        Published ejection fraction, percent, by sample; scored against, never used.
    measurements
        Table: sample, patient_id, source (contours or network), end_diastole and end_systole (phases from 0), edv_ml,
        esv_ml, sv_ml, ef_percent, mass_g.
    volumes
        Table: sample, source, phase, time_ms (median of trigger times), slices, volume_ml.
    scores
        Table: sample, metric, value; sample `all` has ef_mae (network against the published value, else the contours)
        and ef_max_error_contours (contours against the published value), in points.

    Raises
    ------
    ValueError
        Nothing could be measured.
    """
    table = pd.read_csv(frames, sep="\t", dtype={"sample": str, "patient_id": str})
    masks = {path.name.removesuffix(".nii.gz"): path for folder in regions for path in folder.glob("*.nii.gz")}
    rows, curves, marks = [], [], []
    for sample, group in table.groupby("sample"):
        places = group.groupby("slice")["place_mm"].mean().to_numpy()
        image = nib.load(masks[str(sample)])
        labels = np.asarray(image.dataobj)
        columns, lines, spacing = voxel_sizes(image)
        areas = {"network": region_areas(group, labels, columns * lines)}
        if group["inner_mm2"].notna().any():
            areas["contours"] = contour_areas(group)
        found = {}
        for source, (inner, outer) in sorted(areas.items()):
            found[source] = ventricular_function(inner, outer, places, spacing)
            whose = {"sample": sample, "patient_id": group["patient_id"].iloc[0], "source": source}
            rows.append({**whose, **{name: getattr(found[source], name) for name in MEASURES}})
            known = (~np.isnan(inner)).sum(axis=0)
            for phase, volume in enumerate(phase_volumes(inner, places, spacing)):
                if known[phase]:
                    when = pd.to_numeric(group.loc[group["phase"] == phase, "trigger_ms"]).median()
                    curves.append((sample, source, phase, when, int(known[phase]), volume))
        if "contours" in found:
            truth = np.asarray(nib.load(references / f"{sample}.nii.gz").dataobj)
            judged = agreement(found["network"], found["contours"], labels, truth, group)
            marks += [(sample, metric, value) for metric, value in judged.items()]
        if expected.get(str(sample)) or "contours" in found:
            reference = float(expected.get(str(sample)) or found["contours"].ef_percent)
            marks.append((sample, "ef_error", found["network"].ef_percent - reference))
            if expected.get(str(sample)) and "contours" in found:
                marks.append((sample, "ef_error_contours", found["contours"].ef_percent - reference))
    if not rows:
        raise ValueError("no cine could be measured")
    errors_by_sample = pd.DataFrame(marks, columns=["sample", "metric", "value"])
    errors = errors_by_sample.assign(value=errors_by_sample["value"].abs()).groupby("metric")["value"]
    summary = [("all", "ef_mae", errors.mean().get("ef_error"))]
    summary += [("all", "ef_max_error_contours", errors.max().get("ef_error_contours"))]
    summary += [("all", f"mean_{name}", errors.mean().get(name)) for name in ("dice_cavity", "dice_wall")]
    overall = pd.DataFrame([row for row in summary if row[2] is not None], columns=errors_by_sample.columns)
    write_table(pd.DataFrame(rows), measurements, "%.6g")
    write_table(
        pd.DataFrame(curves, columns=["sample", "source", "phase", "time_ms", "slices", "volume_ml"]), volumes, "%.6g"
    )
    write_table(pd.concat([errors_by_sample, overall], ignore_index=True), scores, "%.6g")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            frames=Path(snakemake.input.frames),
            references=Path(snakemake.input.references),
            regions=[Path(path) for path in snakemake.input.regions],
            expected=dict(snakemake.params.expected),
            measurements=Path(snakemake.output.measurements),
            volumes=Path(snakemake.output.volumes),
            scores=Path(snakemake.output.scores),
        )
