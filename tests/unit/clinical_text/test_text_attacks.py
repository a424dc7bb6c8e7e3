"""Attacks on stand-ins where the right answer is planted."""

import pytest

from kimedlib.text_attacks import (
    WORD,
    Attacked,
    attack_rows,
    attacked,
    form,
    link_by_form,
    lists_attack,
    parrot_attack,
    planted,
)
from kimedlib.text_letters import letters
from kimedlib.text_model_data import Letter, Span
from kimedlib.text_replacement import of_project

TEXT = "Frau Vroniqua Kokiniakis kam. Dr. Wosniakowski sah sie am 3.1.2020."
NAMES = (Span(5, 24, "NAME_PATIENT"), Span(34, 46, "NAME_DOCTOR"))
LETTER = Letter("d", TEXT, NAMES)
IDENTITY = of_project(b"0123456789abcdef", "P1")


def test_what_was_missed_is_known_at_its_new_place():
    one = attacked(LETTER, [NAMES[0], Span(58, 66, "DATE")], IDENTITY)
    missed = [begin for begin, original in one.apparent.items() if original]
    assert [one.text[begin : begin + 12] for begin in missed] == ["Wosniakowski"]
    assert "Kokiniakis" not in one.text and len(one.apparent) == 3


def test_nothing_missed_nothing_to_find():
    one = attacked(LETTER, NAMES, IDENTITY)
    assert not any(one.apparent.values())
    assert lists_attack([one]).originals == 0 and lists_attack([one]).rows("x") == []


def test_who_knows_the_lists_suspects_what_is_in_none():
    letter = Attacked("Anna Schmidt und Wosniakowski", {0: False, 5: False, 17: True})
    found = lists_attack([letter])
    assert (found.right, found.suspected, found.originals) == (1, 1, 1)
    assert dict(found.rows("x")) == {
        "x_precision_pct": 100,
        "x_recall_pct": 100,
        "x_chance_pct": pytest.approx(100 / 3),
    }


def test_stand_ins_of_rare_names_are_as_rare_so_that_lists_do_not_help():
    rare = (
        "Kokiniakis",
        "Wosniakowski",
        "Quastenflossner",
        "Zwirnberger",
        "Ulbrechtsen",
        "Hagelloch",
        "Brumsel",
        "Tantzer",
    )
    out = []
    for missed in range(len(rare)):
        text = "".join(f"Herr {name} kam.\n" for name in rare)
        spans = tuple(Span(text.index(name), text.index(name) + len(name), "NAME_PATIENT") for name in rare)
        out.append(attacked(Letter("d", text, spans), spans[:missed] + spans[missed + 1 :], IDENTITY))
    found = lists_attack(out)
    assert found.originals == found.right == 8 and found.suspected == found.apparent == 64


def told(count: int, different: bool) -> list[Attacked]:
    """Letters with five apparent names each, one an original: at its own place, or at one of theirs."""
    result = []
    for number in range(count):
        names = ("Maier", "Huber", "Bauer", "Gruber", "Moser")
        hidden = number % 5
        lines = [
            f"qz xq {name} zx" if different and place == hidden else f"Befund: Herr {name} kam wegen Schmerzen."
            for place, name in enumerate(names)
        ]
        text = "\n".join(lines)
        result.append(Attacked(text, {text.index(name): place == hidden for place, name in enumerate(names)}))
    return result


def test_a_parrot_finds_originals_where_stand_ins_never_stand_and_only_there():
    found = parrot_attack(told(20, different=True))
    assert found.right == found.originals == 20 and found.apparent == 100 and found.area == 1
    guessed = parrot_attack(told(20, different=False))
    assert guessed.right <= 10  # chance: 4


def test_about_one_name_in_ten_is_planted_at_all_its_places():
    made = letters(5, 40)
    total = kept = 0
    for letter in made:
        names = [span for span in letter.spans if span.label == "NAME_PATIENT"]
        left = planted(letter, list(letter.spans))
        total += len(names)
        kept += sum(span in left for span in names)
        for span in set(names) - set(left):
            words = WORD.findall(letter.text[span.begin : span.end])
            assert any(all(word not in letter.text[one.begin : one.end] for one in left) for word in words)
    assert 0.03 < 1 - kept / total < 0.35


def test_form_and_what_it_gives_away():
    assert form("Anna Maria Huber-Ott") == ("female", 4, True) and form("HUBER") == ("", 1, False)
    names = {"P1": ["Anna Huber"], "P2": ["Karl Huber"], "P3": ["Karl Ott"]}
    guess = link_by_form(names, {"P1": ["Eva Moser"], "P2": ["Max Moser"]})
    assert guess.expected == 1.5 and guess.chance == pytest.approx(2 / 3) and guess.tried == 2


def test_rows_of_letters_in_which_everything_was_found():
    made = {letter.name: letter for letter in letters(5, 12)}
    rows = dict(attack_rows(made, {name: one.spans for name, one in made.items()}, {name: name for name in made}))
    assert rows["hips_missed_originals"] == 0 and rows["hips_planted_originals"] > 0
    assert rows["hips_planted_parrot_chance_pct"] == rows["hips_planted_lists_chance_pct"] < 40
