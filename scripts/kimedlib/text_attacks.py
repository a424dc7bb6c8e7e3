"""Attacks on stand-ins: can somebody tell originals that were missed from the stand-ins around them, or tell from a
stand-in whom it hides?

The attacks replace the letters again, with a key of their own: the rules and the places are those of the letters that
go out, and truth is known without the secret key. No original is returned, only counts.

Hiding in plain sight: Carrell et al. 2013 (doi:10.1136/amiajnl-2012-001034). The parrot attack: Carrell et al. 2019
(doi:10.1093/jamia/ocz114): who marks all that looks like an identifier trains a model on it; what the model then does
not recognise is suspected, for a model learns from stand-ins what the first tool had found, and misses what it missed.
"""

import hashlib
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from kimedlib.text_features import features
from kimedlib.text_gazetteers import people
from kimedlib.text_model_data import DIRECT, Letter, Span
from kimedlib.text_replacement import Identity, everywhere, of_project, replace
from kimedlib.text_surrogates import listed_words
from kimedlib.text_tokens import tokenize

KEY = b"of the attacks, no secret"
WORD = re.compile(r"[^\W\d_]{3,}")
PLANTED_SHARE = 10
HASHED = 2**16


@dataclass(frozen=True)
class Attacked:
    """A letter as it goes out, and where words stand that look like names.

    Attributes
    ----------
    text
        With stand-ins.
    apparent
        Begin of each such word: whether it is an original that was missed.
    """

    text: str
    apparent: Mapping[int, bool]


@dataclass(frozen=True)
class Suspicion:
    """Words that look like names, originals among them, how many an attack suspects, and how many rightly; area under
    its ROC curve where it ranks: 0.5 tells nothing, below it somebody wins who turns the attack round.
    """

    apparent: int
    originals: int
    suspected: int
    right: int
    area: float | None = None

    def rows(self, name: str) -> list[tuple[str, float]]:
        """Precision, recall and what guessing reaches, in percent; without originals there is nothing to find."""
        if not self.originals:
            return []
        precision = 100 * self.right / self.suspected if self.suspected else 0.0
        return [
            (f"{name}_precision_pct", precision),
            (f"{name}_recall_pct", 100 * self.right / self.originals),
            (f"{name}_chance_pct", 100 * self.originals / self.apparent),
            *([] if self.area is None else [(f"{name}_auc", self.area)]),
        ]


def _named(span: Span) -> bool:
    return span.label in DIRECT and span.label.startswith("NAME_") and span.label != "NAME_USERNAME"


def planted(letter: Letter, found: Sequence[Span]) -> list[Span]:
    """What was found without every place of about one name word in ten, as if these had been missed."""
    dropped = set()
    for span in letter.spans:
        if _named(span):
            for match in WORD.finditer(letter.text, span.begin, span.end):
                word = match[0].casefold()
                digest = hashlib.sha256(f"{letter.name}\0{word}".encode()).digest()
                if digest[0] % PLANTED_SHARE == 0:
                    dropped.add(word)
    return [
        span
        for span in found
        if dropped.isdisjoint(match[0].casefold() for match in WORD.finditer(letter.text, span.begin, span.end))
    ]


def attacked(letter: Letter, found: Sequence[Span], identity: Identity) -> Attacked:
    """The letter with stand-ins for what was found; `letter` has the true annotations."""
    full = everywhere(Letter(letter.name, letter.text, tuple(sorted(found))))
    new, _ = replace(full, identity, "surrogate")
    apparent = {
        match.start(): False
        for span in new.spans
        if _named(span)
        for match in WORD.finditer(new.text, span.begin, span.end)
    }
    moves = [0, *accumulate((b.end - b.begin) - (a.end - a.begin) for a, b in zip(full.spans, new.spans, strict=True))]
    ends = [span.end for span in full.spans]
    for span in filter(_named, letter.spans):
        for match in WORD.finditer(letter.text, span.begin, span.end):
            before = bisect_right(ends, match.start())
            if before == len(ends) or full.spans[before].begin >= match.end():
                apparent[match.start() + moves[before]] = True
    return Attacked(new.text, apparent)


def lists_attack(letters: Sequence[Attacked]) -> Suspicion:
    """Who knows this program knows where its names come from, and suspects every name that is in none of its lists."""
    known = listed_words()
    suspected = right = 0
    for letter in letters:
        for begin, original in letter.apparent.items():
            match = WORD.match(letter.text, begin)
            if match and match[0].casefold() not in known:
                suspected += 1
                right += original
    return Suspicion(*_sizes(letters), suspected, right)


def parrot_attack(letters: Sequence[Attacked]) -> Suspicion:
    """Who marked all apparent names in half of the letters trains a model on them; of the apparent names of the other
    half those that it recognises least are suspected, as many as there are originals. Both halves are attacked.

    Giving the number of originals away is in favour of the attacker.
    """
    apparent, originals = _sizes(letters)
    if not originals or len(letters) < 2:
        return Suspicion(apparent, originals, 0, 0)
    prepared = [_words(letter) for letter in letters]
    scored: list[tuple[float, bool]] = []
    for half in (0, 1):
        model = _parrot([one for number, one in enumerate(prepared) if number % 2 != half])
        for number, (rows, marked, flags) in enumerate(prepared):
            if number % 2 == half and any(marked):
                chances = model(rows)
                scored += [(chance, flag) for chance, mark, flag in zip(chances, marked, flags, strict=True) if mark]
    scored.sort(key=lambda one: one[0])
    from sklearn.metrics import roc_auc_score

    truth = [flag for _, flag in scored]
    area = float(roc_auc_score(truth, [-chance for chance, _ in scored])) if not all(truth) else None
    return Suspicion(apparent, originals, originals, sum(truth[:originals]), area)


