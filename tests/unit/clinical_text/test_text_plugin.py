"""The plug-in's folder, digest and label map are checked; a planted scorer's probabilities become spans."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kimedlib.problems import InputProblems
from kimedlib.text_model_data import Span
from kimedlib.text_plugin import COMMAND, categories, check_digest, digest_of, load, spans_over

TEXT = "Frau Erlenfurtner Öz  kommt\naus Ulm. Parkinson\nOtt"
NAMES = ["", "NAME_OTHER", "NAME_OTHER", "LOCATION_CITY"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "model"
    (target / "sub").mkdir(parents=True)
    (target / "config.json").write_text(json.dumps({"id2label": {"0": "O", "1": "B-PER", "2": "I-PER", "3": "LOC"}}))
    (target / "sub/Ä b.txt").write_bytes(b"\0\1")
    (target / "sub.txt").write_bytes(b"")
    return target


def test_the_digest_is_that_of_the_shell(folder):
    command = COMMAND.replace("FOLDER", f"'{folder}'")
    said = subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True).stdout.split()[0]
    assert digest_of(folder) == said
    check_digest(folder, said)
    for change in (lambda: (folder / "sub.txt").write_bytes(b"x"), lambda: (folder / "sub.txt").rename(folder / "z")):
        before = digest_of(folder)
        change()
        with pytest.raises(InputProblems, match=f"has the SHA-256 .*pinned is {before}"):
            check_digest(folder, before)


def test_links_and_missing_folders_are_named(folder, tmp_path):
    with pytest.raises(InputProblems, match="no folder"):
        digest_of(tmp_path / "none")
    (folder / "weights").symlink_to(folder / "config.json")
    with pytest.raises(InputProblems, match="weights: is a link"):
        digest_of(folder)


def test_tags_become_categories(folder):
    assert categories(folder, {"PER": "NAME_OTHER", "LOC": "LOCATION_CITY"}) == NAMES
    assert categories(folder, {"PER": "NAME_OTHER", "LOC": None}) == ["", "NAME_OTHER", "NAME_OTHER", ""]


@pytest.mark.parametrize(
    ("content", "labels", "message"),
    [
        (None, {}, "has no label map"),
        ("{", {}, "has no label map"),
        ("{}", {}, "has no label map"),
        ('{"id2label": {"5": "O"}}', {}, "has no label map"),
        ('{"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}', {}, "2 problems.*'LABEL_0' stands for no category"),
        ('{"id2label": {"0": "O", "1": "B-PER"}}', {"PER": "NAME"}, "'PER' stands for no category"),
        ('{"id2label": {"0": "O"}}', {}, "no tag stands for a category"),
    ],
)
def test_wrong_label_maps_are_named(tmp_path, content, labels, message):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(InputProblems, match=f"(?s){message}"):
        categories(tmp_path, labels)


def test_missing_packages_are_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputProblems, match="needs the package torch, which is missing"):
        load(folder, 4)


def pieces(*planted: tuple[str, int, float]) -> list[tuple[int, int, np.ndarray]]:
    """Word pieces of two letters each: (word, tag, its probability), all others certainly none."""
    found = []
    for begin in range(0, len(TEXT), 2):
        chances = np.array([1.0, 0.0, 0.0, 0.0])
        for word, tag, chance in planted:
            start = TEXT.index(word)
            if start < begin + 2 and begin < start + len(word):
                chances[0], chances[tag] = 1 - chance, chance
        found.append((begin, begin + 2, chances))
    return found


def test_a_planted_scorer_gives_whole_words():
    found = spans_over(TEXT, pieces(("furt", 1, 0.9), ("Öz", 2, 0.6), ("Ulm", 3, 0.4), ("Ott", 1, 1.0)), NAMES, 0.3)
    assert [(TEXT[span.begin : span.end], span.label, sure) for span, sure in found] == [
        ("Erlenfurtner Öz", "NAME_OTHER", 0.75),
        ("Ulm", "LOCATION_CITY", 0.4),
        ("Ott", "NAME_OTHER", 1.0),
    ]
    assert spans_over(TEXT, pieces(("Ulm", 3, 0.4)), NAMES, 0.5) == []


def test_lines_are_not_joined():
    text = "Ott\nAlm"
    both = [(0, 3, np.array([0.0, 1.0])), (4, 7, np.array([0.0, 1.0]))]
    assert [span for span, _ in spans_over(text, both, ["", "ID"], 0.5)] == [Span(0, 3, "ID"), Span(4, 7, "ID")]
