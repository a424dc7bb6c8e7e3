"""NIfTI images: where the voxels are, and what they hold."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kimed_compare.arrays import VALUES, add_numbers
from kimed_compare.comparator import Comparator, Differences, Measure, Settings, Unreadable

MOST_LABELS = 4096
"""Different values above which a picture of whole numbers is no label map."""


class Nifti(Comparator):
    """Content is geometry and scaled voxel values; storage type, header texts and compression are not."""

    name = "nifti"
    meaning = "Affine, geometry and voxel values of NIfTI-1 and NIfTI-2; not storage type, header texts or compression."
    suffixes = (".nii", ".nii.gz")
    measures = {  # noqa: RUF012
        "affine_mm": Measure("Largest displacement of a corner voxel, in mm.", "geometry"),
        **VALUES,
        "changed_fraction": Measure("Share of voxels that differ.", "values"),
        "dice_loss": Measure("1 - the smallest Dice coefficient of a label (label maps only).", "values"),
    }

    def read(self, path: Path, options: Mapping[str, Any]) -> Any:  # noqa: ARG002
        """Shape, affine (mm), units and voxels."""
        import nibabel as nib  # noqa: PLC0415 - importing this package is cheap
        import numpy as np  # noqa: PLC0415

        try:
            image = nib.load(path)
            voxels = np.asanyarray(image.dataobj)
        except (nib.filebasedimages.ImageFileError, OSError, EOFError, ValueError, TypeError) as error:
            raise Unreadable(f"{path.name} is no readable NIfTI image: {error}") from error
        if not isinstance(image, nib.Nifti1Image | nib.Nifti1Pair):
            raise Unreadable(f"{path.name} is no NIfTI image but {type(image).__name__}")
        header = image.header
        return {
            # Both: programs differ in which of the two they believe.
            "affines": {name: matrix for name, matrix in _affines(image) if matrix is not None},
            "spacing": [float(zoom) for zoom in header.get_zooms()],
            "units": list(header.get_xyzt_units()),
            "spaces": [int(header["qform_code"]), int(header["sform_code"])],
            "voxels": voxels,
        }

    def differences(self, reference: Any, found: Any, settings: Settings) -> Differences:
        """Geometry, then voxels; overlap of labels if both are label maps."""
        import numpy as np  # noqa: PLC0415

        result = Differences()
        first, second = reference["voxels"], found["voxels"]
        for name in ("units", "spaces"):
            if reference[name] != found[name]:
                result.structure(f"{name}: {reference[name]} -> {found[name]}")
        if first.shape != second.shape:
            result.structure(f"shape {second.shape}, expected {first.shape}")
            return result
        result.add("affine_mm", 0.0)
        for name in sorted(result.keys("affine", reference["affines"], found["affines"])):
            result.add(
                "affine_mm", *_displacement(reference["affines"][name], found["affines"][name], first.shape, name)
            )
        zooms = np.subtract(reference["spacing"], found["spacing"])
        if np.abs(zooms).max() > 0 and not result.amounts["affine_mm"]:
            result.structure(f"spacing {found['spacing']}, expected {reference['spacing']}")
        add_numbers(result, "voxels", first, second)
        changed = float(np.mean(~((first == second) | (_nan(first) & _nan(second)))))
        result.add("changed_fraction", changed)
        labels = _labels(first), _labels(second)
        if labels[0] is not None and labels[1] is not None:
            _add_dice(result, first, second, sorted(labels[0] | labels[1]))
        elif "dice_loss" in settings.limits:
            result.structure("no label map, so overlap of labels cannot judge it")
        return result


def _affines(image: Any) -> list[tuple[str, Any]]:
    """The image's affine (mm), and where they are set those of the two forms."""
    forms = [("qform", image.get_qform(coded=True)[0]), ("sform", image.get_sform(coded=True)[0])]
    return [("best", image.affine), *forms]


def _displacement(first: Any, second: Any, shape: tuple[int, ...], name: str) -> tuple[float, str]:
    import numpy as np  # noqa: PLC0415

    corners = np.array([[x, y, z, 1] for x in (0, shape[0] - 1) for y in (0, shape[1] - 1) for z in (0, shape[2] - 1)])
    moved = float(np.linalg.norm((corners @ (first - second).T)[:, :3], axis=1).max())
    return moved, f"affine ({name}): a corner moved by {moved:.3g} mm"


def _nan(values: Any) -> Any:
    import numpy as np  # noqa: PLC0415

    return np.isnan(values) if values.dtype.kind in "fc" else np.zeros(values.shape, dtype=bool)


def _labels(values: Any) -> set[int] | None:
    """Values of a label map; None if it is none."""
    import numpy as np  # noqa: PLC0415

    unique = np.unique(values)
    if unique.size > MOST_LABELS or not np.all(np.isfinite(unique)) or np.any(unique != np.round(unique)):
        return None
    return {int(value) for value in unique}


def _add_dice(result: Differences, first: Any, second: Any, labels: list[int]) -> None:
    for label in labels:
        if label:
            both = int(((first == label) & (second == label)).sum())
            total = int((first == label).sum() + (second == label).sum())
            loss = 1 - 2 * both / total
            result.add("dice_loss", loss, f"label {label}: Dice {1 - loss:.4f}")
