"""Train the segmentation network on labelled images; the epoch with the best validation Dice is kept."""

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from kimedlib.atomic import atomic_path
from kimedlib.figure_style import save_figure
from kimedlib.imaging_card import card
from kimedlib.imaging_network import settings_for, weights_bytes, weights_digest
from kimedlib.imaging_pictures import use_quiet_style
from kimedlib.imaging_training import checked_cases, split_cases, trained
from kimedlib.logs import log_to
from kimedlib.table_files import write_table
from kimedlib.torch_device import device_for


def draw_history(history: pd.DataFrame, best: int, picture: Path) -> None:
    """Loss and validation Dice over the epochs."""
    use_quiet_style()
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 2.6), layout="constrained")
    left.plot(history["epoch"], history["loss"], color="#444444")
    left.set(xlabel="Epoch", ylabel="Training loss (Dice + cross-entropy)")
    for column in (str(name) for name in history if str(name).startswith("dice_")):
        right.plot(
            history["epoch"], history[column].interpolate(limit_area="inside"), label=column.removeprefix("dice_")
        )
    right.axvline(best, color="#888888", linestyle=":", label=f"kept: epoch {best}")
    right.set(xlabel="Epoch", ylabel="Validation Dice", ylim=(0, 1))
    right.legend(loc="lower right", frameon=False)
    save_figure(figure, picture)


def main(
    *, sheet: Path, images: list[Path], labels: list[Path], weights: Path, model: Path, history: Path, picture: Path,
    description: Path, settings: dict[str, Any], gpus: int, gpu_required: bool = False,
) -> None:  # fmt: skip
    """Train, validate, keep the best.

    Parameters
    ----------
    sheet
        Training sheet; its rows are in the order of `images` and `labels`.
    weights
        PyTorch state of the best epoch.
    model
        JSON that tells how to apply the weights, their digest, and which cases were used for what.
    description
        The same for people: a model card, Markdown.
    history
        Table: epoch, loss, and where validated dice_<label>.
    settings
        Section `network` of the config.
    gpus, gpu_required
        Resources of the job, see `torch_device.device_for`.

    Raises
    ------
    ValueError
        `refine` with several labels, labels that `label_names` does not name, or label sets without one that it names.
    RuntimeError
        A GPU is required and there is none.
    """
    device = device_for(gpus, required=gpu_required)
    settings = settings_for(settings, device)
    names = list(pd.read_csv(sheet, sep="\t", dtype=str)["case_id"])
    cases = checked_cases(images, labels, settings)
    training, validation = split_cases(names, settings["validation_fraction"], settings["seed"])
    network, rows, best, calibration = trained(cases, training, validation, settings, device)
    table = pd.DataFrame(rows).astype({"epoch": int})
    said = {
        "channels": settings["channels"],
        "strides": settings["strides"],
        "label_names": settings["label_names"],
        "patch": settings["patch"],
        "flips": settings["flips"],
        "intensity": settings["intensity"],
        "refine": settings["refine"],
        "spacing_mm": [round(float(value), 4) for value in np.median([case["spacing"] for case in cases], axis=0)],
        "device": device.type,
        "amp": settings["amp"],
        "precision": settings["precision"],
        "best_epoch": best,
        "volume_calibration": calibration,
        "weights_sha256": weights_digest(network),
        "training_cases": [names[i] for i in training],
        "validation_cases": [names[i] for i in validation],
    }
    with atomic_path(weights) as temporary:
        temporary.write_bytes(weights_bytes(network))
    with atomic_path(model) as temporary:
        temporary.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    with atomic_path(description) as temporary:
        temporary.write_text(card(said, settings, table.round(4).to_dict("records")), encoding="utf-8")
    write_table(table.round(6), history)
    draw_history(table, best, picture)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            sheet=Path(snakemake.input.sheet),
            images=[Path(path) for path in snakemake.input.images],
            labels=[Path(path) for path in snakemake.input.labels],
            weights=Path(snakemake.output.weights),
            model=Path(snakemake.output.model),
            history=Path(snakemake.output.history),
            picture=Path(snakemake.output.picture),
            description=Path(snakemake.output.card),
            settings=dict(snakemake.params.settings),
            gpus=snakemake.resources.get("gpu", 0),
            gpu_required=bool(snakemake.resources.get("gpu_required", 0)),
        )
