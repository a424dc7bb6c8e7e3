"""The segmentation network: architecture, preprocessing, prediction. Used alike for training and application."""

import hashlib
import io
import warnings
from typing import Any

import numpy as np
import torch
from monai.inferers import sliding_window_inference
from monai.networks.nets import UNet
from numpy.typing import NDArray
from scipy import ndimage

from kimedlib.imaging_refine import half_contrast

# Powers of two, so that rounding adds no error of its own; errors of float64 are some 1e-16.
WEIGHT_GRID, GRADIENT_GRID = 2.0**-24, 2.0**-30


def build_network(channels: int, strides: list[int], labels: int, precision: str = "single") -> torch.nn.Module:
    """Residual 3D U-Net (Kerfoot et al., STACOM 2018, LNCS 11395) with `labels` classes besides background.

    `channels` is the width of the first level, which doubles with each of the further levels that `strides` lead to.
    With `precision` double, parameters are float64 and multiples of `WEIGHT_GRID`, drawn so from the start.
    """
    widths = [channels * 2**level for level in range(len(strides) + 1)]
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64 if precision == "double" else torch.float32)
    try:
        network: torch.nn.Module = UNet(
            spatial_dims=3,
            in_channels=1,
            out_channels=labels + 1,
            channels=widths,
            strides=strides,
            num_res_units=2,
            norm="instance",
        )
    finally:
        torch.set_default_dtype(before)
    round_weights(network)
    return network


def kind_of(network: torch.nn.Module) -> torch.dtype:
    """Type of the parameters."""
    return next(network.parameters()).dtype


def round_weights(network: torch.nn.Module) -> None:
    """Parameters in double precision to multiples of `WEIGHT_GRID`: last bits, which depend on the processor, go."""
    if kind_of(network) == torch.float64:
        with torch.no_grad():
            for value in network.parameters():
                value.div_(WEIGHT_GRID).round_().mul_(WEIGHT_GRID)


def round_gradients(network: torch.nn.Module) -> None:
    """As `round_weights`, to multiples of `GRADIENT_GRID`: optimisers divide by their size, enlarging last bits."""
    if kind_of(network) == torch.float64:
        for value in network.parameters():
            if value.grad is not None:
                value.grad.div_(GRADIENT_GRID).round_().mul_(GRADIENT_GRID)


def normalise(data: NDArray[np.float32], intensity: dict[str, Any]) -> NDArray[np.float32]:
    """Bring intensities to about zero mean and unit range.

    `{"kind": "window", "low": l, "high": h}` maps l to -1 and h to 1 and clips (CT); `{"kind": "percentile"}`
    clips at the 0.5th and 99.5th percentile, then subtracts the mean and divides by the standard deviation (MR).

    Raises
    ------
    ValueError
        A constant image.
    """
    if intensity["kind"] == "window":
        low, high = float(intensity["low"]), float(intensity["high"])
        return np.asarray(2 * (np.clip(data, low, high) - low) / (high - low) - 1, dtype=np.float32)
    low, high = (float(value) for value in np.percentile(data, [0.5, 99.5]))
    clipped = np.clip(data, low, high)
    spread = float(clipped.std())
    if spread == 0:
        raise ValueError("the image is constant")
    return np.asarray((clipped - clipped.mean()) / spread, dtype=np.float32)


def settings_for(settings: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """The training settings with `patch`, `batch_size` and `amp` of `on_gpu` where a GPU computes; no amp in double."""
    chosen = {"precision": "single"} | {name: value for name, value in settings.items() if name != "on_gpu"}
    chosen |= settings["on_gpu"] if device.type == "cuda" else {"amp": False}
    return chosen | {"amp": chosen["amp"] and chosen["precision"] == "single"}


def autocast(device: torch.device, *, amp: bool) -> torch.autocast:
    """Automatic mixed precision (Micikevicius et al., ICLR 2018): half precision where torch deems it safe.

    float16 on a GPU, which needs scaled gradients; bfloat16 on a CPU.
    """
    return torch.autocast(device.type, dtype=torch.float16 if device.type == "cuda" else torch.bfloat16, enabled=amp)


def chances(
    network: torch.nn.Module,
    data: NDArray[np.float32],
    patch: tuple[int, int, int],
    flips: list[int],
    device: torch.device,
    *,
    amp: bool = False,
) -> NDArray[np.float32]:
    """Mean softmax over a normalised volume and its mirror images along `flips`, shape (labels + 1, x, y, z).

    `amp` computes the scores in mixed precision, unless the network is in double; they are summed in the precision of
    the network.
    """
    kind = kind_of(network)
    amp = amp and kind == torch.float32
    volume = torch.from_numpy(np.ascontiguousarray(data))[None, None].to(device, kind)
    total = torch.zeros(1, dtype=kind)
    views = [[], *[[axis + 2] for axis in flips]]
    with torch.inference_mode(), autocast(device, amp=amp), warnings.catch_warnings():
        # MONAI 1.5 indexes with lists; torch warns at every call
        warnings.filterwarnings("ignore", message="Using a non-tuple sequence")
        for axes in views:
            turned = volume.flip(axes) if axes else volume
            scores = sliding_window_inference(
                turned, patch, 2, network, overlap=0.5, mode="gaussian", padding_mode="replicate"
            )
            shares = torch.softmax(scores.to(kind), dim=1)
            total = total.to(device) + (shares.flip(axes) if axes else shares)
    return np.asarray((total[0] / len(views)).cpu().numpy(), dtype=np.float32)


def predict(
    network: torch.nn.Module,
    data: NDArray[np.float32],
    patch: tuple[int, int, int],
    flips: list[int],
    device: torch.device,
    *,
    amp: bool = False,
) -> NDArray[np.uint8]:
    """Label map of a normalised volume: the likeliest label by `chances`, whose parameters these are."""
    return np.asarray(chances(network, data, patch, flips, device, amp=amp).argmax(axis=0), dtype=np.uint8)


def keep_largest(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Of each label the largest connected part only."""
    kept = np.zeros_like(labels)
    for value in np.unique(labels[labels > 0]):
        parts, count = ndimage.label(labels == value)
        if count:
            kept[parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))] = value
    return kept


def finish(shares: NDArray[np.float32], data: NDArray[np.float32], refine: str) -> NDArray[np.uint8]:
    """Label map as it is measured: likeliest labels, of each the largest part, refined as `network.refine` says."""
    labels = keep_largest(shares.argmax(axis=0).astype(np.uint8))
    if refine == "half_contrast":
        labels = keep_largest(half_contrast(data, labels > 0).astype(np.uint8))
    return labels


def weights_digest(network: torch.nn.Module) -> str:
    """SHA-256 over names, shapes and values of all parameters."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def weights_bytes(network: torch.nn.Module) -> bytes:
    """Serialised weights; the archive holds no path, so that equal weights give equal bytes."""
    buffer = io.BytesIO()
    torch.save({name: value.cpu() for name, value in network.state_dict().items()}, buffer)
    return buffer.getvalue()
