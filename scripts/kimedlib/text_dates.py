"""Move dates in German and English texts by a number of days, in the form that they have.

Days between two full dates stay what they are. What names no day (`03/2021`, `Mai 2020`, `2019`) moves by the middle of
its month or year, what names no year (`8.3.`) by the year of a date nearby. What cannot be read as a date never passes:
it becomes `[DATE]`.
"""

import re
from collections.abc import Sequence
from datetime import date, timedelta

from kimedlib.text_dates_english import month_first, nearest, shift_english
from kimedlib.text_language import English

UNKNOWN = "[DATE]"
NAMES = (
    ("januar", "jänner", "jan", "january"), ("februar", "feber", "feb", "february"), ("märz", "mär", "mrz", "march"),
    ("april", "apr"), ("mai", "may"), ("juni", "jun", "june"), ("juli", "jul", "july"), ("august", "aug"),
    ("september", "sept", "sep"), ("oktober", "okt", "october", "oct"), ("november", "nov"),
    ("dezember", "dez", "december", "dec"),
)  # fmt: skip
MONTH_OF = {name: number for number, names in enumerate(NAMES, 1) for name in names}
PIVOT = 70
"""Two-digit years from here on are of the 20th century."""
MONTHS = "|".join(sorted(MONTH_OF, key=len, reverse=True))
FORMS = re.compile(
    r"(?P<iso>(?P<iy>(?:19|20)\d\d)-(?P<im>\d{1,2})-(?P<id>\d{1,2}))"
    r"|(?P<full>(?P<fd>\d{1,2})(?P<s1>\.\s{0,2}|/|-)(?P<fm>\d{1,2})(?P<s2>\.\s{0,2}|/|-)(?P<fy>(?:19|20)\d\d|\d\d)(?!\d))"
    rf"|(?P<named>(?P<nd>\d{{1,2}})(?P<n1>\.?\s{{0,2}})(?P<nm>{MONTHS})(?P<n2>\.?\s{{0,2}})(?P<ny>(?:19|20)\d\d|\d\d)(?!\d))"
    rf"|(?P<english>(?P<em>{MONTHS})(?P<e1>\.?\s)(?P<ed>\d{{1,2}})(?P<e2>,\s?)(?P<ey>(?:19|20)\d\d))"
    rf"|(?P<noyear>(?P<ad>\d{{1,2}})(?P<a1>\.?\s{{0,2}})(?P<am>{MONTHS})\b)"
    rf"|(?P<month>(?P<mm>{MONTHS})(?P<m1>\.?\s{{1,2}}'?)(?P<my>(?:19|20)\d\d|\d\d)(?!\d))"
    r"|(?P<slash>(?P<sm>\d{1,2})(?P<l1>\s?[/.]\s?)(?P<sy>(?:19|20)\d\d|\d\d)(?![\d.]))"
    r"|(?P<short>(?P<kd>\d{1,2})(?P<k1>\.\s?)(?P<km>\d{1,2})(?P<k2>\.))"
    r"|(?P<year>(?:19|20)\d\d)(?!\d)"
    rf"|(?P<only>\b(?:{MONTHS})\b)"
    r"|(?P<day>\d{1,2}\.)",
    re.IGNORECASE,
)


class Undated(ValueError):
    """A text is no date that can be moved."""


def shift(text: str, days: int, years: Sequence[int]) -> str:
    """A date, or several with words between, moved.

    Parameters
    ----------
    text
        As annotated.
    days
        To add.
    years
        Years that stand nearby, nearest first, for dates without one.

    Returns
    -------
    str
        In the same form; `[DATE]` if a digit or the name of a month is left that could not be read.
    """
    try:
        moved, last = [], 0
        for match in FORMS.finditer(text):
            between = text[last : match.start()]
            _nothing_left(between)
            moved += [between, _moved(match, days, years)]
            last = match.end()
        _nothing_left(text[last:])
    except (Undated, ValueError, OverflowError):
        return UNKNOWN
    return "".join([*moved, text[last:]]) if moved else UNKNOWN


def _nothing_left(text: str) -> None:
    if re.search(r"\d", text):
        raise Undated


def years_near(text: str, begin: int) -> list[int]:
    """Years of the dates in a text, nearest to `begin` first, those behind it before those in front of it."""
    found = [
        (abs(match.start() - begin) - (0.5 if match.start() >= begin else 0), _year(value))
        for match in FORMS.finditer(text)
        for value in (match["iy"] or match["fy"] or match["ny"] or match["ey"] or match["my"] or match["year"],)
        if value
    ]
    return [year for _, year in sorted(found)]


def _year(text: str) -> int:
    number = int(text)
    return number if number > 99 else number + (1900 if number >= PIVOT else 2000)


def _put(number: int, like: str) -> str:
    """A number with as many digits as another, at least."""
    return f"{number % 100:02d}" if len(like) == 2 and number > 99 else f"{number:0{len(like)}d}"


def _day(number: int, like: str) -> str:
    return f"{number:02d}" if like.startswith("0") or (len(like) == 2 and number > 9) else str(number)


