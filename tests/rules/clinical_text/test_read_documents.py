"""All formats give the text and the offsets that were planted; what cannot be read is named, all at once."""

import pandas as pd
import pytest
import text_steps

from kimedlib.problems import InputProblems
from kimedlib.text_model_data import read_lines


def test_every_format_gives_what_was_planted(chain):
    letters = read_lines(chain / "documents.jsonl")
    sheet = pd.read_csv(chain / "sheet.tsv", sep="\t", dtype=str).set_index("document")
    assert set(sheet["format"]) == {"brat", "cas_json", "cas_xmi", "text", "fhir"}
    truth = pd.read_csv(chain / "truth.tsv", sep="\t", dtype=str, keep_default_na=False)
    for name, rows in truth.groupby("document"):
        text = letters[str(name)].text
        shift = int(text.startswith("\ufeff"))
        for row in rows.to_dict("records"):
            assert text[int(row["begin"]) + shift : int(row["end"]) + shift] == row["original"]
        annotated = {(span.begin, span.end, span.label) for span in letters[str(name)].spans}
        if sheet.loc[name, "role"] == "new":
            assert not annotated
        else:
            assert annotated == {
                (int(b), int(e), label) for b, e, label in zip(rows["begin"], rows["end"], rows["label"], strict=True)
            }


def test_all_bad_documents_are_named(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"GIF89a\0\1")
    (tmp_path / "b.json").write_text("{")
    (tmp_path / "c.txt").write_text("Herr MÃ¼ller", encoding="utf-8")
    rows = [("a", "text", "a.txt"), ("b", "cas_json", "b.json"), ("c", "text", "c.txt")]
    frame = pd.DataFrame(
        [{"document": d, "patient_id": d, "role": "new", "format": f, "file": str(tmp_path / p)} for d, f, p in rows]
    )
    frame.to_csv(tmp_path / "sheet.tsv", sep="\t", index=False)
    with pytest.raises(InputProblems) as error:
        text_steps.read(tmp_path)
    assert [problem.file for problem in error.value.problems] == [str(tmp_path / path) for _, _, path in rows]
    assert not (tmp_path / "documents.jsonl").exists()
