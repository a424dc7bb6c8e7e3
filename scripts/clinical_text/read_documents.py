"""Read all documents of the sheet, whatever their format, into one file of letters; refuse what cannot be read."""

import os
from pathlib import Path

import pandas as pd

from kimedlib.logs import log_to
from kimedlib.problems import InputProblems, raise_if
from kimedlib.text_documents import read_letter
from kimedlib.text_model_data import write_lines


def main(*, sheet: Path, letters: Path) -> None:
    """Read documents.

    Parameters
    ----------
    sheet
        Sample sheet; its cells were checked before.
    letters
        Gets one line of JSON per document: name, text, annotations.

    Raises
    ------
    InputProblems
        What is wrong with any document, all at once.
    """
    rows = pd.read_csv(sheet, sep="\t", dtype=str, keep_default_na=False).to_dict("records")
    found = []
    problems = []
    for row in rows:
        try:
            found.append(
                read_letter(Path(os.path.expandvars(str(row["file"]))), str(row["format"]), str(row["document"]))
            )
        except InputProblems as error:
            problems += error.problems
    raise_if(problems)
    write_lines(found, letters)
    print(f"{len(found)} documents, {sum(len(letter.spans) for letter in found)} annotations")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(sheet=Path(snakemake.input.sheet), letters=Path(snakemake.output.letters))
