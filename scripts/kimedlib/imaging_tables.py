"""Which samples go on: the tables that the imaging steps hand to each other."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd


def read_table(path: Path) -> pd.DataFrame:
    """A TSV of ours; texts stay texts, empty cells are empty texts."""
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


def records(frame: pd.DataFrame) -> list[dict[str, str]]:
    """Rows of a table of texts."""
    return [{str(name): str(value) for name, value in row.items()} for row in frame.to_dict("records")]


def failed_checks(checks: Path) -> dict[str, str]:
    """What failed, by sample."""
    table = read_table(checks)
    wrong = table[table["passed"] == "no"]
    return {
        str(sample): "; ".join(f"{row['check']}: {row['found']}, allowed: {row['allowed']}" for row in records(group))
        for sample, group in wrong.groupby("sample")
    }


def passed_samples(conversion: Path, checks: Path, tasks: Sequence[str]) -> pd.DataFrame:
    """Rows of the conversion table that were converted, passed all gates and have one of the tasks."""
    table = read_table(conversion)
    failed = failed_checks(checks)
    return table[(table["refused"] == "") & table["task"].isin(list(tasks)) & ~table["sample"].isin(list(failed))]


def refusals(conversion: Path, checks: Path, evidence: Path) -> pd.DataFrame:
    """Everything that was not measured and why: columns sample, step, reason."""
    converted, brains = read_table(conversion), read_table(evidence)
    rows = [(row["sample"], "prepare_bids", row["refused"]) for row in records(converted) if row["refused"]]
    rows += [(sample, "check_images", reason) for sample, reason in failed_checks(checks).items()]
    rows += [
        (row["sample"], "segment_brains", f"not a brain: {row['reasons']}")
        for row in records(brains)
        if row["accepted"] == "no"
    ]
    return pd.DataFrame(sorted(rows), columns=["sample", "step", "reason"])


# Regions without network: given, or by their uptake.
OUTLINE_TASKS = ("outline", "uptake")
SHEET_COLUMNS = (
    "sample",
    "patient_id",
    "modality",
    "task",
    "image",
    "label",
    "outline",
    "reference_volume_ml",
    "visit",
)


def read_sheet_rows(path: Path) -> pd.DataFrame:
    """Sample sheet inside a job: already checked, so only read; absent optional columns are empty."""
    frame = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    rows = frame.reindex(columns=list(SHEET_COLUMNS), fill_value="")
    return pd.DataFrame({name: rows[name].str.strip() for name in SHEET_COLUMNS})


def region_folders(brains: Path, masks: Sequence[Path], outlines: Sequence[Path]) -> dict[str, Path]:
    """Folder with the masks of each task; of the network and of outlines only where they exist."""
    folders = {"brain": brains}
    folders |= {task: masks[0] for task in ("lesion", "labels") if masks}
    return folders | {task: outlines[0] for task in OUTLINE_TASKS if outlines}


def region_names(row: Mapping[str, str], names: dict[int, str], folders: Mapping[str, Path]) -> dict[int, str]:
    """Label values and names of a sample's mask.

    Parameters
    ----------
    row
        With `sample` and `task`.
    names
        Those of the network.
    folders
        Of `region_folders`; beside a given segmentation of several labels lies <sample>.json with their names.
    """
    if row["task"] == "brain":
        return {1: "brain"}
    if row["task"] not in OUTLINE_TASKS:
        return names
    named = folders[row["task"]] / f"{row['sample']}.json"
    if not named.exists():
        return {1: "lesion"}
    return {int(value): str(name) for value, name in json.loads(named.read_text(encoding="utf-8")).items()}


def label_names(models: Sequence[Path]) -> dict[int, str]:
    """Names by label value, from the model descriptions; empty without a network."""
    names: dict[int, str] = {}
    for path in models:
        said = json.loads(path.read_text(encoding="utf-8"))["label_names"]
        names |= {int(value): str(name) for value, name in said.items()}
    return names