Words = tuple[list[list[str]], list[bool], list[bool]]


def _words(letter: Attacked) -> Words:
    """Of each capitalised word: what a tagger sees of it, whether it looks like a name, whether it is an original."""
    tokens = tokenize(letter.text)
    rows, marked, flags = [], [], []
    for token, row in zip(tokens, features(letter.text, tokens), strict=True):
        if WORD.fullmatch(token.form) and (token.form[0].isupper() or token.begin in letter.apparent):
            rows.append(row)
            marked.append(token.begin in letter.apparent)
            flags.append(letter.apparent.get(token.begin, False))
    return rows, marked, flags


def _parrot(letters: Sequence[Words]):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a function
    from sklearn.feature_extraction import FeatureHasher
    from sklearn.linear_model import LogisticRegression

    hasher = FeatureHasher(HASHED, input_type="string", alternate_sign=False)
    truth = np.array([mark for _, marked, _ in letters for mark in marked])
    if truth.all() or not truth.any():
        return lambda rows: np.zeros(len(rows))
    model = LogisticRegression(C=1.0, max_iter=200, solver="liblinear", random_state=0)
    model.fit(hasher.transform(row for rows, _, _ in letters for row in rows), truth)
    return lambda rows: model.predict_proba(hasher.transform(rows))[:, 1]


def _sizes(letters: Sequence[Attacked]) -> tuple[int, int]:
    return sum(len(one.apparent) for one in letters), sum(sum(one.apparent.values()) for one in letters)


def form(text: str) -> tuple[str, int, bool]:
    """What a stand-in keeps of a name: sex of its first word as lists know it, number of words, a hyphen."""
    kinds = people()
    words = WORD.findall(text)
    first = next((kind for kind in ("female", "male") for word in words if word.title() in kinds[kind]), "")
    return first, len(words), "-" in text


@dataclass(frozen=True)
class Guess:
    """Expected number of letters whose patient is guessed, by chance and by the attack; letters tried."""

    expected: float
    chance: float
    tried: int


def link_by_form(names: Mapping[str, Sequence[str]], stand_ins: Mapping[str, Sequence[str]]) -> Guess:
    """Who knows the names of all patients looks which of them have the form of a letter's stand-ins.

    Parameters
    ----------
    names
        True names of each patient, all spellings.
    stand_ins
        By patient, the stand-ins of one letter.

    Returns
    -------
    Guess
        One of n candidates is guessed rightly in 1/n of the cases; a wrong set counts nothing.
    """
    forms = {patient: {form(name) for name in known} for patient, known in names.items()}
    expected, tried = 0.0, 0
    for patient, written in stand_ins.items():
        seen = {form(name) for name in written}
        if not seen or patient not in forms:
            continue
        tried += 1
        overlap = {one: len(seen & known) for one, known in forms.items()}
        most = max(overlap.values())
        candidates = [one for one, count in overlap.items() if count == most]
        expected += (patient in candidates) / len(candidates)
    return Guess(expected, tried / len(forms) if forms else 0.0, tried)


def attack_rows(
    letters: Mapping[str, Letter], found: Mapping[str, Sequence[Span]], patients: Mapping[str, str]
) -> list[tuple[str, float]]:
    """All measures of this module as (name, value).

    Parameters
    ----------
    letters
        Annotated letters that are judged.
    found
        What is replaced in each.
    patients
        Patient of each letter.
    """
    rows: list[tuple[str, float]] = []
    for kind in ("missed", "planted"):
        out = [
            attacked(
                letter,
                found.get(name, ()) if kind == "missed" else planted(letter, found.get(name, ())),
                of_project(KEY, patients[name]),
            )
            for name, letter in sorted(letters.items())
        ]
        rows += [(f"hips_{kind}_originals", float(_sizes(out)[1]))]
        rows += parrot_attack(out).rows(f"hips_{kind}_parrot") + lists_attack(out).rows(f"hips_{kind}_lists")
    names: dict[str, list[str]] = defaultdict(list)
    stand_ins: dict[str, list[str]] = {}
    for name, letter in sorted(letters.items()):
        names[patients[name]] += _patient_names(letter)
        full = everywhere(Letter(name, letter.text, tuple(sorted(found.get(name, ())))))
        stand_ins[patients[name]] = _patient_names(replace(full, of_project(KEY, patients[name]), "surrogate")[0])
    guess = link_by_form(names, stand_ins)
    if guess.tried:
        rows += [
            ("linked_by_form_pct", 100 * guess.expected / guess.tried),
            ("linked_by_form_chance_pct", 100 * guess.chance / guess.tried),
        ]
    return rows


def _patient_names(letter: Letter) -> list[str]:
    return [letter.text[span.begin : span.end] for span in letter.spans if span.label == "NAME_PATIENT"]
