"""Detections carry no text, lie inside their letters, grow from precision to safe, and do not look at annotations."""

from pathlib import Path

import pandas as pd
import text_steps

from kimedlib.text_model_data import Letter, read_lines, write_lines


def test_table(chain: Path):
    found = pd.read_csv(chain / "found.tsv", sep="\t")
    letters = read_lines(chain / "documents.jsonl")
    assert list(found.columns) == ["document", "point", "begin", "end", "label", "confidence"]
    assert set(found["document"]) == set(text_steps.names(chain, "test", "new"))
    assert found["confidence"].between(0, 1).all()
    for row in found.to_dict("records"):
        assert 0 <= row["begin"] < row["end"] <= len(letters[row["document"]].text)
    size = (found["end"] - found["begin"]).groupby(found["point"]).sum()
    assert size["precision"] <= size["balanced"] <= size["safe"]


def test_annotations_of_judged_letters_are_not_looked_at(chain: Path, tmp_path: Path):
    for name in ("model", "dial.json", "sheet.tsv"):
        (tmp_path / name).symlink_to(chain / name)
    bare = [Letter(letter.name, letter.text) for letter in read_lines(chain / "documents.jsonl").values()]
    write_lines(bare, tmp_path / "documents.jsonl")
    text_steps.detect(tmp_path)
    assert (tmp_path / "found.tsv").read_bytes() == (chain / "found.tsv").read_bytes()
