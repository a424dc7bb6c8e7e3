"""What `safe` hides beside patterns and the model: words that stand where names stand, and places behind prepositions.

Rules of language and layout. They change `labels`, the label per token (`` for none), in place, and only add.
"""

import re
from collections.abc import Sequence

from kimedlib.text_gazetteers import PARTICLES, gazetteers, name_likeness, zipf
from kimedlib.text_lexicon import TITLES, TRAPS, word_classes
from kimedlib.text_tokens import Token

JOINS = frozenset(["und", "u", "/", "&"])
BEFORE_PLACES = frozenset(["in", "aus", "nach", "bei"])
FAREWELL = re.compile(r"Grü(?:ß|ss)en?\b|\bgez\.|\bMfG\b|[Hh]ochachtungsvoll|[Vv]idiert|[Ff]reigegeben")
RARE, FUNCTION_WORD = 4.2, 5.0
"""Zipf frequencies: below the first a word is not common; above the second are `wird`, `hat`, `ist`."""


def apply_rules(text: str, tokens: Sequence[Token], labels: list[str]) -> None:
    """All rules, in order."""
    _neighbours(tokens, labels)
    _lines(text, tokens, labels)
    _initials(tokens, labels)
    _places(tokens, labels)


def could_be_name(token: Token) -> bool:
    """A capitalised word that is not common, of no other known class, and in a list of names or spelled like one."""
    form = token.form
    if not form.isalpha() or len(form) < 3 or not form[0].isupper():
        return False
    word, lists = form.casefold(), gazetteers()
    if zipf(word) >= RARE or any(name not in ("street", "hospital", "town") for name in word_classes(word)):
        return False
    return word in lists.first or word in lists.last or name_likeness(word) > 0


def is_name(label: str) -> bool:
    """Whether a label is of a name, not of a title."""
    return label.startswith("NAME_") and label != "NAME_TITLE"


def _neighbours(tokens: Sequence[Token], labels: list[str]) -> None:
    """`Drs. Seiler und Wantzer`: the second; a given name at the end of a line: the family name on the next."""
    lists = gazetteers()
    for index in range(len(tokens) - 2):
        if not is_name(labels[index]) or labels[index + 1]:
            continue
        between = tokens[index + 1]
        other, listed = index + 2, False
        if between.form in JOINS:
            while other < len(tokens) - 1 and (tokens[other].form.casefold() in TITLES or tokens[other].form == "."):
                other += 1
        elif _given_name_ends_line(tokens, labels, index):
            listed = tokens[other].form[0].isupper() and tokens[other].form.casefold() in lists.last
        else:
            continue
        if not labels[other] and (listed or could_be_name(tokens[other])):
            labels[other] = labels[index]


def _given_name_ends_line(tokens: Sequence[Token], labels: Sequence[str], index: int) -> bool:
    alone = index == 0 or not is_name(labels[index - 1])
    return alone and tokens[index + 1].is_break and tokens[index].form.casefold() in gazetteers().first


def _lines(text: str, tokens: Sequence[Token], labels: list[str]) -> None:
    """A line that is a name and nothing else; below the farewell one word and degrees behind it will do."""
    farewells = [match.end() for match in FAREWELL.finditer(text)]
    foot = farewells[-1] if farewells and farewells[-1] > 0.5 * len(text) else len(text)
    start = 0
    for index in range(len(tokens) + 1):
        if index < len(tokens) and not tokens[index].is_break:
            continue
        members = range(start, index)
        start = index + 1
        if not 0 < len(members) <= 8:
            continue
        words = [member for member in members if tokens[member].form.isalpha()]
        names = [member for member in words if not _beside(tokens[member])]
        signed = tokens[members[0]].begin >= foot
        if len(names) < (1 if signed else 2) or any(tokens[member].form.isdecimal() for member in members):
            continue
        if _all_names(tokens, names):
            for member in names:
                labels[member] = labels[member] or "NAME_DOCTOR"


def _beside(token: Token) -> bool:
    word = token.form.casefold()
    return word in TITLES or len(word) == 1 or (word in PARTICLES and token.form.islower())


def _all_names(tokens: Sequence[Token], names: Sequence[int]) -> bool:
    lists = gazetteers()
    listed = False
    for member in names:
        word = tokens[member].form.casefold()
        listed = listed or word in lists.first or word in lists.last
        if not could_be_name(tokens[member]) and not (word in TRAPS and member != names[0]):
            return False
    return listed or name_likeness(tokens[names[0]].form.casefold()) > 0.5


def _initials(tokens: Sequence[Token], labels: list[str]) -> None:
    """`M. wird vorgestellt`, where a name with M was found: the initial stands for it. `M. Crohn` stays."""
    known = {
        token.form[0] for token, label in zip(tokens, labels, strict=True) if is_name(label) and len(token.form) > 2
    }
    for index in range(len(tokens) - 2):
        one, dot, follower = tokens[index : index + 3]
        if len(one.form) != 1 or one.form not in known or dot.form != "." or dot.begin != one.end or labels[index]:
            continue
        if follower.form.islower() and len(follower.form) > 1 and zipf(follower.form) >= FUNCTION_WORD:
            labels[index] = labels[index + 1] = "NAME_PATIENT"


def _places(tokens: Sequence[Token], labels: list[str]) -> None:
    """`in Peru`, `aus Gmunden`."""
    lists = gazetteers()
    for index in range(1, len(tokens)):
        token, word = tokens[index], tokens[index].form.casefold()
        if labels[index] or not token.form[:1].isupper() or tokens[index - 1].form.casefold() not in BEFORE_PLACES:
            continue
        if word in lists.countries:
            labels[index] = "LOCATION_COUNTRY"
        elif word in lists.places and zipf(word) < RARE and not word_classes(word):
            labels[index] = "LOCATION_CITY"
