"""Offsets of CAS files are UTF-16 units, counted here by hand; broken files are named."""

import json

import pytest

from kimedlib.problems import InputProblems
from kimedlib.text_cas import cas_text, type_system
from kimedlib.text_documents import SUFFIXES, read_letter
from kimedlib.text_model_data import Letter, Span

# 𝐃𝐫 are two signs of four UTF-16 units, the family emoji has five code points and eight units
TEXT = "𝐃𝐫. Öztürk 👨‍👩‍👧\r\nÜbelkeit\u2028Größe\u0085 1\u0308 Frau Mu\u0308ller\t \n\n"
WORDS = {"Öztürk": (6, 12), "Übelkeit": (23, 31), "Größe": (32, 37), "Mu\u0308ller": (47, 54)}
PHI = {"%TYPE": "webanno.custom.PHI", "@sofa": 1}


def units(word: str) -> tuple[int, int]:
    before = TEXT[: TEXT.index(word)]
    return len(before.encode("utf-16-le")) // 2, len((before + word).encode("utf-16-le")) // 2


def cas(annotations: list[dict[str, object]], text: str = TEXT) -> dict[str, object]:
    kind = {"%NAME": "kind", "%RANGE": "uima.cas.String"}
    layer = {"%NAME": "webanno.custom.PHI", "%SUPER_TYPE": "uima.tcas.Annotation", "kind": kind}
    sofa = {"%ID": 1, "%TYPE": "uima.cas.Sofa", "sofaNum": 1, "sofaID": "_InitialView", "sofaString": text}
    members = [{"%ID": number, **PHI, **one} for number, one in enumerate(annotations, 2)]
    return {
        "%TYPES": {"webanno.custom.PHI": layer},
        "%FEATURE_STRUCTURES": [sofa, *members],
        "%VIEWS": {"_InitialView": {"%SOFA": 1, "%MEMBERS": [one["%ID"] for one in members]}},
    }


def xmi(annotations: list[dict[str, object]]) -> str:
    text = TEXT.replace("\r", "&#13;").replace("\n", "&#10;").replace("\t", "&#9;")
    rows = "".join(
        f'<custom:PHI xmi:id="{number}" sofa="1" ' + " ".join(f'{key}="{value}"' for key, value in one.items()) + "/>"
        for number, one in enumerate(annotations, 2)
    )
    members = " ".join(str(number) for number in range(2, 2 + len(annotations)))
    return (
        '<?xml version="1.0" encoding="UTF-8"?><xmi:XMI xmlns:xmi="http://www.omg.org/XMI" xmlns:cas="http:///uima/cas'
        '.ecore" xmlns:custom="http:///webanno/custom.ecore" xmi:version="2.0"><cas:NULL xmi:id="0"/>'
        f'{rows}<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" mimeType="text" sofaString="{text}"/>'
        f'<cas:View sofa="1" members="{members}"/></xmi:XMI>'
    )


def test_units_were_counted_right():
    assert {word: units(word) for word in WORDS} == WORDS


@pytest.mark.parametrize("form", ["cas_json", "cas_xmi"])
def test_utf16_offsets_become_code_points(tmp_path, form):
    rows = [{"begin": begin, "end": end, "kind": "NAME_OTHER"} for begin, end in WORDS.values()]
    path = tmp_path / f"a{SUFFIXES[form]}"
    path.write_bytes((json.dumps(cas(rows)) if form == "cas_json" else xmi(rows)).encode())
    letter = read_letter(path, form, "a")
    assert letter.text == TEXT
    assert [TEXT[span.begin : span.end] for span in letter.spans] == list(WORDS)


@pytest.mark.parametrize("form", ["cas_json", "cas_xmi"])
def test_code_points_become_utf16_offsets_and_nothing_is_lost(tmp_path, form):
    spans = tuple(Span(TEXT.index(word), TEXT.index(word) + len(word), "NAME_OTHER") for word in WORDS)
    letter = Letter("a", TEXT, spans)
    path = tmp_path / f"a{SUFFIXES[form]}"
    path.write_bytes(cas_text(letter, form, [0.25] * len(spans)).encode())
    if form == "cas_json":
        written = json.loads(path.read_text(encoding="utf-8"))["%FEATURE_STRUCTURES"][1:]
        assert [(one["begin"], one["end"]) for one in written] == list(WORDS.values())
        assert {one["confidence"] for one in written} == {0.25}
    else:
        (tmp_path / "TypeSystem.xml").write_text(type_system(), encoding="utf-8")
        for begin, end in WORDS.values():
            assert f'begin="{begin}" end="{end}"' in path.read_text(encoding="utf-8")
    assert read_letter(path, form, "a") == letter


def test_signs_that_xml_cannot_hold_are_named():
    with pytest.raises(InputProblems, match=r"line 2 holds the sign U\+000C, which XML cannot hold"):
        cas_text(Letter("a", "eins\nzwei\fdrei"), "cas_xmi")


@pytest.mark.parametrize(
    "annotation",
    [
        {"begin": 0},
        {"begin": None, "end": 4, "kind": "DATE"},
        {"begin": 6, "end": "x", "kind": "DATE"},
        {"begin": 6, "end": 10_000, "kind": "DATE"},
        {"begin": 12, "end": 6, "kind": "DATE"},
        {"begin": -3, "end": 6, "kind": "DATE"},
        {"begin": 1, "end": 6, "kind": "DATE"},
        {"begin": 6, "end": 12, "kind": "NAME"},
        {"begin": 6, "end": 12, "kind": 3},
    ],
    ids=["no end", "no begin", "word", "outside", "turned", "negative", "half a sign", "unknown", "number"],
)
@pytest.mark.parametrize("form", ["cas_json", "cas_xmi"])
def test_wrong_annotations_are_named(tmp_path, form, annotation):
    path = tmp_path / f"broken{SUFFIXES[form]}"
    content = json.dumps(cas([annotation])) if form == "cas_json" else xmi([annotation])
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputProblems, match="broken"):
        read_letter(path, form, "broken")


@pytest.mark.parametrize("form", ["cas_json", "cas_xmi"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_files_that_were_cut_are_named(tmp_path, form, share):
    rows = [{"begin": begin, "end": end, "kind": "NAME_OTHER"} for begin, end in WORDS.values()]
    whole = (json.dumps(cas(rows)) if form == "cas_json" else xmi(rows)).encode()
    path = tmp_path / f"broken{SUFFIXES[form]}"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputProblems, match="broken"):
        read_letter(path, form, "broken")
