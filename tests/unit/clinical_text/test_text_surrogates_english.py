"""Stand-ins of English letters: English forms, and no word of the original."""

import re

import pytest
import text_english_letters as planted

from kimedlib.text_model_data import Letter, Span
from kimedlib.text_replacement import Identity, remaining, replace
from kimedlib.text_surrogates import Surrogates
from kimedlib.text_surrogates_english import EnglishSurrogates, surrogates

KEY = b"0123456789abcdef"
STAND_INS = EnglishSurrogates(KEY)


@pytest.mark.parametrize(
    ("label", "text", "form"),
    [
        ("NAME_PATIENT", "TAVRICK, Ossian J.", r"[A-Z'-]{2,}, [A-Z]\w+ [A-Z]\."),
        ("LOCATION_STREET", "1200 Oak Hill Road, Apt. 4B", r"\d{4} \w+ Road, Apt\. \dB"),
        ("LOCATION_STREET", "Flat 3, 12B Quarry Street", r"Flat \d, \d\dB \w+ Street"),
        ("LOCATION_STREET", "7 Quarry", r"\d \w+ Road"),
        ("LOCATION_STREET", "P.O. Box 123", r"P\.O\. Box \d{3}"),
        ("LOCATION_STREET", "Quarry Old House", r"\w+ Road"),
        ("LOCATION_CITY", "Tarnholt", r"[A-Z][a-z]+"),
        ("LOCATION_ZIP", "62701", r"6\d{4}"),
        ("LOCATION_ZIP", "LS1 4AP", r"[A-Z]{2}\d \d[A-Z]{2}"),
        ("LOCATION_HOSPITAL", "Thornvale Memorial Clinic", r"\w+ [A-Z].*"),
        ("CONTACT_PHONE", "(217) 555-0142", r"\(\d{3}\) \d{3}-\d{4}"),
        ("ID", "943 476 5919", r"\d{3} \d{3} \d{4}"),
        ("PROFESSION", "librarian", r"[a-z ]+"),
    ],
)
def test_form_stays_and_the_original_goes(label, text, form):
    new = STAND_INS.of(label, text)
    assert re.fullmatch(form, new) and new != text and STAND_INS.of(label, text) == new
    kept = {"road", "street", "apt", "flat", "box"}
    words = {word for word in re.findall(r"[a-z]{3,}", text.casefold()) if word not in kept}
    assert not words & set(re.findall(r"[a-z]{3,}", new.casefold()))


def test_a_state_stays():
    assert STAND_INS.of("LOCATION_OTHER", "IL") == "IL" and STAND_INS.of("LOCATION_OTHER", "Illinois") != "Illinois"


def test_a_common_word_that_is_a_name_stays_elsewhere():
    text = "Mr. Stone was seen for the kidney stone that he has had since May. Stone passed; Mr. Stone is well."
    begins = [match.start() for match in re.finditer(r"(?<=Mr\. )Stone", text)]
    letter = Letter("a", text, tuple(Span(begin, begin + 5, "NAME_PATIENT") for begin in begins))
    new = replace(letter, Identity("P1", KEY, -1), "surrogate")[0].text
    assert "kidney stone" in new and "Mr. Stone" not in new


def test_language_decides():
    english = planted.letter(1, planted.A[0])[0].text
    assert isinstance(surrogates(KEY, english), EnglishSurrogates)
    assert type(surrogates(KEY, planted.GERMAN * 3)) is Surrogates


@pytest.mark.parametrize("style", [*planted.A, *planted.B, *planted.C, *planted.D], ids=range(12))
@pytest.mark.parametrize("mode", ["tag", "pseudonym", "surrogate"])
def test_nothing_planted_is_left(style, mode):
    letter, traps = planted.letter(2, style)
    new, _ = replace(letter, Identity("P1", KEY, -100), mode)
    assert set(remaining(letter, new)) <= {"road", "lane", "blvd", "close", "court", "terrace", "avenue", "street"}
    for span in letter.spans:
        original = letter.text[span.begin : span.end]
        if (
            span.label != "NAME_TITLE"
            and span.label.startswith(("NAME_", "ID", "CONTACT", "LOCATION_STREET"))
            and len(original) > 4
        ):
            assert original not in new.text
    assert all(letter.text[slice(*trap)] in new.text for trap in traps)
    assert "[DATE]" not in new.text or mode == "tag"
