"""Readers and writers: offsets survive every format, wrong files are named."""

import base64
import json

import pytest
import text_pdfs
from hypothesis import given, settings
from hypothesis import strategies as st

from kimedlib.problems import InputProblems
from kimedlib.text_decoding import decode
from kimedlib.text_documents import SUFFIXES, read_letter, write_letter
from kimedlib.text_model_data import Letter, Span

TEXT = "Herr 👩‍⚕️ Mu\u0308ller\u00a0geb. 1.2.1950\nÜbel\u00adkeit, Frau Öztürk\n"
NAME = TEXT.index("O\u0308") if "O\u0308" in TEXT else TEXT.index("Ö")
SPANS = (
    Span(TEXT.index("Mu"), TEXT.index("\u00a0"), "NAME_PATIENT"),
    Span(TEXT.index("1.2"), TEXT.index("\n"), "DATE"),
    Span(NAME, NAME + 6, "NAME_OTHER"),
)


@pytest.mark.parametrize("form", ["brat", "cas_json", "cas_xmi"])
def test_offsets_survive_a_round_trip(tmp_path, form):
    path = tmp_path / f"letter{SUFFIXES[form]}"
    write_letter(Letter("letter", TEXT, SPANS), path, form, path)
    again = read_letter(path, form, "letter")
    assert (again.text, again.spans) == (TEXT, SPANS)
    assert [again.text[span.begin : span.end] for span in again.spans] == ["Mu\u0308ller", "1.2.1950", "Öztürk"]


def test_fhir_round_trip_keeps_no_author(tmp_path):
    path = tmp_path / "d.json"
    data = base64.b64encode(TEXT.encode()).decode()
    attachment = {"contentType": "text/plain", "data": data, "title": "Müller"}
    path.write_text(
        json.dumps(
            {
                "resourceType": "DocumentReference",
                "status": "current",
                "author": [{"display": "Dr. Ott"}],
                "content": [{"attachment": attachment}],
            }
        )
    )
    letter = read_letter(path, "fhir", "d")
    assert letter.text == TEXT
    write_letter(Letter("d", "neu"), path, "fhir", tmp_path / "out.json")
    written = (tmp_path / "out.json").read_text()
    assert "Ott" not in written and "title" not in written
    assert read_letter(tmp_path / "out.json", "fhir", "d").text == "neu"


def reference(path, *attachments):
    contents = [{"attachment": one} for one in attachments]
    path.write_text(json.dumps({"resourceType": "DocumentReference", "status": "current", "content": contents}))


def test_fhir_with_a_pdf_comes_back_as_text(tmp_path):
    path = tmp_path / "d.json"
    pages = [("Herr Jürgen Größe, geb. 03.04.1951",)]
    data = base64.b64encode(text_pdfs.pdf(pages)).decode()
    reference(path, {"contentType": "application/pdf", "data": data, "title": "Größe.pdf"})
    assert read_letter(path, "fhir", "d").text == "Herr Jürgen Größe, geb. 03.04.1951\n"
    write_letter(Letter("d", "neu"), path, "fhir", tmp_path / "out.json")
    written = json.loads((tmp_path / "out.json").read_text())
    assert [one["attachment"]["contentType"] for one in written["content"]] == ["text/plain; charset=utf-8"]
    assert data not in (tmp_path / "out.json").read_text() and "Größe" not in (tmp_path / "out.json").read_text()


@pytest.mark.parametrize(
    ("attachment", "message"),
    [
        ({"contentType": "application/pdf", "data": base64.b64encode(text_pdfs.scanned([])).decode()}, r"page 1.*OCR"),
        ({"contentType": "application/pdf", "data": "%%%"}, "is no base64"),
        ({"contentType": "text/plain", "data": 5}, "is no base64"),
        ({"contentType": "application/msword", "data": "QQ=="}, "is no text or PDF"),
        ({"contentType": "application/pdf", "url": "https://pacs.example/1"}, "with its data inside"),
        ("x", "is missing"),
        (None, "is missing"),
    ],
)
def test_wrong_attachments_are_named(tmp_path, attachment, message):
    path = tmp_path / "d.json"
    reference(path, attachment)
    with pytest.raises(InputProblems, match=rf"(?s)d\.json.*content\[0\]\.attachment.*{message}"):
        read_letter(path, "fhir", "d")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
def test_encodings(encoding):
    assert decode("Frau Größe, Übelkeit".encode(encoding), "f").lstrip("\ufeff") == "Frau Größe, Übelkeit"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "holds no text"),
        (b"\xef\xbb\xbf \n", "holds no text"),
        (b"PK\x03\x04\0\0", "binary"),
        (b"Herr\x07", r"U\+0007"),
        (rb"{\rtf1 Herr Ott}", "RTF"),
        (b"<html><body>Herr Ott", "HTML"),
        ("Frau MÃ¼ller".encode(), "line 1.*read as Latin-1"),
        ("\n\nGrÃ¶ÃŸe".encode(), "line 3.*read as Latin-1"),
        (b"x" * 20_000_001, "more than"),
    ],
)
def test_what_cannot_be_read_is_named(data, message):
    with pytest.raises(InputProblems, match=message):
        decode(data, "f.txt")


def test_remnants_of_markup_stay_text():
    assert decode(b"Herr Ott<br>geb. &nbsp;1950", "f") == "Herr Ott<br>geb. &nbsp;1950"


@pytest.mark.parametrize("form", ["cas_json", "cas_xmi", "fhir"])
@pytest.mark.parametrize("content", ["{", "<a>", '{"%TYPES": 3}', "[]", ""])
def test_broken_files_are_named(tmp_path, form, content):
    path = tmp_path / f"broken{SUFFIXES[form]}"
    path.write_text(content)
    with pytest.raises(InputProblems, match="broken"):
        read_letter(path, form, "broken")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("T1\tNAME_PATIENT 0 99\tHerr", "does not quote|outside"),
        ("T1\tNAME_PATIENT 0 4\tFrau", "does not quote"),
        ("T1\tNAME 0 4\tHerr", "unknown category 'NAME'"),
        ("T1 NAME_PATIENT", "no text-bound annotation"),
    ],
)
def test_wrong_standoff_is_named_with_its_place(tmp_path, line, message):
    (tmp_path / "a.txt").write_text("Herr Ott")
    (tmp_path / "a.ann").write_text(line + "\n")
    with pytest.raises(InputProblems, match=message):
        read_letter(tmp_path / "a.txt", "brat", "a")


def test_overlapping_annotations_and_blank_margins(tmp_path):
    (tmp_path / "a.txt").write_text("Herr Ott war da")
    (tmp_path / "a.ann").write_text("T1\tNAME_PATIENT 4 9\t Ott \nT2\tNAME_DOCTOR 5 8\tOtt\n")
    assert set(read_letter(tmp_path / "a.txt", "brat", "a").spans) == {
        Span(5, 8, "NAME_PATIENT"),
        Span(5, 8, "NAME_DOCTOR"),
    }


@settings(max_examples=60)
@given(st.binary(max_size=60))
def test_bytes_are_text_or_a_named_problem(data):
    try:
        text = decode(data, "f")
    except InputProblems:
        return
    assert text.strip("\ufeff \t\r\n")
