"""Model card of the segmentation network, after Mitchell et al., Model cards for model reporting, FAT* 2019."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from kimedlib.imaging_uncertainty import reach


def card(said: Mapping[str, Any], settings: Mapping[str, Any], history: Sequence[Mapping[Any, Any]]) -> str:
    """Markdown, from facts of the training alone.

    Parameters
    ----------
    said
        Content of model.json.
    settings
        Section `network` of the config, as used on the device.
    history
        Rows of history.tsv.
    """
    best = next(row for row in history if row["epoch"] == said["best_epoch"])
    spacing = " x ".join(f"{size:g}" for size in said["spacing_mm"])
    regions = [
        f"| {name} | {best[f'dice_{name}']:.3f} | {reach(said['volume_calibration'][value])[0]:.2f} "
        f"| {100 * reach(said['volume_calibration'][value])[1]:.0f} % |"
        for value, name in said["label_names"].items()
        if not math.isnan(float(best[f"dice_{name}"]))
    ]
    lines = [
        "# Model card: segmentation network",
        "",
        "Trained in this run. For research; no medical device, not for decisions about a patient.",
        "",
        "## What it is",
        "",
        f"Residual 3D U-Net (MONAI), {said['channels']} feature maps at its first level, strides {said['strides']}, "
        f"one input channel, labels: {', '.join(said['label_names'].values())}. "
        f"Input: voxels of {spacing} mm (up to a quarter more or less), intensities: {settings['intensity']}.",
        f"Weights: SHA-256 {said['weights_sha256']} (names, shapes and values of all parameters).",
        "",
        "## How it was trained",
        "",
        f"{len(said['training_cases'])} cases, patches of {settings['patch']} voxels, {settings['batch_size']} a step, "
        f"{settings['epochs']} epochs, AdamW, one-cycle schedule up to {settings['learning_rate']}, "
        f"Dice and cross-entropy, seed {settings['seed']}, on {said['device']}"
        f"{' in mixed precision' if said['amp'] else ''}. The schedule runs to its end; the epoch with the best Dice "
        f"on the validation cases is kept: epoch {said['best_epoch']}.",
        "",
        "## How well it did",
        "",
        f"On {len(said['validation_cases'])} validation cases, which also chose the epoch: figures on cases that had "
        "no part in the training are in scores.tsv and, where asked for, cross_validation.tsv.",
        "",
        "| region | Dice | volumes: interval reaches, in units of doubt | level |",
        "|---|---|---|---|",
        *regions,
        "",
        "## What to beware of",
        "",
        "* Other scanners, sequences, ages or diseases than in the training images: nothing is known.",
        "* Every image gets labels, also one without the organ; look at overlays and doubt maps.",
        "* Labels are those of the people who drew them; their bias is learned.",
        "* A network may remember training images: weights leave only after review (outputs.yaml).",
    ]
    return "\n".join(lines) + "\n"
