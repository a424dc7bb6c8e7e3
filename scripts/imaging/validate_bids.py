"""Run the BIDS validator on our data sets; an error stops the workflow."""

import json
import shutil
import subprocess
from pathlib import Path

import pandas as pd

from kimedlib.imaging_bids import issues_of
from kimedlib.logs import log_to
from kimedlib.problems import Problem, raise_if
from kimedlib.table_files import write_table

COMMAND = "bids-validator-deno"
# Why a warning of the validator is no fault of the data set.
EXPLANATIONS = {
    "SIDECAR_KEY_RECOMMENDED": "the DICOM files do not say it, or it names a device, site or person",
    "JSON_KEY_RECOMMENDED": "licence, vocabularies and sources are the data holder's to say",
    "NO_AUTHORS": "authors are the data holder's to say",
    "TOO_FEW_AUTHORS": "authors are the data holder's to say",
}


def validate(folder: Path) -> list[dict[str, str]]:
    """Issues of one data set.

    Raises
    ------
    InputProblems
        The command is not installed.
    RuntimeError
        The validator itself failed.
    """
    program = shutil.which(COMMAND)
    if program is None:
        remedy = "run `make setup`, or install the PyPI package bids-validator-deno where it can be found"
        raise_if([Problem(COMMAND, "", "is not installed", remedy)])
    command = [str(program), "--format", "json", str(folder)]
    run = subprocess.run(command, text=True, capture_output=True, check=False)  # noqa: S603 fixed program, no shell
    print(run.stderr)
    try:
        return issues_of(json.loads(run.stdout))
    except (ValueError, KeyError) as error:
        raise RuntimeError(f"{COMMAND} ended with {run.returncode} and without a report on {folder}") from error


def main(*, folders: list[Path], table: Path) -> None:
    """Validate data sets.

    Parameters
    ----------
    folders
        BIDS data sets.
    table
        Table: dataset (name of the folder), severity, code, detail, files, why (why a warning is none of ours; empty
        if nothing is known).

    Raises
    ------
    InputProblems
        A data set has errors; all of them, and no table is written.
    RuntimeError
        The validator itself failed.
    """
    rows = [{"dataset": folder.name, **issue} for folder in folders for issue in validate(folder)]
    raise_if(
        Problem(row["dataset"], row["location"], f"{row['code']} {row['detail']}".strip(), "see the BIDS specification")
        for row in rows
        if row["severity"] == "error"
    )
    found = pd.DataFrame(rows, columns=["dataset", "severity", "code", "detail", "location"])
    counts = found.groupby(["dataset", "severity", "code", "detail"], as_index=False).agg(files=("location", "nunique"))
    counts["why"] = [EXPLANATIONS.get(code, "") for code in counts["code"]]
    write_table(counts, table)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(folders=[Path(path) for path in snakemake.input.folders], table=Path(snakemake.output.table))
