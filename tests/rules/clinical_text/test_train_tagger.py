"""Training is the same for any number of processes, looks at training letters only, and needs annotations."""

import json
from pathlib import Path

import pandas as pd
import pytest
import text_steps

from kimedlib.problems import InputProblems
from kimedlib.text_model_data import Letter, read_lines, write_lines

FILES = ("model/stage1.crf", "model/stage2.crf", "model/words.txt", "dial.json", "points.tsv", "trust.tsv")


def test_two_processes_give_the_bytes_of_one_and_other_letters_change_nothing(chain: Path, tmp_path: Path):
    letters = read_lines(chain / "documents.jsonl")
    judged = set(text_steps.names(chain, "test", "new"))
    write_lines(
        [Letter(one.name, "anderes") if one.name in judged else one for one in letters.values()],
        tmp_path / "documents.jsonl",
    )
    (tmp_path / "sheet.tsv").write_bytes((chain / "sheet.tsv").read_bytes())
    text_steps.learn(tmp_path, tmp_path, processes=2)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (chain / name).read_bytes(), name
    assert sorted(path.name for path in (chain / "model").iterdir()) == ["stage1.crf", "stage2.crf", "words.txt"]


def test_lower_thresholds_find_more(chain: Path):
    points = pd.read_csv(chain / "points.tsv", sep="\t")
    assert points["threshold"].is_monotonic_decreasing
    assert points["span_recall"].is_monotonic_increasing
    assert points["char_precision"].iloc[-1] < points["char_precision"].iloc[0]
    dial = json.loads((chain / "dial.json").read_text())
    assert dial["training_letters"] == 6 and dial["suspect"] in set(points["threshold"])


def test_without_annotations_nothing_can_be_learned(chain: Path, tmp_path: Path):
    bare = [Letter(letter.name, letter.text) for letter in read_lines(chain / "documents.jsonl").values()]
    write_lines(bare, tmp_path / "documents.jsonl")
    (tmp_path / "sheet.tsv").write_bytes((chain / "sheet.tsv").read_bytes())
    with pytest.raises(InputProblems, match="no annotated training letter"):
        text_steps.learn(tmp_path, tmp_path)
    assert not (tmp_path / "dial.json").exists()


def test_probabilities_are_judged_without_and_with_correction(chain: Path):
    table = pd.read_csv(chain / "trust.tsv", sep="\t")
    assert list(table["kind"].unique()) == ["model", "corrected"]
    assert len(set(table.groupby("kind")["tokens"].sum())) == 1
    assert ((table["mean_probability"] >= table["low"]) & (table["mean_probability"] <= table["high"])).all()
    assert json.loads((chain / "dial.json").read_text())["calibration"]["slope"] > 0
