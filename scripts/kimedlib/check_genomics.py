"""Everything about the input of the genomics workflow that can be seen before a job starts."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kimedlib.check_genomics_reads import check_reads
from kimedlib.check_genomics_references import check_annotations, check_config_files
from kimedlib.problems import Problem
from kimedlib.sheet import numbered

Row = Mapping[str, str]  # a line of the sample sheet; all columns
# What must be the same in all lines of a patient and of a sample
OF_THE_PATIENT = ("sex", "family_id", "father_id", "mother_id")  # where it is told
OF_THE_SAMPLE = ("patient_id", "role", *OF_THE_PATIENT, "truth_vcf", "truth_bed")


def normals_of(samples: Sequence[Row]) -> dict[str, list[str]]:
    """Normal sample of the same patient, for every sample; empty for a tumour without one."""
    normals: dict[str, list[str]] = {}
    for row in samples:
        if row["role"] == "normal":
            normals.setdefault(row["patient_id"], []).append(row["sample"])
    return {row["sample"]: sorted(normals.get(row["patient_id"], [])) for row in samples}


def samples_of(units: Sequence[Row]) -> dict[str, Row]:
    """The first line of every sample, by its name, of a sheet with one line per lane."""
    return {row["sample"]: row for row in reversed(units)}


def reads_of(units: Sequence[Row], sample: str, column: str) -> list[str]:
    """Files (or names of lanes) of a sample, in the order of the sheet; nothing where it has none."""
    return [row[column] for row in units if row["sample"] == sample and row[column]]


def part_of(row: Row, *columns: str) -> dict[str, str]:
    """Only these columns of a line: what a job is told of a sample, so that nothing else makes it run again."""
    return {column: row[column] for column in columns}


def grouped(rows: Sequence[Row], column: str) -> dict[str, list[tuple[int, Row]]]:
    """Lines of the sheet with their numbers by what stands in `column`, in order."""
    groups: dict[str, list[tuple[int, Row]]] = {}
    for line, row in numbered(rows):
        groups.setdefault(row[column], []).append((line, row))
    return groups


def check_lanes(rows: Sequence[Row], sheet: str) -> Iterator[Problem]:
    """Problems of samples that have several lines."""
    for sample, lines in grouped(rows, "sample").items():
        if len(lines) == 1:
            continue
        line = lines[1][0]
        for column in OF_THE_SAMPLE:
            values = dict.fromkeys(row.get(column, "") for _, row in lines)
            if len(values) > 1:
                found = f"the lines of sample '{sample}' differ: {', '.join(map(repr, values))}"
                yield Problem(sheet, f"line {line}, column {column}", found, "lanes of one sample have the same")
        if not all(row["lane"] for _, row in lines):
            found = f"sample '{sample}' has {len(lines)} lines, not all with a lane"
            yield Problem(sheet, f"line {line}, column lane", found, "name each lane, or give the samples other names")
        if any(len(row[column].split()) > 1 for column in ("fastq_1", "fastq_2") for _, row in lines):
            found = f"a path of sample '{sample}' holds a blank"
            yield Problem(sheet, f"line {line}", found, "rename it: paths of lanes are told apart by blanks")
        if any(row["alignments"] for _, row in lines):
            found = f"sample '{sample}' has several lines, one with alignments"
            yield Problem(sheet, f"line {line}, column alignments", found, "merge them first (samtools merge)")


def check_parents(rows: Sequence[Row], sheet: str) -> Iterator[Problem]:
    """Problems of who is said to be whose parent."""
    sexes = {row["patient_id"]: row["sex"] for row in rows}
    for line, row in numbered(rows):
        for column, sex in (("father_id", "male"), ("mother_id", "female")):
            parent, place = row[column], f"line {line}, column {column}"
            if not parent:
                continue
            if parent == row["patient_id"]:
                yield Problem(sheet, place, "a patient cannot be their own parent", "correct it")
            elif parent not in sexes:
                yield Problem(sheet, place, f"no sample is of patient '{parent}'", "add the parent or leave it empty")
            elif sexes[parent] not in {"", "unknown", sex}:
                yield Problem(sheet, place, f"patient '{parent}' is {sexes[parent]}", "correct sex or parent")


def check_same_reads(rows: Sequence[Row], sheet: str) -> Iterator[Problem]:
    """Problems of files that stand twice for one patient: in two lanes, or as normal and as tumour."""
    first: dict[tuple[str, str], tuple[int, str]] = {}
    for line, row in numbered(rows):
        for column in ("fastq_1", "fastq_2", "alignments"):
            if not row.get(column):
                continue
            key = row["patient_id"], os.path.realpath(row[column])
            before, where = first.setdefault(key, (line, column))
            if before != line:
                found = f"{row[column]} stands already in line {before}, column {where}"
                yield Problem(sheet, f"line {line}, column {column}", found, "give each lane and sample its own reads")


NEED_A_NORMAL = ("strelka", "varlociraptor")


def check_patients(rows: Sequence[Row], sheet: str, panel: str | None, caller: str | None = None) -> Iterator[Problem]:
    """Problems of which samples a patient has; a tumour may be alone with a panel and most callers."""
    for patient, lines in grouped(rows, "patient_id").items():
        place = f"line {lines[0][0]}"
        counts = Counter({row["sample"]: row["role"] for _, row in reversed(lines)}.values())
        if not counts["normal"] and not panel:
            found = f"patient '{patient}' has a tumour but no normal"
            remedy = "add the normal sample, or a panel of normals (somatic: panel_of_normals in the config)"
            yield Problem(sheet, place, found, remedy)
        elif not counts["normal"] and caller in NEED_A_NORMAL:
            found = f"patient '{patient}' has a tumour but no normal, which {caller} needs"
            yield Problem(sheet, place, found, "add the normal sample, or take another caller (somatic: caller)")
        for column in OF_THE_PATIENT:
            values = dict.fromkeys(row[column] for _, row in lines if row.get(column))
            if len(values) > 1:
                found = f"the lines of patient '{patient}' differ: {', '.join(map(repr, values))}"
                remedy = "write the same in all lines of a patient"
                yield Problem(sheet, f"{place}, column {column}", found, remedy)
        for role in ("normal", "tumour"):
            if counts[role] > 1:
                found = f"patient '{patient}' has {counts[role]} {role} samples"
                remedy = "give one; lanes of one sample have the same name in column sample"
                yield Problem(sheet, place, found, remedy)


def check_files(config: Mapping[str, Any], rows: Sequence[Row], sheet: str) -> list[Problem]:
    """Problems of all files that config and sheet name, in their order.

    Parameters
    ----------
    config
        Config of the workflow.
    rows
        Sample sheet, one row per sample and lane.
    sheet
        Its path.
    """
    problems, reference = check_config_files(config)
    somatic = config.get("somatic", {})
    problems += check_patients(rows, sheet, somatic.get("panel_of_normals"), somatic.get("caller"))
    problems += [*check_lanes(rows, sheet), *check_parents(rows, sheet), *check_same_reads(rows, sheet)]
    for line, row in numbered(rows):
        problems += check_reads(sheet, line, row, reference)
    for column in ("truth_vcf", "truth_bed"):
        for path, lines in grouped(rows, column).items():
            if path:
                problems += check_annotations(sheet, f"line {lines[0][0]}, column {column}", path, reference)
    return problems
