"""Train the segmentation network anew for each fold of the training cases, and judge it on the fold it never saw."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch

from kimedlib.imaging_network import chances, finish, settings_for
from kimedlib.imaging_scores import dice, volume_error_pct
from kimedlib.imaging_training import Case, checked_cases, split_cases, trained
from kimedlib.imaging_uncertainty import doubtful_voxels, volume_interval
from kimedlib.logs import log_to
from kimedlib.seeding import generator
from kimedlib.statistics_intervals import exact_interval
from kimedlib.table_files import write_table
from kimedlib.torch_device import device_for


def folds_of(names: list[str], folds: int, seed: int) -> list[list[int]]:
    """Numbers of the cases of each fold, drawn by seed and case names.

    Raises
    ------
    ValueError
        Fewer cases than folds.
    """
    if len(names) < folds:
        raise ValueError(f"{len(names)} cases do not fill {folds} folds: lower network.cross_validation.folds")
    order = generator(seed, "cross-validation", *sorted(names)).permutation(len(names))
    return [sorted(int(number) for number in order[start::folds]) for start in range(folds)]


def judge(
    network: torch.nn.Module, case: Case, settings: dict[str, Any], device: torch.device,
    calibration: dict[str, list[float]],
) -> list[dict[str, object]]:  # fmt: skip
    """Overlap, error of the volume and whether its interval holds the true one, by region of one case."""
    network.eval()
    shares = chances(network, case["image"], tuple(settings["patch"]), settings["flips"], device, amp=settings["amp"])
    found, rows = finish(shares, case["image"], settings["refine"]), []
    for value, name in settings["label_names"].items():
        mask, truth = found == int(value), case["label"] == int(value)
        voxels, wanted = float(mask.sum()), float(truth.sum())
        low, high, level = volume_interval(voxels, doubtful_voxels(shares, int(value)), calibration[value])
        rows.append(
            {"region": name, "dice": dice(mask, truth),
             "volume_error_pct": volume_error_pct(voxels, wanted) if wanted else float("nan"),
             "held": "yes" if low <= wanted <= high else "no", "level": level}
        )  # fmt: skip
    return rows


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """One row per region over all cases."""
    rows = []
    for region, group in table.groupby("region", sort=False):
        held = int((group["held"] == "yes").sum())
        low, high = exact_interval(held, len(group))
        rows.append(
            {"region": region, "cases": len(group), "mean_dice": group["dice"].mean(), "sd_dice": group["dice"].std(),
             "lowest_dice": group["dice"].min(),
             "median_abs_volume_error_pct": group["volume_error_pct"].abs().median(),
             "mean_volume_error_pct": group["volume_error_pct"].mean(),
             "held_share": held / len(group), "held_low": low, "held_high": high, "level": group["level"].min()}
        )  # fmt: skip
    return pd.DataFrame(rows)


def main(
    *, sheet: Path, images: list[Path], labels: list[Path], table: Path, summary: Path, settings: dict[str, Any],
    gpus: int, gpu_required: bool = False,
) -> None:  # fmt: skip
    """Cross-validate.

    Within each fold the network is trained as `train_segmentation` does: its epoch and its intervals come from
    validation cases among the other folds.

    Parameters
    ----------
    sheet
        Training sheet; its rows are in the order of `images` and `labels`.
    table
        Table: case_id, fold, region, dice, volume_error_pct, held (whether the interval of the volume holds the
        true one), level (that was promised).
    summary
        Table: region, cases, mean_dice, sd_dice, lowest_dice, median_abs_volume_error_pct, mean_volume_error_pct,
        held_share with its exact 95 % interval (held_low, held_high), level.
    settings
        Section `network` of the config.

    Raises
    ------
    ValueError
        Fewer cases than folds; as `imaging_training.checked_cases`.
    RuntimeError
        A GPU is required and there is none.
    """
    device = device_for(gpus, required=gpu_required)
    settings = settings_for(settings, device)
    names = list(pd.read_csv(sheet, sep="\t", dtype=str)["case_id"])
    folds = folds_of(names, settings["cross_validation"]["folds"], settings["seed"])
    cases = checked_cases(images, labels, settings)
    rows = []
    for number, left_out in enumerate(folds, 1):
        others = [index for index in range(len(names)) if index not in left_out]
        chosen = split_cases([names[index] for index in others], settings["validation_fraction"], settings["seed"])
        training, validation = ([others[index] for index in part] for part in chosen)
        network, _, best, calibration = trained(cases, training, validation, settings, device)
        print(f"fold {number}: {len(training)} cases train, {len(validation)} validate, epoch {best} is kept")
        for index in left_out:
            found = judge(network, cases[index], settings, device, calibration)
            rows += [{"case_id": names[index], "fold": number, **row} for row in found]
    frame = pd.DataFrame(rows)
    write_table(frame, table, "%.6g")
    write_table(summarise(frame), summary, "%.6g")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            sheet=Path(snakemake.input.sheet),
            images=[Path(path) for path in snakemake.input.images],
            labels=[Path(path) for path in snakemake.input.labels],
            table=Path(snakemake.output.table),
            summary=Path(snakemake.output.summary),
            settings=dict(snakemake.params.settings),
            gpus=snakemake.resources.get("gpu", 0),
            gpu_required=bool(snakemake.resources.get("gpu_required", 0)),
        )
