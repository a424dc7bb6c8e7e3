# ruff: noqa: E501 - tables of expressions are read by line
"""Numbers behind `Tel.` and their like, lines of addresses, countries, towns of several words, firms: what `safe` hides of
contacts and places beside the model. Only rules that add; general knowledge of how addresses are written.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from kimedlib.text_frames import ORGANS
from kimedlib.text_gazetteers import gazetteers, zipf
from kimedlib.text_lexicon import word_classes
from kimedlib.text_tokens import Token

NUMBER = r"(?P<hit>[-–/ \t]*[+(]?\d[\d \t()/–-]*)(?![.,]\d)"
UPPER = r"[A-ZÄÖÜ]"
WORD = rf"{UPPER}[\w.]*(?:-{UPPER}[\w.]*)*"
RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("CONTACT_FAX", re.compile(rf"\b(?:[Tt]ele)?[Ff]ax(?:nummer|nr\.?)?[.:]*[ \t]*(?:Nr\.?)?[ \t]*:?{NUMBER}")),
    ("CONTACT_PHONE", re.compile(
        rf"\b(?:[Tt]el|TEL|[Tt]elefon|[Ff]on|[Pp]hone|Handy|Mobil|[Rr]uf|[Tt]elefonisch|Durchwahl|DW|Klappe|Kl|Pieper|Funk|Hotline)(?:nummer|-?[Nn]r)?\b[.:]*[ \t]*(?:unter|Nr\.?)?[ \t]*:?{NUMBER}")),
    ("CONTACT_PHONE", re.compile(r"(?<![\w.,/-])(?P<hit>\+?\d{3,5}[ \t]?[/-][ \t]?\d{4,}(?:[ \t]?[/-]?[ \t]?\d{2,}){0,3})(?![\w%]|[.,/-]\d)")),
    ("LOCATION_STREET", re.compile(rf"(?<![\w-])(?P<hit>{WORD}(?:[ \t](?:{WORD}|der|den|dem|am|an|zum|zur|im)){{0,3}}[ \t]\d{{1,3}}[ \t]?[a-z]?(?:[/-]\d{{1,3}})*)(?=[ \t]*[,;·|\n–-][ \t\n]*(?:(?:D|A|CH)-)?\d{{4,5}}[ \t]+{UPPER}[a-zäöü])")),
    ("LOCATION_STREET", re.compile(rf"(?<![\w-])(?P<hit>{WORD}(?:ring|zeile|markt|hof|berg|steig|steg|chaussee|graben|kai|lände|gürtel|siedlung|feld|winkel|tor|garten|stiege)[ \t]\d{{1,3}}[ \t]?[a-z]?(?:/\d{{1,3}})*)(?=[ \t]*(?:[,;\n]|$))")),
    ("LOCATION_STREET", re.compile(rf"\b(?:wohnhaft|wohnt|Adresse|Anschrift)[ \t]*(?:in[ \t](?:der|dem)|am|:)?[ \t]*(?P<hit>{WORD}(?:[ \t]{WORD}){{0,2}}[ \t]\d{{1,3}}[a-z]?)")),
    ("LOCATION_ORGANIZATION", re.compile(rf"(?P<hit>(?:{WORD}[ \t](?:&[ \t])?){{1,3}}(?:GmbH|AG|KG|OHG|e\.[ \t]?V\.|SE|mbH)(?:[ \t]&[ \t]Co\.?(?:[ \t]KG)?)?)(?!\w)")),
    ("LOCATION_ORGANIZATION", re.compile(rf"\b(?:Firma|Fa\.)[ \t]+(?P<hit>{WORD}(?:[ \t](?:&[ \t])?{WORD}){{0,2}})")),
    ("LOCATION_HOSPITAL", re.compile(
        rf"(?<![\w-])(?P<hit>(?:{WORD}[ \t-])?(?:[Uu]ni(?:versitäts)?-?[Kk]lini(?:k|kum|ken)|(?:Landes|Kreis|Bezirks|Stadt|Kur|Reha|Fach|Frauen|Kinder)?(?:[Kk]linikum|[Kk]rankenhaus|[Ss]pital|[Kk]lini[ck]|[Hh]ospital|[Zz]entrum)"
        rf"|LKH|KH|Sanatorium|Med(?:izinische|\.)[ \t]Uni(?:versität)?)(?:[ \t](?:am|im|in|zu|der|des|an[ \t]der|St\.|Sankt|Bad)){{0,2}}[ \t](?P<proper>{UPPER}[a-zäöüß]+)(?:-{UPPER}[a-zäöüß]+)*)")),
    ("LOCATION_HOSPITAL", re.compile(
        rf"(?<![\w-])(?P<hit>(?:(?:St\.|Sankt|Hl\.)[ \t-])?(?P<proper>{UPPER}[a-zäöüß]+)-(?:{UPPER}\w+-)*(?:Klinik(?:um)?|Krankenhaus|Spital|Hospital|Stift|Heim|Zentrum)(?:e?s)?)(?!\w)")),
    ("LOCATION_CITY", re.compile(rf"(?<![\w-])(?P<hit>(?:Bad|Sankt|St\.)[ \t]{UPPER}[a-zäöüß-]+)(?=[ \t,.;)\n])")),
    ("LOCATION_CITY", re.compile(rf"(?<![\w-])(?P<hit>{UPPER}[a-zäöüß]+[ \t](?:an[ \t]der|am|ob[ \t]der|a\.[ \t]?d\.|bei|/|i\.)[ \t]?{UPPER}[a-zäöüß]+)(?=[ \t,.;)\n])")),
)  # fmt: skip
TOWN_RARE, COUNTRY_KNOWN = 3.2, 5.5


def apply_addresses(text: str, tokens: Sequence[Token], labels: list[str]) -> None:
    """All rules, in order; label per token (`` for none), in place."""
    begins, ends = [token.begin for token in tokens], [token.end for token in tokens]
    for begin, end, label in address_hits(text):
        for index in range(bisect_right(ends, begin), bisect_left(begins, end)):
            if not tokens[index].is_break:
                labels[index] = labels[index] or label
    _streets(tokens, labels)
    _countries(tokens, labels)


def address_hits(text: str) -> Iterator[tuple[int, int, str]]:
    """(begin, end, label) of every hit of a rule."""
    for label, pattern in RULES:
        for match in pattern.finditer(text):
            if label == "LOCATION_HOSPITAL":
                proper = _is_town(match["proper"]) or is_given(match["proper"])
            else:
                proper = label != "LOCATION_CITY" or _is_town(match["hit"])
            if proper:
                yield match.start("hit"), match.start("hit") + len(match["hit"].rstrip(" \t-–/(")), label


def _is_town(text: str) -> bool:
    words = [word.casefold() for word in re.findall(r"[^\W\d_]{4,}", text)]
    return bool(words) and all(word in gazetteers().places and zipf(word) < 4.5 for word in words)


def is_given(word: str) -> bool:
    """Whether a word is a given name and no common word."""
    return word.casefold() in gazetteers().first and zipf(word.casefold()) < COUNTRY_KNOWN


def _streets(tokens: Sequence[Token], labels: list[str]) -> None:
    """The house number behind a street, and the parts before a hyphen."""
    for index in range(1, len(tokens)):
        token = tokens[index]
        glued = token.begin == tokens[index - 1].end
        behind = labels[index - 1] == "LOCATION_STREET" and not labels[index] and tokens[index - 1].form[:1].isalpha()
        if behind and token.form.isdecimal() and len(token.form) <= 3:
            labels[index] = "LOCATION_STREET"
        if labels[index] == "LOCATION_STREET" and not labels[index - 1] and glued:
            back = index - 1
            while (
                back >= 0
                and not labels[back]
                and (tokens[back].form == "-" or tokens[back].form.isalpha())
                and tokens[back].end == tokens[back + 1].begin
            ):
                labels[back] = "LOCATION_STREET"
                back -= 1


def _countries(tokens: Sequence[Token], labels: list[str]) -> None:
    """Countries, and rare towns of the list that are nothing else, wherever they stand."""
    lists = gazetteers()
    for index, token in enumerate(tokens):
        word = token.form.casefold()
        if labels[index] or not token.form.istitle() or len(word) < 4:
            continue
        if word in lists.countries and zipf(word) < COUNTRY_KNOWN:
            labels[index] = "LOCATION_COUNTRY"
        elif word in lists.places and zipf(word) < TOWN_RARE and not word_classes(word) and word not in ORGANS:
            labels[index] = "LOCATION_CITY"
