"""A small patient, a small training pool and the imaging steps on them, shared by the imaging tests."""

import sys
from pathlib import Path
from typing import Any

import pandas as pd

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts" / folder) for folder in ("imaging", "synthetic")]

import check_images  # noqa: E402
import correct_bias  # noqa: E402, F401
import cross_validate_segmentation  # noqa: E402, F401
import deidentify_series  # noqa: E402
import draw_overlays  # noqa: E402
import list_images  # noqa: E402
import measure_biomarkers  # noqa: E402, F401
import measure_regions  # noqa: E402
import outline_lesions  # noqa: E402, F401
import prepare_bids  # noqa: E402
import score_segmentation  # noqa: E402
import segment_brains  # noqa: E402
import segment_regions  # noqa: E402
import simulate_images  # noqa: E402
import simulate_training_images  # noqa: E402
import train_segmentation  # noqa: E402

SEED = 5
PATIENT = "P001"
PROFILE = REPOSITORY / "config/imaging.confidentiality_profile.tsv"
REGIONS = REPOSITORY / "config/imaging.pixel_regions.tsv"
KEY = "a key of more than sixteen characters"
IMAGES: dict[str, Any] = {
    "ct": {"shape": [44, 44, 16], "spacing_mm": [3.4, 3.4, 4.0], "noise": 9},
    "mr": {"shape": [48, 56, 28], "spacing_mm": [4.1, 4.0, 6.0], "noise": 4},
    "burned_in_every": 5,
    "picture_shape": [128, 64],
    "training_cases": 4,
}
NETWORK: dict[str, Any] = {
    "label_names": {"1": "lesion"},
    "validation_fraction": 0.25,
    "seed": 3,
    "intensity": {"kind": "window", "low": -50, "high": 200},
    "patch": [32, 32, 16],
    "flips": [0],
    "affine_probability": 0.5,
    "channels": 4,
    "strides": [2, 2],
    "epochs": 2,
    "batch_size": 2,
    "learning_rate": 0.005,
    "validate_every": 1,
    "refine": "none",
    "on_gpu": {"patch": [32, 32, 16], "batch_size": 4, "amp": True},
}


def plan(folder: Path) -> Path:
    """Plan of one invented patient."""
    path = folder / "patients.tsv"
    row = {
        "patient_id": PATIENT, "sex": "female", "birth_date": "1950-03-04", "family_name": "Möhrenfurtner",
        "given_name": "Swantje", "medical_record_number": "48151623", "lesion_volume_ml": 9.0,
        "lesion_heterogeneity_hu": 15.0, "brain_volume_ml": 1200.0,
    }  # fmt: skip
    pd.DataFrame([row]).to_csv(path, sep="\t", index=False)
    return path


def simulate(folder: Path) -> None:
    """Series, masks, truth tables and sheets of the patient and the training pool."""
    simulate_images.main(
        plan=plan(folder), folder=folder / "raw", lesion_mask=folder / "lesion.nii.gz",
        brain_mask=folder / "brain.nii.gz", lesions=folder / "lesions.tsv",
        phi=folder / "phi.tsv", patient_id=PATIENT, seed=SEED, settings=IMAGES,
    )  # fmt: skip
    names = simulate_training_images.case_names(IMAGES["training_cases"])
    simulate_training_images.main(
        [folder / f"{name}_image.nii.gz" for name in names],
        [folder / f"{name}_label.nii.gz" for name in names],
        folder / "training.tsv",
        SEED,
        IMAGES,
    )
    list_images.main(
        patients=[PATIENT], folders=[folder / "raw"], lesion_masks=[folder / "lesion.nii.gz"],
        brain_masks=[folder / "brain.nii.gz"], lesions=[folder / "lesions.tsv"], phi=[folder / "phi.tsv"],
        sheet=folder / "samples.tsv", all_lesions=folder / "all_lesions.tsv", all_phi=folder / "all_phi.tsv",
    )  # fmt: skip


