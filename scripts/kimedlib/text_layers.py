"""Further layers of detection beside the tagger's: their spans are added to what it found, nothing is taken away."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from kimedlib.text_model_data import Span, trimmed

Found = tuple[Span, float]
"""A span and how sure its layer is of it."""


def merged(found: Sequence[Found], more: Iterable[Found], text: str) -> list[Found]:
    """Spans of two layers in order, without overlaps.

    A new span that holds exactly one known span whole takes its place but keeps its category; of a new one that
    overlaps otherwise the free pieces are added. The higher confidence stays.
    """
    result = sorted(found)
    for span, sure in sorted(more, key=lambda one: (one[0].begin, -one[0].end)):
        add(result, span, sure, text)
    return result


def add(found: list[Found], span: Span, sure: float, text: str) -> None:
    """Add one span in place to others that are in order and do not overlap, as `merged` says."""
    first = bisect_right(found, span.begin, key=lambda one: one[0].end)
    last = bisect_left(found, span.end, key=lambda one: one[0].begin)
    touched = found[first:last]
    if len(touched) == 1 and span.begin <= touched[0][0].begin and touched[0][0].end <= span.end:
        found[first] = (Span(span.begin, span.end, touched[0][0].label), max(sure, touched[0][1]))
    else:
        pieces = [(piece, sure) for piece in _free(span, [one for one, _ in touched], text)]
        found[first:last] = sorted([*touched, *pieces])


def _free(span: Span, taken: Sequence[Span], text: str) -> list[Span]:
    """Pieces of a span that no other covers, if they hold a letter or digit."""
    limits = [span.begin, *(edge for one in taken for edge in (one.begin, one.end)), span.end]
    pieces = [Span(begin, end, span.label) for begin, end in zip(limits[::2], limits[1::2], strict=True) if begin < end]
    kept = [trimmed(piece, text) for piece in pieces]
    return [one for one in kept if one and any(sign.isalnum() for sign in text[one.begin : one.end])]
