"""From probabilities to spans: three operating points between few false alarms and few misses.

`balanced` takes the best sequence of tags. `precision` drops its spans that the model is not sure of. `safe` adds
every token above a low probability, every hit of a pattern with a check digit or a full date, and every other place
of a name that was
found. Thresholds are chosen on letters that the judging model did not see (`text_tagger.train`).
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

import numpy as np

from kimedlib.text_addresses import apply_addresses
from kimedlib.text_calibration import Calibration
from kimedlib.text_case import recased
from kimedlib.text_fallback import apply_fallback
from kimedlib.text_frames import NET, apply_frames
from kimedlib.text_gazetteers import zipf
from kimedlib.text_lexicon import word_classes
from kimedlib.text_model_data import DIRECT, Letter, Span, spans_of, trimmed
from kimedlib.text_patterns import pattern_hits
from kimedlib.text_rules import RARE, apply_rules
from kimedlib.text_scores import Counts, characters, leaked, strict
from kimedlib.text_tagger import Tagged
from kimedlib.text_tokens import Token

POINTS = ("precision", "balanced", "safe")
CERTAIN = frozenset(
    [
        "kvnr",
        "iban",
        "tax",
        "svnr",
        "email",
        "url",
        "date_full",
        "date_iso",
        "date_words",
        "date_slash",
        "month_year",
        "title_name",
        "salutation_name",
        "signature_name",
        "street",
        "street_prefix",
        "street_word",
        "id_after",
        "ward",
        "age",
        "age_of",
        "day_range",
        "month_name",
        "phone",
        "zip_city",
        "month_range",
        "ward_code",
        "ward_side",
        "department_code",
        "age_word",
        "age_died",
        "vocative",
        "teaching",
        "hospital_short",
        "university",
        "profession_after",
    ]
)
"""Patterns that `safe` trusts without the model."""
GRID = (
    0.5,
    0.4,
    0.3,
    0.25,
    0.2,
    0.15,
    0.12,
    0.1,
    0.08,
    0.06,
    0.05,
    0.04,
    0.03,
    0.025,
    0.02,
    0.015,
    0.012,
    0.01,
    0.008,
    0.006,
    0.005,
    0.004,
    0.003,
)
COLUMN = re.compile(r"\t+|[ ]{3,}")
DRESS_BEFORE = re.compile(
    r"(?:Kolleg(?:e|in|en)|Herrn?|Frau|Hr\.|Fr\.|Sohn|Tochter|[Ii]m|[Ii]n|[Dd]em|[Dd]er|[Dd]as|[Dd]ie|[Dd]es|[Vv]om)\s+"
)
DRESS_AFTER = re.compile(
    r"[\s,]+(?:Chefarzt|Chefärztin|Oberarzt|Oberärztin|Stationsarzt|Stationsärztin|Assistenzarzt|Assistenzärztin|Facharzt|Fachärztin|MBA|MSc|PhD)\s*$"
)
JOINTS = frozenset("-./()&,:+ ")
PLAIN = frozenset(["salutation", "role", "identifier", "phone", "fax", "mail", "birth", "eponym"])
USUAL_LENGTH = 6
FUZZY_LENGTH, FUZZY_RARE = 6, 2.5
PLAIN_VOWELS = str.maketrans("äöü", "aou")
BESIDE = 0.3
"""Share of its threshold that is enough for a token beside a hidden one: most spans have several tokens."""
COMMON_WORD = 5.0
"""Zipf frequency from which on a word is not hidden elsewhere just because it was part of a name once."""


@dataclass(frozen=True)
class Dial:
    """Thresholds.

    Attributes
    ----------
    sure
        Least mean probability of a span at `precision`.
    suspect
        Probability from which on a token is hidden at `safe`.
    net
        How many kinds of rare words `safe` hides wherever they stand: the first so many of `text_frames.NET`.
    """

    sure: float
    suspect: float
    net: int = 0


def inside(tagged: Tagged) -> np.ndarray:
    """Probability of each token to be part of an identifier."""
    return np.asarray(1.0 - tagged.outside)


def detect(letter: Letter, tagged: Tagged, point: str, dial: Dial) -> list[Span]:
    """Spans at an operating point, in order, without overlaps.

    Raises
    ------
    ValueError
        Not one of `POINTS`.
    """
    if point not in POINTS:
        raise ValueError(f"operating point '{point}' is none of {', '.join(POINTS)}")
    spans = cleaned(spans_of(tagged.tokens, tagged.tags), letter.text)
    if point == "balanced":
        return spans
    if point == "precision":
        return [span for span in spans if confidence(span, tagged) >= dial.sure]
    return _safe(letter, tagged, spans, dial)


def cleaned(spans: Sequence[Span], text: str) -> list[Span]:
    """Limits as annotators draw them: no roles around names, no two columns in one name, no word cut in two."""
    result: list[Span] = []
    for span in spans:
        if result and _one(result[-1], span, text):
            result[-1] = Span(result[-1].begin, span.end, span.label)
        else:
            result.append(span)
    pieces = [
        piece for span in result for piece in (_columns(span, text) if span.label.startswith("NAME_") else [span])
    ]
    return [kept for piece in pieces if (kept := trimmed(_undressed(piece, text), text))]


def _one(left: Span, right: Span, text: str) -> bool:
    if left.label != right.label or left.label == "DATE":
        return False
    between = text[left.end : right.begin]
    if between in ("-", "") or left.label in ("LOCATION_CITY", "LOCATION_STREET", "CONTACT_PHONE", "CONTACT_FAX"):
        return between in ("-", " ", "")
    return left.label == "NAME_TITLE" and between == " "


def _columns(span: Span, text: str) -> list[Span]:
    found, start = [], span.begin
    for gap in COLUMN.finditer(text, span.begin, span.end):
        found.append(Span(start, gap.start(), span.label))
        start = gap.end()
    return [*found, Span(start, span.end, span.label)]


def _undressed(span: Span, text: str) -> Span:
    if not span.label.startswith(("NAME_", "LOCATION_HOSPITAL")) or span.label == "NAME_TITLE":
        return span
    begin, end = span.begin, span.end
    while (match := DRESS_BEFORE.match(text, begin, end)) and match.end() < end:
        begin = match.end()
    while (match := DRESS_AFTER.search(text, begin, end)) and match.start() > begin:
        end = match.start()
    return Span(begin, end, span.label)


def confidence(span: Span, tagged: Tagged, calibration: Calibration | None = None) -> float:
    """Mean probability of the span's tokens to be part of an identifier, corrected if a calibration is given."""
    chances = inside(tagged) if calibration is None else calibration(inside(tagged))
    found = [chances[index] for index, token in enumerate(tagged.tokens) if span.begin <= token.begin < span.end]
    return float(np.mean(found)) if found else 0.0


