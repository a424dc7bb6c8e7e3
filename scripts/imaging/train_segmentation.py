"""Train the segmentation network on labelled images; the epoch with the best validation Dice is kept."""

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import monai.transforms as mt
import numpy as np
import pandas as pd
import torch
from monai.losses import DiceCELoss
from monai.utils import set_determinism
from numpy.typing import NDArray

from kimedlib.atomic import atomic_path
from kimedlib.figure_style import save_figure
from kimedlib.imaging_network import (
    autocast,
    build_network,
    chances,
    device_for,
    finish,
    normalise,
    predict,
    settings_for,
    weights_bytes,
    weights_digest,
)
from kimedlib.imaging_nifti import load_canonical, load_labels, voxel_sizes
from kimedlib.imaging_pictures import use_quiet_style
from kimedlib.imaging_scores import dice
from kimedlib.imaging_uncertainty import calibration_score, doubtful_voxels
from kimedlib.logs import log_to
from kimedlib.seeding import generator
from kimedlib.table_files import write_table

Case = dict[str, Any]


def load_cases(images: list[Path], labels: list[Path], intensity: dict[str, Any]) -> list[Case]:
    """Normalised images and labels in memory."""
    cases = []
    for image_path, label_path in zip(images, labels, strict=True):
        data, image = load_canonical(image_path)
        cases.append(
            {
                "image": normalise(data, intensity),
                "label": load_labels(label_path, image),
                "spacing": voxel_sizes(image),
            }
        )
    return cases


def split_cases(names: list[str], fraction: float, seed: int) -> tuple[list[int], list[int]]:
    """Numbers of training and validation cases, drawn by seed and case names.

    Raises
    ------
    ValueError
        One of the two would be empty.
    """
    count = round(fraction * len(names))
    if not 0 < count < len(names):
        raise ValueError(
            f"{len(names)} cases with validation_fraction {fraction} leave no training or no validation case"
        )
    order = generator(seed, "validation split", *sorted(names)).permutation(len(names))
    return sorted(int(number) for number in order[count:]), sorted(int(number) for number in order[:count])


def augmentation(settings: dict[str, Any]) -> mt.Compose:
    """Random crop or padding to the patch, mirror images, small affine changes, contrast and noise."""
    keys, patch = ["image", "label"], settings["patch"]
    flips = [mt.RandFlipd(keys, prob=0.5, spatial_axis=axis) for axis in settings["flips"]]
    return mt.Compose(
        [
            mt.SpatialPadd(keys, patch, mode="edge"),
            # three of four patches are centred on a label, so that a small region is seen often
            mt.RandCropByPosNegLabeld(keys, label_key="label", spatial_size=patch, pos=3, neg=1),
            *flips,
            mt.RandAffined(
                keys, prob=settings["affine_probability"], rotate_range=(0.26,) * 3,
                scale_range=(0.15,) * 3, translate_range=(3,) * 3, mode=("bilinear", "nearest"), padding_mode="border",
            ),
            mt.RandAdjustContrastd("image", prob=0.2, gamma=(0.7, 1.5)),
            mt.RandScaleIntensityd("image", factors=0.15, prob=0.3),
            mt.RandGaussianNoised("image", prob=0.2, std=0.1),
        ]
    )  # fmt: skip


def batch_tensor(items: list[Case], key: str, device: torch.device) -> torch.Tensor:
    """Stack one key of augmented cases."""
    return torch.stack([torch.as_tensor(np.asarray(item[key])) for item in items]).float().to(device)


def validation_dice(
    network: torch.nn.Module, cases: list[Case], settings: dict[str, Any], labels: list[int], device: torch.device
) -> NDArray[np.float64]:
    """Mean Dice per label over the validation cases."""
    network.eval()
    patch, amp = tuple(settings["patch"]), settings["amp"]
    found = []
    for case in cases:
        guess = predict(network, case["image"], patch, [], device, amp=amp)
        found.append([dice(guess == label, case["label"] == label) for label in labels])
    network.train()
    return np.asarray(np.mean(found, axis=0))


def calibrate(
    network: torch.nn.Module, cases: list[Case], settings: dict[str, Any], device: torch.device
) -> dict[str, list[float]]:
    """Errors of the validation cases' volumes in units of doubt, by label: what intervals of volumes are made from."""
    network.eval()
    scores: dict[str, list[float]] = {name: [] for name in settings["label_names"]}
    for case in cases:
        shares = chances(
            network, case["image"], tuple(settings["patch"]), settings["flips"], device, amp=settings["amp"]
        )
        found = finish(shares, case["image"], settings["refine"])
        for name, values in scores.items():
            volume, truth = (float(np.count_nonzero(labels == int(name))) for labels in (found, case["label"]))
            values.append(round(calibration_score(volume, truth, doubtful_voxels(shares, int(name))), 6))
    return scores


