"""Base64 inside texts (data URIs of pages, FHIR attachments, mail): what it decodes to is searched, not its letters.

A name of four letters stands in a picture's base64 by chance, and what a page keeps in gzip and base64 is in none of
its bytes. Only runs whose content is of a known kind are decoded: digests and sequences look like base64 too.
"""

import base64
import bisect
import codecs
import re
from collections.abc import Iterator

from kimed_spe.scan_forms import Data
from kimed_spe.scan_layers import LayerProblem

SHORTEST = 64
RUN = re.compile(rb"(?:[A-Za-z0-9+/]{4,}+(?:\r?\n|\\n)?)++={0,2}")
"""RFC 4648, section 4, in one line or wrapped as RFC 2045, section 6.8 says, also with JSON's line ends."""
WRAPS = re.compile(rb"\r?\n|\\n")
HEAD = 4096
"""Characters that tell of what kind a run is."""
KINDS = re.compile(
    rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]|BZh[1-9]1AY&SY|\xfd7zXZ\x00|PK\x03\x04|\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a"
    rb"|RIFF|wOF[F2]|\x00\x01\x00\x00|OTTO|%PDF-|\x89HDF|PAR1|II\*\x00|MM\x00\*|[^\x00]{0,128}\x00{1,128}DICM"
)
"""Beginnings of compressed, picture, font and document files."""


class Runs:
    """All runs of base64 in bytes whose content is text or of a known kind.

    Parameters
    ----------
    data
        The bytes.
    """

    def __init__(self, data: Data) -> None:
        self._data = data
        self._spans = [match.span() for match in RUN.finditer(data) if _meant(match)]
        self._starts = [start for start, _ in self._spans]

    def hold(self, start: int, end: int) -> bool:
        """Whether these bytes lie inside a run."""
        place = bisect.bisect(self._starts, start) - 1
        return place >= 0 and end <= self._spans[place][1]

    def decoded(self, budget: list[int]) -> Iterator[tuple[str, bytes]]:
        """Place and content of every run; `budget[0]` is how many more bytes may come out.

        Raises
        ------
        LayerProblem
            They decode to more.
        """
        for start, end in self._spans:
            content = _content(self._data[start:end])
            budget[0] -= len(content)
            if budget[0] < 0:
                raise LayerProblem("decodes to more than may be searched (raise --limit-gb)")
            yield f"base64 at {start}", content


def _meant(match: re.Match[bytes]) -> bool:
    if match.end() - match.start() < SHORTEST:
        return False
    head = _content(match[0][:HEAD])
    return KINDS.match(head) is not None or _is_text(head)


def _content(run: bytes) -> bytes:
    letters = WRAPS.sub(b"", run).rstrip(b"=")
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return base64.b64decode(letters + b"=" * (-len(letters) % 4))


def _is_text(content: bytes) -> bool:
    """Whether this is UTF-8 text; the last character may be cut."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\t\r\n" for character in text)