def _safe(letter: Letter, tagged: Tagged, spans: Sequence[Span], dial: Dial) -> list[Span]:
    tokens, text = tagged.tokens, recased(letter.text)
    labels = _likely(tagged, dial.suspect)
    _cover(tokens, labels, ((span.begin, span.end, span.label) for span in spans), replace=True)
    _cover(tokens, labels, _certain(text), replace=False)
    apply_rules(text, tokens, labels)
    apply_frames(text, tokens, labels, tagged.novel, dial.net)
    apply_addresses(text, tokens, labels)
    apply_fallback(text, tokens, labels, tagged.novel)
    _propagate(tokens, labels)
    _bridge(tokens, labels)
    return _joined(tokens, labels, {span.begin for span in spans})


@lru_cache(maxsize=256)
def _certain(text: str) -> tuple[tuple[int, int, str], ...]:
    return tuple((begin, end, label) for begin, end, label, name in pattern_hits(text) if name in CERTAIN)


def _likely(tagged: Tagged, suspect: float) -> list[str]:
    """Labels of the tokens that are likely enough, and of those beside them that nearly are."""
    tokens, chances = tagged.tokens, inside(tagged)
    labels: list[str] = [""] * len(tokens)
    least = [needed(token, suspect) for token in tokens]
    for index, token in enumerate(tokens):
        if chances[index] >= least[index] and not token.is_break and (token.form.isalnum() or chances[index] >= 0.5):
            labels[index] = tagged.labels[index]
    for step in (1, -1):
        for index in range(1, len(tokens)) if step == 1 else range(len(tokens) - 2, -1, -1):
            near = labels[index - step] and not labels[index] and tokens[index].form.isalnum()
            if near and chances[index] >= BESIDE * least[index]:
                labels[index] = tagged.labels[index]
    return labels


