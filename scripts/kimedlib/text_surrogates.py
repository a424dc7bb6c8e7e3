"""Realistic stand-ins for identifiers: same kind, same form, the same stand-in for the same original within a patient.

What stands in is computed from a key (HMAC-SHA-256), not drawn and stored: the same key gives the same letters again,
and without it nothing leads back. The original itself is never returned for a name, number or place, even if the draw
hits it.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from functools import cache, cached_property

from kimedlib.text_gazetteers import COUNTRIES, GERMAN, PARTICLES, gazetteers, people
from kimedlib.text_lexicon import HOSPITAL, TITLES

WORD = re.compile(r"[^\W\d_]+")
STREET_END = re.compile(
    r"([\s-]?(?:stra(?:ß|ss)e|strße|str\.?|gasse|weg|platz|allee|ring|ufer|damm|pfad|steig|promenade))(?=\W|\d|$)",
    re.IGNORECASE,
)
STREETS = [
    "Ahorn",
    "Akazien",
    "Amsel",
    "Anger",
    "Bahnhof",
    "Birken",
    "Blumen",
    "Brunnen",
    "Buchen",
    "Burg",
    "Dorf",
    "Drossel",
    "Eichen",
    "Erlen",
    "Feld",
    "Finken",
    "Flur",
    "Forst",
    "Friedens",
    "Garten",
    "Goethe",
    "Grüner",
    "Hafen",
    "Haupt",
    "Heide",
    "Hoch",
    "Jahn",
    "Kapellen",
    "Kastanien",
    "Kirch",
    "Lerchen",
    "Linden",
    "Markt",
    "Mozart",
    "Mühl",
    "Nelken",
    "Park",
    "Post",
    "Rathaus",
    "Ring",
    "Rosen",
    "Schiller",
    "Schloss",
    "Schul",
    "See",
    "Sonnen",
    "Tal",
    "Tannen",
    "Ulmen",
    "Ulrich",
    "Wald",
    "Wasser",
    "Wiesen",
    "Ziegel",
]
HOSPITAL_NAMES = (
    "Klinikum",
    "Krankenhaus",
    "Universitätsklinikum",
    "Kreisklinik",
    "Landeskrankenhaus",
    "Stadtkrankenhaus",
)
PROFESSIONS = [
    "Lehrerin",
    "Schlosser",
    "Buchhalterin",
    "Tischler",
    "Verkäuferin",
    "Landwirt",
    "Elektriker",
    "Köchin",
    "Maurer",
    "Sekretärin",
    "Bäckerin",
    "Busfahrer",
    "Friseurin",
    "Gärtner",
    "Informatikerin",
    "Dachdecker",
    "Erzieherin",
    "Ingenieur",
    "Kellnerin",
    "Malermeister",
    "Polizist",
    "Richterin",
    "Schneiderin",
    "Steuerberater",
]
ORGANISATIONS = (
    "Nordwerk GmbH",
    "Versicherungskasse Mitte",
    "Verein Lindenhof e.V.",
    "Technische Schule Süd",
    "Stadtwerke West",
)
COUNTRY_NAMES = [
    "Italien",
    "Spanien",
    "Frankreich",
    "Polen",
    "Ungarn",
    "Kanada",
    "Japan",
    "Norwegen",
    "Chile",
    "Portugal",
    "Irland",
    "Marokko",
]
AGE_CAP = 89
"""Ages above are one class (45 CFR 164.514(b)(2)(i)(C))."""
CAPPED_AGE = "90"
OLD_WORDS = re.compile(
    r"(?P<english>ninety(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?"
    r"|(?:(?:one|a)[ -])?hundred(?:[ -](?:and[ -])?\w+)?)"
    r"|(?:\w+und)?neunzig|(?:ein)?hundert\w*",
    re.IGNORECASE,
)
"""Numbers from 90 on as words."""


class Surrogates:
    """Stand-ins of one patient.

    Parameters
    ----------
    key
        Secret; the linkage file's `uid_key`, or one made from a project's key.
    countries
        Where names come from, as faker calls them.
    """

    def __init__(self, key: bytes, countries: tuple[str, ...] = GERMAN) -> None:
        self._key = key
        self._countries = countries

    @cached_property
    def _people(self) -> dict[str, tuple[str, ...]]:
        return people(self._countries)

    def _number(self, kind: str, original: str) -> int:
        digest = hmac.new(self._key, f"{kind}\0{original}".encode(), hashlib.sha256).digest()
        return int.from_bytes(digest[:8])

    def _pick(self, kind: str, original: str, options: Sequence[str]) -> str:
        number = self._number(kind, original)
        chosen = options[number % len(options)]
        return options[(number + 1) % len(options)] if chosen.casefold() == original else chosen

    def of(self, label: str, text: str) -> str:  # noqa: PLR0911 - one line per kind
        """The stand-in for a span; dates are not handled here (`text_dates`).

        Titles stay as they are: they say nothing about who somebody is once the name is another.
        """
        kind = label.partition("_")[0]
        if label == "NAME_TITLE":
            return text
        if kind == "NAME":
            return self._digits(WORD.sub(lambda match: self._name(match[0]), text))
        if label in ("CONTACT_EMAIL", "CONTACT_URL"):
            word = self._name_of("last", text.casefold()).casefold()
            return f"{word}@mail.invalid" if "@" in text else f"www.{word}.invalid"
        if kind in ("ID", "CONTACT"):
            return self._code(text)
        if label == "LOCATION_ZIP":
            return self._digits(text, keep=1)
        if label == "LOCATION_CITY":
            return self._like(text, self._pick("town", text.casefold(), gazetteers().towns))
        if label == "LOCATION_STREET":
            return self._street(text)
        if label == "LOCATION_HOSPITAL":
            return self._hospital(text)
        if label == "AGE":
            return age(text)
        options = {"PROFESSION": PROFESSIONS, "LOCATION_COUNTRY": COUNTRY_NAMES, "LOCATION_ORGANIZATION": ORGANISATIONS}
        return self._pick(label, text.casefold(), options[label]) if label in options else f"[{label}]"

    def _name(self, word: str) -> str:
        folded = word.casefold()
        if folded in PARTICLES or folded in TITLES:
            return word
        if len(word) == 1:
            letter = self._pick("initial", folded, "ABCDEFGHIJKLMNOPRSTUVWZ")
            return letter if word.isupper() else letter.lower()
        kinds = self._people
        kind = next((name for name in ("female", "male") if word.title() in kinds[name]), "last")
        if kind == "last" and self._countries == GERMAN and folded not in listed_words():
            return self._like(word, self._composed(folded))
        return self._like(word, self._name_of(kind, folded))

    def _composed(self, folded: str) -> str:
        """A family name in no list, of the halves of two that are: else who knows the lists would know that a name in
        none of them is an original that was missed.
        """
        for number in range(100):
            head, tail = (self._name_of("last", f"{folded}\0{part}{number}") for part in ("head", "tail"))
            name = (head[: (len(head) + 1) // 2] + tail[len(tail) // 2 :].casefold()).capitalize()
            if len(name) > 3 and name.casefold() not in listed_words() | {folded}:
                return name
        return self._name_of("last", folded)

    def _name_of(self, kind: str, folded: str) -> str:
        """A one-word name of a kind; `last` for what is in no list of given names."""
        chosen = self._pick(kind, folded, self._people[kind])
        parts = [part for part in WORD.findall(chosen) if len(part) > 2]
        return parts[0] if parts else chosen

    @staticmethod
    def _like(original: str, replacement: str) -> str:
        if original.isupper() and len(original) > 1:
            return replacement.upper()
        return replacement.lower() if original.islower() else replacement

    def _digits(self, text: str, keep: int = 0) -> str:
        """Other digits in the same places; the first `keep` stay."""
        number = self._number("digits", text)
        result = []
        seen = 0
        for sign in text:
            if sign.isdecimal():
                seen += 1
                if seen > keep:
                    number, digit = divmod(number, 10)
                    number = number or self._number("digits", text + str(seen))
                    result.append(str(1 + digit % 9) if sign != "0" and seen == 1 else str(digit))
                    continue
            result.append(sign)
        changed = "".join(result)
        return (
            self._digits(text + " ", keep).rstrip(" ")
            if changed == text and seen > keep and len(text) < 64
            else changed
        )

    def _code(self, text: str) -> str:
        """Digits and letters of a number replaced one by one; a leading country code or zero stays."""
        head = re.match(r"\s*(?:\+\d{2}|\(?0)", text)
        start = head.end() if head else 0
        body = self._digits(text[start:])
        letters = iter(range(len(body)))
        return text[:start] + re.sub(
            r"[^\W\d_]",
            lambda match: self._like(
                match[0], self._pick("letter", f"{text}{next(letters)}", "ABCDEFGHKLMNPRSTUVWXYZ")
            ),
            body,
        )

    def _street(self, text: str) -> str:
        name, tail = text, ""
        # `12 Oak Road`: all behind the number names the street
        number = None if re.match(r"\W*\d", text) else re.search(r"[\s,]*\d.*$", text, re.DOTALL)
        if number:
            name, tail = text[: number.start()], self._digits(number[0])
        stem = self._pick("street", name.casefold(), STREETS)
        end = STREET_END.search(name)
        if end is None:
            return f"Am {stem}{'hang' if len(stem) % 2 else 'rain'}{tail}"
        suffix = end[1].lstrip(" -").lower()
        return f"{stem}{suffix}{tail}"

    def _hospital(self, text: str) -> str:
        town = self._pick("town", text.casefold(), gazetteers().towns)
        kind = self._pick("hospital", text.casefold(), HOSPITAL_NAMES)
        words = [word for word in WORD.findall(text) if HOSPITAL.search(word.casefold())]
        return f"{words[0] if words and words[0][0].isupper() and len(words[0]) < 12 else kind} {town}"


@cache
def listed_words() -> frozenset[str]:
    """Words of all names that stand-ins are drawn from, case-folded."""
    return frozenset(word.casefold() for names in people().values() for name in names for word in WORD.findall(name))


def age(text: str) -> str:
    """The age as it is, or 90 for all above 89, in figures or words."""
    text = OLD_WORDS.sub(lambda match: "ninety" if match["english"] else "neunzig", text)
    return re.sub(r"\d+", lambda match: CAPPED_AGE if int(match[0]) > AGE_CAP else match[0], text)


def varied(key: bytes) -> Surrogates:
    """Stand-ins with names of all countries, for training material."""
    return Surrogates(key, COUNTRIES)
