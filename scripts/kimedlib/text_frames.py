# ruff: noqa: E501, SIM905 - tables of words and expressions are read by line
"""More of what `safe` hides: rare names of the lists, words spelled like names, names behind the words that introduce
them, and the rest of identifiers that were found in part.

General knowledge of German letters and of lists; only rules that add. Labels are per token (`` for none), in place.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from kimedlib.text_gazetteers import PARTICLES, gazetteers, name_likeness, zipf
from kimedlib.text_lexicon import EPONYM_HEADS, TITLES, TRAPS, word_classes
from kimedlib.text_rules import RARE, could_be_name, is_name
from kimedlib.text_tokens import Token

GIVEN, FAMILY = 5.0, 4.2
"""Zipf frequencies below which a word of the lists of given and of family names is hidden wherever it stands."""
ORGANS = frozenset("leber milz herz hals magen darm galle gallen lunge haut blut bein zahn stein kopf line".split())
"""Family names of the lists that letters use as words."""
DEGREES = frozenset("mba msc bsc phd md mph mhba facs dr ddr prof".split())
HOSPITAL_CODES = re.compile(r"(?:UK[A-Z]{1,2}|AKH|LKH|BKH|MHH|UMG|LMU|TUM|SMZ)")
NET = ("given", "family", "spelled", "alike")
"""Kinds of rare words: in a list of given names; of family names; of no list and spelled much, or somewhat, like one."""
UNLISTED, SPELLED = 2.5, {3: 0.9, 4: 0.6}
"""Words of no list are hidden below this Zipf frequency and above this likeness to a name (`name_likeness`)."""
MEDICAL_END = re.compile(
    r"(?:platin|cillin|m[yi]cin|oxacin|sartan|pril|olol|azol|statin|semid|thiazid|[ao]mid|pram|azin|pine?|idin|taxel|tecan|bine?"
    r"|mab|nib|caine?|parin|coxib|profen|fenac|cortison|solon|ulin|orin|icula|orum|arum|oid|oma|ome?n?|inom|itis|itiden|osis"
    r"|ose[ns]?|ie|ien|ik|tion|sono|um|ae|urie|gelenk\w*|inkontine\w*|[ck]ar[ck]in\w*)$"
)
"""Endings of substances (INN stems of the WHO), diseases and anatomical words."""
LONG_NUMBER = re.compile(
    r"(?<![\w.,])[A-Z]{0,3}[-.]?\d{7,}(?![.,]\d)|(?<![\w.,])[A-Z]{1,3}[-.]?\d{5,}(?:[/-]\d+)*(?![\w])"
)
NUMBERS = ("ID", "CONTACT_PHONE", "CONTACT_FAX")
CONTINUES = frozenset("für der des dem den am an im in zu zum zur und & - st sankt hl".split())
STAFF = (
    r"(?:[Ää]rzt(?:e|in)?|Arzt|\w+(?:arzt|ärztin|schwester|pfleger|therapeut(?:in)?|ist(?:in)?|assistent(?:in)?)|Untersucher(?:in)?"
    r"|Befunder(?:in)?|Operateur(?:in)?|Assistenz|Anästhesie|Instrumentierende|Schreibkraft|MTA|MTRA|Hebamme|Psycholog(?:e|in)"
    r"|[Dd]iktiert|gez\.?|[Vv]idiert|[Ff]reigegeben|[Ee]rstellt|Verfasser(?:in)?|Unterschrift|Kopie an|cc|CC|Zuweiser(?:in)?|Einsender(?:in)?)"
)  # fmt: skip
SHORT_ROLES = r"(?:OT|OA|OÄ|O[aä]\.?|FA|FÄ|AA|AÄ|SA|CA|CÄ|DGK[SP]|Sr\.|Pfl\.|Schw\.|Schwester|Pfleger|Hebamme|Koll\.|Kolleg(?:e|en|in))"
KIN = (
    r"(?:(?:Ehe|Haus)?[Ff]rau|(?:Ehe)?[Mm]ann|Gattin|Gatte[n]?|(?:Schwieger|Stief)?(?:[Ss]ohn|[Tt]ochter|[Mm]utter|[Vv]ater)|Bruder|Enkel(?:in)?|Tante"
    r"|Onkel|Nichte|Neffen?|Freund(?:in)?|Nachbar[n]?(?:in)?|Lebensgefährt(?:e|in|en)|Partner(?:in)?|Betreuer(?:in)?)"
)
CUES: tuple[tuple[str, bool, re.Pattern[str]], ...] = (
    ("NAME_DOCTOR", False, re.compile(rf"\b{STAFF}(?:[ \t]+(?:von|durch|am|:))?[ \t]*:[ \t]*")),
    ("NAME_DOCTOR", False, re.compile(rf"\b(?:von|durch|mit|bei|an|gez\.)[ \t]+(?:{SHORT_ROLES}[ \t]+)+")),
    ("NAME_DOCTOR", True, re.compile(rf"\b(?:{SHORT_ROLES}|{STAFF})[ \t]+(?:(?:von|durch|an)[ \t]+)?")),
    ("NAME_DOCTOR", False, re.compile(r"\b(?:Dres|Drs|Dr|Prof|PD|OA|OÄ)\b\.?[ \t]*(?:med\.?[ \t]*)?")),
    ("NAME_RELATIVE", True, re.compile(rf"\b{KIN}[ \t]*[,(:]?[ \t]*")),
    ("NAME_PATIENT", False, re.compile(r"\b(?:Name|Vorname|Nachname|Familienname|Patientenname|Zuname)[ \t]*:[ \t]*")),
    ("NAME_PATIENT", True, re.compile(r"\b(?:Patient(?:in)?|Pat\.|Betr(?:eff|ifft)?\.?)[ \t]*:?[ \t]*")),
    ("NAME_OTHER", False, re.compile(r"\b(?:geborene|gesch\.|verw\.|verh\.|alias|genannt|namens)[ \t]+")),
)  # fmt: skip
"""Label, whether the words must look like names, and what stands before them."""


def apply_frames(text: str, tokens: Sequence[Token], labels: list[str], novel: Sequence[bool], net: int) -> None:
    """All rules, in order.

    Parameters
    ----------
    novel
        Of each token whether no training letter has its word outside identifiers; empty if not known.
    net
        The first so many kinds of `NET` are hidden wherever they stand.
    """
    if net > 0:
        _listed(tokens, labels, family=net > 1)
    if net in SPELLED:
        _spelled(tokens, labels, novel, SPELLED[net])
    for label, strict, cue in CUES:
        for match in cue.finditer(text):
            for index in name_run(tokens, bisect_left(tokens, match.end(), key=lambda one: one.begin), strict):
                labels[index] = labels[index] or label
    _reversed_names(tokens, labels)
    _particles(tokens, labels)
    _degrees(tokens, labels)
    _towns(tokens, labels)
    _hospitals(tokens, labels)
    _numbers(text, tokens, labels)


def _rare(token: Token) -> bool:
    form = token.form
    if not form.isalpha() or len(form) < 3 or not form[0].isupper():
        return False
    word = form.casefold()
    return zipf(word) < RARE and not any(one not in ("street", "hospital", "town") for one in word_classes(word))


def _unknown(token: Token) -> bool:
    word = token.form.casefold()
    return _rare(token) and zipf(word) < UNLISTED and not MEDICAL_END.search(word)


def _given(token: Token) -> bool:
    word = token.form.casefold()
    return token.form.istitle() and word in gazetteers().first and zipf(word) < GIVEN and not word_classes(word)


def name_run(tokens: Sequence[Token], start: int, strict: bool) -> list[int]:
    """Numbers of the tokens of a name that begins at `start`, within its line, without titles and degrees.

    `strict`: words must be in a list or be spelled like a name; else it is enough that hardly any text has them.
    """
    found: list[int] = []
    words = 0
    for index in range(start, min(start + 12, len(tokens))):
        token, word = tokens[index], tokens[index].form.casefold()
        follower = tokens[index + 1].form if index + 1 < len(tokens) else ""
        if _given(token) or could_be_name(token) or (not strict and _unknown(token)):
            found.append(index)
            words += 1
        elif len(token.form) == 1 and token.form.isupper() and follower == ".":
            found += [index, index + 1]
        elif word in PARTICLES and token.form.islower():
            found.append(index)
        elif not (token.form in ".,-/&" or word in TITLES or word in ("und", "u")) or token.is_break:
            break
        if words == 4:
            break
    return [index for index in found if not _dosed(tokens, index)] if words else []


def _dosed(tokens: Sequence[Token], index: int) -> bool:
    """Whether a word of a run is followed by a number with a unit or a dose: a drug, not a name."""
    return (
        index + 1 < len(tokens) and tokens[index + 1].form.isdecimal() and tokens[index + 1].line == tokens[index].line
    )


def _listed(tokens: Sequence[Token], labels: list[str], *, family: bool) -> None:
    """Words of the lists of names that are no common words, unless something eponymous stands beside them."""
    lists = gazetteers()
    for index, token in enumerate(tokens):
        word = token.form.casefold()
        if labels[index] or len(word) < 4 or not token.form.istitle() or word in TRAPS or word in ORGANS:
            continue
        given = word in lists.first
        if (
            not (given or (family and word in lists.last))
            or zipf(word) >= (GIVEN if given else FAMILY)
            or word_classes(word)
        ):
            continue
        if not _eponym(tokens, index):
            labels[index] = "NAME_OTHER"


def _spelled(tokens: Sequence[Token], labels: list[str], novel: Sequence[bool], least: float) -> None:
    """Words of no list, rare, new, and spelled like a name rather than like a drug or a disease."""
    for index, new in enumerate(novel):
        token, word = tokens[index], tokens[index].form.casefold()
        if labels[index] or not new or not token.form.istitle() or not word.isalpha() or len(word) < 4:
            continue
        if zipf(word) >= UNLISTED or name_likeness(word) <= least or word_classes(word) or MEDICAL_END.search(word):
            continue
        if not _dosed(tokens, index) and not _eponym(tokens, index):
            labels[index] = "NAME_OTHER"


def _eponym(tokens: Sequence[Token], index: int) -> bool:
    before = [one.form.casefold() for one in tokens[max(0, index - 2) : index]]
    after = [one.form.casefold() for one in tokens[index + 1 : index + 3]]
    behind = after[1:] if after[:1] == ["-"] else after[:1]
    named_after = bool(before) and (before[-1] in ("nach", "morbus") or before == ["m", "."])
    return named_after or any(one in EPONYM_HEADS for one in behind)


def _reversed_names(tokens: Sequence[Token], labels: list[str]) -> None:
    """`Brunner B. Dr.`, `Brunner B.` as a whole line: family name and initial."""
    for index in range(len(tokens) - 2):
        one, initial, dot = tokens[index : index + 3]
        if not _rare(one) or len(initial.form) != 1 or not initial.form.isupper() or dot.form != ".":
            continue
        first = index == 0 or tokens[index - 1].is_break or tokens[index - 1].form in ":,("
        behind = tokens[index + 3] if index + 3 < len(tokens) else None
        degree = behind is not None and behind.form.casefold() in DEGREES
        if degree or (first and (behind is None or behind.is_break or behind.form in ",;)")):
            for number in (index, index + 1, index + 2):
                labels[number] = labels[number] or "NAME_DOCTOR"


def _particles(tokens: Sequence[Token], labels: list[str]) -> None:
    """`Rosa von Tal`: from either part of a name over particles to the other."""
    for index in range(1, len(tokens) - 1):
        if not (tokens[index].form in PARTICLES and not labels[index]):
            continue
        stop = index
        while stop < len(tokens) - 1 and tokens[stop].form in PARTICLES:
            stop += 1
        left, right = labels[index - 1], labels[stop]
        if is_name(left) and _rare(tokens[stop]):
            labels[index : stop + 1] = [left] * (stop + 1 - index)
        elif is_name(right) and _given(tokens[index - 1]):
            labels[index - 1 : stop] = [right] * (stop + 1 - index)


def _degrees(tokens: Sequence[Token], labels: list[str]) -> None:
    """Degrees behind a name, and the name before a degree."""
    for index in range(1, len(tokens)):
        if tokens[index].form.casefold() not in DEGREES or tokens[index].form.islower():
            continue
        before = index - 1 if tokens[index - 1].form != "," else index - 2
        if before >= 0 and tokens[index].form.isupper() and not labels[before] and _rare(tokens[before]):
            labels[before] = "NAME_DOCTOR"
        if before >= 0 and is_name(labels[before]):
            labels[index] = labels[index] or "NAME_TITLE"


def _towns(tokens: Sequence[Token], labels: list[str]) -> None:
    """The words behind a street and its number, or behind a postal code."""
    for index in range(1, len(tokens) - 1):
        if labels[index - 1] not in ("LOCATION_STREET", "LOCATION_ZIP") or labels[index]:
            continue
        place = index
        street = labels[index - 1] == "LOCATION_STREET"
        while (
            place < len(tokens)
            and (tokens[place].form in ",-·/" or (street and tokens[place].is_break))
            and place - index < 2
        ):
            place += 1
        for one in range(place, min(place + 3, len(tokens))):
            form = tokens[one].form
            if (
                labels[one]
                or not form.isalpha()
                or not form[0].isupper()
                or (len(form) > 2 and zipf(form.casefold()) > 5)
            ):
                break
            if street and form.casefold() not in gazetteers().places:
                break
            labels[one] = "LOCATION_CITY"


def _hospitals(tokens: Sequence[Token], labels: list[str]) -> None:
    """What goes on behind the name of a hospital (`für`, `am`, `der` and a noun), and codes of well-known ones."""
    for index in range(len(tokens)):
        if not labels[index] and HOSPITAL_CODES.fullmatch(tokens[index].form):
            labels[index] = "LOCATION_HOSPITAL"
        if (
            labels[index]
            or not index
            or labels[index - 1] != "LOCATION_HOSPITAL"
            or tokens[index].form not in CONTINUES
        ):
            continue
        stop = index
        while stop < min(index + 4, len(tokens)) and (
            tokens[stop].form in CONTINUES or tokens[stop].form.endswith(("e", "en", "er"))
        ):
            if tokens[stop].form[0].isupper():
                break
            stop += 1
        if stop < len(tokens) and tokens[stop].form.isalpha() and tokens[stop].form[0].isupper():
            labels[index : stop + 1] = ["LOCATION_HOSPITAL"] * (stop + 1 - index)


def _chunks(tokens: Sequence[Token]) -> Iterator[range]:
    start = 0
    for index in range(1, len(tokens) + 1):
        if index == len(tokens) or tokens[index].begin != tokens[index - 1].end or tokens[index].is_break:
            yield range(start, index)
            start = index


def _numbers(text: str, tokens: Sequence[Token], labels: list[str]) -> None:
    """Long numbers; and the rest of a number without blanks of which a part was found."""
    for chunk in _chunks(tokens):
        found = next(
            (labels[index] for index in chunk if labels[index] in NUMBERS and tokens[index].form.isdecimal()), ""
        )
        if found:
            for index in chunk:
                form = tokens[index].form
                if form.isdecimal() or (form.isupper() and len(form) <= 3):
                    labels[index] = labels[index] or found
    for match in LONG_NUMBER.finditer(text):
        for index in range(bisect_left(tokens, match.start(), key=lambda one: one.begin), len(tokens)):
            if tokens[index].begin >= match.end():
                break
            labels[index] = labels[index] or "ID"
