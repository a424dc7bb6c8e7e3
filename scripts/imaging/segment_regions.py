"""Apply the trained network to all images of its task."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from kimedlib.figure_style import save_figure
from kimedlib.imaging_network import build_network, chances, finish, normalise
from kimedlib.imaging_nifti import load_canonical, save_mask, voxel_sizes
from kimedlib.imaging_pictures import centre_index, grey_window, picture_grid, show_plane
from kimedlib.imaging_tables import passed_samples, records
from kimedlib.imaging_uncertainty import doubt_map, doubtful_voxels, volume_interval
from kimedlib.logs import log_to
from kimedlib.problems import Problem, raise_if
from kimedlib.table_files import write_table
from kimedlib.torch_device import device_for

SPACING_TOLERANCE = 0.25
SHOWN = 6  # images in the picture


def interval_rows(
    sample: str, labels: NDArray[np.uint8], shares: NDArray[np.float32], voxel_ml: float, said: dict[str, Any]
) -> list[dict[str, object]]:
    """Volume of each region of one image, with its interval."""
    rows: list[dict[str, object]] = []
    for value, name in said["label_names"].items():
        voxels, doubtful = float(np.count_nonzero(labels == int(value))), doubtful_voxels(shares, int(value))
        low, high, level = volume_interval(voxels, doubtful, said["volume_calibration"][value])
        volumes = [f"{number * voxel_ml:.6g}" for number in (voxels, low, high, doubtful)]
        names = ("volume_ml", "low_ml", "high_ml", "doubtful_ml")
        rows.append(
            {"sample": sample, "region": name, **dict(zip(names, volumes, strict=True)), "level": f"{level:.3f}"}
        )
    return rows


def draw_doubt(shown: list[tuple[str, str, NDArray[np.uint8], NDArray[np.float64]]], bids: Path, picture: Path) -> None:
    """Axial slice through the middle of the regions: outlines, and where the network is in doubt."""
    figure, grid = picture_grid(2, len(shown), (2.2 * max(2, len(shown)), 4.6))
    for (above, below), (sample, name, labels, doubt) in zip(grid.T, shown, strict=False):
        data, image = load_canonical(bids / name)
        index, spacing = centre_index(labels, data.shape)[2], voxel_sizes(image)
        show_plane(above, data, spacing=spacing, plane=2, index=index, window=grey_window(data, "MR"), labels=labels)
        show_plane(below, doubt.astype(np.float32), spacing=spacing, plane=2, index=index, window=(0.0, 1.0))
        above.set_title(sample)
    figure.suptitle("Regions, and doubt below (white: as good as a guess)" if shown else "No image", fontsize=9)
    save_figure(figure, picture)


def main(
    *, bids: Path, conversion: Path, checks: Path, weights: Path, model: Path, masks: Path, doubt: Path,
    intervals: Path, picture: Path, gpus: int, gpu_required: bool = False,
) -> None:  # fmt: skip
    """Segment the images of task `lesion` or `labels` that passed the QC gates.

    Parameters
    ----------
    weights, model
        From `train_segmentation`.
    masks
        Folder; gets <sample>.nii.gz, labels as uint8 on the canonical grid of the image.
    doubt
        Folder; gets <sample>.nii.gz, entropy of the label in percent of the greatest possible, on the same grid.
    intervals
        Table: sample, region, volume_ml, low_ml, high_ml, doubtful_ml, level (see `imaging_uncertainty`).
    picture
        Regions and doubt of the first images, PNG.
    gpus, gpu_required
        Resources of the job, see `torch_device.device_for`. A GPU computes in mixed precision.

    Raises
    ------
    InputProblems
        Voxel sizes differ from those of the training images by more than a quarter.
    RuntimeError
        A GPU is required and there is none.
    """
    said = json.loads(model.read_text(encoding="utf-8"))
    device = device_for(gpus, required=gpu_required)
    network = build_network(said["channels"], said["strides"], len(said["label_names"]), said["precision"])
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    network.to(device).eval()
    masks.mkdir(parents=True, exist_ok=True)
    patch = tuple(said["patch"])
    doubt.mkdir(parents=True, exist_ok=True)
    problems = []
    rows: list[dict[str, object]] = []
    pictures: list[tuple[str, str, NDArray[np.uint8], NDArray[np.float64]]] = []
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
        shares = chances(
            network, normalise(data, said["intensity"]), patch, said["flips"], device, amp=device.type == "cuda"
        )
        labels = finish(shares, data, said["refine"])
        save_mask(labels, image, masks / f"{row['sample']}.nii.gz")
        unsure = doubt_map(shares)
        save_mask(np.rint(100 * unsure), image, doubt / f"{row['sample']}.nii.gz")
        voxel_ml = float(np.prod(voxel_sizes(image))) / 1000
        rows += interval_rows(row["sample"], labels, shares, voxel_ml, said)
        if len(pictures) < SHOWN:
            pictures.append((row["sample"], row["image"], labels, unsure))
    raise_if(problems)
    columns = ["sample", "region", "volume_ml", "low_ml", "high_ml", "doubtful_ml", "level"]
    write_table(pd.DataFrame(rows, columns=columns), intervals)
    draw_doubt(pictures, bids, picture)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            bids=Path(snakemake.input.bids),
            conversion=Path(snakemake.input.conversion),
            checks=Path(snakemake.input.checks),
            weights=Path(snakemake.input.weights),
            model=Path(snakemake.input.model),
            masks=Path(snakemake.output.masks),
            doubt=Path(snakemake.output.doubt),
            intervals=Path(snakemake.output.intervals),
            picture=Path(snakemake.output.picture),
            gpus=snakemake.resources.get("gpu", 0),
            gpu_required=bool(snakemake.resources.get("gpu_required", 0)),
        )
