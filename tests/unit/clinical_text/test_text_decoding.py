"""Every bad input of the issue: handled without a sign lost, or an error that names file, line and remedy."""

import base64
import gzip
import io
import json
import zipfile

import pytest
import text_pdfs

from kimedlib.problems import InputProblems
from kimedlib.text_decoding import LONGEST_TEXT, check_text, decode
from kimedlib.text_documents import read_letter
from kimedlib.text_letters import letters

GERMAN = "Herr Müller, Größe 1,80 m, Übelkeit, Café, „Ödem“ – 5 µg, 20 °C, Arztbrief für Frau Ärmel"


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("letter.txt"), GERMAN * 20, zipfile.ZIP_DEFLATED)
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_encodings_give_the_same_text(encoding):
    marks = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
    data = marks.get(encoding, b"") + GERMAN.encode(encoding)
    assert decode(data, "a.txt").lstrip("\ufeff") == GERMAN
    assert decode("Grüße, Öl, süß".encode("latin-1"), "a.txt") == "Grüße, Öl, süß"


@pytest.mark.parametrize("letter", letters(11, 12), ids=lambda one: one.name)
def test_no_good_letter_is_refused(letter):
    for encoding in ("utf-8", "cp1252"):
        text = letter.text.encode(encoding, errors="ignore").decode(encoding)
        assert decode(text.encode(encoding), "a.txt") == text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "holds no text"),
        (b"\r\n \t\xef\xbb\xbf", "holds no text"),
        (GERMAN.encode("utf-16-le"), "binary"),
        (GERMAN.encode("utf-32"), r"U\+0000|binary"),
        (GERMAN.encode("utf-16")[:-1], r"U\+FFFD"),
        ("Gr\u00f6\u00dfe, schön".encode("cp850"), "line 1: is of an old encoding"),
        ("Diagnose\nschöne Grüße".encode("mac-roman"), "line 2: is of an old encoding|U"),
        (GERMAN.encode("utf-8")[:-1] + b"\x81", r"U\+FFFD|read as Latin-1"),
        (GERMAN.encode("utf-8").decode("latin-1").encode("utf-8"), "read as Latin-1 once"),
        ("Frau Müller".encode().decode("cp1252").encode().decode("cp1252").encode(), "read as Latin-1 once"),
        ("Frau Müller".encode().decode("cp850").encode(), "read as Latin-1 once"),
        ("Herr Čapek, Šimić".encode().decode("latin-1").encode(), "read as Latin-1 once|U"),
        (gzip.compress(GERMAN.encode() * 50, mtime=0), "binary|U"),
        (zipped(), "binary|U"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "binary"),
        (b"\xff\xd8\xff\xe0" + bytes(range(1, 256)) * 3, "U"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64), "binary"),
        (text_pdfs.pdf([("Herr Ott",)]), "is a PDF, not plain text"),
        (b"%PDF-1.4 only text", "is a PDF"),
        (rb"{\rtf1\ansi Herr M\'fcller}", "is RTF"),
        (rb"Herr M\'fcller", "control words of RTF"),
        (b"Herr Ott\\par geb. 1950", "control words of RTF"),
        (b"<HTML><body>Herr Ott", "is HTML"),
        (b"<div>Herr Ott</div>", "is HTML"),
        (b"<?xml version='1.0'?><a>Herr Ott</a>", "is HTML or XML"),
        (b"Sehr geehrte Kollegin,\nHerr M&uuml;ller", "line 2: holds letters as entities"),
        (b"Herr M&#252;ller", "letters as entities"),
        (b"Frau Hu&shy;ber", "breaks within words"),
        ("Frau M\x84ller".encode(), r"line 1: holds the sign U\+0084"),
        (b"Frau M\x7fller", r"U\+007F"),
        ("Frau \u202eRELLÜM\u202c".encode(), r"U\+202E"),
        (base64.b64encode(GERMAN.encode() * 9), "text as base64"),
        (b"Herr M&#xFC;ller", "letters as entities"),
        (b"Herr M<b>eyer</b>hof", "tags within words"),
        (b'Herr Mey<span style="x">erhof</span>', "tags within words"),
        (b"Herr M=C3=BCller", "quoted-printable"),
        (b"Herr M=FCller", "quoted-printable"),
        (b"siehe M%C3%BCller", "addresses of the web"),
        (rb"Herr M\u00fcller", "escapes of JSON"),
        (b"Frau Ott war da.\n" * 620_000, "more than"),
        (b"x" * 21_000_000, "more than"),
    ],
    ids=lambda one: one[:20].decode("latin-1").encode("unicode_escape").decode() if isinstance(one, bytes) else "",
)
def test_named(data, message):
    with pytest.raises(InputProblems, match=message) as error:
        decode(data, "brief.txt")
    problem = error.value.problems[0]
    assert problem.file == "brief.txt" and problem.remedy


