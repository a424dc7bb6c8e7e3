# ruff: noqa: SIM905 - tables of words are read by line
"""Which parts of a document are English, where a document may change its language from one paragraph to the next."""

import re
from dataclasses import dataclass

ENGLISH = frozenset(
    """the of and with for he she his her at by from has had have this that were are be been not which patient on is to
    as who there we our you please thank dear sincerely yours no denies admitted discharged history seen daily an will
    would should further any if may can after since year old years known pain since review follow""".split()
)
GERMAN = frozenset(
    """der die das und ist nicht mit von zu den dem ein eine einer eines im am bei wurde sich auf für des wir sie er es
    als nach zum zur aus durch auch noch keine kein war waren wird werden haben hatte über unter seit bis herr frau
    patient patientin geehrte grüßen befund diagnose therapie""".split()
)
PARAGRAPH = re.compile(r"(?:[^\n]*\S[^\n]*(?:\n|$))+")
LEAST_WORDS = 2


@dataclass(frozen=True)
class English:
    """Where English patterns apply: `language` de is nowhere, en everywhere, auto where the words are English."""

    language: str = "auto"

    def parts(self, text: str) -> list[tuple[int, int]]:
        """(begin, end) of English parts, joined where they follow each other.

        With `auto` a paragraph is of the language whose small words it holds more of; one with fewer than two of them
        (letter heads, tables, signatures) is English if the next or the last one that has them is.
        """
        if self.language == "de" or not text:
            return []
        if self.language == "en":
            return [(0, len(text))]
        blocks = [(match.start(), match.end()) for match in PARAGRAPH.finditer(text)]
        spoken = _filled([_language(text[begin:end]) for begin, end in blocks])
        found: list[tuple[int, int]] = []
        last = ""
        for (begin, end), language in zip(blocks, spoken, strict=True):
            if language == "en" and last == "en":
                found[-1] = (found[-1][0], end)
            elif language == "en":
                found.append((begin, end))
            last = language
        return found


def mostly_english(text: str) -> bool:
    """Whether more than half of a text is English."""
    return 2 * sum(end - begin for begin, end in English().parts(text)) > len(text)


def _language(text: str) -> str:
    words = [word.casefold() for word in re.findall(r"[^\W\d_]+", text)]
    english = sum(word in ENGLISH and word not in GERMAN for word in words)
    german = sum(word in GERMAN and word not in ENGLISH for word in words)
    if max(english, german) < LEAST_WORDS or english == german:
        return ""
    return "en" if english > german else "de"


def _filled(spoken: list[str]) -> list[str]:
    """Undecided paragraphs are English if the next or the last decided one is."""
    result = list(spoken)
    for order in (range(len(spoken)), range(len(spoken) - 1, -1, -1)):
        last = ""
        for number in order:
            last = spoken[number] or last
            if last == "en" and not spoken[number]:
                result[number] = last
    return result
