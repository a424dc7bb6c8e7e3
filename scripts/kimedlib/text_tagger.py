"""The sequence model: two conditional random fields, the second of which sees what the first found elsewhere in the
letter.

Stage 1 sees the features of `text_features`. Stage 2 sees in addition, for every word, how sure stage 1 is about the
other places where this word stands in the same letter, and about its neighbours. What stage 2 is trained on are
probabilities of stage-1 models that did not see the letter (cross-fitting; Wolpert 1992,
doi:10.1016/S0893-6080(05)80023-1).
"""

import hashlib
import multiprocessing
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pycrfsuite

from kimedlib.atomic import atomic_path
from kimedlib.text_case import recased
from kimedlib.text_features import features
from kimedlib.text_model_data import Letter, Span, tags_of
from kimedlib.text_surrogates import varied
from kimedlib.text_tokens import Token, tokenize

NAMES = ("stage1.crf", "stage2.crf")
WORDS = "words.txt"
FOLDS = 3


@dataclass(frozen=True)
class Settings:
    """L1 and L2 penalty, iterations of L-BFGS, copies of each letter with other names."""

    c1: float
    c2: float
    iterations: int
    copies: int


@dataclass(frozen=True)
class Tagged:
    """What the model thinks of a letter.

    Attributes
    ----------
    tokens
        Of the text.
    tags
        The best sequence of BIO tags.
    outside
        Probability of each token to be no identifier.
    labels
        Most probable label of each token if it is one.
    novel
        Whether no letter that trained has the token's word outside identifiers; empty if that is not known.
    """

    tokens: list[Token]
    tags: list[str]
    outside: np.ndarray
    labels: list[str]
    novel: tuple[bool, ...] = ()


class Model:
    """A trained model; opens the files that `train` wrote."""

    def __init__(self, folder: Path) -> None:
        self._stages = [_open(folder / name) for name in NAMES]
        self._words = frozenset((folder / WORDS).read_text(encoding="utf-8").split("\n"))

    def tag(self, text: str) -> Tagged:
        """Tags and probabilities of a text."""
        text = recased(text)
        tokens = tokenize(text)
        if not tokens:
            return Tagged([], [], np.zeros(0), [], ())
        rows = features(text, tokens)
        first = _marginals(self._stages[0], rows)
        return _second(self._stages[1], tokens, rows, first, self._words)


class Vocabulary:
    """Words that stand outside identifiers in letters, and never inside: what a name of somebody new is not."""

    def __init__(self, letters: Iterable[tuple[Sequence[Token], Sequence[str]]]) -> None:
        self._inside: Counter[str] = Counter()
        self._outside: Counter[str] = Counter()
        for tokens, tags in letters:
            inside, outside = _sides(tokens, tags)
            self._inside.update(inside)
            self._outside.update(outside)

    def words(self, left_out: tuple[Sequence[Token], Sequence[str]] | None = None) -> frozenset[str]:
        """The words, case-folded; without what only the letter `left_out`, one of those given, says."""
        inside, outside = self._inside, self._outside
        if left_out is not None:
            minus = [Counter(words) for words in _sides(*left_out)]
            inside, outside = inside - minus[0], outside - minus[1]
        return frozenset(outside.keys() - inside.keys())


def _sides(tokens: Sequence[Token], tags: Sequence[str]) -> tuple[set[str], set[str]]:
    sides: tuple[set[str], set[str]] = (set(), set())
    for token, tag in zip(tokens, tags, strict=True):
        if token.form.isalpha():
            sides[tag == "O"].add(token.form.casefold())
    return sides


def _open(path: Path) -> Any:
    tagger = pycrfsuite.Tagger()
    tagger.open(str(path))
    return tagger


def _marginals(tagger: Any, rows: list[list[str]]) -> dict[str, np.ndarray]:
    """Probability per label (without B/I) and token; `O` among them."""
    tagger.set(rows)
    summed: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(len(rows)))
    for tag in tagger.labels():
        summed[tag.partition("-")[2] or "O"] += [tagger.marginal(tag, index) for index in range(len(rows))]
    return dict(summed)


def _second(
    tagger: Any, tokens: list[Token], rows: list[list[str]], first: dict[str, np.ndarray], words: frozenset[str]
) -> Tagged:
    rows = [row + more for row, more in zip(rows, second_features(tokens, first), strict=True)]
    tags = tagger.tag(rows)
    second = _marginals(tagger, rows)
    labels = [label for label in second if label != "O"]
    table = np.array([second[label] for label in labels])
    best = [labels[index] for index in table.argmax(axis=0)]
    outside = 0.5 * (second["O"] + first["O"])
    novel = tuple(token.form.casefold() not in words for token in tokens)
    return Tagged(tokens, tags, np.clip(outside, 0, 1), best, novel)


def second_features(tokens: Sequence[Token], first: dict[str, np.ndarray]) -> list[list[str]]:
    """What stage 2 sees on top: stage 1's opinion here, beside, and wherever else the word stands."""
    labels = sorted(label for label in first if label != "O")
    table = np.array([first[label] for label in labels])
    inside = 1 - first["O"]
    best = table.argmax(axis=0)
    places: dict[str, list[int]] = defaultdict(list)
    for index, token in enumerate(tokens):
        if len(token.form) > 2 and token.form[0].isupper():
            places[token.form.casefold()].append(index)
    result: list[list[str]] = []
    for index, token in enumerate(tokens):
        row = [f"q={_level(inside[index])}", f"q={labels[best[index]]}{_level(inside[index])}"]
        for distance in (-2, -1, 1, 2):
            other = index + distance
            if 0 <= other < len(tokens):
                row.append(f"q{distance}={labels[best[other]]}{_level(inside[other])}")
        others = [other for other in places.get(token.form.casefold(), ()) if other != index]
        if others:
            surest = max(others, key=lambda other: inside[other])
            row.append(f"qe={labels[best[surest]]}{_level(inside[surest])}")
            row.append(f"qm={_level(float(np.mean(inside[others])))}")
        result.append(row)
    return result


