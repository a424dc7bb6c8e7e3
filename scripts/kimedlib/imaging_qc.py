"""Gates that an image must pass before anything is measured in it."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from kimedlib.imaging_nifti import voxel_sizes

VOXEL_MM = (0.2, 12.0)
ANISOTROPY = 12.0
DISTANCE_TOLERANCE = 0.02
HEAD_MM = (90.0, 400.0)
CT_AIR_HU = -500.0


@dataclass(frozen=True)
class Check:
    """One gate: what was found, what is allowed, whether it holds."""

    name: str
    found: str
    allowed: str
    passed: bool


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
    if modality == "CT":
        lowest = float(data.min()) if finite else 0.0
        checks.append(
            Check("hounsfield", f"minimum {lowest:.0f}", f"below {CT_AIR_HU:.0f} HU: air", lowest < CT_AIR_HU)
        )
    return checks
