"""What is exported can be corrected in BRAT, read again, and learned from."""

from pathlib import Path

import pandas as pd
import text_steps

from kimedlib.text_documents import read_letter
from kimedlib.text_model_data import Span, read_lines


def test_round_trip_of_a_correction(chain: Path, tmp_path: Path):
    text_steps.replace(chain, tmp_path)
    text_steps.assess(chain, tmp_path)
    text_steps.export_review.main(
        documents=chain / "documents.jsonl", found=[chain / "found.tsv"], review=tmp_path / "review.tsv",
        folder=tmp_path / "review",
    )  # fmt: skip
    doubtful = set(pd.read_csv(tmp_path / "review.tsv", sep="\t")["document"])
    assert {path.stem for path in (tmp_path / "review").iterdir()} == doubtful
    name = sorted(doubtful)[0]
    found = pd.read_csv(chain / "found.tsv", sep="\t").query("document == @name and point == 'safe'")
    exported = read_letter(tmp_path / f"review/{name}.txt", "brat", name)
    assert exported.text == read_lines(chain / "documents.jsonl")[name].text
    assert {(span.begin, span.end) for span in exported.spans} == set(zip(found["begin"], found["end"], strict=True))
    annotations = tmp_path / f"review/{name}.ann"
    assert "AnnotatorNotes" in annotations.read_text(encoding="utf-8")
    first = exported.spans[0]
    quoted = exported.text[first.begin : first.end].replace("\n", " ")
    annotations.write_text(f"T1\tOTHER {first.begin} {first.end}\t{quoted}\n", encoding="utf-8")
    assert read_letter(tmp_path / f"review/{name}.txt", "brat", name).spans == (Span(first.begin, first.end, "OTHER"),)