def _level(probability: float) -> int:
    """Probabilities in six steps, finer near zero."""
    return int(np.searchsorted((0.01, 0.05, 0.2, 0.5, 0.9), probability))


def _fit(rows: Sequence[tuple[list[list[str]], list[str]]], path: Path, settings: Settings) -> Any:
    trainer = pycrfsuite.Trainer(verbose=False)
    for features_, tags in rows:
        trainer.append(features_, tags)
    trainer.set_params(
        {"c1": settings.c1, "c2": settings.c2, "max_iterations": settings.iterations, "feature.minfreq": 2}
    )
    trainer.train(str(path))
    return _open(path)


def disguised(letter: Letter, copy: int) -> Letter:
    """The letter with other names, places and numbers in its spans: teaches form and context instead of names."""
    surrogates = varied(hashlib.sha256(f"{letter.name}\0{copy}".encode()).digest())
    pieces, spans, last, length = [], [], 0, 0
    for span in sorted(letter.spans):
        if span.begin < last:
            continue
        before, old = letter.text[last : span.begin], letter.text[span.begin : span.end]
        new = old if span.label in ("DATE", "AGE") else surrogates.of(span.label, old)
        pieces += [before, new]
        length += len(before)
        spans.append(Span(length, length + len(new), span.label))
        length += len(new)
        last = span.end
    return Letter(f"{letter.name}#{copy}", "".join([*pieces, letter.text[last:]]), tuple(spans))


def _write_words(words: frozenset[str], path: Path) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(sorted(words)), encoding="utf-8")


def _learn(job: tuple[list[int], bool, Path]) -> None:
    """Train one model on the prepared letters of `_shared` with these numbers; runs in a forked process."""
    numbers, second, path = job
    material = _shared
    rows = material.extended if second else material.rows
    pairs = [(rows[number], material.tags[number]) for number in numbers]
    if not second:
        pairs += [pair for number in numbers for pair in material.copies[number]]
    _fit(pairs, path, material.settings)


@dataclass
class _Material:
    """Features and tags of all that trains: annotated letters, then invented ones, which have no copies."""

    settings: Settings
    rows: list[list[list[str]]]
    tags: list[list[str]]
    copies: list[list[tuple[list[list[str]], list[str]]]]
    extended: list[list[list[str]]]


_shared: _Material


def _prepared(letter: Letter) -> tuple[list[list[str]], list[str]]:
    text = recased(letter.text)
    tokens = tokenize(text)
    return features(text, tokens), tags_of(tokens, letter.spans)


def _learn_all(jobs: list[tuple[list[int], bool, Path]], processes: int) -> None:
    """Train models side by side; each depends on its letters only, so their number changes nothing."""
    if processes == 1:
        for job in jobs:
            _learn(job)
        return
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("fork")) as pool:
        list(pool.map(_learn, jobs))


def train(
    letters: Sequence[Letter], extra: Sequence[Letter], folder: Path, settings: Settings, processes: int = 1
) -> list[Tagged]:
    """Train both stages and write them.

    Parameters
    ----------
    letters
        Annotated letters.
    extra
        Synthetic letters: they train both stages, and are left out of what is returned.
    folder
        Gets stage1.crf, stage2.crf and words.txt.
    processes
        Models trained at the same time.

    Returns
    -------
    list of Tagged
        For each of `letters`, what models think that did not see it. Operating points are chosen on them.

    Raises
    ------
    ValueError
        Fewer letters than cross-fitting needs, or none with an identifier.
    """
    global _shared  # noqa: PLW0603 - forked processes see it without a copy
    if len(letters) < FOLDS or not any(letter.spans for letter in letters):
        raise ValueError(f"training needs {FOLDS} annotated letters, and identifiers in them; {len(letters)} given")
    folder.mkdir(parents=True, exist_ok=True)
    both = [*letters, *extra]
    tokens = [tokenize(recased(letter.text)) for letter in both]
    prepared = [_prepared(letter) for letter in both]
    rows = [one[0] for one in prepared]
    copies = [[_prepared(disguised(letter, number)) for number in range(settings.copies)] for letter in letters]
    _shared = _Material(settings, rows, [one[1] for one in prepared], copies + [[] for _ in extra], [])
    everyone = list(range(len(both)))
    parts = [[number for number in everyone if number % FOLDS != fold] for fold in range(FOLDS)]
    own = list(zip(tokens, _shared.tags, strict=True))
    known = Vocabulary(own)
    _write_words(known.words(), folder / WORDS)
    scratch = [folder / f"without-{fold}.crf" for fold in range(FOLDS)]
    jobs = [(everyone, False, folder / NAMES[0])]
    _learn_all(jobs + [(part, False, path) for part, path in zip(parts, scratch, strict=True)], processes)
    unseen = [_open(path) for path in scratch]
    first = [_marginals(unseen[number % FOLDS], rows[number]) for number in everyone]
    _shared.extended = [
        [row + add for row, add in zip(rows[number], second_features(tokens[number], first[number]), strict=True)]
        for number in everyone
    ]
    jobs = [(everyone, True, folder / NAMES[1])]
    _learn_all(jobs + [(part, True, path) for part, path in zip(parts, scratch, strict=True)], processes)
    unseen = [_open(path) for path in scratch]
    result = [
        _second(unseen[number % FOLDS], tokens[number], rows[number], first[number], known.words(own[number]))
        for number in range(len(letters))
    ]
    del unseen
    for path in scratch:
        path.unlink()
    return result
