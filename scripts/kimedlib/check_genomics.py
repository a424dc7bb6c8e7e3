"""Everything about the input of the genomics workflow that can be seen before a job starts."""

import gzip
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from kimedlib.problems import Problem

READ_WHOLE = 8_000_000  # compressed bytes up to which a FASTQ file is read to its end
REFERENCE_WHOLE = 200_000_000  # bytes up to which a reference without .fai is searched for names
ZIPPED = b"\x1f\x8b"


def normals_of(samples: pd.DataFrame) -> dict[str, list[str]]:
    """Normal sample of the same patient, for every sample; empty for a tumour without one."""
    normals = samples[samples["role"] == "normal"]
    return {
        sample: sorted(normals.loc[normals["patient_id"] == patient, "sample"])
        for sample, patient in zip(samples["sample"], samples["patient_id"], strict=True)
    }


def unreadable(path: str) -> tuple[str, str] | None:
    """What is wrong with a file before one looks inside, and the remedy."""
    file = Path(path)
    if not file.exists():
        return f"{path} does not exist", "correct the path; it is relative to the working directory"
    if not file.is_file():
        return f"{path} is not a file", "give a file"
    try:
        with file.open("rb") as handle:
            return None if handle.read(1) else (f"{path} is empty", "copy or sequence it again")
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}", "make it readable"


def first_name(line: str) -> str:
    """Name of a read's template, from the first line of a FASTQ record."""
    return line[1:].split(maxsplit=1)[0].removesuffix("/1").removesuffix("/2")


