"""Which samples go on: the tables that the imaging steps hand to each other."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd


def read_table(path: Path) -> pd.DataFrame:
    """A TSV of ours; texts stay texts, empty cells are empty texts."""
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


def failed_checks(checks: Path) -> dict[str, str]:
    """What failed, by sample."""
    table = read_table(checks)
    wrong = table[table["passed"] == "no"]
    return {
        str(sample): "; ".join(f"{row.check}: {row.found}, allowed: {row.allowed}" for row in group.itertuples())
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
    rows = [(row.sample, "prepare_bids", row.refused) for row in converted.itertuples() if row.refused]
    rows += [(sample, "check_images", reason) for sample, reason in failed_checks(checks).items()]
    rows += [(row.sample, "segment_brains", f"not a brain: {row.reasons}") for row in brains.itertuples() if row.accepted == "no"]
    return pd.DataFrame(sorted(rows), columns=["sample", "step", "reason"])


SHEET_COLUMNS = ("sample", "patient_id", "modality", "task", "image", "label", "reference_volume_ml")


def read_sheet_rows(path: Path) -> pd.DataFrame:
    """Sample sheet inside a job: already checked, so only read; absent optional columns are empty."""
    frame = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    return frame.reindex(columns=list(SHEET_COLUMNS), fill_value="").apply(lambda column: column.str.strip())
