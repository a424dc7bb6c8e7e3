"""PDF files with planted lines, made by reportlab: what a reader has to give back."""

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

FONT = Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
PICTURE = Path(mpl.get_data_path()) / "images/matplotlib.png"


def pdf(pages: Sequence[Sequence[str]], *, embedded: bool = False, **canvas: object) -> bytes:
    """A PDF of pages of lines; an empty line is a gap; `embedded` draws with a TrueType subset instead of Helvetica."""
    out = io.BytesIO()
    paper = Canvas(out, invariant=1, **canvas)
    if embedded:
        pdfmetrics.registerFont(TTFont("Embedded", str(FONT)))
    for lines in pages:
        if embedded:
            paper.setFont("Embedded", 11)
        for number, line in enumerate(lines):
            paper.drawString(60, 780 - 16 * number, line)
        paper.showPage()
    paper.save()
    return out.getvalue()


def scanned(pages: Sequence[Sequence[str]]) -> bytes:
    """The same with a picture alone on a further page."""
    out = io.BytesIO()
    paper = Canvas(out, invariant=1)
    for lines in pages:
        for number, line in enumerate(lines):
            paper.drawString(60, 780 - 16 * number, line)
        paper.showPage()
    paper.drawImage(ImageReader(str(PICTURE)), 0, 0, 400, 400)
    paper.showPage()
    paper.save()
    return out.getvalue()