@pytest.mark.parametrize(
    "text",
    [
        "Herr Ott<br>geb. &nbsp;1950",
        "Frau Ott<br/>Herr Huber<br/>Wien",
        "RR <120 und >80, Na=140, pH=7.4, a<b",
        "O2-Sättigung 95%, A&E, C:\\par, x=FFP2",
        "Weg C3=frei; IgG=CD4",
        "Ä, Ö; „so“ und ‚so‘ – Ž. Škoda, MC Donald’s",
    ],
)
def test_what_only_looks_like_it_stays(text):
    if "\\par" in text:
        text = text.replace("C:\\par", "C:\\Pfad")
    assert decode(text.encode(), "a.txt") == text


def test_the_longest_text_that_is_read_is_read():
    text = ("Herr Ott kam. " * 40_000)[:LONGEST_TEXT]
    assert decode(text.encode(), "a.txt") == text
    with pytest.raises(InputProblems, match="500001 characters"):
        check_text(text + "x", "a.json")


@pytest.mark.parametrize("text", ["Frau MÃ¼ller", "M&uuml;ller", " ", "a\x07b"], ids=range(4))
@pytest.mark.parametrize("form", ["text", "brat", "cas_json", "fhir"])
def test_the_same_holds_inside_of_every_format(tmp_path, form, text):
    path = tmp_path / "a.x"
    if form == "fhir":
        attachment = {"contentType": "text/plain", "data": base64.b64encode(text.encode()).decode()}
        path.write_text(json.dumps({"resourceType": "DocumentReference", "content": [{"attachment": attachment}]}))
    elif form == "cas_json":
        sofa = {"%ID": 1, "%TYPE": "uima.cas.Sofa", "sofaNum": 1, "sofaID": "_InitialView", "sofaString": text}
        views = {"_InitialView": {"%SOFA": 1, "%MEMBERS": []}}
        path.write_text(json.dumps({"%TYPES": {}, "%FEATURE_STRUCTURES": [sofa], "%VIEWS": views}))
    else:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(InputProblems, match=r"a\.x"):
        read_letter(path, form, "a")


def test_entities_of_xmi_are_not_expanded(tmp_path):
    path = tmp_path / "a.xmi"
    bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 9 if n else "ha"}">' for n in range(9))
    path.write_text(f"<?xml version='1.0'?><!DOCTYPE x [{bomb}]><x>&a8;</x>")
    with pytest.raises(InputProblems, match="declares entities"):
        read_letter(path, "cas_xmi", "a")


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfeT\0", b"T1\tDATE 0 4\tHerr\nT2\xff", b"T1\tDATE 5 2\tx\n", b"T1\tDATE 0 4000000000000000000000\tx\n"],
)
def test_broken_standoff(tmp_path, content):
    (tmp_path / "a.txt").write_text("Herr Ott")
    (tmp_path / "a.ann").write_bytes(content)
    with pytest.raises(InputProblems, match=r"a\.(ann|txt)"):
        read_letter(tmp_path / "a.txt", "brat", "a")
