"""Dates of English letters, moved in the form that they have: month names, ordinals, and month before day in the US."""

import re
from collections.abc import Sequence
from datetime import date, timedelta

NAMES = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
MONTH = r"(?P<m>(?:{})[a-z]*)(?P<dot>\.?)".format("|".join(name[:3] for name in NAMES))
DAY, YEAR = r"(?P<d>\d{1,2})(?P<nth>st|nd|rd|th)?", r"(?P<y>(?:19|20)\d\d)"
NUMERIC = re.compile(r"(?P<a>\d{1,2})(?P<s>[/.-])(?P<b>\d{1,2})(?P=s)(?P<y>(?:19|20)\d\d|\d\d)")
SHORT = re.compile(r"(?P<a>\d{1,2})/(?P<b>\d{1,2})")
WORDS = tuple(
    (re.compile(form, re.IGNORECASE), written)
    for form, written in (
        (rf"{MONTH}(?P<g>\s*){DAY}(?P<h>,?\s+){YEAR}", "{m}{g}{d}{h}{y}"),
        (rf"{DAY}(?P<g>\s+(?:of\s+)?){MONTH}(?P<h>,?\s+){YEAR}", "{d}{g}{m}{h}{y}"),
        (rf"{DAY}(?P<g>[-/.]){MONTH}(?P<h>[-/.])(?P<y>(?:19|20)\d\d|\d\d)", "{d}{g}{m}{h}{y}"),
        (rf"{MONTH}(?P<g>,?\s+(?:of\s+)?){YEAR}", "{m}{g}{y}"),
        (rf"{MONTH}(?P<g>\s+){DAY}", "{m}{g}{d}"),
        (rf"{DAY}(?P<g>\s+(?:of\s+)?){MONTH}", "{d}{g}{m}"),
        (MONTH, "{m}"),
    )
)
AMERICAN = re.compile(r"\b[A-Z]{2} +\d{5}\b|\(\d{3}\) ?\d{3}-\d{4}|\b\d{3}-\d{3}-\d{4}\b|\b\d{3}-\d{2}-\d{4}\b")
PIVOT = 70


def month_first(text: str) -> bool:
    """Whether `03/05/2024` means 5 March: what other dates of the letter allow, else whether it looks American."""
    both = [(int(one["a"]), int(one["b"])) for one in NUMERIC.finditer(text) if one["s"] != "."]
    if any(second > 12 >= first for first, second in both):
        return True
    return not any(first > 12 for first, _ in both) and AMERICAN.search(text) is not None


def shift_english(text: str, days: int, years: Sequence[int], american: bool) -> str | None:
    """A date moved by days, in the same form; None if it is not one of these forms.

    Parameters
    ----------
    years
        Years that stand nearby, nearest first, for dates without one.
    american
        Numbers name the month first.
    """
    try:
        return _numbers(text, days, years, american) or _words(text, days, years)
    except (ValueError, OverflowError):
        return None


def _numbers(text: str, days: int, years: Sequence[int], american: bool) -> str | None:
    match = NUMERIC.fullmatch(text) or (SHORT.fullmatch(text) if american else None)
    if match is None:
        return None
    first, second = int(match["a"]), int(match["b"])
    turned = american if first <= 12 >= second else second > 12
    month, day = (first, second) if turned else (second, first)
    given = match.groupdict().get("y")
    new = (date(_year(given), month, day) if given else nearest(day, month, years)) + timedelta(days)
    numbers = [new.month, new.day] if turned else [new.day, new.month]
    wide = len(match["a"]) == 2 and len(match["b"]) == 2
    parts = [f"{number:02d}" if wide else str(number) for number in numbers]
    if given:
        parts.append(f"{new.year % 100:02d}" if len(given) == 2 else str(new.year))
    return (match["s"] if given else "/").join(parts)


def _words(text: str, days: int, years: Sequence[int]) -> str | None:
    for form, written in WORDS:
        match = form.fullmatch(text)
        if match is None:
            continue
        get = dict.fromkeys(("d", "nth", "g", "h", "y"), "") | {
            key: one or "" for key, one in match.groupdict().items()
        }
        month = next((number for number, name in enumerate(NAMES, 1) if _is_month(get["m"], name)), None)
        if month is None:
            return None
        day = int(get["d"] or 15)
        new = (date(_year(get["y"]), month, day) if get["y"] else nearest(day, month, years)) + timedelta(days)
        tail = _ordinal(new.day) if get["nth"] else ""
        number = f"{new.day:02d}" if get["d"].startswith("0") else str(new.day)
        year = "" if not get["y"] else f"{new.year % 100:02d}" if len(get["y"]) == 2 else str(new.year)
        named = _named(new.month, get["m"], get["h"] in ("-", "/", ".")) + get["dot"]
        return written.format(m=named, d=number + tail, y=year, g=get["g"], h=get["h"])
    return None


def _is_month(word: str, name: str) -> bool:
    return word.casefold() in (name.casefold(), name[:3].casefold(), "sept" if name == "September" else "")


def _named(number: int, like: str, glued: bool) -> str:
    """A month written as another one is; `May` is short between hyphens, long elsewhere."""
    name = NAMES[number - 1]
    whole = like.casefold() in [one.casefold() for one in NAMES]
    name = name if whole and not (glued and len(like) == 3) else name[:3]
    return name.upper() if like.isupper() else name.lower() if like.islower() else name


def _ordinal(number: int) -> str:
    return "th" if 11 <= number % 100 <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def _year(text: str) -> int:
    number = int(text)
    return number if number > 99 else number + (1900 if number >= PIVOT else 2000)


def nearest(day: int, month: int, years: Sequence[int]) -> date:
    """A day without year, in the nearest year that has it; ValueError if none has."""
    for year in [*years, 2024]:
        try:
            return date(year, month, day)
        except ValueError:
            continue
    raise ValueError
