"""What our BIDS data sets share: their descriptions, names of files, and reports of the validator."""

import json
from pathlib import Path
from typing import Any

BIDS_VERSION = "1.10.0"
# Data types of ours that the standard does not know (PET needs facts on the tracer that DICOM files often lack).
NO_BIDS = ("ct", "pt", "mr", "ot")


def describe(folder: Path, name: str, kind: str, readme: str) -> None:
    """Write dataset_description.json, README and .bidsignore.

    Parameters
    ----------
    kind
        `raw`, or `derivative` of the data set in the folder `bids` beside.
    """
    description: dict[str, Any] = {
        "Name": name,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": kind,
        "GeneratedBy": [{"Name": "KIMed Demonstrators, workflow imaging"}],
    }
    if kind == "derivative":
        description |= {"SourceDatasets": [{"URL": "../bids"}], "DatasetLinks": {"raw": "../bids"}}
    (folder / "dataset_description.json").write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
    (folder / "README").write_text(readme, encoding="utf-8")
    ignored = [f"sub-*/{place}{kind}\n" for kind in NO_BIDS for place in ("", "ses-*/")]
    (folder / ".bidsignore").write_text("".join(ignored), encoding="utf-8")


def split_name(image: Path) -> tuple[Path, str, str]:
    """Folder, name without suffix, and suffix: sub-1/anat/sub-1_acq-a_T1w.nii.gz is sub-1/anat, sub-1_acq-a, T1w."""
    stem, _, suffix = image.name.removesuffix(".nii.gz").rpartition("_")
    return image.parent, stem, suffix


def issues_of(report: dict[str, Any]) -> list[dict[str, str]]:
    """Issues of a report of the validator (JSON, version 2 or later): severity, code, detail, location."""
    return [
        {
            "severity": str(issue["severity"]),
            "code": str(issue["code"]),
            "detail": str(issue.get("subCode", "") or ""),
            "location": str(issue.get("location", "") or "").replace("\t", " "),
        }
        for issue in report["issues"]["issues"]
    ]
