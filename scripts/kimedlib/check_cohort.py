"""What can be wrong between the clinical table and the tables of the modalities."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from kimedlib.cohort_features import matches
from kimedlib.problems import Problem
from kimedlib.sheet import numbered

# Fewer patients cannot form two groups that can be compared.
FEWEST_PATIENTS = 4


def check_files(frame: pd.DataFrame, sheet: str, module_sheets: Mapping[str, str]) -> list[Problem]:
    """Check the clinical table against itself and against the sample sheets of the modalities.

    Parameters
    ----------
    frame
        Clinical table, strings, "" where absent.
    sheet
        Its path.
    module_sheets
        Path of the sample sheet per modality; a sheet that cannot be read is left to its own workflow.
    """
    problems = []
    for number, row in numbered(frame):
        if (row["survival_days"] == "") != (row["event"] == ""):
            problems.append(
                Problem(
                    sheet, f"line {number}", "has survival_days without event or the reverse", "give both or neither"
                )
            )
    if len(frame) < FEWEST_PATIENTS:
        problems.append(Problem(sheet, "", f"has {len(frame)} patients", f"a cohort needs at least {FEWEST_PATIENTS}"))
    known = set(frame["patient_id"])
    sheets = {modality: sheet_patients(path) for modality, path in module_sheets.items()}
    for modality, patients in sheets.items():
        path = module_sheets[modality]
        problems += [
            Problem(
                path, f"patient_id {patient}", f"is not in {sheet}", "add the patient there or remove the samples here"
            )
            for patient in sorted(patients - known)
        ]
        if patients and not patients & known:
            problems.append(Problem(path, "", f"shares no patient with {sheet}", "use the same pseudonyms in both"))
    if all(sheets.values()):
        measured = set().union(*sheets.values())
        problems += [
            Problem(sheet, f"patient_id {patient}", "has no sample in any modality", "remove the line or add samples")
            for patient in sorted(known - measured)
        ]
    return problems


def sheet_patients(path: str) -> set[str]:
    """Patients that a sample sheet names; none if it cannot be read (its own workflow says why)."""
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as handle:
            return {
                row["patient_id"].strip() for row in csv.DictReader(handle, delimiter="\t") if row.get("patient_id")
            }
    except (OSError, UnicodeDecodeError, csv.Error):
        return set()


def check_feature_table(path: Path, patients: set[str], used: Sequence[str]) -> list[Problem]:
    """Check one modality's table: a known patient per row, once, and numbers where features are used.

    Parameters
    ----------
    used
        Patterns of the features that enter the search; other columns may hold text.
    """
    file = str(path)
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle, delimiter="\t"))
    if not rows or rows[0][0] != "patient_id":
        return [
            Problem(
                file, "line 1", "does not begin with the column patient_id", "one row per patient, patient_id first"
            )
        ]
    header, problems, first = rows[0], [], dict[str, int]()
    if len(set(header)) < len(header):
        twice = sorted({name for name in header if header.count(name) > 1})
        problems.append(Problem(file, "line 1", f"columns stand twice: {', '.join(twice)}", "keep one of each"))
    for number, row in enumerate(rows[1:], 2):
        place = f"line {number}"
        if len(row) != len(header):
            problems.append(
                Problem(file, place, f"has {len(row)} cells, the header {len(header)}", "one cell per column")
            )
            continue
        if row[0] in first:
            problems.append(
                Problem(
                    file, place, f"patient '{row[0]}' stands already in line {first[row[0]]}", "one row per patient"
                )
            )
        first.setdefault(row[0], number)
        if row[0] not in patients:
            problems.append(
                Problem(file, place, f"patient '{row[0]}' is not in the clinical table", "use the same pseudonyms")
            )
        problems += [
            Problem(
                file,
                f"{place}, column {name}",
                f"'{value}' is not a finite number",
                "a number, or empty if not measured",
            )
            for name, value in zip(header[1:], row[1:], strict=True)
            if matches(name, used) and value != "" and not is_finite(value)
        ]
    return problems


def is_finite(text: str) -> bool:
    """Whether `text` is a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
