"""Texts without capitals, or of capitals alone, written as German is: names are told by their capital letter."""

import re
from functools import lru_cache

from kimedlib.text_gazetteers import gazetteers, zipf
from kimedlib.text_lexicon import MONTHS, SALUTATIONS, TITLES, word_classes

WORD = re.compile(r"[^\W\d_]{2,}")
FEW, MOST, LEAST_WORDS = 0.03, 0.7, 12
"""Share of words with a capital below which a text has none, share of words in capitals alone from which on it has
nothing else, and words that a text needs to be judged."""
RARE, FUNCTION_WORD = 4.2, 5.0
INFLECTED = re.compile(r"(?:lich|isch|ig|los|al|ell|iv|iert|end|bar|sam|haft|ös|är|uell|t)(?:e[nrms]?)?$")


@lru_cache(maxsize=64)
def recased(text: str) -> str:
    """The text with capitals where German has them as far as names go; same length. Other texts stay as they are."""
    words = WORD.findall(text)
    if len(words) < LEAST_WORDS:
        return text
    if sum(not word.islower() for word in words) < FEW * len(words):
        return WORD.sub(lambda match: _raised(match[0]), text)
    if sum(word.isupper() for word in words) > MOST * len(words):
        return WORD.sub(lambda match: _lowered(match[0]), text)
    return text


def _raised(word: str) -> str:
    if not word.islower():
        return word
    folded = word.casefold()
    lists = gazetteers()
    known = folded in SALUTATIONS or folded in TITLES or (folded in MONTHS and len(folded) > 3)
    named = folded in lists.first or folded in lists.last or folded in lists.places or folded in lists.countries
    rare = zipf(folded) < RARE and (named or (zipf(folded) < RARE - 1 and not INFLECTED.search(folded)))
    capital = word[0].upper()
    return capital + word[1:] if len(capital) == 1 and (known or rare or "street" in word_classes(folded)) else word


def _lowered(word: str) -> str:
    folded = word.casefold()
    lists = gazetteers()
    if not word.isupper() or (len(word) < 5 and folded not in lists.first | lists.last and zipf(folded) < RARE):
        return word
    changed = (
        word.lower() if zipf(folded) >= FUNCTION_WORD and folded not in SALUTATIONS else word[0] + word[1:].lower()
    )
    return changed if len(changed) == len(word) else word
