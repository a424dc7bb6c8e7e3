"""Letters with doubtful places as BRAT or UIMA-CAS, for people to correct; corrected, they are training letters."""

from pathlib import Path

import pandas as pd

from kimedlib.atomic import atomic_path
from kimedlib.logs import log_to
from kimedlib.text_cas import TYPE_SYSTEM, cas_text, type_system
from kimedlib.text_documents import SUFFIXES, brat_annotations
from kimedlib.text_model_data import Letter, Span, read_lines


def main(*, documents: Path, found: list[Path], review: Path, folder: Path, form: str) -> None:
    """Export.

    Parameters
    ----------
    documents, found, review
        Letters, detections per fold, doubtful places of `assess_risk`.
    folder
        Gets each letter with its *original* text and all spans of `safe`. Put the corrected file into the sample sheet
        with role train and the same format.
    form
        brat (`.txt` and `.ann`, confidence as an annotator's note), cas_json or cas_xmi (`.json`, `.xmi` with one
        TypeSystem.xml; confidence as a feature of the layer).

    Raises
    ------
    InputProblems
        A letter holds signs that XML cannot hold (cas_xmi).
    """
    folder.mkdir(parents=True, exist_ok=True)
    letters = read_lines(documents)
    chosen = set(pd.read_csv(review, sep="\t", dtype={"document": str})["document"])
    table = pd.concat([pd.read_csv(path, sep="\t", dtype={"document": str}) for path in found])
    for name, part in table[table["point"] == "safe"].groupby("document"):
        if name not in chosen:
            continue
        rows = part.drop_duplicates(["begin", "end"]).sort_values("begin")
        columns = zip(rows["begin"], rows["end"], rows["label"], strict=True)
        spans = tuple(Span(int(begin), int(end), str(label)) for begin, end, label in columns)
        letter = Letter(str(name), letters[str(name)].text, spans)
        _write(letter, list(map(float, rows["confidence"])), folder, form)
    if form == "cas_xmi":
        with atomic_path(folder / TYPE_SYSTEM) as temporary:
            temporary.write_text(type_system(), encoding="utf-8")
    print(f"{len(chosen)} letters for review")


def _write(letter: Letter, confidences: list[float], folder: Path, form: str) -> None:
    stem = folder / letter.name.removesuffix(SUFFIXES[form])
    with atomic_path(f"{stem}{SUFFIXES[form]}") as temporary:
        text = letter.text if form == "brat" else cas_text(letter, form, confidences)
        temporary.write_bytes(text.encode())
    if form == "brat":
        notes = [f"confidence {value:.2f}" for value in confidences]
        with atomic_path(f"{stem}.ann") as temporary:
            temporary.write_bytes(brat_annotations(letter, notes).encode())


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            documents=Path(snakemake.input.documents),
            found=[Path(path) for path in snakemake.input.found],
            review=Path(snakemake.input.review),
            folder=Path(snakemake.output.folder),
            form=snakemake.params.form,
        )
