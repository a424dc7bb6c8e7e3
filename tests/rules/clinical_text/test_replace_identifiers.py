"""Nothing that was found stands in the new letters; formats stay, patients stay consistent, the linkage file rules."""

import json
from pathlib import Path

import pandas as pd
import pytest
import text_steps

from kimedlib.problems import InputProblems
from kimedlib.text_documents import read_letter
from kimedlib.text_model_data import DIRECT, Letter, Span, read_lines
from kimedlib.text_replacement import remaining


@pytest.fixture(params=["tag", "pseudonym", "surrogate"])
def replaced(chain: Path, tmp_path: Path, request: pytest.FixtureRequest) -> tuple[str, dict[str, Letter]]:
    text_steps.replace(chain, tmp_path, request.param)
    sheet = pd.read_csv(chain / "sheet.tsv", sep="\t", dtype=str)
    new = sheet[sheet["role"] != "train"]
    paths = {
        row["document"]: (tmp_path / "deidentified" / Path(row["file"]).name, row["format"])
        for row in new.to_dict("records")
    }
    return request.param, {name: read_letter(path, form, name) for name, (path, form) in paths.items()}


def detected(chain: Path) -> dict[str, Letter]:
    found = pd.read_csv(chain / "found.tsv", sep="\t")
    letters = read_lines(chain / "documents.jsonl")
    result = {}
    for name, part in found[found["point"] == "safe"].groupby("document"):
        columns = zip(part["begin"], part["end"], part["label"], strict=True)
        spans = tuple(Span(begin, end, label) for begin, end, label in columns)
        result[str(name)] = Letter(str(name), letters[str(name)].text, spans)
    return result


def test_no_detected_original_is_left(chain: Path, replaced: tuple[str, dict[str, Letter]]):
    mode, new = replaced
    for name, letter in detected(chain).items():
        assert letter.text != new[name].text
        assert remaining(letter, new[name]) == [], (mode, name)
        for span in letter.spans:
            original = letter.text[span.begin : span.end]
            if span.label in DIRECT and len(original) > 5:
                assert original not in new[name].text


def test_the_alarm_rings_for_letters_that_were_not_replaced(chain: Path):
    for letter in detected(chain).values():
        assert remaining(letter, Letter(letter.name, letter.text))


def test_stand_ins_are_not_marked_and_tags_are(replaced: tuple[str, dict[str, Letter]]):
    mode, new = replaced
    annotated = any(letter.spans for letter in new.values())
    assert annotated == (mode != "surrogate")
    if mode == "surrogate":
        assert not any("[NAME" in letter.text for letter in new.values())


def test_same_patient_same_stand_in_and_other_patient_another(chain: Path, tmp_path: Path):
    text_steps.replace(chain, tmp_path)
    audit = pd.read_csv(tmp_path / "audit.tsv", sep="\t")
    assert list(audit.columns) == ["document", "label", "replaced"] and (audit["replaced"] > 0).all()
    other = tmp_path / "again"
    text_steps.replace(chain, other)
    for path in (tmp_path / "deidentified").iterdir():
        assert (other / "deidentified" / path.name).read_bytes() == path.read_bytes()


def test_linkage_file(chain: Path, tmp_path: Path):
    linkage = tmp_path / "linkage.tsv"
    header = "identifier\tpseudonym\tuid_key\tdate_shift_days\n"
    linkage.write_text(header + f"4711\tP001\t{'ab' * 32}\t-30\n", encoding="utf-8")
    with pytest.raises(InputProblems, match=r"P002.*no pseudonym"):
        text_steps.replace(chain, tmp_path / "a", linkage=linkage)
    assert not (tmp_path / "a" / "audit.tsv").exists()
    linkage.write_text(header + f"4711\tP001\t{'ab' * 32}\t-30\n4712\tP002\t{'cd' * 32}\t12\n", encoding="utf-8")
    text_steps.replace(chain, tmp_path / "b", linkage=linkage)
    text_steps.replace(chain, tmp_path / "c")
    pairs = [
        (path.read_bytes(), (tmp_path / "c/deidentified" / path.name).read_bytes())
        for path in (tmp_path / "b/deidentified").iterdir()
        if path.suffix != ".ann"
    ]
    assert all(one != other for one, other in pairs)


@pytest.mark.parametrize("mode", ["tag", "surrogate"])
def test_composition_gets_its_replacements_in_place_and_is_read_again(tmp_path: Path, mode: str):
    div = (
        "<div><p>Herr <b>Erlenfurtner</b>, geb. 07.03.1950,</p><p>kam am 09.03.2020. Erlenfurtner: Parkinson.</p></div>"
    )
    resource = {"resourceType": "Composition", "title": "Brief", "section": [{"text": {"div": div}}]}
    (tmp_path / "a.json").write_text(json.dumps(resource))
    sheet = f"document\tpatient_id\trole\tformat\tfile\na\tP001\tnew\tfhir\t{tmp_path}/a.json\n"
    (tmp_path / "sheet.tsv").write_text(sheet)
    text_steps.read(tmp_path)
    text = read_lines(tmp_path / "documents.jsonl")["a"].text
    # The second place of the name is not among the detections: it is replaced as everywhere.
    words = (("Erlenfurtner", "NAME_PATIENT"), ("07.03.1950", "DATE_BIRTH"), ("09.03.2020", "DATE"))
    places = [(text.index(word), text.index(word) + len(word), label) for word, label in words]
    found = pd.DataFrame(places, columns=["begin", "end", "label"]).assign(document="a", point="safe", confidence=0.9)
    found.to_csv(tmp_path / "found.tsv", sep="\t", index=False)
    text_steps.replace(tmp_path, tmp_path, mode)
    written = (tmp_path / "deidentified/a.json").read_text(encoding="utf-8")
    assert not any(word in written for word, _ in words)
    new = read_letter(tmp_path / "deidentified/a.json", "fhir", "a").text
    first, second = new.split("\n")[1:3]
    assert new.startswith("Brief\nHerr ") and second.startswith("kam am ") and second.endswith(": Parkinson.")
    name = first.removeprefix("Herr ").split(",")[0]
    assert f"<b>{name}</b>" in written and name in second
