"""Apply the trained network to all images of its task."""

import json
from pathlib import Path

import numpy as np
import torch

from kimedlib.imaging_network import build_network, device_for, keep_largest, normalise, predict
from kimedlib.imaging_nifti import load_canonical, save_mask, voxel_sizes
from kimedlib.imaging_refine import half_contrast
from kimedlib.imaging_tables import passed_samples, records
from kimedlib.logs import log_to
from kimedlib.problems import Problem, raise_if

SPACING_TOLERANCE = 0.25


def main(
    *, bids: Path, conversion: Path, checks: Path, weights: Path, model: Path, masks: Path,
    gpus: int, gpu_required: bool = False,
) -> None:  # fmt: skip
    """Segment the images of task `lesion` or `labels` that passed the QC gates.

    Parameters
    ----------
    weights, model
        From `train_segmentation`.
    masks
        Folder; gets <sample>.nii.gz, labels as uint8 on the canonical grid of the image.
    gpus, gpu_required
        Resources of the job, see `imaging_network.device_for`. A GPU computes in mixed precision.

    Raises
    ------
    InputProblems
        Voxel sizes differ from those of the training images by more than a quarter.
    RuntimeError
        A GPU is required and there is none.
    """
    said = json.loads(model.read_text(encoding="utf-8"))
    device = device_for(gpus, required=gpu_required)
    network = build_network(said["channels"], said["strides"], len(said["label_names"]))
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    network.to(device).eval()
    masks.mkdir(parents=True, exist_ok=True)
    patch = tuple(said["patch"])
    problems = []
    for row in records(passed_samples(conversion, checks, ("lesion", "labels"))):
        data, image = load_canonical(bids / row["image"])
        ratio = np.array(voxel_sizes(image)) / np.array(said["spacing_mm"])
        if np.abs(np.log(ratio)).max() > np.log(1 + SPACING_TOLERANCE):
            shown = "x".join(f"{size:.2f}" for size in voxel_sizes(image))
            trained = "x".join(f"{size:.2f}" for size in said["spacing_mm"])
            problems.append(
                Problem(
                    f"sample {row['sample']}",
                    "",
                    f"voxels of {shown} mm, trained on {trained} mm",
                    "resample, or train on such images",
                )
            )
            continue
        labels = predict(
            network, normalise(data, said["intensity"]), patch, said["flips"], device, amp=device.type == "cuda"
        )
        labels = keep_largest(labels)
        if said["refine"] == "half_contrast":
            labels = keep_largest(half_contrast(data, labels > 0).astype(np.uint8))
        save_mask(labels, image, masks / f"{row['sample']}.nii.gz")
    raise_if(problems)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            bids=Path(snakemake.input.bids),
            conversion=Path(snakemake.input.conversion),
            checks=Path(snakemake.input.checks),
            weights=Path(snakemake.input.weights),
            model=Path(snakemake.input.model),
            masks=Path(snakemake.output.masks),
            gpus=snakemake.resources.get("gpu", 0),
            gpu_required=bool(snakemake.resources.get("gpu_required", 0)),
        )
