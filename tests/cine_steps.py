"""The cine steps on the hearts of test_data, shared by their tests."""

import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts" / folder) for folder in ("imaging", "synthetic")]

import draw_cines  # noqa: E402
import measure_cines  # noqa: E402
import segment_cines  # noqa: E402
import sort_cines  # noqa: E402

SHEET = pd.read_csv(REPOSITORY / "config/cine/imaging.cine.samples.tsv", sep="\t", dtype=str, keep_default_na=False)
SETTINGS = yaml.safe_load((REPOSITORY / "config/cine/imaging.yaml").read_text(encoding="utf-8"))["cine"]["network"]


def sort(
    repository: Path, folder: Path, series: list[Path] | None = None, contours: list[str | Path] | None = None
) -> None:
    outlines = SHEET["contours"] if contours is None else contours
    rows = SHEET.assign(contours=[str(repository / path) for path in outlines]).to_dict("records")
    sort_cines.main(
        rows=rows, series=series or [repository / path for path in SHEET["image"]], frames=folder / "frames.tsv",
        images=folder / "images", references=folder / "references", refused=folder / "refused.tsv",
    )  # fmt: skip


def segment(repository: Path, folder: Path, target: Path, *, fold: int, **changes: int) -> None:
    segment_cines.main(
        frames=folder / "frames.tsv", images=folder / "images", references=folder / "references",
        regions=target / "regions", weights=target / "weights.pt", model=target / "model.json", fold=fold,
        settings=SETTINGS | changes,
    )  # fmt: skip


def copy_contours(folder: Path, samples: tuple[str, ...]) -> None:
    """Stand-in for a network that outlines as the contours do: seconds instead of minutes."""
    (folder / "folds/1/regions").mkdir(parents=True)
    for sample in samples:
        image = nib.load(folder / f"references/{sample}.nii.gz")
        labels = np.asarray(image.dataobj).copy()
        for phase in range(labels.shape[3]):
            if not labels[..., phase].any():
                labels[..., phase] = labels[..., 0]
        nib.save(nib.Nifti1Image(labels, image.affine), folder / f"folds/1/regions/{sample}.nii.gz")


def measure(folder: Path) -> None:
    measure_cines.main(
        frames=folder / "frames.tsv", references=folder / "references", regions=regions(folder),
        expected=dict(zip(SHEET["sample"], SHEET["reference_ef_percent"], strict=True)),
        measurements=folder / "measurements.tsv", volumes=folder / "volumes.tsv", scores=folder / "scores.tsv",
    )  # fmt: skip


def draw(folder: Path, target: Path) -> None:
    draw_cines.main(
        frames=folder / "frames.tsv", images=folder / "images", references=folder / "references",
        regions=regions(folder), measurements=folder / "measurements.tsv", volumes=folder / "volumes.tsv",
        curves=target / "curves.png", montage=target / "montage.png",
    )  # fmt: skip


def regions(folder: Path) -> list[Path]:
    return sorted(folder.glob("folds/*/regions"))
