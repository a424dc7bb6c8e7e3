"""A Composition: its text at exact offsets, and again with other words and nothing beside them."""

import json
from html.parser import HTMLParser
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimedlib.problems import InputProblems
from kimedlib.text_documents import read_letter, write_letter
from kimedlib.text_fhir import composition_of, rewritten
from kimedlib.text_model_data import Letter, Span

XMLNS = 'xmlns="http://www.w3.org/1999/xhtml"'
TABLE = (
    f"<div {XMLNS}><!-- Ott --><table>\n <tr><td title='Ott'>Kreatinin</td><td colspan='2'>1,2&nbsp;mg/dl</td></tr>\n"
    "</table></div>"
)
NESTED = {"title": "Labor", "text": {"status": "generated", "div": TABLE}}
DIV = (
    f'<div {XMLNS} id="ott"><p>Patient: <b>O</b>tt, Jürgen &amp; Frau<br/>geb. 1.2.1950</p>'
    '<img src="ott.png" alt="Ott"/>Ende</div>'
)
LETTER: dict[str, Any] = {
    "resourceType": "Composition",
    "id": "ott",
    "status": "final",
    "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5", "display": "Ott"}], "text": "Brief Ott"},
    "subject": {"display": "Jürgen Ott"},
    "date": "2024-05-06",
    "author": [{"display": "Dr. Ott"}],
    "title": "Entlassbrief Ott",
    "section": [
        {
            "title": "Anamnese",
            "code": {"coding": [{"system": "http://loinc.org", "code": "10164-2"}]},
            "text": {"status": "additional", "div": DIV},
            "entry": [{"reference": "Patient/ott"}],
            "section": [NESTED],
        }
    ],
}
TEXT = (
    "Entlassbrief Ott\nAnamnese\nPatient: Ott, Jürgen & Frau\ngeb. 1.2.1950\nEnde\nLabor\nKreatinin\t1,2\u00a0mg/dl\t\n"
)
BUNDLE = {"resourceType": "Bundle", "type": "document", "entry": [{"resource": LETTER}, {"resource": {"id": "ott"}}]}


