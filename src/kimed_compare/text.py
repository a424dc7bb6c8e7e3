"""Plain text, and HTML pages with the pictures in them."""

import gzip
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kimed_compare.comparator import (
    NAMES,
    Comparator,
    Differences,
    Measure,
    Option,
    Settings,
    ToleranceError,
    Unreadable,
)

IGNORED = Option("Regular expressions; what they match is not looked at (times, versions).", [], NAMES)
INSTEAD = "…"


def read_text(path: Path) -> str:
    """Text of a file, gzipped or not.

    Raises
    ------
    Unreadable
        It is not UTF-8, or damaged.
    """
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        return data.decode("utf-8-sig")
    except (OSError, EOFError, ValueError) as error:
        raise Unreadable(f"{path.name} is no UTF-8 text: {error}") from error


class Lines(Comparator):
    """What text and pages have in common."""

    measures = {"changed_lines": Measure("Number of lines (of a page: tags and texts) that differ.", "lines")}  # noqa: RUF012
    options = {"ignored": IGNORED}  # noqa: RUF012

    def check_option(self, name: str, value: Any) -> None:
        """Also: patterns must be regular expressions."""
        super().check_option(name, value)
        for pattern in value:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ToleranceError(
                    f"tolerance {name} of {self.name}: {pattern!r} is no regular expression: {error}"
                ) from error

    def differences(self, reference: Any, found: Any, settings: Settings) -> Differences:  # noqa: ARG002
        """Lines of a diff."""
        import difflib  # noqa: PLC0415 - importing this package is cheap

        result = Differences()
        matcher = difflib.SequenceMatcher(a=reference["lines"], b=found["lines"], autojunk=False)
        for kind, start, stop, begin, end in matcher.get_opcodes():
            if kind != "equal":
                before, after = reference["lines"][start:stop], found["lines"][begin:end]
                result.amounts["changed_lines"] = result.amounts.get("changed_lines", 0) + max(len(before), len(after))
                result.details += [f"line {start + 1}: {_short(before)} -> {_short(after)}"]
        return result


class Text(Lines):
    """Content is the lines, white space normalised."""

    name = "text"
    meaning = "Lines of UTF-8 text; not white space at their ends, runs of it, or empty lines at the end."

    def read(self, path: Path, options: Mapping[str, Any]) -> Any:
        """Lines."""
        text = read_text(path)
        for pattern in options["ignored"]:
            text = re.sub(pattern, INSTEAD, text)
        lines = [" ".join(line.split()) for line in text.splitlines()]
        while lines and not lines[-1]:
            lines.pop()
        return {"lines": lines}


class Html(Lines):
    """Content is tags, texts and pictures, in order."""

    name = "html"
    meaning = "Tags with attributes, texts and embedded pictures (by pixels), in order; not white space or comments."
    suffixes = (".html", ".htm")

    def read(self, path: Path, options: Mapping[str, Any]) -> Any:
        """One entry per tag and per text between tags."""
        text = read_text(path)
        for pattern in options["ignored"]:
            text = re.sub(pattern, INSTEAD, text)
        if "<" not in text:
            raise Unreadable(f"{path.name} is no HTML page: it has no tag")
        return {"lines": _parts(text)}


def _parts(text: str) -> list[str]:
    from html.parser import HTMLParser  # noqa: PLC0415

    parts: list[str] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            shown = (f"{name}={_attribute(value or '')!r}" for name, value in sorted(attrs))
            parts.append(f"<{' '.join([tag, *shown])}>")

        def handle_endtag(self, tag: str) -> None:
            parts.append(f"</{tag}>")

        def handle_data(self, data: str) -> None:
            words = " ".join(data.split())
            if words:
                parts.append(words)

    parser = Parser()
    parser.feed(text)
    parser.close()
    return parts


def _attribute(value: str) -> str:
    """The value; of an embedded picture what it shows."""
    import base64  # noqa: PLC0415
    import io  # noqa: PLC0415

    from kimed_compare.encoding import digest  # noqa: PLC0415
    from kimed_compare.image import pixels  # noqa: PLC0415

    kind, mark, data = value.partition(";base64,")
    if not mark or not kind.startswith("data:image/") or kind.endswith("svg+xml"):
        return " ".join(value.split())
    try:
        return f"picture {digest(pixels(io.BytesIO(base64.b64decode(data))))}"
    except (ValueError, Unreadable):
        return value


def _short(lines: list[str]) -> str:
    text = " / ".join(lines) or "nothing"
    return text if len(text) <= 80 else f"{text[:77]}…"
