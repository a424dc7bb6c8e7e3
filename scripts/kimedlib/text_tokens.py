"""Tokens of clinical text with exact offsets, and the layout they stand in.

Words, numbers and every other character are tokens of their own, so that the limits of any annotation fall between two
tokens (`geb.am:21/06/1967`). A line break is a token too: letter heads and signature blocks are told by their lines.
"""

import re
import unicodedata
from dataclasses import dataclass

TOKEN = re.compile(r"[ \t\r\f\v]*\n(?:\s*\n)?|[^\W\d_]+(?:\u00ad[^\W\d_]+)*|\d+|[^\w\s]|_")
LINE, PARAGRAPH = "<line>", "<paragraph>"
HEADER = re.compile(r"^\s*([^\W\d_][^:\n]{2,40}?)\s*(?::|$)")
QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "‐": "-", "‑": "-"})


@dataclass(frozen=True)
class Token:
    """A piece of text.

    Attributes
    ----------
    begin, end
        Offsets in characters (code points) of the text as it was read.
    form
        Its normal form for look-ups: composed (NFC), without soft hyphens, typographic quotes and dashes made plain;
        line breaks are `<line>` or, where a blank line follows, `<paragraph>`.
    line
        Number of the line that it stands in, from 0.
    """

    begin: int
    end: int
    form: str
    line: int

    @property
    def is_break(self) -> bool:
        """Whether this is a line break."""
        return self.form in (LINE, PARAGRAPH)


def tokenize(text: str) -> list[Token]:
    """All tokens of a text, in order; blanks within lines and byte-order marks are no tokens."""
    tokens = []
    line = 0
    for match in TOKEN.finditer(text):
        piece = match[0]
        if "\n" in piece:
            breaks = piece.count("\n")
            tokens.append(Token(match.start(), match.end(), PARAGRAPH if breaks > 1 else LINE, line))
            line += breaks
        elif piece not in ("\ufeff", "\u00ad", "\u200b"):
            tokens.append(Token(match.start(), match.end(), normal_form(piece), line))
    return tokens


def normal_form(piece: str) -> str:
    """NFC without soft hyphens, with plain quotes and dashes."""
    return unicodedata.normalize("NFC", piece.replace("\u00ad", "")).translate(QUOTES)


def shape(form: str) -> str:
    """`Müller` gives `Xx`, `BVA` `XX`, `mRNA` `xX`, `2024` `dddd`; long runs of digits end in `+`."""
    if form.isdecimal():
        return "d" * len(form) if len(form) <= 6 else "dddddd+"
    if not form.isalpha():
        return form if len(form) == 1 else "o"
    if len(form) == 1:
        return "X" if form.isupper() else "x"
    if form.isupper():
        return "XX"
    if form.islower():
        return "xx"
    return "Xx" if form[0].isupper() and form[1:].islower() else ("XxX" if form[0].isupper() else "xX")


def chunk_shapes(tokens: list[Token]) -> list[str]:
    """Shape of the run without blanks that each token is part of, runs of the same kind shortened: `XX-d/d`."""
    result = [""] * len(tokens)
    start = 0
    while start < len(tokens):
        stop = start + 1
        while stop < len(tokens) and tokens[stop].begin == tokens[stop - 1].end and not tokens[stop].is_break:
            stop += 1
        if tokens[start].is_break:
            stop = start + 1
        pieces = [shape(token.form) for token in tokens[start:stop]]
        joined = "".join(pieces)[:24]
        result[start:stop] = [joined] * (stop - start)
        start = stop
    return result


def sections(text: str) -> list[str]:
    """For each line the heading that it stands under, lower case, without digits; `` before the first.

    A heading is a short line that ends in a colon or stands alone, or the words before a colon at the start of a line.
    """
    result = []
    current = ""
    for line in text.split("\n"):
        match = HEADER.match(line)
        words = match[1].split() if match else []
        if match and len(words) <= 4:
            current = " ".join(words).casefold()
        result.append(current)
    return result
