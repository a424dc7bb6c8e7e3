"""What is exported can be corrected in BRAT or INCEpTION, read again, and learned from."""

import json
from pathlib import Path

import pandas as pd
import pytest
import text_steps

from kimedlib.text_documents import SUFFIXES, read_letter
from kimedlib.text_model_data import Span, read_lines


@pytest.fixture(scope="module")
def assessed(chain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("review")
    text_steps.replace(chain, folder)
    text_steps.assess(chain, folder)
    return folder


def exported(chain: Path, assessed: Path, folder: Path, form: str) -> str:
    """Exports; the first of the letters."""
    text_steps.export_review.main(
        documents=chain / "documents.jsonl", found=[chain / "found.tsv"], review=assessed / "review.tsv",
        folder=folder, form=form,
    )  # fmt: skip
    doubtful = set(pd.read_csv(assessed / "review.tsv", sep="\t")["document"])
    written = {path.stem for path in folder.iterdir() if path.name != "TypeSystem.xml"}
    assert written == doubtful
    assert (folder / "TypeSystem.xml").exists() == (form == "cas_xmi")
    return min(doubtful)


@pytest.mark.parametrize("form", ["brat", "cas_json", "cas_xmi"])
def test_everything_found_is_exported_at_its_place(chain: Path, assessed: Path, tmp_path: Path, form: str):
    first = exported(chain, assessed, tmp_path, form)
    originals = read_lines(chain / "documents.jsonl")
    table = pd.read_csv(chain / "found.tsv", sep="\t").query("point == 'safe'")
    for path in sorted(tmp_path.glob(f"*{SUFFIXES[form]}")):
        letter = read_letter(path, form, path.stem)
        assert letter.text == originals[path.stem].text
        rows = table[table["document"] == path.stem]
        triples = zip(rows["begin"], rows["end"], rows["label"], strict=True)
        if form == "brat":  # one that spans lines comes back in pieces
            assert {(span.begin, span.end) for span in letter.spans} >= {
                (begin, end) for begin, end, _ in triples if "\n" not in letter.text[begin:end]
            }
        else:
            assert {(span.begin, span.end, span.label) for span in letter.spans} == set(triples)
    said = "AnnotatorNotes" if form == "brat" else "confidence"
    path = tmp_path / f"{first}{'.ann' if form == 'brat' else SUFFIXES[form]}"
    assert said in path.read_text(encoding="utf-8")


def test_confidence_is_the_one_that_was_found(chain: Path, assessed: Path, tmp_path: Path):
    first = exported(chain, assessed, tmp_path, "cas_json")
    cas = json.loads((tmp_path / f"{first}.json").read_text(encoding="utf-8"))
    given = [one["confidence"] for one in cas["%FEATURE_STRUCTURES"] if one["%TYPE"] == "webanno.custom.PHI"]
    found = pd.read_csv(chain / "found.tsv", sep="\t").query("document == @first and point == 'safe'")
    assert sorted(given) == pytest.approx(sorted(found["confidence"]), abs=1e-4)


def test_a_correction_in_cas_json_is_read_as_training_letter(chain: Path, assessed: Path, tmp_path: Path):
    path, name = corrected(chain, assessed, tmp_path)
    letter = read_letter(path, "cas_json", name)
    before = read_lines(chain / "documents.jsonl")[name]
    assert letter.text == before.text and "PROFESSION" in {span.label for span in letter.spans}


def corrected(chain: Path, assessed: Path, folder: Path) -> tuple[Path, str]:
    """A letter exported for review whose first annotation a reviewer made a PROFESSION."""
    name = exported(chain, assessed, folder / "review", "cas_json")
    path = folder / f"review/{name}.json"
    cas = json.loads(path.read_text(encoding="utf-8"))
    next(one for one in cas["%FEATURE_STRUCTURES"] if one["%TYPE"] == "webanno.custom.PHI")["kind"] = "PROFESSION"
    path.write_text(json.dumps(cas), encoding="utf-8")
    return path, name


def test_a_correction_in_brat_is_read(chain: Path, assessed: Path, tmp_path: Path):
    name = exported(chain, assessed, tmp_path, "brat")
    letter = read_letter(tmp_path / f"{name}.txt", "brat", name)
    first = letter.spans[0]
    quoted = letter.text[first.begin : first.end].replace("\n", " ")
    (tmp_path / f"{name}.ann").write_text(f"T1\tOTHER {first.begin} {first.end}\t{quoted}\n", encoding="utf-8")
    assert read_letter(tmp_path / f"{name}.txt", "brat", name).spans == (Span(first.begin, first.end, "OTHER"),)


@pytest.mark.slow
def test_corrections_in_cas_json_train_the_next_model(chain: Path, assessed: Path, tmp_path: Path):
    path, name = corrected(chain, assessed, tmp_path)
    sheet = pd.read_csv(chain / "sheet.tsv", sep="\t", dtype=str)
    columns = ["role", "format", "file"]
    sheet.loc[sheet["document"] == name, columns] = ["train", "cas_json", str(path)]
    sheet.to_csv(tmp_path / "sheet.tsv", sep="\t", index=False)
    text_steps.read(tmp_path)
    text_steps.learn(tmp_path, tmp_path, letters=0)
    assert name in text_steps.names(tmp_path, "train")
    labels = {span.label for span in read_lines(tmp_path / "documents.jsonl")[name].spans}
    assert "PROFESSION" in labels
    assert b"PROFESSION" in (tmp_path / "model/stage1.crf").read_bytes()
