"""Scores follow from detections that are known: perfect ones, none, and one that is missing."""

from pathlib import Path

import pandas as pd
import pytest
import text_steps

from kimedlib.text_model_data import Letter, Span, write_lines

TEXT = "Herr Maier, geb. 1.2.1950, M. Crohn (K50.1), 40 mg."
LETTER = Letter("d", TEXT, (Span(5, 10, "NAME_PATIENT"), Span(17, 25, "DATE")))


def scored(folder: Path, spans: list[tuple[int, int, str]]) -> dict[str, float]:
    write_lines([LETTER], folder / "documents.jsonl")
    rows = [("d", point, *span, 1.0) for point in ("precision", "balanced", "safe") for span in spans]
    pd.DataFrame(rows, columns=text_steps.detect_identifiers.COLUMNS).to_csv(
        folder / "found.tsv", sep="\t", index=False
    )
    text_steps.score_detection.main(
        documents=folder / "documents.jsonl", found=[folder / "found.tsv"], folds=[["d"]],
        scores=folder / "scores.tsv", labels=folder / "labels.tsv",
    )  # fmt: skip
    frame = pd.read_csv(folder / "scores.tsv", sep="\t")
    return frame[frame["sample"] == "safe"].set_index("metric")["value"].to_dict()


def test_perfect(tmp_path: Path):
    values = scored(tmp_path, [(5, 10, "NAME_PATIENT"), (17, 25, "DATE")])
    assert values["strict_f1"] == values["char_precision"] == values["span_recall"] == 1
    assert values["docs_leaking"] == values["terms_destroyed_pct"] == 0
    assert values["terms"] == 3  # Crohn, K50.1, 40 mg


def test_nothing_found_leaks_the_document(tmp_path: Path):
    values = scored(tmp_path, [])
    assert values["span_recall"] == 0 and values["docs_leaking_pct"] == 100


def test_a_missed_date_is_no_direct_identifier_and_an_eponym_counts_as_destroyed(tmp_path: Path):
    values = scored(tmp_path, [(5, 10, "NAME_PATIENT"), (30, 35, "NAME_DOCTOR")])
    assert values["docs_leaking"] == 0
    assert values["span_recall"] == values["strict_recall"] == values["strict_precision"] == 0.5
    assert values["terms_destroyed_pct"] == pytest.approx(100 / 3, rel=1e-5)


def test_without_annotations_there_is_no_score(tmp_path: Path):
    write_lines([Letter("d", TEXT)], tmp_path / "documents.jsonl")
    pd.DataFrame([], columns=text_steps.detect_identifiers.COLUMNS).to_csv(
        tmp_path / "found.tsv", sep="\t", index=False
    )
    with pytest.raises(ValueError, match="annotations"):
        text_steps.score_detection.main(
            documents=tmp_path / "documents.jsonl", found=[tmp_path / "found.tsv"], folds=[["d"]],
            scores=tmp_path / "scores.tsv", labels=tmp_path / "labels.tsv",
        )  # fmt: skip
