# ruff: noqa: E501 - tables of expressions are read by line
"""Text of the bytes of a document, or why it cannot be de-identified as it is.

Whatever tears words apart for a reader of the text hides identifiers from the search and shows them to people: wrong
encodings, control words, entities. Such a document is refused; nothing passes unread.
"""

import re

from kimedlib.problems import InputProblems, Problem

LARGEST_BYTES = 20_000_000
LONGEST_TEXT = 500_000
"""Characters; more than that is no letter, and would need more than a gigabyte of memory."""
HIGH = "\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
MOJIBAKE = re.compile(f"Ã[{HIGH}]|Å[\u00a0-\u00bf]|â€[{HIGH}¦]|Â[\u00a0-\u00bf]|├[\u2500-\u259f¡-¿ñÑƒ]")
DOS = re.compile(r"(?<=[a-zß])[„”Š§Ÿ]+(?=[a-zß])|(?<![^\s(])[Ž™š](?=[a-zß])")
"""Umlauts of code page 850 or Macintosh read as Windows-1252; all others stand where no letter may."""
STRANGE = re.compile("[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202d\u202e\ufffd]")
"""Control characters, those of Latin-1 too but for its line end, what turns the order of letters round, and what could not be decoded."""
ESCAPED = (
    (re.compile(r"\\'[0-9a-fA-F]{2}|\\(?:par|pard|tab|line|fs\d+|b0|rquote)\b"), "control words of RTF"),
    (re.compile(r"&(?:[aeiouyAEIOUYcnszCNSZ](?:uml|acute|grave|circ|tilde|cedil|ring|caron|lig)|szlig|#\d+|#x[0-9a-fA-F]+);"),
     "letters as entities of HTML"),
    (re.compile(r"[^\W\d_]</?(?:b|i|u|em|strong|span|font|sup|sub|a|o:p|st1:\w+)(?:\s[^<>\n]{0,200})?>[^\W\d_]", re.IGNORECASE), "tags within words"),
    (re.compile(r"[^\W\d_]=(?:C3=[89AB][0-9A-F]|[CDEF][0-9A-F])(?![0-9A-Za-z]{0,1}=)(?=[a-zß=,.\s]|$)"), "letters as quoted-printable"),
    (re.compile(r"%C3%[89AB][0-9A-Fa-f]"), "letters as in addresses of the web"),
    (re.compile(r"\\u00[0-9a-fA-F]{2}"), "letters as escapes of JSON"),
    (re.compile(r"[^\W\d_]&(?:shy|zwnj|zwj);[^\W\d_]"), "breaks within words"),
    (re.compile(r"(?<![A-Za-z0-9+/])(?=[A-Za-z+/]{0,99}\d)(?=[A-Z0-9+/]{0,99}[a-z])(?=[a-z0-9+/]{0,99}[A-Z])[A-Za-z0-9+/]{100}"), "text as base64"),
)  # fmt: skip
STARTS = (
    (re.compile(r"\{\\rtf"), "is RTF: its control words would hide identifiers", "save it as plain text"),
    (re.compile(r"<!DOCTYPE html|<html|<\?xml|<!--|<head\b|<body\b|<div\b|<p\b", re.IGNORECASE),
     "is HTML or XML, not plain text", "save it as plain text, or name its format"),
    (re.compile(r"%PDF-"), "is a PDF, not plain text", "name the format pdf"),
    (re.compile(r"%!PS"), "is PostScript, not plain text", "save it as plain text"),
)  # fmt: skip


def _stop(file: str, place: str, found: str, remedy: str) -> InputProblems:
    return InputProblems([Problem(file, place, found, remedy)])


def decode(data: bytes, file: str) -> str:
    """Text of bytes: UTF-8 with or without byte-order mark, UTF-16 with one, else Windows-1252 (Latin-1's letters too).

    Raises
    ------
    InputProblems
        Empty, binary, too large; of another encoding; what `check_text` refuses.
    """
    if len(data) > LARGEST_BYTES:
        raise _stop(file, "", f"has {len(data)} bytes, more than {LARGEST_BYTES}", "split it into its documents")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", errors="replace")
    elif b"\0" in data:
        raise _stop(file, f"byte {data.index(0) + 1}", "holds binary data", "export the document as plain text")
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
            _not_dos(text, file)
    check_text(text, file)
    return text


def _not_dos(text: str, file: str) -> None:
    wrong = DOS.search(text)
    if wrong:
        found = "is of an old encoding (code page 850 or Macintosh): its umlauts would be other signs"
        raise _stop(file, _line(text, wrong.start()), found, "export it as UTF-8")


def _line(text: str, place: int) -> str:
    return f"line {text.count(chr(10), 0, place) + 1}"


def check_text(text: str, file: str) -> None:
    """Refuse what cannot be de-identified as it is.

    Raises
    ------
    InputProblems
        No text, too long, RTF, HTML, PDF; control characters; decoded wrongly before (`MÃ¼ller`); letters that are
        written as entities or escapes, tags within words.
    """
    start = text.lstrip("\ufeff \t\r\n")
    if not start:
        raise _stop(file, "", "holds no text", "remove its row, or export the document again")
    if len(text) > LONGEST_TEXT:
        found = f"has {len(text)} characters, more than {LONGEST_TEXT}"
        raise _stop(file, "", found, "split it into its documents")
    for form, found, remedy in STARTS:
        if form.match(start):
            raise _stop(file, "line 1", found, remedy)
    wrong = MOJIBAKE.search(text)
    if wrong:
        found = "was UTF-8 read as Latin-1 once ('Ã¼' for 'ü')"
        raise _stop(file, _line(text, wrong.start()), found, "export it as UTF-8 again")
    strange = STRANGE.search(text)
    if strange is not None:
        found = f"holds the sign U+{ord(strange[0]):04X}, which no text has"
        raise _stop(file, _line(text, strange.start()), found, "export it as UTF-8 text")
    for form, what in ESCAPED:
        match = form.search(text)
        if match:
            found = f"holds {what}: names that they stand in would not be found"
            raise _stop(file, _line(text, match.start()), found, "save it as plain text in UTF-8")
