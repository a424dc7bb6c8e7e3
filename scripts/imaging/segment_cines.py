"""Outline the left ventricle in the patients of one fold by a network that learned from the contours of all others."""

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from kimedlib.atomic import atomic_path
from kimedlib.cine_network import Frame, chances, from_grid, normalise, to_grid, train
from kimedlib.imaging_network import keep_largest, weights_bytes, weights_digest
from kimedlib.imaging_nifti import save_nifti, voxel_sizes
from kimedlib.logs import log_to
from kimedlib.torch_device import device_for

CAVITY, WALL = 1, 2


def training_frames(
    pixels: NDArray[np.float32], labels: NDArray[np.uint8], table: pd.DataFrame, spacing: tuple[float, float], mm: float
) -> list[Frame]:
    """Outlined images of one sample, and images without outline in its outlined phases: there is no cavity in them."""
    outlined = table[table["inner_mm2"].notna()]
    frames = []
    chosen = table[table["phase"].isin(outlined["phase"])]
    for place, phase, wall in zip(chosen["slice"], chosen["phase"], chosen["outer_mm2"].notna(), strict=True):
        plane, label = pixels[:, :, place, phase], labels[:, :, place, phase]
        outer = to_grid(label > 0, spacing, mm) if wall else None
        frames.append(Frame(normalise(to_grid(plane, spacing, mm)), to_grid(label == CAVITY, spacing, mm), outer))
    return frames


def outline(
    network: torch.nn.Module, pixels: NDArray[np.float32], table: pd.DataFrame, spacing: tuple[float, float], mm: float
) -> NDArray[np.uint8]:
    """Label map (column, row, slice, phase) of one sample; of each phase the largest connected cavity and wall."""
    shape = (pixels.shape[0], pixels.shape[1])
    where = list(zip(table["slice"], table["phase"], strict=True))
    seen = np.stack([normalise(to_grid(pixels[:, :, place, phase], spacing, mm)) for place, phase in where])
    found = chances(network, seen)
    inner, outer = np.zeros(pixels.shape, dtype=np.uint8), np.zeros(pixels.shape, dtype=np.uint8)
    for answer, (place, phase) in zip(found, where, strict=True):
        inner[:, :, place, phase] = from_grid(answer[0], shape, spacing, mm) > 0.5
        outer[:, :, place, phase] = from_grid(answer[1], shape, spacing, mm) > 0.5
    labels = np.zeros(pixels.shape, dtype=np.uint8)
    for phase in range(pixels.shape[3]):
        cavity = keep_largest(inner[..., phase])
        labels[..., phase][keep_largest(np.maximum(outer[..., phase], cavity)) > 0] = WALL
        labels[..., phase][cavity > 0] = CAVITY
    return labels


def load(folder: Path, sample: str) -> tuple[NDArray[Any], nib.Nifti1Image]:
    """Values and image of a sample."""
    image = nib.load(folder / f"{sample}.nii.gz")
    return np.asarray(image.dataobj), image


def main(
    *, frames: Path, images: Path, references: Path, regions: Path, weights: Path, model: Path,
    fold: int, settings: dict[str, Any],
) -> None:  # fmt: skip
    """Train on the patients of the other folds, outline those of this one.

    Parameters
    ----------
    frames, images, references
        From `sort_cines`.
    regions
        Folder; gets <sample>.nii.gz (column, row, slice, phase): 1 cavity, 2 wall.
    weights, model
        The network, and JSON: fold, patients that trained it and that it outlined, settings, loss per epoch, digest.
    fold
        Patients take turns: of all names in order, each `folds`-th from the `fold`-th on is outlined.

    Raises
    ------
    ValueError
        No other patient has contours.
    """
    device_for(0)
    table, mm = pd.read_csv(frames, sep="\t", dtype={"sample": str, "patient_id": str}), settings["pixel_mm"]
    left_out = sorted(table["patient_id"].unique())[fold :: settings["folds"]]
    learned, outlined = [], []
    for sample, group in table[~table["patient_id"].isin(left_out)].groupby("sample"):
        if group["inner_mm2"].notna().any():
            pixels, image = load(images, str(sample))
            labels, _ = load(references, str(sample))
            learned += training_frames(pixels, labels, group, voxel_sizes(image)[:2], mm)
            outlined.append(str(group["patient_id"].iloc[0]))
    if not learned:
        raise ValueError(f"fold {fold}: no patient but {', '.join(left_out)} has contours to learn from")
    network, history = train(learned, settings, str(fold))
    regions.mkdir(parents=True, exist_ok=True)
    for sample, group in table[table["patient_id"].isin(left_out)].groupby("sample"):
        pixels, image = load(images, str(sample))
        labels = outline(network, pixels, group, voxel_sizes(image)[:2], mm)
        save_nifti(nib.Nifti1Image(labels, image.affine), regions / f"{sample}.nii.gz")
    with atomic_path(weights) as temporary:
        temporary.write_bytes(weights_bytes(network))
    said = {
        "fold": fold, "outlined": left_out, "trained_on": sorted(set(outlined)), "frames": len(learned),
        "settings": settings, "loss": [round(loss, 4) for loss in history], "sha256": weights_digest(network),
    }  # fmt: skip
    with atomic_path(model) as temporary:
        temporary.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            frames=Path(snakemake.input.frames),
            images=Path(snakemake.input.images),
            references=Path(snakemake.input.references),
            regions=Path(snakemake.output.regions),
            weights=Path(snakemake.output.weights),
            model=Path(snakemake.output.model),
            fold=int(snakemake.wildcards.fold),
            settings=dict(snakemake.params.settings),
        )
