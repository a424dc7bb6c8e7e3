"""Texts of many styles: labels and offsets agree whatever dictation or scan made of them, and styles differ."""

import re

from kimedlib.text_letters_styled import styled_letters
from kimedlib.text_letters_styles import FEET, HEADS, MACROS, SENTENCES, SUBJECTS
from kimedlib.text_model_data import LABELS

LETTERS = styled_letters(11, 120)


def test_spans_hold_what_they_say():
    assert {span.label for letter in LETTERS for span in letter.spans} <= set(LABELS)
    for letter in LETTERS:
        ends = [0]
        for span in letter.spans:
            piece = letter.text[span.begin : span.end]
            assert piece and piece == piece.strip() and span.begin >= ends[-1], (letter.name, piece)
            ends.append(span.end)
            if span.label in ("AGE", "LOCATION_ZIP", "CONTACT_FAX"):
                assert re.search(r"\d", piece), (span.label, piece)


def test_nothing_is_left_of_templates():
    assert not [letter.name for letter in LETTERS if re.search(r"[{}]|<[a-z]+>", letter.text)]


def test_every_alternative_is_known():
    named = {name for piece in (*HEADS, *SUBJECTS, *SENTENCES, *FEET) for name in re.findall(r"<(\w+)>", piece)}
    assert named <= set(MACROS)


def test_cases_line_ends_and_scans_are_among_them():
    assert any(letter.text.islower() for letter in LETTERS)
    assert any(letter.text.isupper() for letter in LETTERS)
    assert any(re.search(r"[a-zäöü]-\n[a-zäöü]", letter.text) for letter in LETTERS)
    assert any("ue" in letter.text and not re.search("[äöüß]", letter.text) for letter in LETTERS)
