"""How well identifiers were found: spans, tokens, characters, documents, and what was destroyed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kimedlib.text_model_data import DIRECT, Letter, Span
from kimedlib.text_tokens import tokenize


@dataclass(frozen=True)
class Counts:
    """True positives, false positives, false negatives."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def precision(self) -> float:
        """Share of what was found that is right; 1 if nothing was found."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 1.0

    @property
    def recall(self) -> float:
        """Share of what is there that was found; 1 if nothing is there."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        whole = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / whole if whole else 1.0


def strict(found: Iterable[Span], truth: Iterable[Span]) -> Counts:
    """Same offsets and same label."""
    predicted, true = set(found), set(truth)
    return Counts(len(predicted & true), len(predicted - true), len(true - predicted))


def by_label(found: Iterable[Span], truth: Iterable[Span]) -> dict[str, Counts]:
    """`strict` per label."""
    predicted, true = set(found), set(truth)
    return {
        label: strict((one for one in predicted if one.label == label), (one for one in true if one.label == label))
        for label in sorted({one.label for one in predicted | true})
    }


def untyped(found: Iterable[Span], truth: Iterable[Span]) -> Counts:
    """Same offsets, any label."""
    return strict((Span(one.begin, one.end, "") for one in found), (Span(one.begin, one.end, "") for one in truth))


def relaxed(found: Sequence[Span], truth: Sequence[Span]) -> Counts:
    """Same label and at least one character in common; each span matches once."""
    free = sorted(found)
    hits = 0
    for span in sorted(truth):
        match = next(
            (one for one in free if one.label == span.label and one.begin < span.end and one.end > span.begin), None
        )
        if match is not None:
            free.remove(match)
            hits += 1
    return Counts(hits, len(found) - hits, len(truth) - hits)


def _characters(spans: Iterable[Span], text: str) -> set[int]:
    return {place for span in spans for place in range(span.begin, span.end) if not text[place].isspace()}


def tokens(found: Iterable[Span], letter: Letter) -> Counts:
    """Tokens that are part of an identifier, whatever its label."""
    predicted, true = _characters(found, letter.text), _characters(letter.spans, letter.text)
    hits: Counter[tuple[bool, bool]] = Counter()
    for token in tokenize(letter.text):
        if not token.is_break:
            hits[token.begin in predicted, token.begin in true] += 1
    return Counts(hits[True, True], hits[True, False], hits[False, True])


def characters(found: Iterable[Span], letter: Letter) -> Counts:
    """Characters but blanks."""
    predicted, true = _characters(found, letter.text), _characters(letter.spans, letter.text)
    return Counts(len(predicted & true), len(predicted - true), len(true - predicted))


def leaked(found: Iterable[Span], letter: Letter) -> list[Span]:
    """Identifiers of which at least one letter or digit stays uncovered."""
    covered = _characters(found, letter.text)
    return [
        span
        for span in letter.spans
        if any(letter.text[place].isalnum() and place not in covered for place in range(span.begin, span.end))
    ]


def leaks_directly(found: Iterable[Span], letter: Letter) -> bool:
    """Whether a direct identifier of the letter leaks."""
    return any(span.label in DIRECT for span in leaked(found, letter))


def destroyed(found: Iterable[Span], terms: Iterable[tuple[int, int]]) -> int:
    """How many terms (begin, end) a span touches."""
    spans = list(found)
    return sum(any(span.begin < end and span.end > begin for span in spans) for begin, end in terms)
