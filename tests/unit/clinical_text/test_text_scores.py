"""Scores on cases that can be counted by hand."""

import pytest

from kimedlib.statistics_intervals import exact_interval
from kimedlib.text_model_data import Letter, Span
from kimedlib.text_scores import (
    Counts,
    characters,
    destroyed,
    leaked,
    leaks_directly,
    relaxed,
    strict,
    tokens,
    untyped,
)

LETTER = Letter("d", "Frau Anna Berg aus Ulm", (Span(5, 14, "NAME_PATIENT"), Span(19, 22, "LOCATION_CITY")))


def test_strict_untyped_relaxed():
    found = [Span(5, 9, "NAME_PATIENT"), Span(19, 22, "NAME_PATIENT")]
    assert strict(found, LETTER.spans) == Counts(0, 2, 2)
    assert untyped(found, LETTER.spans) == Counts(1, 1, 1)
    assert relaxed(found, LETTER.spans) == Counts(1, 1, 1)


def test_one_detection_matches_one_annotation_only():
    assert relaxed([Span(0, 20, "DATE")], [Span(0, 5, "DATE"), Span(6, 10, "DATE")]) == Counts(1, 0, 1)


def test_tokens_and_characters_ignore_labels_and_blanks():
    found = [Span(5, 9, "ID"), Span(0, 4, "ID")]
    assert tokens(found, LETTER) == Counts(1, 1, 2)
    assert characters(found, LETTER) == Counts(4, 4, 7)
    assert Counts(4, 4, 7).precision == 0.5 and Counts(4, 4, 7).recall == 4 / 11


def test_one_letter_left_is_a_leak_and_cities_are_no_direct_identifiers():
    assert leaked([Span(5, 13, "ID"), Span(19, 22, "ID")], LETTER) == [LETTER.spans[0]]
    assert leaks_directly([Span(5, 13, "ID")], LETTER) and not leaks_directly([Span(5, 14, "ID")], LETTER)


def test_destroyed_terms():
    assert destroyed([Span(3, 6, "DATE")], [(0, 3), (5, 9), (6, 8)]) == 1


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    # R: binom.test(x, n)$conf.int
    [(0, 10, 0, 0.3084971), (10, 10, 0.6915029, 1), (7, 70, 0.04116, 0.19531)],
)
def test_exact_interval(hits, total, low, high):
    assert exact_interval(hits, total) == pytest.approx((low, high), abs=2e-3)


def test_no_proportion():
    with pytest.raises(ValueError, match="no proportion"):
        exact_interval(3, 2)
