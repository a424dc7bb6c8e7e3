"""All byte forms in which an identifier may still stand in a file, as one expression for each way to compare."""

import base64
import mmap
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

Data = bytes | mmap.mmap
SHORTEST = 3
"""Shorter identifiers stand in any file by chance."""
CAREFUL = 4
"""Shorter ones than this are found in their own case only, and only between printable characters."""
WRITTEN_OUT = {
    ord(letter): pair for letter, pair in zip("äöüÄÖÜß", ("ae", "oe", "ue", "Ae", "Oe", "Ue", "ss"), strict=True)
}
TEXT = frozenset(b"\0\t\n\r" + bytes(range(32, 127)))
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


@dataclass(frozen=True)
class Match:
    """One occurrence.

    Attributes
    ----------
    start, end
        Its bytes.
    form
        What was found.
    common
        So short, or a number, that letters and digits without meaning hold it by chance.
    """

    start: int
    end: int
    form: Form
    common: bool = False


class Forms:
    """Finds any of the identifiers in bytes.

    Parameters
    ----------
    identifiers
        Identifier by its number.

    Raises
    ------
    ValueError
        One is shorter than three characters, or there is none.
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
        self._alone: dict[bytes, _Alone] = {}
        for number, text in identifiers.items():
            for name, data in _texts(text):
                width = 2 if name.startswith("UTF-16") else 1
                if len(text) < CAREFUL and width == 2:
                    continue
                folded.setdefault(data.lower(), Form(number, name))
                if text.isdecimal() or len(text) < UNBOUNDED:
                    spelled = data if len(text) < CAREFUL else None
                    self._alone[data.lower()] = _Alone(width, text.isdecimal(), spelled)
            for name, data in _encodings(text):
                exact.setdefault(data, Form(number, name))
        self._folded = (re.compile(_any(folded), re.IGNORECASE), folded)
        self._exact = (re.compile(_any(exact)), exact) if exact else None

    def find(self, data: Data) -> Iterable[Match]:
        """Every occurrence."""
        expression, forms = self._folded
        for match in expression.finditer(data):
            alone = self._alone.get(match[0].lower())
            if alone is None or alone.holds(data, match):
                yield Match(*match.span(), forms[match[0].lower()], alone is not None)
        if self._exact:
            expression, forms = self._exact
            for match in expression.finditer(data):
                yield Match(*match.span(), forms[match[0]])


@dataclass(frozen=True)
class _Alone:
    """What must be around a match that could be chance.

    Attributes
    ----------
    width
        Bytes per character.
    digits
        The identifier is a number: letters may touch it, digits not, and it is not the fraction of a decimal number.
    spelled
        For very short words: how they must be spelled, with text around.
    """

    width: int
    digits: bool
    spelled: bytes | None

    def holds(self, data: Data, match: re.Match[bytes]) -> bool:
        start, end = match.span()
        before = bytes(data[max(0, start - 20 * self.width) : start]).replace(b"\0", b"", 20 * (self.width - 1))
        after = bytes(data[end : end + self.width]).replace(b"\0", b"", self.width - 1)
        if self.digits:
            decimal = re.search(rb"(?:^|[^0-9.])[0-9]+\.$", before)
            return not (before[-1:].isdigit() or after.isdigit() or decimal)
        if before[-1:].isalnum() or after.isalnum():
            return False
        return self.spelled is None or (match[0] == self.spelled and set(before[-1:] + after) <= TEXT)


def _texts(text: str) -> Iterable[tuple[str, bytes]]:
    """Forms that are compared without regard to the case of ASCII letters."""
    written_out = text.translate(WRITTEN_OUT)
    stripped = unicodedata.normalize("NFD", text.replace("ß", "ss"))
    stripped = "".join(character for character in stripped if not unicodedata.combining(character))
    spellings = {text, text.upper(), text.lower(), written_out, stripped}
    spellings |= {re.sub(r"[\s._/^-]", "", spelling) for spelling in spellings}
    if len(text) < CAREFUL:
        spellings = {text}
    for spelling in sorted({spelling for spelling in spellings if len(spelling) >= min(UNBOUNDED, len(text))}):
        for form in sorted({unicodedata.normalize(kind, spelling) for kind in ("NFC", "NFD")}):
            yield "text", form.encode()
            yield "UTF-16", form.encode("utf-16-le")
            yield "UTF-16 (big-endian)", form.encode("utf-16-be")
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
