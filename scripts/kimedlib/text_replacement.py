"""Replace what was found: by tags, by codes, or by realistic stand-ins among which originals that were missed hide."""

import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from kimedlib.problems import InputProblems, Problem
from kimedlib.pseudonyms import Linkage
from kimedlib.text_dates import move_all
from kimedlib.text_gazetteers import zipf
from kimedlib.text_language import mostly_english
from kimedlib.text_model_data import DIRECT, Letter, Span
from kimedlib.text_plain import Plain
from kimedlib.text_surrogates import age
from kimedlib.text_surrogates_english import surrogates

MODES = ("tag", "pseudonym", "surrogate")
DATES = ("DATE", "DATE_BIRTH", "DATE_DEATH")
MAXIMUM_SHIFT_DAYS = 3650
SHORTEST_KEY = 16
RARE = 4.0
"""Zipf frequency below which a word of a name is replaced wherever it stands."""
WORD = re.compile(r"[^\W\d_]{4,}")


@dataclass(frozen=True)
class Identity:
    """What replaces one patient's identifiers: pseudonym, key of stand-ins, days that dates move."""

    pseudonym: str
    key: bytes = field(repr=False)
    shift_days: int = field(repr=False)


def load_key(text: str) -> bytes:
    """Key file content without comment lines.

    Raises
    ------
    ValueError
        Fewer than 16 characters.
    """
    key = "".join(line.strip() for line in text.splitlines() if not line.startswith("#")).encode()
    if len(key) < SHORTEST_KEY:
        raise ValueError("the key has fewer than 16 characters: make one with `openssl rand -hex 32`")
    return key


def of_project(key: bytes, pseudonym: str) -> Identity:
    """The identity that a project's own key gives; dates move as in the patient's DICOM files under the same key."""
    names, dates = (
        hmac.new(key, text.encode(), hashlib.sha256).digest() for text in (f"text\0{pseudonym}", f"dates\0{pseudonym}")
    )
    return Identity(pseudonym, names, -(1 + int.from_bytes(dates[:8], "big") % MAXIMUM_SHIFT_DAYS))


def of_linkage(linkage: Linkage, pseudonym: str, sheet: str) -> Identity:
    """The identity that the trust centre issued.

    Raises
    ------
    InputProblems
        The linkage file does not hold the pseudonym.
    """
    for identifier, known in linkage.pseudonyms.items():
        if known == pseudonym:
            return Identity(pseudonym, linkage.uid_keys[identifier], linkage.date_shifts[identifier])
    found = "is no pseudonym of the linkage file"
    raise InputProblems([Problem(sheet, f"patient_id {pseudonym}", found, "ask the trust centre for a complete file")])


def whole_weeks(identity: Identity) -> Identity:
    """The same with a shift of whole weeks, never none: weekdays stay."""
    weeks = round(identity.shift_days / 7) or (1 if identity.shift_days > 0 else -1)
    return Identity(identity.pseudonym, identity.key, 7 * weeks)


def everywhere(letter: Letter) -> Letter:
    """The letter with a span at every other place where a rare word of a direct identifier stands too."""
    known: dict[str, str] = {}
    language = "en" if mostly_english(letter.text) else "de"
    for span in letter.spans:
        if span.label in DIRECT and span.label.startswith("NAME_"):
            for match in WORD.finditer(letter.text, span.begin, span.end):
                if match[0][0].isupper() and zipf(match[0].casefold(), language) < RARE:
                    known.setdefault(match[0].casefold(), span.label)
    taken = [False] * (len(letter.text) + 1)
    for span in letter.spans:
        taken[span.begin : span.end] = [True] * (span.end - span.begin)
    more = [
        Span(match.start(), match.end(), known[match[0].casefold()])
        for match in WORD.finditer(letter.text)
        if match[0].casefold() in known and not any(taken[match.start() : match.end()])
    ]
    return Letter(letter.name, letter.text, tuple(sorted([*letter.spans, *more])))


def replace(letter: Letter, identity: Identity, mode: str) -> tuple[Letter, Counter[str]]:
    """The letter with its spans replaced, spans at their new places, and how many of each category were.

    Raises
    ------
    ValueError
        Unknown mode, or spans overlap.
    """
    if mode not in MODES:
        raise ValueError(f"mode '{mode}' is none of {', '.join(MODES)}")
    full = everywhere(letter)
    spans = list(full.spans)
    if any(left.end > right.begin for left, right in pairwise(spans)):
        raise ValueError(f"{letter.name}: spans overlap")
    new = _texts(full, spans, identity, mode)
    pieces, placed, last, length = [], [], 0, 0
    for span, text in zip(spans, new, strict=True):
        before = full.text[last : span.begin]
        length += len(before)
        placed.append(Span(length, length + len(text), span.label))
        pieces += [before, text]
        length += len(text)
        last = span.end
    return Letter(letter.name, "".join([*pieces, full.text[last:]]), tuple(placed)), Counter(
        span.label for span in spans
    )


def _texts(letter: Letter, spans: Sequence[Span], identity: Identity, mode: str) -> list[str]:
    originals = [Plain(letter.text[span.begin : span.end]).text for span in spans]
    if mode == "tag":
        return [f"[{span.label}]" for span in spans]
    plain = Plain(letter.text)
    where = [(span.begin, span.end) for span in plain.forth([span for span in spans if span.label in DATES])]
    moved = iter(move_all(plain.text, where, identity.shift_days))
    if mode == "pseudonym":
        return [
            next(moved)
            if span.label in DATES
            else age(text)
            if span.label == "AGE"
            else _code(span.label, text, identity)
            for span, text in zip(spans, originals, strict=True)
        ]
    stand_ins = surrogates(identity.key, letter.text)
    return [
        next(moved) if span.label in DATES else stand_ins.of(span.label, text)
        for span, text in zip(spans, originals, strict=True)
    ]


def _code(label: str, text: str, identity: Identity) -> str:
    """A code that is the same for the same words of the same patient."""
    words = " ".join(sorted(re.findall(r"\w+", text.casefold())))
    code = hmac.new(identity.key, f"{label}\0{words}".encode(), hashlib.sha256).hexdigest()[:6].upper()
    return f"[{label} {code}]"


def remaining(original: Letter, replaced: Letter) -> list[str]:
    """Rare words of the original's direct identifiers that still stand in the replaced text; not for logs."""
    words = {
        match[0].casefold()
        for span in original.spans
        if span.label in DIRECT
        for match in re.finditer(r"\w{4,}", original.text[span.begin : span.end])
        if any(sign.isdigit() for sign in match[0]) or zipf(match[0].casefold()) < RARE
    }
    there = {match[0].casefold() for match in re.finditer(r"\w{4,}", replaced.text)}
    return sorted(words & there)
