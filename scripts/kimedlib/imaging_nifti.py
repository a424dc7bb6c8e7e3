"""Read and write NIfTI images so that the same data give the same bytes."""

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from kimedlib.atomic import atomic_path


def load_canonical(path: Path) -> tuple[NDArray[np.float32], nib.Nifti1Image]:
    """Voxel values in the orientation nearest to right-anterior-superior, and the image on that grid."""
    image = nib.as_closest_canonical(nib.load(path))
    return np.asarray(image.get_fdata(dtype=np.float32)), image


def voxel_sizes(image: nib.Nifti1Image) -> tuple[float, float, float]:
    """Edge lengths of a voxel, mm, from the affine."""
    x, y, z = (float(size) for size in np.linalg.norm(image.affine[:3, :3], axis=0))
    return x, y, z


def save_nifti(image: nib.Nifti1Image, path: Path) -> None:
    """Write <path>.nii.gz without time stamp, names or free text in headers."""
    header = image.header
    for name in ("descrip", "aux_file", "intent_name", "db_name"):
        if name in header:
            header[name] = b""
    header.extensions.clear()
    with atomic_path(path) as temporary:
        temporary.write_bytes(gzip.compress(image.to_bytes(), compresslevel=6, mtime=0))


def save_mask(mask: NDArray[Any], like: nib.Nifti1Image, path: Path) -> None:
    """Write labels as uint8 on the grid of another image."""
    image = nib.Nifti1Image(np.asarray(mask, dtype=np.uint8), like.affine)
    image.header.set_xyzt_units("mm")
    save_nifti(image, path)


def load_labels(path: Path, like: nib.Nifti1Image) -> NDArray[np.uint8]:
    """Labels on the grid of a canonical image.

    Raises
    ------
    ValueError
        The label image has another shape or place than the image.
    """
    labels = nib.as_closest_canonical(nib.load(path))
    if labels.shape != like.shape or not np.allclose(labels.affine, like.affine, atol=0.01):
        raise ValueError(f"{path}: shape or affine differs from the image: resample the label to the image's grid")
    return np.asarray(labels.dataobj).astype(np.uint8)
