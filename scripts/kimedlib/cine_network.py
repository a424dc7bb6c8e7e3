"""The network that outlines the left ventricle in single short-axis images: preparation, training, application."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.losses import DiceLoss
from monai.networks.nets import UNet
from numpy.typing import NDArray
from scipy import ndimage

from kimedlib.seeding import generator

# The ventricle lies near the middle of a planned short-axis image: the network sees this square around it.
FIELD = 96
# Angles at which an image is looked at; the mean of the answers is taken. Slices have no upright.
QUARTER_TURNS = 4


@dataclass(frozen=True)
class Frame:
    """One image on the network's grid (column, row); `outer` is None where the outer wall is not outlined."""

    image: NDArray[np.float32]
    inner: NDArray[np.float32]
    outer: NDArray[np.float32] | None


def build_network(channels: int) -> torch.nn.Module:
    """Residual 2D U-Net (Kerfoot et al., STACOM 2018) with two outputs: cavity, and cavity with wall."""
    widths = [channels * 2**level for level in range(4)] + [channels * 8]
    network: torch.nn.Module = UNet(
        spatial_dims=2, in_channels=1, out_channels=2, channels=widths, strides=[2, 2, 2, 2], num_res_units=2,
        norm="instance",
    )  # fmt: skip
    return network


def grid(
    shape: tuple[int, int], spacing: tuple[float, float], pixel_mm: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Matrix and offset that lead from the network's pixels to those of the image, centre on centre."""
    scale = np.array([pixel_mm / spacing[0], pixel_mm / spacing[1]])
    return scale, (np.array(shape) - 1) / 2 - scale * (FIELD - 1) / 2


def to_grid(plane: NDArray[Any], spacing: tuple[float, float], pixel_mm: float, order: int = 1) -> NDArray[np.float32]:
    """Bring an image (column, row) onto the network's grid of FIELD x FIELD pixels of `pixel_mm`."""
    scale, offset = grid((plane.shape[0], plane.shape[1]), spacing, pixel_mm)
    moved = ndimage.affine_transform(
        np.asarray(plane, dtype=np.float32), scale, offset, output_shape=(FIELD, FIELD), order=order, mode="nearest"
    )
    return np.asarray(moved, dtype=np.float32)


def from_grid(
    plane: NDArray[np.float32], shape: tuple[int, int], spacing: tuple[float, float], pixel_mm: float
) -> NDArray[np.float32]:
    """Bring an answer of the network back onto an image of `shape`; 0 outside the field."""
    scale, offset = grid(shape, spacing, pixel_mm)
    moved = ndimage.affine_transform(plane, 1 / scale, -offset / scale, output_shape=shape, order=1, mode="constant")
    return np.asarray(moved, dtype=np.float32)


def normalise(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Clip at the 1st and 99th percentile, then zero mean and unit spread; a constant image becomes 0."""
    low, high = np.percentile(image, [1, 99])
    clipped = np.clip(image, low, high)
    return np.asarray((clipped - clipped.mean()) / (clipped.std() or 1.0), dtype=np.float32)


def augmented(frame: Frame, random: np.random.Generator) -> Frame:
    """A turned, mirrored, scaled and moved copy with other contrast."""
    angle, size = random.uniform(0, 2 * np.pi), np.exp(random.uniform(-0.2, 0.2))
    matrix = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if random.random() < 0.5:
        matrix = matrix[:, ::-1]
    middle = np.full(2, (FIELD - 1) / 2)
    offset = middle - matrix @ middle + random.uniform(-12, 12, 2)

    def moved(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(ndimage.affine_transform(plane, matrix, offset, order=1, mode="nearest"), dtype=np.float32)

    image = moved(frame.image)
    low, high = image.min(), image.max()
    bright = ((image - low) / max(high - low, 1e-6)) ** np.exp(random.uniform(-0.4, 0.4))
    image = normalise(bright + random.normal(0, random.uniform(0, 0.03), image.shape).astype(np.float32))
    return Frame(image, moved(frame.inner), None if frame.outer is None else moved(frame.outer))


def batch_loss(answers: torch.Tensor, frames: list[Frame]) -> torch.Tensor:
    """Dice and cross-entropy of the cavity, and of cavity with wall where it is outlined."""
    dice, entropy = DiceLoss(sigmoid=True, batch=True), torch.nn.functional.binary_cross_entropy_with_logits
    inner = torch.from_numpy(np.stack([frame.inner for frame in frames]))[:, None]
    loss: torch.Tensor = dice(answers[:, :1], inner) + entropy(answers[:, :1], inner)
    walled = [index for index, frame in enumerate(frames) if frame.outer is not None]
    outlines = [frame.outer for frame in frames if frame.outer is not None]
    if outlines:
        outer = torch.from_numpy(np.stack(outlines))[:, None]
        loss = loss + dice(answers[walled, 1:], outer) + entropy(answers[walled, 1:], outer)
    return loss


def train(frames: list[Frame], settings: dict[str, Any], purpose: str) -> tuple[torch.nn.Module, list[float]]:
    """Train from scratch by AdamW with the one-cycle schedule; the same frames and seed give the same weights.

    Returns the network and the mean loss of each epoch.
    """
    torch.manual_seed(settings["seed"])
    network = build_network(settings["channels"])
    random, size = generator(settings["seed"], "cine", purpose), settings["batch_size"]
    steps = -(-len(frames) // size)
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings["learning_rate"], weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings["learning_rate"], total_steps=settings["epochs"] * steps, pct_start=0.2
    )
    history = []
    network.train()
    for _ in range(settings["epochs"]):
        order, losses = random.permutation(len(frames)), []
        for start in range(0, len(frames), size):
            chosen = [augmented(frames[index], random) for index in order[start : start + size]]
            loss = batch_loss(network(torch.from_numpy(np.stack([frame.image for frame in chosen]))[:, None]), chosen)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 12.0)
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
        history.append(float(np.mean(losses)))
    network.eval()
    return network, history


def chances(network: torch.nn.Module, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Chance of each pixel to be cavity, and cavity or wall: (n, 2, FIELD, FIELD), the mean over turns and mirrors."""
    batch = torch.from_numpy(np.ascontiguousarray(images))[:, None]
    total = torch.zeros(len(images), 2, FIELD, FIELD)
    with torch.inference_mode():
        for mirror in (False, True):
            seen = batch.flip(2) if mirror else batch
            for turns in range(QUARTER_TURNS):
                answer = torch.sigmoid(network(torch.rot90(seen, turns, (2, 3))))
                answer = torch.rot90(answer, -turns, (2, 3))
                total += answer.flip(2) if mirror else answer
    found: NDArray[np.float32] = (total / (2 * QUARTER_TURNS)).numpy()
    return found
