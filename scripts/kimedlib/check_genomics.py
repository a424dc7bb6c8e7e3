"""Everything about the input of the genomics workflow that can be seen before a job starts."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from kimedlib.check_genomics_reads import check_reads
from kimedlib.check_genomics_references import check_annotations, check_config_files
from kimedlib.problems import Problem

# What must be the same in all lines of a sample
OF_THE_SAMPLE = ("patient_id", "role", "sex", "family_id", "father_id", "mother_id", "truth_vcf", "truth_bed")


def normals_of(samples: pd.DataFrame) -> dict[str, list[str]]:
    """Normal sample of the same patient, for every sample; empty for a tumour without one."""
    normals = samples[samples["role"] == "normal"]
    return {
        sample: sorted(normals.loc[normals["patient_id"] == patient, "sample"])
        for sample, patient in zip(samples["sample"], samples["patient_id"], strict=True)
    }


def samples_of(units: pd.DataFrame) -> pd.DataFrame:
    """One row per sample, by its name, of a sheet with one row per lane."""
    return units.drop_duplicates("sample").set_index("sample", drop=False)


def reads_of(units: pd.DataFrame, sample: str, column: str) -> list[str]:
    """Files (or names of lanes) of a sample, in the order of the sheet; nothing where it has none."""
    return [value for value in units.loc[units["sample"] == sample, column] if value]


def check_lanes(frame: pd.DataFrame, sheet: str) -> Iterator[Problem]:
    """Problems of samples that have several lines."""
    for sample, rows in frame.groupby("sample", sort=False):
        if len(rows) == 1:
            continue
        line = int(rows.index[1]) + 2
        for column in OF_THE_SAMPLE:
            if column in rows and len(set(rows[column])) > 1:
                found = f"the lines of sample '{sample}' differ: {', '.join(map(repr, dict.fromkeys(rows[column])))}"
                yield Problem(sheet, f"line {line}, column {column}", found, "lanes of one sample have the same")
        if (rows["lane"] == "").any():
            found = f"sample '{sample}' has {len(rows)} lines, not all with a lane"
            yield Problem(sheet, f"line {line}, column lane", found, "name each lane, or give the samples other names")
        if any(len(path.split()) > 1 for column in ("fastq_1", "fastq_2") for path in rows[column]):
            found = f"a path of sample '{sample}' holds a blank"
            yield Problem(sheet, f"line {line}", found, "rename it: paths of lanes are told apart by blanks")
        if (rows["alignments"] != "").any():
            found = f"sample '{sample}' has several lines, one with alignments"
            yield Problem(sheet, f"line {line}, column alignments", found, "merge them first (samtools merge)")


def check_parents(frame: pd.DataFrame, sheet: str) -> Iterator[Problem]:
    """Problems of who is said to be whose parent."""
    sexes = dict(zip(frame["patient_id"], frame["sex"], strict=True))
    for number, row in frame.iterrows():
        for column, sex in (("father_id", "male"), ("mother_id", "female")):
            parent, place = row[column], f"line {int(str(number)) + 2}, column {column}"
            if not parent:
                continue
            if parent == row["patient_id"]:
                yield Problem(sheet, place, "a patient cannot be their own parent", "correct it")
            elif parent not in sexes:
                yield Problem(sheet, place, f"no sample is of patient '{parent}'", "add the parent or leave it empty")
            elif sexes[parent] not in {"", "unknown", sex}:
                yield Problem(sheet, place, f"patient '{parent}' is {sexes[parent]}", "correct sex or parent")


NEED_A_NORMAL = ("strelka", "varlociraptor")


def check_patients(frame: pd.DataFrame, sheet: str, panel: str | None, caller: str | None = None) -> Iterator[Problem]:
    """Problems of which samples a patient has; a tumour may be alone with a panel and most callers."""
    for patient, rows in frame.groupby("patient_id", sort=False):
        line = int(rows.index[0]) + 2
        counts = rows.drop_duplicates("sample")["role"].value_counts()
        if counts.get("normal", 0) == 0 and not panel:
            found = f"patient '{patient}' has a tumour but no normal"
            remedy = "add the normal sample, or a panel of normals (somatic: panel_of_normals in the config)"
            yield Problem(sheet, f"line {line}", found, remedy)
        elif counts.get("normal", 0) == 0 and caller in NEED_A_NORMAL:
            found = f"patient '{patient}' has a tumour but no normal, which {caller} needs"
            yield Problem(
                sheet, f"line {line}", found, "add the normal sample, or take another caller (somatic: caller)"
            )
        for role in ("normal", "tumour"):
            if counts.get(role, 0) > 1:
                found = f"patient '{patient}' has {counts[role]} {role} samples"
                yield Problem(
                    sheet, f"line {line}", found, "give one; lanes of one sample have the same name in column sample"
                )


def check_files(config: Mapping[str, Any], frame: pd.DataFrame, sheet: str) -> list[Problem]:
    """Problems of all files that config and sheet name, in their order.

    Parameters
    ----------
    config
        Config of the workflow.
    frame
        Sample sheet, one row per sample and lane.
    sheet
        Its path.
    """
    problems, reference = check_config_files(config)
    frame = frame.reset_index(drop=True)
    somatic = config.get("somatic", {})
    problems += check_patients(frame, sheet, somatic.get("panel_of_normals"), somatic.get("caller"))
    problems += [*check_lanes(frame, sheet), *check_parents(frame, sheet)]
    for number, row in frame.iterrows():
        line = int(str(number)) + 2
        problems += check_reads(sheet, line, {str(key): str(value) for key, value in row.items()}, reference)
    for column in ("truth_vcf", "truth_bed"):
        for path, rows in frame[frame[column] != ""].groupby(column, sort=False):
            place = f"line {int(rows.index[0]) + 2}, column {column}"
            problems += check_annotations(sheet, place, str(path), reference)
    return problems
