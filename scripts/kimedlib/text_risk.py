"""What may still lead back to a person after replacement: attacks that somebody with other knowledge could try.

Attackers are given more than they have: the true names of all patients, or all true dates. No original is returned.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from kimedlib.text_model_data import Letter
from kimedlib.text_patterns import ICD

NAME_WORD = re.compile(r"[^\W\d_]{4,}")
FULL_DATE = re.compile(r"(?<!\d)(\d{1,2})\.(\d{1,2})\.((?:19|20)\d{2})(?!\d)")
MALE, FEMALE = re.compile(r"\b(?:Herrn?|Hr\.|Patient|er)\b"), re.compile(r"\b(?:Frau|Fr\.|Patientin|sie)\b")
AGE = re.compile(r"(\d{1,3})[ -]?jährig")


@dataclass(frozen=True)
class Attack:
    """How an attack went: letters that it led to the right patient, and letters it was tried on."""

    right: int
    tried: int


def name_words(letter: Letter) -> set[str]:
    """Words of the patient's annotated names, case-folded."""
    return {
        match[0].casefold()
        for span in letter.spans
        if span.label == "NAME_PATIENT"
        for match in NAME_WORD.finditer(letter.text, span.begin, span.end)
    }


def link_by_names(originals: Mapping[str, Letter], texts: Mapping[str, str], patients: Mapping[str, str]) -> Attack:
    """Who knows the names of all patients looks for them in the letters;
    a letter belongs to the one of whom it holds most words.

    Parameters
    ----------
    originals
        Annotated letters by name: where the attacker knows the names from.
    texts
        Texts to attack, by the same names.
    patients
        Patient of each letter.
    """
    known: dict[str, set[str]] = defaultdict(set)
    for name, letter in originals.items():
        known[patients[name]] |= name_words(letter)
    right = 0
    for name, text in texts.items():
        words = {match[0].casefold() for match in NAME_WORD.finditer(text)}
        hits = {patient: len(names & words) for patient, names in known.items()}
        most = max(hits.values())
        right += most > 0 and [patient for patient, count in hits.items() if count == most] == [patients[name]]
    return Attack(right, len(texts))


def day_gaps(text: str) -> tuple[int, ...]:
    """Days between successive different full dates, sorted by time."""
    days = set()
    for match in FULL_DATE.finditer(text):
        try:
            days.add(date(int(match[3]), int(match[2]), int(match[1])).toordinal())
        except ValueError:
            continue
    ordered = sorted(days)
    return tuple(later - earlier for earlier, later in pairwise(ordered))


def link_by_intervals(originals: Mapping[str, str], texts: Mapping[str, str]) -> Attack:
    """Who knows all true dates compares distances between dates, which shifting keeps; unique sequences are linked."""
    owners: dict[tuple[int, ...], set[str]] = defaultdict(set)
    for name, text in originals.items():
        owners[day_gaps(text)].add(name)
    right = sum(bool(gaps := day_gaps(text)) and owners.get(gaps) == {name} for name, text in texts.items())
    return Attack(right, len(texts))


QUASI = ("sex", "sex_age", "sex_age_icd")
"""Sets of quasi-identifiers that stay readable: sex, decade of age, three-character ICD-10 codes."""
FEW = 5
"""Groups below this size count as small."""


def quasi_identifiers(text: str) -> tuple[str, str, tuple[str, ...]]:
    """Sex, decade of age and ICD-10 codes that a reader takes from a text; `` for an age that is not told."""
    sex = "f" if len(FEMALE.findall(text)) > len(MALE.findall(text)) else "m"
    ages = [int(match) // 10 for match in AGE.findall(text)]
    return sex, str(ages[0]) if ages else "", tuple(sorted({match[0][:3] for match in ICD.finditer(text)}))


def classes(texts: Mapping[str, str], known: int = len(QUASI)) -> Counter[tuple[object, ...]]:
    """How many letters share the first `known` quasi-identifiers."""
    return Counter(quasi_identifiers(text)[:known] for text in texts.values())


def anonymity_rows(texts: Mapping[str, str]) -> list[tuple[str, float]]:
    """Per set of quasi-identifiers: smallest group (k), share of letters in small groups, and the mean chance to pick
    the right letter of a group for somebody who knows that a person is among them (prosecutor risk; El Emam and
    Dankar 2008, doi:10.1197/jamia.M2716). Shares in percent.
    """
    rows: list[tuple[str, float]] = []
    for known, name in enumerate(QUASI, 1):
        sizes = classes(texts, known).values()
        few = sum(size for size in sizes if size < FEW)
        rows += [
            (f"k_{name}", float(min(sizes))), (f"k_below_{FEW}_pct_{name}", 100 * few / len(texts)),
            (f"prosecutor_risk_pct_{name}", 100 * len(sizes) / len(texts)),
        ]  # fmt: skip
    return rows


def risk_rows(
    originals: Mapping[str, Letter], texts: Mapping[str, str], patients: Mapping[str, str], judged: Sequence[str]
) -> list[tuple[str, float]]:
    """All measures as (name, value); shares in percent. `judged` are the letters whose annotations are known."""
    known = {name: originals[name] for name in judged}
    before = {name: letter.text for name, letter in known.items()}
    after = {name: texts[name] for name in judged}
    rows: list[tuple[str, float]] = []
    if known:
        for label, attacked in (("original", before), ("deidentified", after)):
            names = link_by_names(known, attacked, patients)
            gaps = link_by_intervals(before, attacked)
            rows += [
                (f"linked_by_names_pct_{label}", 100 * names.right / names.tried),
                (f"linked_by_intervals_pct_{label}", 100 * gaps.right / gaps.tried),
            ]
    sizes = classes(texts)
    alone = sum(size for size in sizes.values() if size == 1)
    rows += [("smallest_class", min(sizes.values())), ("alone_in_class_pct", 100 * alone / len(texts))]
    rows += anonymity_rows(texts)
    return rows