class Words(HTMLParser):
    """Another parser's view of a narrative."""

    def __init__(self, div: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(div)

    def handle_data(self, data: str) -> None:
        self.found += data.split()


def replaced(old: str, pairs: dict[str, str]) -> tuple[Letter, list[tuple[Span, Span]]]:
    """The text with all places of some words replaced, found by plain search."""
    places = sorted((at, word) for word in pairs for at in range(len(old)) if old.startswith(word, at))
    new, last, moved = "", 0, []
    for at, word in places:
        new += old[last:at]
        moved.append((Span(at, at + len(word), "OTHER"), Span(len(new), len(new) + len(pairs[word]), "OTHER")))
        new += pairs[word]
        last = at + len(word)
    return Letter("d", new + old[last:]), moved


@pytest.mark.parametrize("resource", [LETTER, BUNDLE])
def test_text_of_titles_narratives_and_nested_sections(tmp_path, resource):
    (tmp_path / "d.json").write_text(json.dumps(resource))
    assert read_letter(tmp_path / "d.json", "fhir", "d").text == TEXT


def test_another_parser_sees_the_same_words():
    both = [word for div in (DIV, TABLE) for word in Words(div).found]
    ours = composition_of(LETTER, "d").text.replace("Entlassbrief Ott\nAnamnese\n", "").replace("Labor\n", "").split()
    assert "".join(ours) == "".join(both)


@pytest.mark.parametrize("resource", [LETTER, BUNDLE])
def test_written_again_with_other_words_and_nothing_of_the_original(tmp_path, resource):
    (tmp_path / "d.json").write_text(json.dumps(resource))
    letter, moved = replaced(TEXT, {"Ott": "<Lang>", "Jürgen": "Ulf", "1.2.1950": "7.3.1951"})
    write_letter(letter, tmp_path / "d.json", "fhir", tmp_path / "new.json", moved)
    written = (tmp_path / "new.json").read_text(encoding="utf-8")
    assert "ott" not in written.casefold() and "2024" not in written and "Jürgen" not in written
    assert read_letter(tmp_path / "new.json", "fhir", "d").text == letter.text
    new = json.loads(written)
    if resource is BUNDLE:
        assert new["type"] == "collection" and len(new["entry"]) == 1
        new = new["entry"][0]["resource"]
    assert new["title"] == "Entlassbrief <Lang>"
    section = new["section"][0]
    assert section["code"] == LETTER["section"][0]["code"]
    assert section["text"]["div"] == (
        f"<div {XMLNS}><p>Patient: <b>&lt;Lang&gt;</b>, Ulf &amp; Frau<br />geb. 7.3.1951</p><span />Ende</div>"
    )
    assert '<td colspan="2">1,2\u00a0mg/dl</td>' in section["section"][0]["text"]["div"]


def test_words_across_cells_go_to_the_first():
    div = f"<div {XMLNS}><table><tr><td>Herr Jürgen</td><td>Ott kam</td></tr></table></div>"
    found = composition_of({"resourceType": "Composition", "text": {"div": div}}, "d")
    letter, moved = replaced(found.text, {"Jürgen\tOtt": "Ulf Lang"})
    assert "<td>Herr Ulf Lang</td><td> kam</td>" in rewritten(found, letter, moved)["text"]["div"]


def test_a_letter_of_another_text_is_not_written():
    with pytest.raises(ValueError, match="differs"):
        rewritten(composition_of(LETTER, "d"), Letter("d", TEXT.replace("Ende", "Ott")), [])


PIECES = st.recursive(
    st.text("aÜ𝔘\u0301&<>\"' \n", max_size=5).map(escape),
    lambda inner: st.builds(
        "<{0}>{1}</{0}>".format,
        st.sampled_from(["p", "b", "td", "ul", "span"]),
        st.lists(inner, max_size=3).map("".join),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=4).map("".join), st.data())
def test_any_narrative_and_any_place(pieces, data):
    resource = section(f"<div>{pieces}</div>")
    found = composition_of(resource, "d")
    assert "".join(found.text.split()) == "".join(Words(pieces).found)
    assert rewritten(found, Letter("d", found.text), []) and composition_of(found.resource, "d").text == found.text
    signs = [at for at, sign in enumerate(found.text) if not sign.isspace()]
    if signs:
        at = data.draw(st.sampled_from(signs))
        letter = Letter("d", f"{found.text[:at]}Zorn & Co{found.text[at + 1 :]}")
        again = composition_of(rewritten(found, letter, [(Span(at, at + 1, "OTHER"), Span(at, at + 9, "OTHER"))]), "d")
        assert again.text == letter.text


def section(div: Any) -> dict[str, Any]:
    """A Composition of one narrative."""
    return {"resourceType": "Composition", "section": [{"text": {"div": div}}]}


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        (section("<div>Ott"), r"section\[0\].text.div: is no XHTML"),
        (section("<p>Ott</p>"), "is no div"),
        (section(""), "is missing"),
        (section(None), "is missing"),
        (section("<!DOCTYPE a [<!ENTITY b 'c'>]><div>&b;</div>"), "declares"),
        (section("<div><![CDATA[Ott]]></div>"), "declares"),
        (section("<div>&nothing;</div>"), "is no XHTML"),
        (section("<div>&lt;b&gt; &LT;b></b></div>"), "is no XHTML"),
        (section("<div><script>Ott</script></div>"), "holds <script>"),
        (section("<div>" * 200 + "</div>" * 200), "nested more than"),
        (section("<div> </div>"), "holds no text"),
        ({"resourceType": "Composition"}, "holds no text"),
        ({"resourceType": "Composition", "title": 3, "section": {}}, "(?s)title: is no text.*section: is no list"),
        ({"resourceType": "Composition", "section": ["Ott"]}, r"section\[0\]: is no section"),
        ({"resourceType": "Bundle", "type": "document"}, "with 0 Compositions"),
        ({**BUNDLE, "type": "searchset"}, "type 'searchset'"),
        ({**BUNDLE, "entry": BUNDLE["entry"] * 2}, "with 2 Compositions"),
        ({"resourceType": "Patient"}, "'Patient'"),
    ],
)
def test_what_cannot_be_read_is_named_without_its_words(tmp_path, resource, message):
    (tmp_path / "d.json").write_text(json.dumps(resource))
    with pytest.raises(InputProblems, match=message) as error:
        read_letter(tmp_path / "d.json", "fhir", "d")
    assert "Ott" not in str(error.value)
