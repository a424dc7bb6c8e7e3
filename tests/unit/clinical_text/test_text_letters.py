"""Invented letters: labels and offsets agree, numbers check, traps are there, disguises keep the form."""

import re

from kimedlib.text_features import features
from kimedlib.text_letters import letters
from kimedlib.text_model_data import LABELS, tags_of
from kimedlib.text_patterns import is_austrian_insurance_number, is_iban, is_kvnr
from kimedlib.text_tagger import disguised
from kimedlib.text_terms import clinical_terms
from kimedlib.text_tokens import tokenize

LETTERS = letters(11, 80)


def test_every_category_is_planted_and_spans_hold_what_they_say():
    found = {span.label for letter in LETTERS for span in letter.spans}
    assert found <= set(LABELS) and len(found) >= 18
    for letter in LETTERS:
        for span in letter.spans:
            piece = letter.text[span.begin : span.end]
            assert piece == piece.strip() != ""
            if span.label in ("AGE", "LOCATION_ZIP", "CONTACT_FAX"):
                assert re.search(r"\d", piece)
            if span.label == "CONTACT_EMAIL":
                assert "@" in piece


def test_numbers_with_check_digits_are_valid_and_there():
    pieces = [letter.text[span.begin : span.end] for letter in LETTERS for span in letter.spans if span.label == "ID"]
    for check in (is_kvnr, is_iban, is_austrian_insurance_number):
        assert any(map(check, pieces))


def test_trap_words_are_planted_outside_identifiers():
    terms = [letter.text[begin:end] for letter in LETTERS for begin, end in clinical_terms(letter)]
    for word in ("Parkinson", "Crohn", "Babinski", "G20.1", "1-0-1"):
        assert word in terms


def test_disguise_changes_originals_and_keeps_labels_form_and_everything_else():
    for letter in LETTERS[:20]:
        other = disguised(letter, 0)
        assert [span.label for span in other.spans] == [span.label for span in letter.spans]
        ends = [0, *(span.end for span in letter.spans)]
        others = [0, *(span.end for span in other.spans)]
        for number, (old, new) in enumerate(zip(letter.spans, other.spans, strict=True)):
            assert letter.text[ends[number] : old.begin] == other.text[others[number] : new.begin]
            before, after = letter.text[old.begin : old.end], other.text[new.begin : new.end]
            if old.label in ("NAME_PATIENT", "NAME_DOCTOR", "CONTACT_PHONE", "LOCATION_CITY", "ID"):
                assert before != after or len(before) < 3, (old.label, before)
        assert disguised(letter, 0) == other != disguised(letter, 1)


def test_features_have_one_row_per_token():
    letter = LETTERS[0]
    tokens = tokenize(letter.text)
    assert len(features(letter.text)) == len(tokens) == len(tags_of(tokens, letter.spans))
    assert "".join(letter.text.split()) == "".join("".join(letter.text[t.begin : t.end].split()) for t in tokens)
