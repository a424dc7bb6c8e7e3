"""A text as the search for identifiers sees it: composed letters, plain blanks and hyphens, no signs without width.

`Mu` + U+0308 + `ller` (files of macOS), `Mül` + U+200B + `ler`, and `Dr.` + U+00A0 + `Müller` (Word) are names like
others. Detection works on the plain text; its spans are told in offsets of the original.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from kimedlib.text_model_data import Letter, Span

ODD = re.compile(
    "[\r\u00a0\u00ad\u0300-\u036f\u2000-\u200f\u2010\u2011\u202a-\u202f\u205f-\u2064\u3000\ufb00-\ufb06\ufeff]"
)
"""Signs that a plain text does not hold."""
SPACES = dict.fromkeys(map(ord, "\u00a0\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))), " ")
HYPHENS = dict.fromkeys(map(ord, "\u2010\u2011"), "-")
LIGATURES = {0xFB00 + number: letters for number, letters in enumerate(("ff", "fi", "fl", "ffi", "ffl", "st", "st"))}
NOTHING = dict.fromkeys([0xAD, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065)], "")
CHANGED = SPACES | HYPHENS | LIGATURES | NOTHING


class Plain:
    """The plain form of a text, and where each of its signs stands in the original."""

    def __init__(self, original: str) -> None:
        self._same = ODD.search(original) is None
        self.text = original
        if self._same:
            return
        pieces: list[str] = []
        self._begins: list[int] = []
        self._ends: list[int] = []
        place = 0
        while place < len(original):
            end = place + 1
            while end < len(original) and unicodedata.combining(original[end]):
                end += 1
            if original[place] == "\r":
                seen = "" if original[end : end + 1] == "\n" else "\n"
            else:
                seen = unicodedata.normalize("NFC", original[place:end]).translate(CHANGED)
            pieces.append(seen)
            self._begins += [place] * len(seen)
            self._ends += [end] * len(seen)
            place = end
        self.text = "".join(pieces)

    def back(self, span: Span) -> Span:
        """A span of the plain text in offsets of the original."""
        return span if self._same else Span(self._begins[span.begin], self._ends[span.end - 1], span.label)

    def forth(self, spans: Sequence[Span]) -> tuple[Span, ...]:
        """Spans of the original in offsets of the plain text; those of which nothing is left are left out."""
        if self._same:
            return tuple(spans)
        moved = [
            Span(bisect_right(self._ends, span.begin), bisect_left(self._begins, span.end), span.label)
            for span in spans
        ]
        return tuple(span for span in moved if span.begin < span.end)


def plain_letter(letter: Letter) -> Letter:
    """The letter with its plain text and its spans there."""
    plain = Plain(letter.text)
    return Letter(letter.name, plain.text, plain.forth(letter.spans))
