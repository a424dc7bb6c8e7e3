"""All byte forms in which an identifier may still stand in a file, as one expression for each way to compare."""

import base64
import mmap
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

Data = bytes | mmap.mmap
SHORTEST = 4
"""Shorter identifiers stand in any binary file by chance."""
UNBOUNDED = 6
"""From this length on, an identifier is found inside longer words too."""


@dataclass(frozen=True)
class Form:
    """One byte form of one identifier.

    Attributes
    ----------
    number
        Which identifier, from 1: its line in the list, because reports must not repeat identifiers.
    name
        E.g. `UTF-16`, `base64`.
    """

    number: int
    name: str


class Forms:
    """Finds any of the identifiers in bytes.

    Parameters
    ----------
    identifiers
        Identifier by its number.

    Raises
    ------
    ValueError
        One is shorter than four characters, or there is none.
    """

    def __init__(self, identifiers: dict[int, str]) -> None:
        if not identifiers:
            raise ValueError("there is no identifier to search for")
        short = [str(number) for number, text in identifiers.items() if len(text) < SHORTEST]
        if short:
            lines = ", ".join(short[:5])
            raise ValueError(
                f"identifiers of fewer than {SHORTEST} characters would be found everywhere: lines {lines}"
            )
        folded: dict[bytes, Form] = {}
        exact: dict[bytes, Form] = {}
        self._words: dict[bytes, int] = {}
        for number, text in identifiers.items():
            for name, data in _texts(text):
                folded.setdefault(data.lower(), Form(number, name))
                if len(text) < UNBOUNDED:
                    self._words[data.lower()] = 2 if name.startswith("UTF-16") else 1
            for name, data in _encodings(text):
                exact.setdefault(data, Form(number, name))
        self._folded = (re.compile(_any(folded), re.IGNORECASE), folded)
        self._exact = (re.compile(_any(exact)), exact) if exact else None

    def find(self, data: Data) -> Iterable[tuple[int, Form]]:
        """Offset and form of every occurrence."""
        expression, forms = self._folded
        for match in expression.finditer(data):
            found = match[0].lower()
            width = self._words.get(found)
            if width is None or _stands_alone(data, match.start(), match.end(), width):
                yield match.start(), forms[found]
        if self._exact:
            expression, forms = self._exact
            for match in expression.finditer(data):
                yield match.start(), forms[match[0]]


def _stands_alone(data: Data, start: int, end: int, width: int) -> bool:
    """Whether no letter or digit touches a match, in characters of one byte or of two (either byte order)."""
    around = (bytes(data[max(0, start - width) : start]), bytes(data[end : end + width]))
    return not any(side.replace(b"\0", b"").isalnum() for side in around)


def _texts(text: str) -> Iterable[tuple[str, bytes]]:
    """Forms that are compared without regard to case."""
    spellings = {unicodedata.normalize(form, text) for form in ("NFC", "NFD")}
    joined = re.sub(r"[\s._/^-]", "", text)
    if len(joined) >= UNBOUNDED and joined != text:
        spellings.add(joined)
    for spelling in sorted(spellings):
        yield "text", spelling.encode()
        yield "UTF-16", spelling.encode("utf-16-le")
        yield "UTF-16 (big-endian)", spelling.encode("utf-16-be")
        if not spelling.isascii():
            yield "Latin-1", spelling.encode("latin-1", "ignore")


def _encodings(text: str) -> Iterable[tuple[str, bytes]]:
    """Forms that are compared exactly; of base64, what an identifier gives at each of three places in a text."""
    data = text.encode()
    if len(data) < UNBOUNDED:
        return
    yield "hexadecimal", data.hex().encode()
    yield "hexadecimal", data.hex().upper().encode()
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + data)
        start = (before * 8 + 5) // 6
        end = (before + len(data)) * 8 // 6
        yield "base64", coded[start:end]


def _any(patterns: Iterable[bytes]) -> bytes:
    """One expression for many byte strings that shares their beginnings (a trie), longest first."""
    trie: dict[int, dict] = {}  # type: ignore[type-arg]
    for pattern in patterns:
        node = trie
        for byte in pattern:
            node = node.setdefault(byte, {})
        node[-1] = {}
    return _expression(trie)


def _expression(node: "dict[int, dict]") -> bytes:  # type: ignore[type-arg]
    chain = b""
    while len(node) == 1 and -1 not in node:
        ((byte, node),) = node.items()
        chain += re.escape(bytes([byte]))
    branches = [re.escape(bytes([byte])) + _expression(inner) for byte, inner in sorted(node.items()) if byte != -1]
    if not branches:
        return chain
    group = b"(?:" + b"|".join(branches) + b")"
    return chain + group + (b"?" if -1 in node else b"")