def needed(token: Token, suspect: float) -> float:
    """Probability from which on `safe` hides a token.

    What is lost when it is no identifier grows with its length, what is won when it is one does not: the threshold is
    proportional to the length, and `suspect` that of a token of six characters. Words that introduce names (`Herr`,
    `Chefarzt`, `Station`) must be more likely an identifier than not.
    """
    if not PLAIN.isdisjoint(word_classes(token.form.casefold())):
        return 0.5
    return min(0.5, suspect * len(token.form) / USUAL_LENGTH)


def _cover(
    tokens: Sequence[Token], labels: list[str], ranges: Iterable[tuple[int, int, str]], *, replace: bool
) -> None:
    begins, ends = [token.begin for token in tokens], [token.end for token in tokens]
    for begin, end, label in ranges:
        for index in range(bisect_right(ends, begin), bisect_left(begins, end)):
            if replace or not labels[index]:
                labels[index] = label


def _propagate(tokens: Sequence[Token], labels: list[str]) -> None:
    """A capitalised word that is a name in one place is one everywhere in the letter, unless it is a common word."""
    known: dict[str, str] = {}
    for token, label in zip(tokens, labels, strict=True):
        name = label.startswith(("NAME_", "LOCATION_CITY")) and label != "NAME_TITLE"
        most = RARE if label == "LOCATION_CITY" else COMMON_WORD
        if name and len(token.form) > 2 and token.form[0].isupper() and zipf(token.form.casefold()) < most:
            known.setdefault(token.form.casefold(), label)
    for index, token in enumerate(tokens):
        if labels[index] or not token.form[:1].isupper():
            continue
        labels[index] = next((known[word] for word in _variants(token.form.casefold()) if word in known), "")
    _misspelled(tokens, labels, known)


def _variants(word: str) -> list[str]:
    """A word as the letter may also write it: genitive, umlauts written out or contracted."""
    stems = [word, word[:-1]] if word.endswith("s") else [word, word + "s"]
    return [*stems, *(_long(stem) for stem in stems), *(_short(stem) for stem in stems)]


def _long(word: str) -> str:
    return word.translate({ord(sign): f"{sign.translate(PLAIN_VOWELS)}e" for sign in "äöü"} | {ord("ß"): "ss"})


def _short(word: str) -> str:
    return word.replace("ae", "ä").replace("oe", "ö").replace("ue", "ü").replace("ss", "ß")


def _misspelled(tokens: Sequence[Token], labels: list[str], known: Mapping[str, str]) -> None:
    """Unknown capitalised words of one letter more, less or other than a name that was found, or two exchanged."""
    names = [name for name in known if len(name) >= FUZZY_LENGTH]
    for index, token in enumerate(tokens):
        word = token.form.casefold()
        if labels[index] or len(word) < FUZZY_LENGTH or not token.form.istitle() or zipf(word) >= FUZZY_RARE:
            continue
        labels[index] = next((known[name] for name in names if _near(name, word)), "")


def _near(one: str, other: str) -> bool:
    """One edit apart: Damerau-Levenshtein distance of one."""
    head = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    left, right = one[head:], other[head:]
    swapped = left[:2] == right[1::-1] and left[2:] == right[2:]
    return left[1:] == right[1:] or left[1:] == right or left == right[1:] or swapped


