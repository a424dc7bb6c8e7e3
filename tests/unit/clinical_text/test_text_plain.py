"""Whatever composes, spaces or splits a name: the search sees it plain, and offsets lead back to the original."""

import unicodedata

import pytest

from kimedlib.text_model_data import Letter, Span
from kimedlib.text_plain import Plain, plain_letter

CASES = {
    "decomposed": (unicodedata.normalize("NFD", "Herr Jörg Müller kam."), "Herr Jörg Müller kam."),
    "zero width": ("Herr Mül\u200bler\u2060 kam.", "Herr Müller kam."),
    "soft hyphen": ("Herr Mül\u00adler kam.", "Herr Müller kam."),
    "fixed blanks": ("Dr.\u00a0Müller,\u202f5\u2009mg", "Dr. Müller, 5 mg"),
    "hyphens": ("Frau Huber\u2011Maier", "Frau Huber-Maier"),
    "ligature": ("Frau Ste\ufb00en", "Frau Steffen"),
    "line ends": ("Frau\r\nMüller\rBerlin", "Frau\nMüller\nBerlin"),
}


@pytest.mark.parametrize("name", CASES)
def test_plain_text(name):
    assert Plain(CASES[name][0]).text == CASES[name][1]


@pytest.mark.parametrize("name", CASES)
def test_spans_lead_back_and_forth(name):
    original, seen = CASES[name]
    plain = Plain(original)
    for begin in range(len(seen)):
        for end in range(begin + 1, len(seen) + 1):
            back = plain.back(Span(begin, end, "ID"))
            covered = Plain(original[back.begin : back.end]).text
            # both letters of a ligature are one sign of the original
            assert seen[begin:end].strip("\n") in covered and len(covered) <= end - begin + (name == "ligature") * 2
            if original[back.begin : back.end].isalnum() and name != "ligature":
                assert plain.forth([back]) == (Span(begin, end, "ID"),)


def test_a_name_of_composed_signs_is_covered_whole():
    original = unicodedata.normalize("NFD", "Frau Müller")
    plain = Plain(original)
    span = plain.back(Span(5, 11, "NAME_PATIENT"))
    assert original[span.begin : span.end] == unicodedata.normalize("NFD", "Müller")


def test_usual_letters_stay_as_they_are():
    letter = Letter("a", "Frau Müller – Größe 1,70 m\n", (Span(5, 11, "NAME_PATIENT"),))
    assert plain_letter(letter) == letter
