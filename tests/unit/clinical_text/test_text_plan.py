"""Folds and sheets that cannot work are refused before any job."""

import json

import pandas as pd
import pytest

from kimedlib.problems import InputProblems
from kimedlib.text_plan import check_files, files, folds, judged


def frame(*roles: str) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"document": f"d{n}", "patient_id": "P1", "role": role, "format": "text", "file": f"d{n}.txt"}
            for n, role in enumerate(roles)
        ]
    )


def test_roles_make_one_fold():
    sheet = frame("train", "train", "train", "train", "test", "new")
    chosen = folds(sheet, "s", None)
    assert chosen == {"all": {"train": ["d0", "d1", "d2", "d3"], "test": ["d4", "d5"]}}
    assert judged(chosen, sheet) == {"all": ["d4"]}


def test_published_folds(tmp_path):
    path = tmp_path / "folds.json"
    names = ["d0", "d1", "d2", "d3"]
    path.write_text(json.dumps([{"train": names, "dev": ["d5"], "test": ["d4"]}]))
    assert folds(frame(*["test"] * 6), "s", str(path)) == {"fold0": {"train": names, "test": ["d4"]}}
    path.write_text(json.dumps([{"train": names[:3], "dev": [], "test": ["d0", "x"]}]))
    with pytest.raises(InputProblems) as error:
        folds(frame(*["test"] * 6), "s", str(path))
    said = str(error.value)
    assert "'x' is not in s" in said and "'d0' trains and is judged" in said and "3 training letters" in said


def test_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "a.ann").write_text("")
    (tmp_path / "e.json").write_text("")
    rows = [("a", "brat", "a.txt"), ("b", "text", "b.txt"), ("c", "cas_xmi", "a.txt"), ("e", "fhir", "e.json")]
    sheet = pd.DataFrame(
        [{"document": d, "patient_id": "P", "role": "new", "format": f, "file": p} for d, f, p in rows]
    )
    said = "\n".join(map(str, check_files(sheet, "s")))
    for part in ("no file b.txt", "is not named like cas_xmi", "stands already in line 2", "e.json: is empty"):
        assert part in said
    assert files(sheet) == ["a.ann", "a.txt", "b.txt", "e.json"]


def test_two_documents_of_one_output_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "a.pdf"):
        (tmp_path / name).write_text("x")
    rows = [("a.txt", "text", "a.txt"), ("A", "pdf", "a.pdf"), ("b", "pdf", "a.pdf")]
    sheet = pd.DataFrame(
        [{"document": d, "patient_id": "P", "role": "new", "format": f, "file": p} for d, f, p in rows]
    )
    said = [str(problem) for problem in check_files(sheet, "s")]
    assert len(said) == 2 and "line 3, column document: 'A' would be written to the file of line 2" in said[0]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("[{", "is no JSON"),
        ("\xff", "is no JSON|is no list"),
        ("{}", "is no list of folds"),
        ("[]", "is no list of folds"),
        ('[{"train": ["d0"]}]', "fold0: has no list of names 'test'"),
        ('[{"train": "d0", "test": [1]}]', "(?s)'train'.*'test'"),
    ],
)
def test_folds_that_are_none_are_named(tmp_path, written, message):
    path = tmp_path / "folds.json"
    path.write_bytes(written.encode("latin-1"))
    with pytest.raises(InputProblems, match=message):
        folds(frame(*["test"] * 6), "s", str(path))


def test_a_missing_file_of_folds_is_named(tmp_path):
    with pytest.raises(InputProblems, match="No such file"):
        folds(frame(*["test"] * 6), "s", str(tmp_path / "none.json"))