def _bridge(tokens: Sequence[Token], labels: list[str]) -> None:
    """Punctuation between two hidden tokens that stand without a gap, or within a number, is hidden too."""
    for index in range(1, len(tokens) - 1):
        if labels[index] or tokens[index].form not in JOINTS:
            continue
        if labels[index - 1] and labels[index - 1] == labels[index + 1]:
            labels[index] = labels[index - 1]


def _joined(tokens: Sequence[Token], labels: Sequence[str], starts: set[int]) -> list[Span]:
    found: list[Span] = []
    open_ = False
    for token, label in zip(tokens, labels, strict=True):
        if not label or (token.is_break and not open_):
            open_ = False
            continue
        if open_ and found[-1].label == label and token.begin not in starts:
            found[-1] = Span(found[-1].begin, token.end, label)
        else:
            found.append(Span(token.begin, token.end, label))
        open_ = True
    return found


def choose(letters: Sequence[Letter], tagged: Sequence[Tagged], least_precision: float) -> Dial:
    """Thresholds from letters that the models behind `tagged` did not see.

    Of all at which the characters hidden are identifiers with at least `least_precision`: the lowest `suspect`, then
    the widest `net`. That spends the whole allowance where the model doubts, which in letters unlike those that
    trained finds more than what leaks here tells (docs/benchmarks.md). `sure` is the one with the best precision that
    keeps 95 % of the recall of `balanced`.
    """
    tried = []
    for net in range(len(NET) + 1):
        for suspect in GRID:
            if _judged(letters, tagged, Dial(1.0, suspect, net))["char_precision"] < least_precision:
                break
            tried.append((suspect, -net))
    suspect, net = min(tried, default=(GRID[0], 0))
    best = (0.0, 0.0)
    whole = _strict(letters, tagged, 0.0).recall
    for sure in (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95):
        counts = _strict(letters, tagged, sure)
        if counts.recall >= 0.95 * whole:
            best = max(best, (counts.precision, sure))
    return Dial(best[1], suspect, -net)


def leak_bound(letters: Sequence[Letter], tagged: Sequence[Tagged], dial: Dial) -> tuple[int, float]:
    """Letters in which `safe` misses a direct identifier, and a bound on the chance of it in a further letter.

    Conformal risk control (Angelopoulos et al. 2022, arXiv 2208.02814) for a loss of 0 or 1 per letter: with n
    exchangeable letters of which k leak, at most (k + 1) / (n + 1) are expected to. It holds for the models that did
    not see the letters, and for thresholds that get only lower by what was chosen.
    """
    leaking = int(_judged(letters, tagged, dial)["leaking"])
    return leaking, (leaking + 1) / (len(letters) + 1)


def _strict(letters: Sequence[Letter], tagged: Sequence[Tagged], sure: float) -> Counts:
    counts = Counts()
    for letter, one in zip(letters, tagged, strict=True):
        counts += strict(detect(letter, one, "precision", Dial(sure, 1.0)), letter.spans)
    return counts


def _judged(letters: Sequence[Letter], tagged: Sequence[Tagged], dial: Dial) -> dict[str, float]:
    counts, lost, total, leaking = Counts(), 0, 0, 0
    for letter, one in zip(letters, tagged, strict=True):
        found = detect(letter, one, "safe", dial)
        missed = leaked(found, letter)
        counts += characters(found, letter)
        lost += len(missed)
        total += len(letter.spans)
        leaking += any(span.label in DIRECT for span in missed)
    recall = 1 - lost / max(total, 1)
    return {"span_recall": recall, "char_precision": counts.precision, "leaking": float(leaking)}


def curve(letters: Sequence[Letter], tagged: Sequence[Tagged], net: int) -> list[dict[str, float]]:
    """Recall of whole spans, precision of characters and leaking letters of `safe` over the grid."""
    return [{"threshold": one, **_judged(letters, tagged, Dial(1.0, one, net))} for one in GRID]
