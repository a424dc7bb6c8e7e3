"""Training of the segmentation network: cases, augmentation, epochs, and how wrong volumes are on other cases."""

from pathlib import Path
from typing import Any

import monai.transforms as mt
import numpy as np
import torch
from monai.losses import DiceCELoss
from monai.utils import set_determinism
from numpy.typing import NDArray

from kimedlib.imaging_network import (
    autocast,
    build_network,
    chances,
    finish,
    kind_of,
    normalise,
    predict,
    round_gradients,
    round_weights,
)  # fmt: skip
from kimedlib.imaging_nifti import load_canonical, load_labels, voxel_sizes
from kimedlib.imaging_scores import dice
from kimedlib.imaging_uncertainty import calibration_score, doubtful_voxels
from kimedlib.seeding import generator

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


def augmentation(settings: dict[str, Any], *, double: bool) -> mt.Compose:
    """Random crop or padding to the patch, mirror images, small affine changes, contrast and noise.

    Raises
    ------
    ValueError
        Affine changes in double precision: MONAI computes their grids in float32 only.
    """
    keys, patch = ["image", "label"], settings["patch"]
    flips = [mt.RandFlipd(keys, prob=0.5, spatial_axis=axis) for axis in settings["flips"]]
    affine = []
    if settings["affine_probability"]:
        if double:
            raise ValueError("network.precision double needs affine_probability 0: grids are computed in float32")
        affine = [
            mt.RandAffined(
                keys, prob=settings["affine_probability"], rotate_range=(0.26,) * 3,
                scale_range=(0.15,) * 3, translate_range=(3,) * 3, mode=("bilinear", "nearest"), padding_mode="border",
            )
        ]  # fmt: skip
    return mt.Compose(
        [
            mt.SpatialPadd(keys, patch, mode="edge"),
            # three of four patches are centred on a label, so that a small region is seen often
            mt.RandCropByPosNegLabeld(keys, label_key="label", spatial_size=patch, pos=3, neg=1),
            *flips,
            *affine,
            mt.RandAdjustContrastd("image", prob=0.2, gamma=(0.7, 1.5)),
            mt.RandScaleIntensityd("image", factors=0.15, prob=0.3),
            mt.RandGaussianNoised("image", prob=0.2, std=0.1, dtype=np.float64 if double else np.float32),
        ]
    )


def batch_tensor(items: list[Case], key: str, device: torch.device, kind: torch.dtype) -> torch.Tensor:
    """Stack one key of augmented cases."""
    return torch.stack([torch.as_tensor(np.asarray(item[key])) for item in items]).to(device, kind)


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

    With `settings["amp"]` forward passes are in mixed precision and, for float16, gradients are scaled. A network in
    double precision comes out the same, bit by bit, on processors that add up in another order: gradients and weights
    are rounded after each step, far above the errors of float64.
    """
    kind = kind_of(network)
    labels, size = [int(value) for value in settings["label_names"]], settings["batch_size"]
    augment = augmentation(settings, double=kind == torch.float64)
    augment.set_random_state(seed=settings["seed"])
    numbers = np.float64 if kind == torch.float64 else np.float32
    channels_first = [{"image": case["image"][None].astype(numbers), "label": case["label"][None]} for case in training]
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
                scores = network(batch_tensor(items, "image", device, kind))
            loss = loss_of(scores.to(kind), batch_tensor(items, "label", device, kind))
            optimiser.zero_grad()
            scaler.scale(loss).backward()
            scaler.unscale_(optimiser)
            torch.nn.utils.clip_grad_norm_(network.parameters(), 12.0)
            round_gradients(network)
            scaler.step(optimiser)
            round_weights(network)
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


def checked_cases(images: list[Path], labels: list[Path], settings: dict[str, Any]) -> list[Case]:
    """Cases in memory, whose labels are those that `network.label_names` names.

    Raises
    ------
    ValueError
        `refine` with several labels, labels that `label_names` does not name, or label sets without one that it names.
    """
    wanted = {int(value) for value in settings["label_names"]}
    if settings["refine"] == "half_contrast" and len(wanted) > 1:
        raise ValueError("network.refine: half_contrast is for one label, label_names has several")
    cases = load_cases(images, labels, settings["intensity"])
    present = {int(value) for case in cases for value in np.unique(case["label"])} - {0}
    if present != wanted:
        raise ValueError(
            f"labels in the training images are {sorted(present)}, network.label_names has {sorted(wanted)}"
        )
    return cases


def trained(
    cases: list[Case], training: list[int], validation: list[int], settings: dict[str, Any], device: torch.device
) -> tuple[torch.nn.Module, list[dict[str, float]], int, dict[str, list[float]]]:
    """A network from some of the cases: with its history, best epoch, and errors of volumes of the validation cases."""
    set_determinism(settings["seed"])
    network = build_network(
        settings["channels"], settings["strides"], len(settings["label_names"]), settings["precision"]
    ).to(device)
    rows, best, kept = fit(network, [cases[i] for i in training], [cases[i] for i in validation], settings, device)
    network.load_state_dict(kept)
    return network, rows, best, calibrate(network, [cases[i] for i in validation], settings, device)
