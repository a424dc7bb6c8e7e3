"""NIfTI images: single changes that must be seen, and changes that mean nothing, which must not."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
from compare_cases import Case, both_tests, packed, see_damage


def nifti(path: Path, change: Callable[[np.ndarray, np.ndarray], object] | None = None, kind=np.float32) -> Path:
    values = np.random.default_rng(4).normal(100, 20, (20, 24, 16)).astype(np.float32)
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    if change:
        values, affine = change(values, affine) or (values, affine)
    nib.save(nib.Nifti1Image(values.astype(kind), affine), path)
    return path


def labels(path: Path, change: Callable[[np.ndarray], None] | None = None, kind=np.uint8) -> Path:
    values = np.zeros((20, 24, 16), dtype=np.uint8)
    values[4:12, 4:12, 4:12] = 1
    values[12:16, 4:12, 4:12] = 2
    if change:
        change(values)
    nib.save(nib.Nifti1Image(values.astype(kind), np.eye(4)), path)
    return path


def shifted(values: np.ndarray, affine: np.ndarray):
    affine[0, 3] += 0.01
    return values, affine


def block(values: np.ndarray, affine: np.ndarray):
    values[3:5, 3:5, 3:5] += 0.01
    return values, affine


def flip(values: np.ndarray, affine: np.ndarray):
    return values[::-1], affine


def one_form(path: Path) -> Path:
    """Only the qform moved; nibabel itself shows the sform."""
    image = nib.load(nifti(path))
    moved = image.affine.copy()
    moved[1, 3] += 2
    image.set_qform(moved, code=int(image.header["sform_code"]))
    image.set_sform(image.affine, code=int(image.header["sform_code"]))
    nib.save(nib.Nifti1Image(image.get_fdata(dtype=np.float32), None, image.header), path.with_name("b.nii.gz"))
    return path.with_name("b.nii.gz")


def two_forms(path: Path) -> Path:
    image = nib.load(nifti(path))
    image.set_qform(image.affine, code=int(image.header["sform_code"]))
    nib.save(nib.Nifti1Image(image.get_fdata(dtype=np.float32), None, image.header), path.with_name("b.nii.gz"))
    return path.with_name("b.nii.gz")


MUTATIONS = {
    "affine of one form": Case("nifti", "a.nii.gz", two_forms, one_form, {}),
    "one voxel block": Case("nifti", "a.nii.gz", nifti, lambda p: nifti(p, block), {"relative": 1e-6}),
    "shifted affine": Case("nifti", "a.nii.gz", nifti, lambda p: nifti(p, shifted), {"relative": 1e-6}),
    "flipped axis": Case("nifti", "a.nii.gz", nifti, lambda p: nifti(p, flip), {"relative": 1e-6}),
    "changed spacing": Case(
        "nifti", "a.nii.gz", nifti, lambda p: nifti(p, lambda v, a: (v, np.diag([1, 1, 2.1, 1]))), {}
    ),
    "one slice lost": Case("nifti", "a.nii.gz", nifti, lambda p: nifti(p, lambda v, a: (v[:, :, 1:], a)), {}),
    "label block": Case(
        "nifti", "a.nii.gz", labels, lambda p: labels(p, lambda v: v[4:8, 4:8, 4:8].fill(0)), {"dice_loss": 0.01}
    ),
    "two labels swapped": Case(
        "nifti",
        "a.nii.gz",
        labels,
        lambda p: labels(p, lambda v: np.copyto(v, np.array([0, 2, 1])[v], casting="unsafe")),
        {"dice_loss": 0.01},
    ),
}
BENIGN = {
    "NIfTI not compressed": Case(
        "nifti",
        "a.nii.gz",
        labels,
        lambda p: packed(p, lambda _: labels(p.with_name("x.nii")), 1),
        {},
    ),
    "type of the numbers": Case("nifti", "a.nii.gz", labels, lambda p: labels(p, kind=np.int16), {}),
    "few voxels of a border": Case(
        "nifti", "a.nii.gz", labels, lambda p: labels(p, lambda v: v[4, 4, 4:6].fill(0)), {"dice_loss": 0.01}
    ),
}

test_one_change_is_seen, test_what_means_nothing_is_no_alarm = both_tests(MUTATIONS, BENIGN)


def test_a_truncated_file_is_never_a_pass(tmp_path):
    see_damage("nifti", (nifti)(tmp_path / "a.nii.gz"))
