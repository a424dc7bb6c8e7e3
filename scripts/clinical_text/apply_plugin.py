"""Find identifiers with a transformer that the user brings; its spans become one more layer of `detect_identifiers`."""

from pathlib import Path

import pandas as pd

from kimedlib.logs import log_to
from kimedlib.table_files import write_table
from kimedlib.text_model_data import read_lines
from kimedlib.text_plugin import categories, check_digest, load, spans_over

COLUMNS = ["document", "begin", "end", "label", "confidence"]


def main(
    *, documents: Path, folder: Path, sha256: str, labels: dict[str, str | None], least: float, found: Path,
    names: list[str],
) -> None:  # fmt: skip
    """Apply the model.

    Parameters
    ----------
    documents
        Letters of `read_documents`.
    folder, sha256
        The model and its pinned digest.
    labels
        Categories of the model's tags (`text_plugin.categories`).
    least
        Least probability of a word to be part of an identifier.
    found
        Table: document, offsets, label, confidence; no text.
    names
        Documents to work on.

    Raises
    ------
    InputProblems
        Another digest, a label map that cannot be used, missing packages, a folder that is no model.
    """
    check_digest(folder, sha256)
    kinds = categories(folder, labels)
    score = load(folder, len(kinds))
    letters = read_lines(documents)
    rows = []
    for name in sorted(names):
        text = letters[name].text
        rows += [
            (name, span.begin, span.end, span.label, sure) for span, sure in spans_over(text, score(text), kinds, least)
        ]
    write_table(pd.DataFrame(rows, columns=COLUMNS), found, float_format="%.6f")
    print(f"letters={len(names)} spans={len(rows)}")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            documents=Path(snakemake.input.documents),
            folder=Path(snakemake.params.folder),
            sha256=snakemake.params.sha256,
            labels=dict(snakemake.params.labels),
            least=min(snakemake.params.least.values()),
            found=Path(snakemake.output.found),
            names=list(snakemake.params.names),
        )
