"""Compare what was found with the annotations: per operating point, per label, per document."""

from collections import defaultdict
from pathlib import Path

import pandas as pd

from kimedlib.logs import log_to
from kimedlib.statistics_intervals import exact_interval
from kimedlib.table_files import write_table
from kimedlib.text_dial import POINTS
from kimedlib.text_model_data import Span, read_lines
from kimedlib.text_scores import (
    Counts,
    by_label,
    characters,
    destroyed,
    leaked,
    leaks_directly,
    relaxed,
    strict,
    tokens,
    untyped,
)
from kimedlib.text_terms import clinical_terms


def spans_of(part: pd.DataFrame) -> list[Span]:
    """Spans of the rows of a detection table."""
    columns = zip(part["begin"], part["end"], part["label"], strict=True)
    return [Span(int(begin), int(end), str(label)) for begin, end, label in columns]


def main(*, documents: Path, found: list[Path], folds: list[list[str]], scores: Path, labels: Path) -> None:
    """Score.

    Parameters
    ----------
    documents
        Letters with annotations.
    found, folds
        Tables of `detect_identifiers`, one per fold, and the names of the annotated letters judged in each.
    scores
        Table sample, metric, value; sample is the operating point, all folds pooled.
    labels
        Strict counts and leaks per label.

    Raises
    ------
    ValueError
        No letter that is judged has annotations.
    """
    letters = read_lines(documents)
    rows: list[tuple[str, str, float]] = []
    table = []
    for point in POINTS:
        sums: dict[str, Counts] = defaultdict(Counts)
        per_label: dict[str, Counts] = defaultdict(Counts)
        lost: dict[str, int] = defaultdict(int)
        judged = leaking = spoilt = terms = spans_total = 0
        for path, names in zip(found, folds, strict=True):
            frame = pd.read_csv(path, sep="\t", dtype={"document": str})
            groups = {str(name): part for name, part in frame[frame["point"] == point].groupby("document")}
            for name in names:
                letter = letters[name]
                part = groups.get(name)
                spans = [] if part is None else spans_of(part)
                sums["strict"] += strict(spans, letter.spans)
                sums["relaxed"] += relaxed(spans, letter.spans)
                sums["untyped"] += untyped(spans, letter.spans)
                sums["token"] += tokens(spans, letter)
                sums["char"] += characters(spans, letter)
                for label, counts in by_label(spans, letter.spans).items():
                    per_label[label] += counts
                for span in leaked(spans, letter):
                    lost[span.label] += 1
                spans_total += len(letter.spans)
                judged += 1
                leaking += leaks_directly(spans, letter)
                known = clinical_terms(letter)
                terms += len(known)
                spoilt += destroyed(spans, known)
        if not spans_total:
            raise ValueError("no letter that is judged has annotations")
        for kind, counts in sums.items():
            rows += [(point, f"{kind}_{name}", getattr(counts, name)) for name in ("precision", "recall", "f1")]
        low, high = exact_interval(leaking, judged)
        rows += [
            (point, "span_recall", 1 - sum(lost.values()) / spans_total),
            (point, "documents", judged), (point, "spans", spans_total),
            (point, "docs_leaking", leaking), (point, "docs_leaking_pct", 100 * leaking / judged),
            (point, "docs_leaking_pct_low", 100 * low), (point, "docs_leaking_pct_high", 100 * high),
            (point, "terms", terms), (point, "terms_destroyed_pct", 100 * spoilt / max(terms, 1)),
        ]  # fmt: skip
        table += [
            (point, label, counts.tp, counts.fp, counts.fn, counts.precision, counts.recall, counts.f1, lost[label])
            for label, counts in sorted(per_label.items())
        ]
    write_table(pd.DataFrame(rows, columns=["sample", "metric", "value"]), scores, float_format="%.6g")
    columns = ["point", "label", "tp", "fp", "fn", "precision", "recall", "f1", "leaked"]
    write_table(pd.DataFrame(table, columns=columns), labels, float_format="%.6g")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            documents=Path(snakemake.input.documents),
            found=[Path(path) for path in snakemake.input.found],
            folds=[list(names) for names in snakemake.params.folds],
            scores=Path(snakemake.output.scores),
            labels=Path(snakemake.output.labels),
        )
