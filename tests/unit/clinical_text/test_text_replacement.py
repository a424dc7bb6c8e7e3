"""Stand-ins keep kind and form, tell nothing, and agree with the patient's DICOM files."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimedlib import dicom_deidentify, text_replacement
from kimedlib.pseudonyms import read_linkage
from kimedlib.text_gazetteers import people
from kimedlib.text_model_data import Letter, Span
from kimedlib.text_replacement import Identity, everywhere, load_key, of_linkage, of_project, replace, whole_weeks
from kimedlib.text_surrogates import Surrogates, age

KEY = b"0123456789abcdef"
STAND_INS = Surrogates(KEY)


def test_dates_move_as_in_dicom_files_under_the_same_key():
    assert text_replacement.MAXIMUM_SHIFT_DAYS == dicom_deidentify.MAXIMUM_SHIFT_DAYS
    for patient in ("P001", "P777"):
        assert of_project(KEY, patient).shift_days == dicom_deidentify.of_project(KEY, patient, None).shift_days


def test_linkage_gives_key_and_shift():
    lines = ["identifier\tpseudonym\tuid_key\tdate_shift_days", f"4711\tX1\t{'ab' * 32}\t-30"]
    assert of_linkage(read_linkage(lines, "l"), "X1", "s") == Identity("X1", bytes.fromhex("ab" * 32), -30)


@given(st.integers(-3650, 3650).filter(bool))
def test_whole_weeks(days):
    moved = whole_weeks(Identity("P", KEY, days)).shift_days
    assert moved % 7 == 0 and moved and (moved > 0) == (days > 0) and abs(moved - days) < 7


@pytest.mark.parametrize(
    ("label", "text", "form"),
    [
        ("NAME_PATIENT", "MÜLLER, Anna", r"[^\W\d_a-z]{2,}, [^\W\d_]+"),
        ("NAME_DOCTOR", "K. von Rosen", r"[A-Z]\. von \w+"),
        ("CONTACT_PHONE", "+43 316 385-12345", r"\+43 \d{3} \d{3}-\d{5}"),
        ("CONTACT_PHONE", "0351/4581", r"0\d{3}/\d{4}"),
        ("CONTACT_EMAIL", "a.ott@klinik.example", r"\w+@mail\.invalid"),
        ("ID", "H25440/51", r"[A-Z]\d{5}/\d\d"),
        ("LOCATION_ZIP", "01307", r"0\d{4}"),
        ("LOCATION_STREET", "Lindenstraße 12a", r"\w+straße \d{2}a"),
        ("LOCATION_STREET", "Am Waldsaum 21", r"Am \w+ \d\d"),
        ("LOCATION_HOSPITAL", "Universitätsklinikum Dresden", r"\w+ \S.*"),
        ("LOCATION_STREET", "12 Oak Hill Road", r"Am \w+"),
        ("PROFESSION", "Floristin", r"\w+"),
    ],
)
def test_form_stays_and_the_original_goes(label, text, form):
    new = STAND_INS.of(label, text)
    assert re.fullmatch(form, new) and new != text
    assert STAND_INS.of(label, text) == new
    assert any(Surrogates(bytes([number]) * 16).of(label, text) != new for number in range(5))


def test_given_names_keep_their_gender_and_single_words_agree_with_full_names():
    women = {part for name in people()["female"] for part in re.findall(r"\w+", name)}
    full = STAND_INS.of("NAME_PATIENT", "Anna Kowalczyk")
    assert full.split()[0] in women
    assert STAND_INS.of("NAME_PATIENT", "Kowalczyk") == full.split()[1]
    assert STAND_INS.of("NAME_PATIENT", "KOWALCZYK, Anna") == f"{full.split()[1].upper()}, {full.split()[0]}"


@given(st.text(alphabet="0123456789-/ ", min_size=5, max_size=20).filter(lambda text: sum(map(str.isdigit, text)) > 4))
def test_numbers_change_and_keep_their_form(text):
    new = STAND_INS.of("ID", text)
    assert re.sub(r"\d", "0", new) == re.sub(r"\d", "0", text)
    assert new != text


@pytest.mark.parametrize(
    ("text", "capped"),
    [
        ("89", "89"),
        ("90", "90"),
        ("101", "90"),
        ("fünf", "fünf"),
        ("einundneunzig", "neunzig"),
        ("neunzehn", "neunzehn"),
        ("ninety-four", "ninety"),
        ("one hundred and two", "ninety"),
        ("nineteen", "nineteen"),
        ("hundertdrei", "neunzig"),
    ],
)
def test_ages_above_89_are_one_class(text, capped):
    assert age(text) == capped


def test_name_elsewhere_in_the_letter_is_replaced_too():
    text = "Frau Kowalczyk kam. KOWALCZYK ging nach Haus."
    letter = Letter("d", text, (Span(5, 14, "NAME_PATIENT"),))
    assert len(everywhere(letter).spans) == 2
    new, counts = replace(letter, of_project(KEY, "P1"), "surrogate")
    assert "kowalczyk" not in new.text.casefold() and "nach Haus" in new.text and counts == {"NAME_PATIENT": 2}


def test_modes():
    text = "Ott, geb. 1.2.1950, 93 Jahre"
    letter = Letter("d", text, (Span(0, 3, "NAME_PATIENT"), Span(10, 18, "DATE"), Span(20, 22, "AGE")))
    assert replace(letter, Identity("P1", KEY, -1), "tag")[0].text == "[NAME_PATIENT], geb. [DATE], [AGE] Jahre"
    coded = replace(letter, Identity("P1", KEY, -1), "pseudonym")[0]
    assert re.fullmatch(r"\[NAME_PATIENT [0-9A-F]{6}\], geb\. 31\.1\.1950, 90 Jahre", coded.text)
    assert [coded.text[span.begin : span.end] for span in coded.spans][1:] == ["31.1.1950", "90"]
    with pytest.raises(ValueError, match="none of"):
        replace(letter, Identity("P1", KEY, -1), "hash")
    with pytest.raises(ValueError, match="overlap"):
        replace(Letter("d", text, (Span(0, 3, "DATE"), Span(1, 5, "DATE"))), Identity("P1", KEY, -1), "tag")


def test_short_key_is_refused():
    with pytest.raises(ValueError, match="openssl"):
        load_key("# comment that is long enough\nshort\n")
