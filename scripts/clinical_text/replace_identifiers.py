"""Replace what was found in the letters of one fold, and write them in the formats that they came in."""

import os
from pathlib import Path

import pandas as pd

from kimedlib.logs import log_to
from kimedlib.pseudonyms import read_linkage
from kimedlib.table_files import write_table
from kimedlib.text_documents import write_letter, written_name
from kimedlib.text_model_data import Letter, Span, read_lines
from kimedlib.text_replacement import Identity, everywhere, load_key, of_linkage, of_project, replace, whole_weeks


def main(
    *, documents: Path, found: Path, sheet: Path, key_file: Path, linkage: Path | None, folder: Path, audit: Path,
    names: list[str], point: str, mode: str, keep_weekday: bool,
) -> None:  # fmt: skip
    """Replace.

    Parameters
    ----------
    documents, found
        Letters, and detections of `detect_identifiers`.
    sheet
        Sample sheet: pseudonym, format and file of each document.
    key_file, linkage
        Secret of the project; the trust centre's linkage file takes its place where there is one.
    folder
        Gets the letters. Stand-ins (`surrogate`) are not marked, so that an original that was missed does not stand
        out; tags and codes are annotated where the format can.
    audit
        Table document, label, replaced: counts, no text.
    point, mode
        Operating point whose spans are replaced; tag, pseudonym or surrogate.
    keep_weekday
        Dates move by whole weeks.

    Raises
    ------
    InputProblems
        The linkage file lacks a patient.
    """
    letters = read_lines(documents)
    rows = pd.read_csv(sheet, sep="\t", dtype=str, keep_default_na=False).set_index("document")
    table = pd.read_csv(found, sep="\t", dtype={"document": str})
    groups = {str(name): part for name, part in table[table["point"] == point].groupby("document")}
    issued = None
    if linkage:
        with linkage.open(encoding="utf-8") as lines:
            issued = read_linkage(lines, str(linkage))
    folder.mkdir(parents=True, exist_ok=True)
    counts: list[tuple[str, str, int]] = []
    for name in sorted(names):
        patient, form = str(rows.loc[name, "patient_id"]), str(rows.loc[name, "format"])
        identity: Identity
        if issued is not None:
            identity = of_linkage(issued, patient, str(sheet))
        else:
            identity = of_project(load_key(key_file.read_text(encoding="utf-8")), patient)
        if keep_weekday:
            identity = whole_weeks(identity)
        spans = []
        if name in groups:
            columns = zip(groups[name]["begin"], groups[name]["end"], groups[name]["label"], strict=True)
            spans = [Span(int(begin), int(end), str(label)) for begin, end, label in columns]
        full = everywhere(Letter(name, letters[name].text, tuple(spans)))
        new, replaced = replace(full, identity, mode)
        written = Letter(name, new.text, () if mode == "surrogate" else new.spans)
        source = Path(os.path.expandvars(str(rows.loc[name, "file"])))
        moved = tuple(zip(full.spans, new.spans, strict=True))
        write_letter(written, source, form, folder / written_name(name, form), moved)
        counts += [(name, label, number) for label, number in sorted(replaced.items())]
    write_table(pd.DataFrame(counts, columns=["document", "label", "replaced"]), audit)
    print(f"letters={len(names)} replaced={sum(number for _, _, number in counts)}")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            documents=Path(snakemake.input.documents),
            found=Path(snakemake.input.found),
            sheet=Path(snakemake.input.sheet),
            key_file=Path(snakemake.input.key_file),
            linkage=Path(snakemake.input.linkage) if snakemake.input.linkage else None,
            folder=Path(snakemake.output.folder),
            audit=Path(snakemake.output.audit),
            names=list(snakemake.params.names),
            point=snakemake.params.settings["point"],
            mode=snakemake.params.settings["mode"],
            keep_weekday=snakemake.params.settings["keep_weekday"],
        )
