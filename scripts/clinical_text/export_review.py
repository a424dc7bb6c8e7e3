"""Letters with doubtful places as BRAT documents, for people to correct; corrected, they are training letters."""

from pathlib import Path

import pandas as pd

from kimedlib.atomic import atomic_path
from kimedlib.logs import log_to
from kimedlib.text_documents import brat_annotations
from kimedlib.text_model_data import Letter, Span, read_lines


def main(*, documents: Path, found: list[Path], review: Path, folder: Path) -> None:
    """Export.

    Parameters
    ----------
    documents, found, review
        Letters, detections per fold, doubtful places of `assess_risk`.
    folder
        Gets `<document>.txt` with the *original* text and `<document>.ann` with all spans of `safe`, each with its
        confidence as an annotator's note. Put the corrected pair into the sample sheet with role train, format brat.
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
        notes = [f"confidence {value:.2f}" for value in rows["confidence"]]
        stem = folder / str(name).removesuffix(".txt")
        with atomic_path(f"{stem}.txt") as temporary:
            temporary.write_bytes(letter.text.encode())
        with atomic_path(f"{stem}.ann") as temporary:
            temporary.write_text(brat_annotations(letter, notes), encoding="utf-8")
    print(f"{len(chosen)} letters for review")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            documents=Path(snakemake.input.documents),
            found=[Path(path) for path in snakemake.input.found],
            review=Path(snakemake.input.review),
            folder=Path(snakemake.output.folder),
        )