def look_into_fastq(path: str) -> tuple[str, int | None] | tuple[str, str]:
    """First read's name and the number of reads (None for large files), or what is wrong and the remedy."""
    again = "copy it again from its source and compare checksums"
    with Path(path).open("rb") as handle:
        if handle.read(2) != ZIPPED:
            return f"{path} is not gzip", "compress it with gzip or bgzip"
    whole = Path(path).stat().st_size <= READ_WHOLE
    name, number = "", 0
    wrong = ""
    try:
        with gzip.open(path, "rt", encoding="ascii") as lines:
            for number, line in enumerate(lines, 1):
                if number % 4 == 1 and not (line.startswith("@") and len(line) > 2):
                    wrong = f"is not FASTQ: line {number} does not start with @ and a name"
                    break
                name = name or first_name(line)
                if number == 4 and not whole:
                    return name, None
        if not wrong and number % 4:
            wrong = f"ends within a read (line {number})"
    except (EOFError, zlib.error, gzip.BadGzipFile):
        wrong = f"is truncated or damaged behind line {number}"
    except UnicodeDecodeError:
        wrong = "is not FASTQ text"
    if wrong:
        return f"{path} {wrong}", again
    return (name, number // 4) if number else (f"{path} holds no reads", "sequence the sample again or remove it")


def check_pair(sheet: str, line: int, row: Mapping[str, str]) -> Iterator[Problem]:
    """Problems of the two FASTQ files of a sample."""
    looks: list[tuple[str, int | None]] = []
    for column in ("fastq_1", "fastq_2"):
        place = f"line {line}, column {column}"
        wrong = unreadable(row[column]) or look_into_fastq(row[column])
        if isinstance(wrong[1], str):
            yield Problem(sheet, place, wrong[0], wrong[1])
        else:
            looks.append((wrong[0], wrong[1]))
    if row["fastq_1"] == row["fastq_2"]:
        yield Problem(sheet, f"line {line}", "fastq_1 and fastq_2 are the same file", "give both ends of the pairs")
    elif len(looks) == 2:
        (first, count_1), (second, count_2) = looks
        if first != second:
            found = f"the first reads are not mates: '{first}' and '{second}'"
            yield Problem(sheet, f"line {line}", found, "give two files of the same run, in the same order")
        if count_1 is not None and count_2 is not None and count_1 != count_2:
            found = f"fastq_1 holds {count_1} reads, fastq_2 {count_2}"
            yield Problem(sheet, f"line {line}", found, "one of the files is incomplete: copy both again")


def reference_contigs(path: str) -> set[str] | None:
    """Names of the reference's sequences; None if finding them would take long."""
    index = Path(f"{path}.fai")
    if index.is_file():
        return {line.split("\t")[0] for line in index.read_text(encoding="utf-8").splitlines()}
    if Path(path).stat().st_size > REFERENCE_WHOLE:
        return None
    with Path(path).open("rb") as handle:
        zipped = handle.read(2) == ZIPPED
    with gzip.open(path, "rt") if zipped else Path(path).open(encoding="ascii") as lines:
        return {line[1:].split()[0] for line in lines if line.startswith(">") and len(line) > 2}


def first_columns(path: str) -> set[str]:
    """Contigs that the lines of a BED, GFF or VCF file (plain or gzip) name."""
    with Path(path).open("rb") as handle:
        zipped = handle.read(2) == ZIPPED
    with gzip.open(path, "rt") if zipped else Path(path).open(encoding="utf-8") as lines:
        return {
            line.split("\t")[0].strip()
            for line in lines
            if line.strip() and not line.startswith(("#", "track", "browser", ">"))
        }


def check_annotations(file: str, place: str, path: str, contigs: set[str] | None) -> Iterator[Problem]:
    """Problems of a file whose lines begin with a contig."""
    wrong = unreadable(path)
    if wrong:
        yield Problem(file, place, *wrong)
        return
    try:
        named = first_columns(path)
    except (EOFError, OSError, zlib.error, UnicodeDecodeError):
        yield Problem(file, place, f"{path} is damaged", "copy it again from its source and compare checksums")
        return
    if not named:
        yield Problem(file, place, f"{path} holds no records", "leave the field empty or give a file with records")
    elif contigs is not None and (unknown := sorted(named - contigs)):
        known = ", ".join(sorted(contigs)[:5])
        found = f"{path} names '{unknown[0]}', which the reference does not have"
        yield Problem(file, place, found, f"use the reference's names ({known}, ...)")


def check_config_files(config: Mapping[str, Any]) -> tuple[list[Problem], set[str] | None]:
    """Problems of the files that the config names, and the reference's contigs."""
    file = "config"
    wrong = unreadable(config["reference"])
    if wrong:
        return [Problem(file, "key reference", *wrong)], None
    try:
        contigs = reference_contigs(config["reference"])
    except (EOFError, OSError, zlib.error, UnicodeDecodeError):
        found = f"{config['reference']} is damaged"
        return [Problem(file, "key reference", found, "copy it again and compare checksums")], None
    if contigs is not None and not contigs:
        found = f"{config['reference']} holds no FASTA sequence"
        return [Problem(file, "key reference", found, "give a FASTA file")], None
    problems: list[Problem] = []
    for key in ("targets", "gene_model"):
        if config[key]:
            problems += check_annotations(file, f"key {key}", config[key], contigs)
    for key in ("panel_of_normals", "population_frequencies"):
        if config["somatic"][key]:
            problems += check_annotations(file, f"key somatic: {key}", config["somatic"][key], contigs)
    region = config["region"].split(":")[0]
    if region and contigs is not None and region not in contigs:
        remedy = f"use the reference's names ({', '.join(sorted(contigs)[:5])}, ...)"
        problems.append(Problem(file, "key region", f"the reference has no '{region}'", remedy))
    return problems, contigs


def check_patients(frame: pd.DataFrame, sheet: str, panel: str) -> Iterator[Problem]:
    """Problems of which samples a patient has; a tumour may be alone if there is a panel of normals."""
    for patient, rows in frame.groupby("patient_id", sort=False):
        line = int(rows.index[0]) + 2
        counts = rows["role"].value_counts()
        if counts.get("normal", 0) == 0 and not panel:
            found = f"patient '{patient}' has a tumour but no normal"
            remedy = "add the normal sample, or a panel of normals (somatic: panel_of_normals in the config)"
            yield Problem(sheet, f"line {line}", found, remedy)
        for role in ("normal", "tumour"):
            if counts.get(role, 0) > 1:
                found = f"patient '{patient}' has {counts[role]} {role} samples"
                yield Problem(sheet, f"line {line}", found, "give one; merge FASTQ files of several lanes")


def check_files(config: Mapping[str, Any], frame: pd.DataFrame, sheet: str) -> list[Problem]:
    """Problems of all files that config and sheet name, in their order.

    Parameters
    ----------
    config
        Config of the workflow.
    frame
        Sample sheet.
    sheet
        Its path.
    """
    problems, contigs = check_config_files(config)
    frame = frame.reset_index(drop=True)
    problems += check_patients(frame, sheet, config["somatic"]["panel_of_normals"])
    for number, row in frame.iterrows():
        line = int(str(number)) + 2
        problems += check_pair(sheet, line, {str(key): str(value) for key, value in row.items()})
    for column in ("truth_vcf", "truth_bed"):
        for path, rows in frame[frame[column] != ""].groupby(column, sort=False):
            problems += check_annotations(sheet, f"line {int(rows.index[0]) + 2}, column {column}", str(path), contigs)
    return problems