def deidentify(
    folder: Path, series: Path, sample: str, key: str = KEY, linkage: Path | None = None, patient_id: str = PATIENT,
    pixels: str = "refuse", regions: Path = REGIONS,
) -> None:  # fmt: skip
    """One series to <folder>/deidentified/<sample>."""
    (folder / "key").write_text(key)
    deidentify_series.main(
        series=series, key_file=folder / "key", linkage=linkage, profile=PROFILE,
        folder=folder / "deidentified" / sample,
        audit=folder / "audit" / f"{sample}.tsv", decision=folder / "decisions" / f"{sample}.json", sample=sample,
        patient_id=patient_id, options=["modified_dates", "patient_characteristics"], pixels=pixels, regions=regions,
    )  # fmt: skip


def sheet_rows(folder: Path) -> list[dict[str, str]]:
    """Rows of the sample sheet."""
    return pd.read_csv(folder / "samples.tsv", sep="\t", dtype=str, keep_default_na=False).to_dict("records")


def convert_and_check(folder: Path) -> None:
    """All series from DICOM to checked BIDS images with brain masks."""
    rows = sheet_rows(folder)
    for row in rows:
        deidentify(folder, Path(row["image"]), row["sample"])
    prepare_bids.main(
        sheet=folder / "samples.tsv", images=[folder / "deidentified" / row["sample"] for row in rows],
        decisions=[folder / "decisions" / f"{row['sample']}.json" for row in rows],
        bids=folder / "bids", conversion=folder / "conversion.tsv", review=folder / "review.tsv",
    )  # fmt: skip
    common = {"bids": folder / "bids", "conversion": folder / "conversion.tsv"}
    check_images.main(**common, checks=folder / "checks.tsv", picture=folder / "checks.png", minimum_slices=8)
    segment_brains.main(
        **common, checks=folder / "checks.tsv", masks=folder / "brains", evidence=folder / "brains.tsv",
        picture=folder / "brains.png",
    )  # fmt: skip


def train(folder: Path, target: Path) -> None:
    """Train for two epochs; results to `target`."""
    rows = pd.read_csv(folder / "training.tsv", sep="\t", dtype=str)
    train_segmentation.main(
        sheet=folder / "training.tsv", images=[Path(path) for path in rows["image"]],
        labels=[Path(path) for path in rows["label"]], weights=target / "weights.pt", model=target / "model.json",
        history=target / "history.tsv", picture=target / "history.png", description=target / "card.md",
        settings=NETWORK, gpus=0,
    )  # fmt: skip


def measure_and_score(folder: Path) -> None:
    """Everything after training."""
    common = {"bids": folder / "bids", "conversion": folder / "conversion.tsv"}
    segment_regions.main(
        **common, checks=folder / "checks.tsv", weights=folder / "model/weights.pt", model=folder / "model/model.json",
        masks=folder / "regions", gpus=0, doubt=folder / "doubt", intervals=folder / "volume_intervals.tsv",
        picture=folder / "doubt.png",
    )  # fmt: skip
    measure_regions.main(
        **common, checks=folder / "checks.tsv", evidence=folder / "brains.tsv", brains=folder / "brains",
        model=[folder / "model/model.json"], masks=[folder / "regions"], measurements=folder / "measurements.tsv",
        refused=folder / "refused.tsv", features=folder / "features.tsv", bin_width=10, outlines=[],
    )  # fmt: skip
    draw_overlays.main(
        **common, measurements=folder / "measurements.tsv", brains=folder / "brains", masks=[folder / "regions"],
        overlays=folder / "overlays", picture=folder / "overlays.png", outlines=[],
    )  # fmt: skip
    score_segmentation.main(
        **common, sheet=folder / "samples.tsv",
        labels=[Path(row["label"]) for row in sheet_rows(folder) if row["label"]],
        measurements=folder / "measurements.tsv", brains=folder / "brains", model=[folder / "model/model.json"],
        masks=[folder / "regions"], scores=folder / "scores.tsv", picture=folder / "scores.png", outlines=[],
    )  # fmt: skip