def _month_name(number: int, like: str) -> str:
    names = NAMES[number - 1]
    position = next(names.index(like.casefold()) for names in NAMES if like.casefold() in names)
    name = names[min(position, len(names) - 1)] if len(like) > 4 or position else names[0]
    return name.upper() if like.isupper() and len(like) > 1 else name.capitalize() if like[0].isupper() else name


def _moved(match: re.Match[str], days: int, years: Sequence[int]) -> str:
    get = match.groupdict()
    kind = next(
        name
        for name in ("iso", "full", "named", "english", "noyear", "month", "slash", "short", "year", "only", "day")
        if get[name]
    )
    step = timedelta(days=days)
    if kind == "iso":
        new = date(int(get["iy"]), int(get["im"]), int(get["id"])) + step
        return f"{new:%Y}-{_put(new.month, get['im'])}-{_put(new.day, get['id'])}"
    if kind == "full":
        new = date(_year(get["fy"]), int(get["fm"]), int(get["fd"])) + step
        if len(get["fd"]) == len(get["fm"]) == 2:
            return f"{new.day:02d}{get['s1']}{new.month:02d}{get['s2']}{_put(new.year, get['fy'])}"
        return _day(new.day, get["fd"]) + get["s1"] + _day(new.month, get["fm"]) + get["s2"] + _put(new.year, get["fy"])
    if kind == "named":
        new = date(_year(get["ny"]), MONTH_OF[get["nm"].casefold()], int(get["nd"])) + step
        return (
            _day(new.day, get["nd"])
            + get["n1"]
            + _month_name(new.month, get["nm"])
            + get["n2"]
            + _put(new.year, get["ny"])
        )
    if kind == "english":
        new = date(int(get["ey"]), MONTH_OF[get["em"].casefold()], int(get["ed"])) + step
        return _month_name(new.month, get["em"]) + get["e1"] + _day(new.day, get["ed"]) + get["e2"] + str(new.year)
    return _partly(kind, get, step, years)


def _partly(kind: str, get: dict[str, str], step: timedelta, years: Sequence[int]) -> str:  # noqa: PLR0911
    """Dates that lack day, month or year."""
    if kind == "noyear":
        new = nearest(int(get["ad"]), MONTH_OF[get["am"].casefold()], years) + step
        return _day(new.day, get["ad"]) + get["a1"] + _month_name(new.month, get["am"])
    if kind == "short":
        new = nearest(int(get["kd"]), int(get["km"]), years) + step
        if len(get["kd"]) == len(get["km"]) == 2:
            return f"{new.day:02d}{get['k1']}{new.month:02d}{get['k2']}"
        return _day(new.day, get["kd"]) + get["k1"] + _day(new.month, get["km"]) + get["k2"]
    if kind == "month":
        new = date(_year(get["my"]), MONTH_OF[get["mm"].casefold()], 15) + step
        return _month_name(new.month, get["mm"]) + get["m1"] + _put(new.year, get["my"])
    if kind == "slash":
        new = date(_year(get["sy"]), int(get["sm"]), 15) + step
        return (f"{new.month:02d}" if len(get["sm"]) == 2 else str(new.month)) + get["l1"] + _put(new.year, get["sy"])
    if kind == "year":
        return str((date(int(get["year"]), 7, 1) + step).year)
    if kind == "only":
        return _month_name((nearest(15, MONTH_OF[get["only"].casefold()], years) + step).month, get["only"])
    raise Undated  # a day alone says nothing without its month


def move_all(text: str, spans: Sequence[tuple[int, int]], days: int) -> list[str]:
    """New texts of date spans; a day before a full date (`8. - 22.3.2025`) takes its month from that.

    In English parts of the text English forms are tried first.
    """
    english, american = English().parts(text), month_first(text)
    result = []
    for number, (begin, end) in enumerate(spans):
        piece = text[begin:end]
        if any(first <= begin < last for first, last in english):
            moved = shift_english(piece, days, years_near(text, begin), american)
            if moved:
                result.append(moved)
                continue
        head = re.fullmatch(r"(\d{1,2})\.?", piece)
        follower = spans[number + 1] if number + 1 < len(spans) else None
        if head and follower and follower[0] - end <= 12:
            result.append(_range_head(head[1], piece, text[follower[0] : follower[1]], days, years_near(text, begin)))
        else:
            result.append(shift(piece, days, years_near(text, begin)))
    return result


def _range_head(number: str, piece: str, following: str, days: int, years: Sequence[int]) -> str:
    """The first half of a range whose second half names month and year, or the year."""
    match = FORMS.match(following)
    tail = piece[len(number) :]
    if match is None:
        return UNKNOWN
    get = match.groupdict()
    try:
        if get["full"]:
            new = date(_year(get["fy"]), int(get["fm"]), int(number)) + timedelta(days=days)
        elif get["short"]:
            new = nearest(int(number), int(get["km"]), years) + timedelta(days=days)
        elif get["named"]:
            new = date(_year(get["ny"]), MONTH_OF[get["nm"].casefold()], int(number)) + timedelta(days=days)
        elif get["slash"]:
            moved = date(_year(get["sy"]), int(number), 15) + timedelta(days=days)
            return _day(moved.month, number) + tail
        else:
            return UNKNOWN
    except (ValueError, Undated):
        return UNKNOWN
    # the month may be another one now, so that it has to be told
    return f"{_day(new.day, number)}.{new.month}."
