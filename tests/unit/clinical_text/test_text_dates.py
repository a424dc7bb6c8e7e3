"""Moved dates: intervals stay, forms stay, and what is no date never passes."""

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimedlib.text_dates import NAMES, UNKNOWN, move_all, shift, years_near

DAYS = st.dates(date(1930, 1, 1), date(2060, 12, 31))
FORMS = ("{0:%d.%m.%Y}", "{0.day}.{0.month}.{0.year}", "{0:%Y-%m-%d}", "{0:%d/%m/%Y}", "{0.day}. {1} {0.year}")
MONTHS = [names[0].capitalize() for names in NAMES]


def read(text: str) -> date:
    for number, month in enumerate(MONTHS, 1):
        text = re.sub(rf"\.\s*{month} ", f".{number}.", text)
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    return date(*numbers) if numbers[0] > 31 else date(numbers[2], numbers[1], numbers[0])


@given(DAYS, DAYS, st.integers(-3650, 3650), st.sampled_from(FORMS), st.sampled_from(FORMS))
def test_intervals_between_full_dates_stay(first, second, days, one, other):
    texts = [form.format(day, MONTHS[day.month - 1]) for form, day in ((one, first), (other, second))]
    moved = [read(shift(text, days, [])) for text in texts]
    assert moved == [first + timedelta(days), second + timedelta(days)]


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("24.12.1999", "03.01.2000"),
        ("24.12.99", "03.01.00"),
        ("5. März 2024", "15. März 2024"),
        ("27. MÄRZ 2025", "6. APRIL 2025"),
        ("25.2.", "6.3."),
        ("Dezember 2023", "Dezember 2023"),
        ("12/23", "12/23"),
        ("April 25, 2021", "Mai 5, 2021"),
        ("2024", "2024"),
        ("Oktober\n2012", "Oktober\n2012"),
    ],
)
def test_ten_days_later(text, moved):
    assert shift(text, 10, [2024]) == moved


@pytest.mark.parametrize(
    "text", ["31.02.2020", "99.99.2020", "4.", "gestern", "3/20009", "01.01.0001", "12.13.2020 um 12"]
)
def test_what_cannot_be_read_never_passes(text):
    assert shift(text, 10, [2024]) == UNKNOWN


@given(st.text(alphabet="0123456789./- JanuarMi", max_size=14), st.integers(1, 3000))
def test_any_text_is_moved_or_unknown(text, days):
    result = shift(text, days, [2020])
    assert result == UNKNOWN or re.search(r"\d|[A-Za-z]", result)


def test_ranges_take_month_and_year_from_their_end():
    text = "vom 8. - 22.3.2025 und 11-12/2021, dann 30.12. bis 2.1.2022"
    pieces = ["8.", "22.3.2025", "11", "12/2021", "30.12.", "2.1.2022"]
    spans, start = [], 0
    for piece in pieces:
        start = text.index(piece, start)
        spans.append((start, start + len(piece)))
        start += len(piece)
    assert move_all(text, spans, 20) == ["28.3.", "11.4.2025", "12", "01/2022", "19.01.", "22.1.2022"]


def test_nearest_year_first():
    text = "1.2.2019, am 3.4. und 5.6.2021"
    assert years_near(text, 0) == [2019, 2021]
    assert years_near(text, len(text)) == [2021, 2019]
