"""English dates keep their form and their distances; month before day only where the letter says so."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimedlib.text_dates import move_all
from kimedlib.text_dates_english import month_first, shift_english

DAYS = st.dates(date(1935, 1, 1), date(2060, 12, 31))


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("March 3, 2024", "March 13, 2024"),
        ("Mar. 3rd, 2024", "Mar. 13th, 2024"),
        ("DECEMBER 25, 2023", "JANUARY 4, 2024"),
        ("21st of May 2024", "31st of May 2024"),
        ("22 May 2024", "1 June 2024"),
        ("22nd May", "1st June"),
        ("May 25", "June 4"),
        ("25-Dec-2023", "04-Jan-2024"),
        ("Dec 2023", "Dec 2023"),
        ("Sept 2023", "Sep 2023"),
        ("June of 2024", "June of 2024"),
        ("02/25/2024", "03/06/2024"),
        ("2/25/24", "3/6/24"),
        ("25/02/2024", "06/03/2024"),
        ("3/25", "4/4"),
    ],
)
def test_ten_days_later(text, moved):
    assert shift_english(text, 10, [2024], american=True) in (moved, moved.replace("04-J", "4-J"))


@pytest.mark.parametrize("text", ["Marchand 3, 2024", "02/30/2024", "13/13/2024", "2024", "Februar 3, 2024", "3/4 of"])
def test_other_things_are_left_to_the_general_reader(text):
    assert shift_english(text, 10, [2024], american=True) is None


@pytest.mark.parametrize(
    ("text", "american"),
    [
        ("on 03/15/2024 and 03/05/2024", True),
        ("on 15/03/2024, call (217) 555-0142", False),
        ("on 03/05/2024, Springfield, IL 62701", True),
        ("on 03/05/2024, Leeds LS1 4AP", False),
    ],
)
def test_order_of_day_and_month(text, american):
    assert month_first(text) == american


@settings(max_examples=60)
@given(DAYS, DAYS, st.integers(-3650, 3650), st.sampled_from(["%B %d, %Y", "%m/%d/%Y", "%d %B %Y", "%d-%b-%Y"]))
def test_intervals_stay(first, second, days, form):
    from datetime import datetime

    text = "The patient was admitted on {} and discharged on {} to her home. Seen on 12/31/2020."
    written = [one.strftime(form) for one in (first, second)]
    full = text.format(*written)
    begins = [full.index(written[0]), full.rindex(written[1])]
    moved = move_all(full, [(begin, begin + len(one)) for begin, one in zip(begins, written, strict=True)], days)
    read = [datetime.strptime(one, form).date() for one in moved]
    assert read == [first + timedelta(days), second + timedelta(days)]
