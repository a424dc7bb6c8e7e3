"""Invented clinical letters of the cohort's patients in many formats and encodings, and annotated letters of other
people.
"""

from datetime import date
from pathlib import Path

import pandas as pd

from kimedlib.logs import log_to
from kimedlib.table_files import write_table
from kimedlib.text_documents import SUFFIXES, write_letter
from kimedlib.text_letters import Person, Writer
from kimedlib.text_model_data import Letter

ANNOTATED = ("brat", "cas_json", "cas_xmi")
PLAIN = (("text", "cp1252"), ("fhir", "utf-8"), ("text", "utf-8-sig"), ("text", "utf-8"))


def main(
    *, plan: Path, folder: Path, sheet: Path, truth: Path, relative: str, seed: int, training: int, per_patient: int,
) -> None:  # fmt: skip
    """Write letters.

    Parameters
    ----------
    plan
        The cohort's plan with the patients' names and birth dates.
    folder
        Gets the letters; `relative` is its path in the sheet.
    sheet, truth
        Sample sheet of workflows/clinical_text; planted identifiers of all letters with their offsets.
    training, per_patient
        Number of annotated letters of other people, and of annotated letters per patient; one more without annotations.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, str]] = []
    planted: list[tuple[str, int, int, str, str]] = []

    def add(name: str, role: str, form: str, encoding: str, person: Person | None) -> None:
        writer = Writer(seed, name, person)
        writer.letter()
        letter = Letter(name, writer.text, tuple(writer.spans))
        file = name + SUFFIXES[form]
        path = folder / file
        if form == "fhir":
            empty = folder / file
            empty.write_text('{"resourceType": "DocumentReference", "status": "current"}', encoding="utf-8")
            write_letter(letter, empty, form, path)
        elif form == "text":
            path.write_bytes(letter.text.encode(encoding, errors="replace"))
        else:
            write_letter(letter, path, form, path)
        rows.append(
            {
                "document": name,
                "patient_id": name.partition("_")[0],
                "role": role,
                "format": form,
                "file": f"{relative}/{file}",
            }
        )
        planted.extend((name, one.begin, one.end, one.label, letter.text[one.begin : one.end]) for one in letter.spans)

    for number in range(training):
        add(f"T{number + 1:03d}", "train", "brat", "utf-8", None)
    for index, row in enumerate(pd.read_csv(plan, sep="\t", dtype=str).to_dict("records")):
        sex = "female" if str(row["sex"]).lower().startswith("f") else "male"
        person = Person(row["given_name"], row["family_name"], sex, date.fromisoformat(row["birth_date"]))
        patient = str(row["patient_id"])
        for number in range(per_patient):
            add(f"{patient}_{number + 1}", "test", ANNOTATED[(index + number) % 3], "utf-8", person)
        form, encoding = PLAIN[index % len(PLAIN)]
        add(f"{patient}_{per_patient + 1}", "new", form, encoding, person)
    write_table(pd.DataFrame(rows), sheet)
    columns = ["document", "begin", "end", "label", "original"]
    write_table(pd.DataFrame(planted, columns=columns), truth)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            plan=Path(snakemake.input.plan),
            folder=Path(snakemake.output.folder),
            sheet=Path(snakemake.output.sheet),
            truth=Path(snakemake.output.truth),
            relative=str(snakemake.output.folder),
            seed=snakemake.params.seed,
            training=snakemake.params.settings["training_letters"],
            per_patient=snakemake.params.settings["letters_per_patient"],
        )
