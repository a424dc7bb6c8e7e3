"""Layers add and never take away; what they give together does not overlap."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kimedlib.text_layers import merged
from kimedlib.text_model_data import Span

TEXT = "Herr Karl Müller, geb. 1.2.1950, wohnt in Ulm"


def at(word: str, label: str = "NAME_OTHER") -> Span:
    return Span(TEXT.index(word), TEXT.index(word) + len(word), label)


def test_what_is_free_is_added():
    assert merged([], [(at("Ulm"), 0.7)], TEXT) == [(at("Ulm"), 0.7)]


def test_a_larger_span_takes_the_place_but_not_the_category():
    own = [(at("Müller", "NAME_PATIENT"), 0.4)]
    assert merged(own, [(at("Karl Müller"), 0.9)], TEXT) == [(at("Karl Müller", "NAME_PATIENT"), 0.9)]


def test_a_smaller_span_changes_nothing():
    own = [(at("Karl Müller", "NAME_PATIENT"), 0.4)]
    assert merged(own, [(at("Müller"), 0.9)], TEXT) == own


def test_free_pieces_of_a_span_over_two():
    own = [(at("Karl"), 0.5), (at("1.2.1950", "DATE"), 0.5)]
    more = merged(own, [(Span(0, TEXT.index(", wohnt"), "OTHER"), 0.8)], TEXT)
    assert [TEXT[span.begin : span.end] for span, _ in more] == ["Herr", "Karl", "Müller, geb.", "1.2.1950"]


SPANS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 6)).map(lambda one: (Span(one[0], one[0] + one[1], "ID"), 0.5)),
    max_size=6,
)


@given(SPANS, SPANS)
def test_nothing_is_lost_and_nothing_overlaps(first, second):
    text = "x" * 50
    both = merged(merged([], first, text), second, text)
    assert all(left.end <= right.begin for (left, _), (right, _) in pairwise(both))
    covered = {place for span, _ in both for place in range(span.begin, span.end)}
    assert covered == {place for span, _ in [*first, *second] for place in range(span.begin, span.end)}
