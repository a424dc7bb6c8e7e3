"""Attacks on letters where the right answer is known."""

from kimedlib.text_model_data import Letter, Span
from kimedlib.text_risk import Attack, anonymity_rows, classes, day_gaps, link_by_intervals, link_by_names

ORIGINALS = {
    "a": Letter("a", "Anna Kowalczyk", (Span(0, 14, "NAME_PATIENT"),)),
    "b": Letter("b", "Berta Kowalczyk", (Span(0, 15, "NAME_PATIENT"),)),
}
PATIENTS = {"a": "P1", "b": "P2"}


def test_siblings_are_told_apart_by_their_given_names():
    texts = {name: letter.text for name, letter in ORIGINALS.items()}
    assert link_by_names(ORIGINALS, texts, PATIENTS) == Attack(2, 2)


def test_missed_names_link_and_replaced_ones_do_not():
    assert link_by_names(ORIGINALS, {"a": "Frau Kowalczyk", "b": "Frau Berta"}, PATIENTS) == Attack(1, 2)
    assert link_by_names(ORIGINALS, {"a": "Frau Maier", "b": "Frau Huber"}, PATIENTS) == Attack(0, 2)


def test_intervals_survive_shifting_and_give_a_letter_away():
    assert day_gaps("3.1.2020 und 1.1.2020, 31.02.2020, 1.2.2020") == (2, 29)
    before = {"a": "1.1.2020 bis 5.1.2020", "b": "1.1.2020 bis 8.1.2020"}
    assert link_by_intervals(before, {"a": "11.3.2019 bis 15.3.2019", "b": "kein Datum"}) == Attack(1, 2)
    assert link_by_intervals({**before, "c": before["a"]}, {"a": before["a"]}) == Attack(0, 1)


def test_classes():
    texts = {"a": "Frau, 47-jährig, G20.1", "b": "Frau, 43-jährig (G20.9)", "c": "Herr, 43-jährig, G20.9"}
    assert sorted(classes(texts).values()) == [1, 2]


def test_anonymity_by_what_is_known():
    texts = {str(n): "Frau, 47-jährig, G20.1" for n in range(5)} | {"x": "Herr, 47-jährig, G20", "y": "Frau, 31-jährig"}
    rows = dict(anonymity_rows(texts))
    assert (rows["k_sex"], rows["k_sex_age"], rows["k_sex_age_icd"]) == (1, 1, 1)
    assert rows["k_below_5_pct_sex"] == 100 / 7 and rows["k_below_5_pct_sex_age"] == 200 / 7
    assert rows["prosecutor_risk_pct_sex"] == 200 / 7 and rows["prosecutor_risk_pct_sex_age_icd"] == 300 / 7
