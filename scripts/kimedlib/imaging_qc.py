"""Gates that an image must pass before anything is measured in it."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from kimedlib.imaging_nifti import voxel_sizes

VOXEL_MM = (0.2, 12.0)
ANISOTROPY = 12.0
DISTANCE_TOLERANCE = 0.02
HEAD_MM = (90.0, 400.0)
CT_AIR_HU = -500.0
# Below this, magnitude images are biased by their noise (Gudbjartsson and Patz, Magn Reson Med 1995; 34:910-914).
LEAST_SNR = 3.0
MOST_GHOST = 0.08
FAR_MM = 10.0
FEWEST_VOXELS = 500  # of air, to tell anything about ghosts


@dataclass(frozen=True)
class Check:
    """One gate: what was found, what is allowed, whether it holds."""

    name: str
    found: str
    allowed: str
    passed: bool


def head_of(data: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Object without the air around it, shape (x, y, z): what is above 30 % of the brightest signal, and enclosed.

    Parts below 0.5 % of all are noise; ghosts are fainter than that in any image that may go on.
    """
    parts, count = ndimage.label(data > 0.3 * np.percentile(data, 98))
    if not count:
        return np.zeros(data.shape, bool)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    thing = (sizes >= 0.005 * sizes.sum())[parts]
    for level in range(data.shape[2]):  # the neck leaves the whole open below
        thing[:, :, level] = ndimage.binary_fill_holes(thing[:, :, level])
    return np.asarray(thing)


def signal_to_noise(data: NDArray[np.float32], head: NDArray[np.bool_]) -> float:
    """Median signal of the head over its noise, from the diagonal details within slices; anatomy makes it smaller.

    The noise is the median of the details' absolute values over 0.6745 (Donoho and Johnstone, Biometrika 1994;
    81:425-455), Haar wavelet, where all four voxels are of the head. Infinite without noise.
    """
    x, y = (size // 2 * 2 for size in data.shape[:2])
    part, inside = np.asarray(data[:x, :y], np.float64), head[:x, :y]
    details = (part[::2, ::2] - part[1::2, ::2] - part[::2, 1::2] + part[1::2, 1::2]) / 2
    whole = inside[::2, ::2] & inside[1::2, ::2] & inside[::2, 1::2] & inside[1::2, 1::2]
    if not whole.any():
        return 0.0
    noise = float(np.median(np.abs(details[whole]))) / 0.6745
    return float(np.median(data[head])) / noise if noise > 0 else float("inf")


def ghosting(data: NDArray[np.float32], head: NDArray[np.bool_], spacing: tuple[float, float, float]) -> float:
    """Signal that the head sends into the air along one axis, as a share of its own; the worst axis.

    Moving heads and faulty phases repeat or smear along the phase-encoding axis (Giannelli et al., J Appl Clin Med Phys
    2010; 11:3237): mean over air that lies in line with the head, and over air half a field of view from it, minus mean
    over the other air. 0 where there is too little air to tell.
    """
    signal = float(np.median(data[head])) if head.any() else 0.0
    air = ndimage.distance_transform_edt(~head, sampling=spacing) > FAR_MM
    if signal <= 0 or not air.any():
        return 0.0
    worst = 0.0
    for axis in range(3):
        in_line = air & head.any(axis=axis, keepdims=True)
        repeated = air & np.roll(head, data.shape[axis] // 2, axis=axis)
        for place in (in_line, repeated):
            other = air & ~place
            if min(np.count_nonzero(place), np.count_nonzero(other)) >= FEWEST_VOXELS:
                worst = max(worst, float(data[place].mean() - data[other].mean()) / signal)
    return worst


def check_image(
    data: NDArray[np.float32],
    image: nib.Nifti1Image,
    *,
    modality: str,
    task: str,
    slice_distance_mm: float,
    minimum_slices: int,
) -> list[Check]:
    """All gates of one image.

    Parameters
    ----------
    slice_distance_mm
        Slice distance by the DICOM positions; 0 if unknown.
    minimum_slices
        Fewest voxels along each axis of an image that is to be measured.
    """
    sizes = voxel_sizes(image)
    finite = bool(np.isfinite(data).all())
    spread = float(np.std(data)) if finite else float("nan")
    checks = [
        Check("finite", "yes" if finite else "no", "no infinite or missing values", finite),
        Check("not_empty", f"SD {spread:.4g}", "SD above 0", finite and spread > 0),
        Check("voxel_size", "x".join(f"{size:.3g}" for size in sizes), f"{VOXEL_MM[0]} to {VOXEL_MM[1]} mm",
              all(VOXEL_MM[0] <= size <= VOXEL_MM[1] for size in sizes)),
        Check("anisotropy", f"{max(sizes) / max(min(sizes), 1e-9):.3g}", f"at most {ANISOTROPY}",
              max(sizes) <= ANISOTROPY * min(sizes)),
    ]  # fmt: skip
    if slice_distance_mm > 0 and data.ndim == 3:
        worst = min(abs(size - slice_distance_mm) / slice_distance_mm for size in sizes)
        checks.append(
            Check(
                "slice_distance",
                f"{slice_distance_mm:.4g} mm in DICOM",
                "one axis within 2 %",
                worst <= DISTANCE_TOLERANCE,
            )
        )
    if task == "none":
        return checks
    checks.append(Check("three_axes", "x".join(map(str, data.shape)), "3 axes", data.ndim == 3))
    checks.append(
        Check("slices", str(min(data.shape)), f"at least {minimum_slices}", min(data.shape) >= minimum_slices)
    )
    if task == "brain":
        extent = [size * step for size, step in zip(data.shape, sizes, strict=False)]
        checks.append(
            Check("field_of_view", "x".join(f"{length:.0f}" for length in extent),
                  f"{HEAD_MM[0]:.0f} to {HEAD_MM[1]:.0f} mm",
                  all(HEAD_MM[0] <= length <= HEAD_MM[1] for length in extent))
        )  # fmt: skip
    if task == "brain" and finite and spread > 0 and data.ndim == 3:
        head = head_of(data)
        snr, ghost = signal_to_noise(data, head), ghosting(data, head, sizes)
        checks.append(Check("signal_to_noise", f"{min(snr, 999):.1f}", f"at least {LEAST_SNR:.0f}", snr >= LEAST_SNR))
        checks.append(Check("ghosting", f"{100 * ghost:.1f} %", f"at most {100 * MOST_GHOST:.0f} % of the signal",
                            ghost <= MOST_GHOST))  # fmt: skip
    if modality == "CT":
        lowest = float(data.min()) if finite else 0.0
        checks.append(
            Check("hounsfield", f"minimum {lowest:.0f}", f"below {CT_AIR_HU:.0f} HU: air", lowest < CT_AIR_HU)
        )
    return checks
