"""Operating points on probabilities that are given, and limits of spans as annotators draw them."""

import numpy as np
import pytest

from kimedlib.text_dial import Dial, choose, cleaned, detect, leak_bound
from kimedlib.text_model_data import Letter, Span, spans_of, tags_of
from kimedlib.text_tagger import Tagged
from kimedlib.text_tokens import tokenize

TEXT = "Frau Kowalczyk kam. Xyla Kowalczyk ging. Er nahm Madopar."


def tagged(text: str, inside: dict[str, float], spans: list[Span]) -> Tagged:
    tokens = tokenize(text)
    outside = np.array([1 - inside.get(token.form, 0.0) for token in tokens])
    return Tagged(tokens, tags_of(tokens, spans), outside, ["NAME_PATIENT"] * len(tokens))


def words(spans: list[Span], text: str = TEXT) -> list[str]:
    return [text[span.begin : span.end] for span in spans]


def test_points():
    one = tagged(TEXT, {"Xyla": 0.04, "Madopar": 0.01, "Kowalczyk": 0.6}, [Span(5, 14, "NAME_PATIENT")])
    letter = Letter("d", TEXT)
    assert words(detect(letter, one, "balanced", Dial(0.9, 0.03))) == ["Kowalczyk"]
    assert words(detect(letter, one, "precision", Dial(0.9, 0.03))) == []
    assert words(detect(letter, one, "safe", Dial(0.9, 0.03))) == ["Kowalczyk", "Xyla Kowalczyk"]
    assert "Madopar" in words(detect(letter, one, "safe", Dial(0.9, 0.005)))
    with pytest.raises(ValueError, match="none of"):
        detect(letter, one, "careless", Dial(0.9, 0.03))


def test_a_name_found_once_is_hidden_everywhere_at_safe_but_common_words_are_not():
    text = "Dr. Kowalczyk und Dr. Haus. Das Haus. Kowalczyk."
    one = tagged(text, {}, [])
    found = words(detect(Letter("d", text), one, "safe", Dial(0.9, 0.5)), text)
    assert [word for word in found if word != "Dr."] == ["Kowalczyk", "Haus", "Kowalczyk"]


@pytest.mark.parametrize(
    ("text", "spans", "wanted"),
    [
        ("Kollege Bomelic", [(0, 15)], ["Bomelic"]),
        ("Karl Hauser, Chefarzt", [(0, 21)], ["Karl Hauser"]),
        ("Jan Ott      Eva Ulm", [(0, 20)], ["Jan Ott", "Eva Ulm"]),
        ("Jan Ott\tEva Ulm", [(0, 15)], ["Jan Ott", "Eva Ulm"]),
        ("Franz-Josef Ott", [(0, 5), (6, 15)], ["Franz-Josef Ott"]),
        ("Ott, Ulm", [(0, 3), (5, 8)], ["Ott", "Ulm"]),
    ],
)
def test_limits_of_names(text, spans, wanted):
    assert words(cleaned([Span(*span, "NAME_DOCTOR") for span in spans], text), text) == wanted


def test_two_dates_stay_two():
    text = "10/63-12/63"
    assert len(cleaned([Span(0, 5, "DATE"), Span(6, 11, "DATE")], text)) == 2


def test_safe_threshold_is_the_lowest_that_keeps_precision():
    text = "Abel kam mit Bora aber ohne das Cilo."
    letter = Letter("d", text, (Span(0, 4, "NAME_PATIENT"),))
    one = tagged(text, {"Abel": 0.9, "Bora": 0.085, "Cilo": 0.021}, [])
    assert choose([letter], [one], 0.9).suspect == 0.15  # four letters need two thirds of it
    assert choose([letter], [one], 0.5).suspect == 0.04
    assert choose([letter], [one], 0.3).suspect == 0.003


def test_tags_and_spans_are_inverse():
    tokens = tokenize(TEXT)
    spans = [Span(5, 14, "NAME_PATIENT"), Span(20, 34, "NAME_PATIENT")]
    assert spans_of(tokens, tags_of(tokens, spans)) == spans


@pytest.mark.parametrize(
    ("name", "elsewhere", "same"),
    [
        ("Kowalczyk", "Kowalczyks", True),
        ("Müllerwald", "Muellerwald", True),
        ("Kowalczyk", "Kowalzcyk", True),
        ("Kowalczyk", "Kowalczik", True),
        ("Kowalczyk", "Kowaltschik", False),
    ],
)
def test_other_spellings_of_a_name_that_was_found(name, elsewhere, same):
    text = f"Dr. {name} kam. Spät ging {elsewhere} dann."
    found = words(detect(Letter("d", text), tagged(text, {}, []), "safe", Dial(0.9, 0.5)), text)
    assert (elsewhere in found) == same


def test_beside_a_hidden_word_less_is_enough():
    text = "heute Xylander Befundwert morgen"
    one = tagged(text, {"Xylander": 0.9, "Befundwert": 0.05}, [])
    assert words(detect(Letter("d", text), one, "safe", Dial(0.9, 0.06)), text) == ["Xylander Befundwert"]
    apart = tagged(text, {"Befundwert": 0.05}, [])
    assert words(detect(Letter("d", text), apart, "safe", Dial(0.9, 0.06)), text) == []


def test_bound_of_leaking_letters():
    letters = [Letter(str(n), "Abel kam.", (Span(0, 4, "NAME_PATIENT"),)) for n in range(9)]
    hits = [tagged(one.text, {"Abel": 0.9 if n else 0.0}, []) for n, one in enumerate(letters)]
    assert leak_bound(letters, hits, Dial(1.0, 0.1)) == (1, 0.2)


def test_a_net_is_taken_only_if_precision_allows_it():
    leaking = Letter(
        "a", "Gestern rief Gerlinde an. Abel kam.", (Span(13, 21, "NAME_PATIENT"), Span(26, 30, "NAME_PATIENT"))
    )
    none = tagged(leaking.text, {"Abel": 0.9}, [])
    assert choose([leaking], [none], 0.8).net >= 1
    plain = Letter("b", leaking.text, leaking.spans[1:])
    assert choose([plain], [none], 0.8).net == 0


def test_the_lowest_threshold_that_keeps_precision_is_chosen_even_if_no_letter_leaks():
    letter = Letter("a", "Abel kam gestern mit Husten.", (Span(0, 4, "NAME_PATIENT"),))
    sure = tagged(letter.text, {"Abel": 0.9, "Husten": 0.1}, [])
    # four of ten characters are enough: the doubtful word is hidden as well
    assert choose([letter], [sure], 0.4).suspect < 0.1
    assert choose([letter], [sure], 0.9).suspect >= 0.1
