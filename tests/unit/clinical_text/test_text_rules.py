"""Rules of `safe`: what stands where names and places stand is hidden, its like in other places is not."""

import pytest

from kimedlib.text_gazetteers import gazetteers, is_profession, name_likeness
from kimedlib.text_rules import apply_rules
from kimedlib.text_tokens import tokenize


def hidden(text: str, known: dict[str, str] | None = None) -> list[str]:
    tokens = tokenize(text)
    labels = [(known or {}).get(token.form, "") for token in tokens]
    apply_rules(text, tokens, labels)
    return [
        token.form for token, label in zip(tokens, labels, strict=True) if label and token.form not in (known or {})
    ]


DOCTOR = "NAME_DOCTOR"


@pytest.mark.parametrize(
    ("text", "known", "wanted"),
    [
        ("von Dres. Ulbrecht und Wosniak gesehen", {"Ulbrecht": DOCTOR}, ["Wosniak"]),
        ("von Dr. Ulbrecht und Dr. Wosniak gesehen", {"Ulbrecht": DOCTOR}, ["Wosniak"]),
        ("von Dr. Ulbrecht und Kollegen gesehen", {"Ulbrecht": DOCTOR}, []),
        ("OP durch Jürgen\nSchneider", {"Jürgen": DOCTOR}, ["Schneider"]),
        ("OP durch Jürgen\nHerzkatheter", {"Jürgen": DOCTOR}, []),
        ("Befund.\nKlara von Osler\nLunge frei", {}, ["Klara", "Osler"]),
        ("Befund.\nMorbus Crohn\nLunge frei", {}, []),
        ("Der Patient kam zur Kontrolle.\nMit freundlichen Grüßen\n\nKokiniakis MD\nOberarzt", {}, ["Kokiniakis"]),
        ("Aufnahme:\nM. wird vorgestellt", {"Maier": "NAME_PATIENT"}, []),
        ("Maier\nM. wird vorgestellt", {"Maier": "NAME_PATIENT"}, ["M", "."]),
        ("Maier hat M. Crohn", {"Maier": "NAME_PATIENT"}, []),
        ("Sie lebte in Peru und kam aus Gmunden nach Hause", {}, ["Peru", "Gmunden"]),
        ("Er kam in Begleitung", {}, []),
    ],
)  # fmt: skip
def test_rules(text, known, wanted):
    assert hidden(text, known) == wanted


def test_spelling_tells_names_from_words_that_are_in_no_list():
    lists = gazetteers()
    names = [
        name for name in ("kokiniakis", "wosniakowski", "bomelic", "vroni") if name not in lists.first | lists.last
    ]
    words = ["marklagerläsionen", "tretversuch", "anschlussheilbehandlung", "verlaufskontrolle"]
    assert len(names) > 1 and min(map(name_likeness, names)) > max(map(name_likeness, words))


def test_professions_are_told_by_their_last_part():
    assert is_profession("maschinenbauingenieur") and not is_profession("verlauf")
