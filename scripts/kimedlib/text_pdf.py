"""The text layer of a PDF file, as one text whose offsets everything else counts.

What is laid out is undone where it would hide identifiers: ligatures become letters, umlauts of two signs one, words
that were divided at the end of a line are whole again and the line break stands behind them. A PDF is never written:
what is drawn, scanned, attached, noted in the margin or told in its properties cannot be de-identified here.
"""

import io
import logging
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kimedlib.problems import InputProblems, Problem

PAGE_BREAK = "\n\n"
LARGEST_PDF = 100_000_000
LIGATURES = {chr(0xFB00 + number): text for number, text in enumerate(("ff", "fi", "fl", "ffi", "ffl", "st", "st"))}
DIVIDED = re.compile(r"([^\W_])([-\u2010\u00ad])[ \t]*\n[ \t]*([^\W_]+)(\S*)[ \t]*\n?")
SUSPENDED = frozenset(["und", "oder", "bzw", "sowie", "bis", "and", "or", "to"])
WRITES = frozenset([b"Tj", b"TJ", b"'", b'"'])
PAINTS = frozenset([b"Do", b"INLINE IMAGE", b"S", b"s", b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*", b"sh"])
HARMLESS = re.compile(r"Ignoring wrong pointing object \d+ \d+ \(offset 0\)")
MOST_UNMAPPED = 0.05


def _stop(file: str, place: str, found: str, remedy: str) -> InputProblems:
    return InputProblems([Problem(file, place, found, remedy)])


@contextmanager
def _damage() -> Iterator[list[str]]:
    """What pypdf says about a file while it goes on reading it."""
    said: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if not HARMLESS.match(record.getMessage()):
                said.append(record.levelname)

    logger, keeper, manager = logging.getLogger("pypdf"), Keeper(logging.WARNING), logging.root.manager
    # Whoever has silenced logging, or only some of its loggers, must not make a damaged file pass for a whole one.
    names = [name for name in manager.loggerDict if name.split(".")[0] == "pypdf"]
    loggers = [logging.getLogger(name) for name in names]
    before = [(one, one.disabled, one.level, one.propagate) for one in loggers]
    everywhere = manager.disable
    logging.disable(logging.NOTSET)
    for one in loggers:
        one.disabled, one.propagate = False, one is not logger
        one.setLevel(logging.NOTSET if one is not logger else logging.WARNING)
    logger.addHandler(keeper)
    try:
        yield said
    finally:
        logger.removeHandler(keeper)
        logging.disable(everywhere)
        for one, disabled, level, propagates in before:
            one.disabled, one.propagate = disabled, propagates
            one.setLevel(level)


def text_of_pdf(data: bytes, file: str) -> str:
    """Text of all pages in their order; pages end with a blank line.

    Within a page the order is that of the file, which for tables and columns need not be the order of reading.

    Raises
    ------
    InputProblems
        No PDF, damaged, locked with a password, too large; a page of pictures or drawings without text; fonts that do
        not tell which letters they draw; no text at all.
    """
    if len(data) > LARGEST_PDF:
        raise _stop(file, "", f"has {len(data)} bytes, more than {LARGEST_PDF}", "split it into its documents")
    if b"%PDF-" not in data[:1024]:
        raise _stop(file, "", "is no PDF", "give a PDF, or name the document's format")
    with _damage() as said:
        pages = _pages(data, file)
    if said:
        found = f"is damaged ({len(said)} complaints while reading): text may be missing"
        raise _stop(file, "", found, "save it as PDF again")
    if not any(page.strip() for page in pages):
        raise _stop(file, "", "has no text layer", "recognise its text (OCR), or give the document as text")
    text = _mended(PAGE_BREAK.join(page.strip("\n") for page in pages) + "\n")
    unmapped = sum(sign in "\0\ufffd" or unicodedata.category(sign) in ("Co", "Cn") for sign in text)
    if unmapped > MOST_UNMAPPED * len(text):
        raise _stop(
            file, "", f"{unmapped} of {len(text)} signs are of fonts without letters", "recognise its text (OCR)"
        )
    return text


def _pages(data: bytes, file: str) -> list[str]:
    import pypdf
    from pypdf.errors import DependencyError, FileNotDecryptedError

    locked = _stop(file, "", "is locked with a password", "save it without a password")
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise locked
        root: Any = reader.trailer["/Root"]
        if root["/Pages"]["/Count"] != len(reader.pages):
            raise _stop(file, "", "is damaged: pages are missing", "save it as PDF again")
        return [_page(page, f"page {number}", file) for number, page in enumerate(reader.pages, 1)]
    except InputProblems:
        raise
    except (DependencyError, FileNotDecryptedError):
        raise locked from None
    except Exception as error:  # noqa: BLE001 - whatever a broken file makes of the library
        raise _stop(file, "", f"is a broken PDF ({type(error).__name__})", "save it as PDF again") from None


def _page(page: Any, place: str, file: str) -> str:
    text = str(page.extract_text())
    if text.strip():
        return text
    contents = page.get_contents()
    operators = set() if contents is None else {operator for _, operator in contents.operations}
    if operators & WRITES and not text:
        raise _stop(file, place, "writes text that cannot be read", "recognise its text (OCR), or save it as PDF again")
    if operators & PAINTS:
        raise _stop(file, place, "is a picture or drawing without text", "recognise its text (OCR)")
    return ""


def _mended(text: str) -> str:
    """Ligatures, composed umlauts, whole words."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").replace("\v", "\n")
    text = unicodedata.normalize("NFC", "".join(LIGATURES.get(sign, sign) for sign in text))
    return DIVIDED.sub(_whole, text)


def _whole(match: re.Match[str]) -> str:
    """A divided word on one line; the hyphen stays in compounds (`Müller-Lüdenscheidt`), numbers, and before `und`."""
    before, sign, word, rest = match.groups()
    if word.casefold() in SUSPENDED:
        return match[0]
    divided = sign == "\u00ad" or (before.isalpha() and word[0].islower())
    return f"{before}{'' if divided else '-'}{word}{rest}\n"
