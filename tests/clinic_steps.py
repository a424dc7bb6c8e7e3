"""Segmentations and reports of the small patient of `imaging_steps`, shared by their tests."""

import sys
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "scripts/imaging")]

import write_dicom_seg  # noqa: E402
import write_dicom_sr  # noqa: E402

CODES = yaml.safe_load((REPOSITORY / "config/clinic/imaging.yaml").read_text(encoding="utf-8"))["dicom_results"][
    "codes"
]
SERIES = {name: f"deidentified/{name}" for name in ("P001_ct", "P001_mr")}


def segment(chain: Path, target: Path, masks: list[Path] | None = None) -> None:
    write_dicom_seg.main(
        rows={sample: chain / folder for sample, folder in SERIES.items()}, conversion=chain / "conversion.tsv",
        checks=chain / "checks.tsv", evidence=chain / "brains.tsv", brains=chain / "brains",
        model=[chain / "model/model.json"], masks=masks or [chain / "regions"], codes=CODES, folder=target / "seg",
        table=target / "seg.tsv",
    )  # fmt: skip


def report(chain: Path, segmentations: Path, target: Path) -> None:
    write_dicom_sr.main(
        rows={sample: chain / folder for sample, folder in SERIES.items()}, segmentations=segmentations,
        measurements=chain / "measurements.tsv", folder=target / "sr", table=target / "sr.tsv",
    )  # fmt: skip
