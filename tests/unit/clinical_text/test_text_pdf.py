"""Text of PDF files is what was drawn, with divided words made whole; what may lack text is refused by name."""

import io
import logging
import random
from collections.abc import Iterator

import pypdf
import pytest
import text_pdfs

from kimedlib.problems import InputProblems
from kimedlib.text_documents import read_letter, write_letter, written_name
from kimedlib.text_model_data import Letter, Span
from kimedlib.text_pdf import text_of_pdf

PAGES = (
    ("Klinikum Süd, Haus 3", "Herr Jürgen Größe, geb. 03.04.1951", "", "Aufnahme am 1.2.2024"),
    ("Dr. med. Öztürk", "Tel. 0711 445566"),
)


@pytest.mark.parametrize("embedded", [False, True])
def test_lines_and_pages_come_back(embedded):
    text = text_of_pdf(text_pdfs.pdf(PAGES, embedded=embedded), "a.pdf")
    lines = [[line for line in page.split("\n") if line.strip()] for page in text.split("\n\n")]
    assert [[line.strip() for line in page] for page in lines] == [[line for line in page if line] for page in PAGES]


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (("Frau Erlenfurt-", "nerin kam heute."), "Frau Erlenfurtnerin\nkam heute.\n"),
        (("Frau Erlen\u00ad", "Furt kam"), "Frau ErlenFurt\nkam\n"),
        (("Herr Müller-", "Lüdenscheidt, 50", "Jahre"), "Herr Müller-Lüdenscheidt,\n50\nJahre\n"),
        (("Tel. 0711-", "445566", "ab 9"), "Tel. 0711-445566\nab 9\n"),
        (("Magen-", "und Darmtrakt"), "Magen-\nund Darmtrakt\n"),
        (("von 3 -", "sechs"), "von 3 -\nsechs\n"),
        (("Ste\ufb03 A\u0308rztin",), "Steffi Ärztin\n"),
        (("Łódź, Škoda, Özgür",), "Łódź, Škoda, Özgür\n"),
    ],
)
def test_what_is_laid_out_is_undone(lines, text):
    assert text_of_pdf(text_pdfs.pdf([lines], embedded=True), "a.pdf") == text


@pytest.mark.parametrize("page", [(), (" ",)])
def test_an_empty_page_is_no_scan(page):
    assert text_of_pdf(text_pdfs.pdf([PAGES[1], page]), "a.pdf").split() == " ".join(PAGES[1]).split()


def rewritten(data: bytes, **options: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    writer.encrypt(**options)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_passwords(algorithm):
    plain = text_pdfs.pdf(PAGES)
    with pytest.raises(InputProblems, match=r"b\.pdf: is locked with a password"):
        text_of_pdf(rewritten(plain, user_password="geheim", algorithm=algorithm), "b.pdf")
    # protected from changes only: every viewer opens it
    free = rewritten(plain, user_password="", owner_password="geheim", algorithm=algorithm)
    assert text_of_pdf(free, "b.pdf") == text_of_pdf(plain, "b.pdf")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is no PDF"),
        (b"Herr Ott", "is no PDF"),
        (b"%PDF-1.4\n%%EOF", "broken PDF"),
        (text_pdfs.pdf(PAGES)[:900], "broken PDF"),
        (text_pdfs.scanned([]), "page 1: is a picture"),
        (text_pdfs.scanned(PAGES), "page 3: is a picture"),
        (text_pdfs.pdf([()]), "has no text layer"),
        (text_pdfs.pdf(PAGES).replace(b"/Resources", b"/Resouxces", 1), "page 1: writes text that cannot be read"),
        (text_pdfs.pdf([("\ue001\ue002\ue003 Dr.",)], embedded=True), "fonts without letters"),
    ],
    ids=["empty", "text", "no pages", "cut", "scan", "one scanned page", "blank", "no fonts", "no letters"],
)
def test_what_has_no_text_is_named(data, message):
    with pytest.raises(InputProblems, match=message):
        text_of_pdf(data, "c.pdf")


@pytest.fixture(params=["heard", "silenced", "off"])
def logged(request) -> Iterator[None]:
    """Logging as it is, or as other libraries leave it."""
    logger = logging.getLogger("pypdf._reader")
    if request.param == "silenced":
        logger.disabled = True
    elif request.param == "off":
        logging.disable(logging.CRITICAL)
    yield
    logger.disabled = False
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("logged")
def test_damage_gives_the_whole_text_or_an_error():
    data, chance = text_pdfs.pdf(PAGES), random.Random(7)
    whole, refused = text_of_pdf(data, "d.pdf"), 0
    for _ in range(80):
        start = chance.randrange(9, len(data) - 60)
        length = chance.choice((1, 5, 40))
        damaged = data[:start] + b"x" * chance.choice((0, 1, length)) + data[start + length :]
        if damaged.count(b"/Contents") != len(PAGES):
            continue  # a page that names no content is an empty page
        try:
            # a sign inside a text may be another one: nobody can tell
            assert abs(len(text_of_pdf(damaged, "d.pdf")) - len(whole)) < 5
        except InputProblems:
            refused += 1
    assert refused > 40


def test_a_pdf_is_written_as_text_and_annotations(tmp_path):
    source = tmp_path / "letter.pdf"
    source.write_bytes(text_pdfs.pdf(PAGES))
    letter = read_letter(source, "pdf", "letter.pdf")
    begin = letter.text.index("Öztürk")
    assert letter.text[begin : begin + 6] == "Öztürk" and not letter.spans
    target = tmp_path / written_name(letter.name, "pdf")
    write_letter(Letter(letter.name, letter.text, (Span(begin, begin + 6, "NAME_DOCTOR"),)), source, "pdf", target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["letter.pdf", "letter.pdf.ann", "letter.pdf.txt"]
    again = read_letter(target, "brat", "letter")
    assert (again.text, again.spans) == (letter.text, (Span(begin, begin + 6, "NAME_DOCTOR"),))