def fit(
    network: torch.nn.Module,
    training: list[Case],
    validation: list[Case],
    settings: dict[str, Any],
    device: torch.device,
) -> tuple[list[dict[str, float]], int, dict[str, torch.Tensor]]:
    """Train by AdamW with the one-cycle schedule; returns history, best epoch and its weights.

    With `settings["amp"]` forward passes are in mixed precision and, for float16, gradients are scaled.
    """
    labels, size = [int(value) for value in settings["label_names"]], settings["batch_size"]
    augment = augmentation(settings)
    augment.set_random_state(seed=settings["seed"])
    channels_first = [{key: case[key][None] for key in ("image", "label")} for case in training]
    steps = -(-len(training) // size)
    rate, epochs = settings["learning_rate"], settings["epochs"]
    loss_of = DiceCELoss(softmax=True, to_onehot_y=True, include_background=False, batch=True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * steps, pct_start=0.2)
    scaler = torch.amp.GradScaler(device.type, enabled=settings["amp"] and device.type == "cuda")
    order = torch.Generator().manual_seed(settings["seed"])
    history: list[dict[str, float]] = []
    best, best_dice, kept = 0, -1.0, {}
    network.train()
    for epoch in range(1, epochs + 1):
        shuffled = torch.randperm(len(training), generator=order).tolist()
        losses = []
        for start in range(0, len(shuffled), size):
            items = [augment(dict(channels_first[number]))[0] for number in shuffled[start : start + size]]
            with autocast(device, amp=settings["amp"]):
                scores = network(batch_tensor(items, "image", device))
            loss = loss_of(scores.float(), batch_tensor(items, "label", device))
            optimiser.zero_grad()
            scaler.scale(loss).backward()
            scaler.unscale_(optimiser)
            torch.nn.utils.clip_grad_norm_(network.parameters(), 12.0)
            scaler.step(optimiser)
            scaler.update()
            schedule.step()
            losses.append(loss.item())
        row = {"epoch": float(epoch), "loss": float(np.mean(losses))}
        if epoch % settings["validate_every"] == 0 or epoch == epochs:
            scores = validation_dice(network, validation, settings, labels, device)
            row |= {
                f"dice_{settings['label_names'][str(label)]}": float(score)
                for label, score in zip(labels, scores, strict=True)
            }
            if float(scores.mean()) > best_dice:
                best, best_dice = epoch, float(scores.mean())
                kept = {name: value.detach().clone() for name, value in network.state_dict().items()}
        print(row)
        history.append(row)
    return history, best, kept


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
    settings: dict[str, Any], gpus: int, gpu_required: bool = False,
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
    history
        Table: epoch, loss, and where validated dice_<label>.
    settings
        Section `network` of the config.
    gpus, gpu_required
        Resources of the job, see `imaging_network.device_for`.

    Raises
    ------
    ValueError
        `refine` with several labels, labels that `label_names` does not name, or label sets without one that it names.
    RuntimeError
        A GPU is required and there is none.
    """
    device = device_for(gpus, required=gpu_required)
    settings = settings_for(settings, device)
    set_determinism(settings["seed"])
    names = list(pd.read_csv(sheet, sep="\t", dtype=str)["case_id"])
    wanted = {int(value) for value in settings["label_names"]}
    if settings["refine"] == "half_contrast" and len(wanted) > 1:
        raise ValueError("network.refine: half_contrast is for one label, label_names has several")
    cases = load_cases(images, labels, settings["intensity"])
    present = {int(value) for case in cases for value in np.unique(case["label"])} - {0}
    if present != wanted:
        raise ValueError(
            f"labels in the training images are {sorted(present)}, network.label_names has {sorted(wanted)}"
        )
    training, validation = split_cases(names, settings["validation_fraction"], settings["seed"])
    network = build_network(settings["channels"], settings["strides"], len(wanted)).to(device)
    rows, best, kept = fit(network, [cases[i] for i in training], [cases[i] for i in validation], settings, device)
    network.load_state_dict(kept)
    calibration = calibrate(network, [cases[i] for i in validation], settings, device)
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
            settings=dict(snakemake.params.settings),
            gpus=snakemake.resources.get("gpu", 0),
            gpu_required=bool(snakemake.resources.get("gpu_required", 0)),
        )
