"""What stands behind cue words, rare words of lists, rests of identifiers are hidden; drugs, eponyms, values not."""

import pytest

from kimedlib.text_frames import NET, apply_frames
from kimedlib.text_tokens import tokenize

DOCTOR, HOSPITAL, STREET = "NAME_DOCTOR", "LOCATION_HOSPITAL", "LOCATION_STREET"


def hidden(
    text: str, known: dict[str, str] | None = None, net: int = 0, old: frozenset[str] = frozenset()
) -> list[str]:
    tokens = tokenize(text)
    labels = [(known or {}).get(token.form, "") for token in tokens]
    before = list(labels)
    apply_frames(text, tokens, labels, [token.form.casefold() not in old for token in tokens], net)
    return [token.form for token, label, was in zip(tokens, labels, before, strict=True) if label and not was]


@pytest.mark.parametrize(
    ("text", "known", "wanted"),
    [
        ("Logopädin: Quastenflossner", {}, []),
        ("Physiotherapeutin: Quastner I. MSc", {}, ["Quastner", "I", ".", "MSc"]),
        ("vidiert von OA Quastner am Abend", {}, ["Quastner"]),
        ("Ehefrau Vroni Quastner anwesend", {}, ["Vroni", "Quastner"]),
        ("Ehefrau anwesend, Sohn gesund", {}, []),
        ("Untersucher: Befund", {}, []),
        ("Untersucher:\nLunge frei", {}, []),
        ("Oberarzt Ramipril 5 mg", {}, []),
        ("Quastner B. Dr.\nAssistent", {}, ["Quastner", "B", ".", "Dr"]),
        ("Hepatitis B. Die Leber", {}, []),
        ("kam mit Rosa von Quastner an", {"Rosa": DOCTOR}, ["von", "Quastner"]),
        ("Schmerzen von Bauch und Bein", {}, []),
        ("Amselweg 3, Gmunden kam", {"Amselweg": STREET, "3": STREET}, ["Gmunden"]),
        ("Amselweg 3, Befund gut", {"Amselweg": STREET, "3": STREET}, []),
        ("Seeklinik für innere Medizin kam", {"Seeklinik": HOSPITAL}, ["für", "innere", "Medizin"]),
        ("Seeklinik für uns", {"Seeklinik": HOSPITAL}, []),
        ("Verlegung an die UKL und das LKH", {}, ["UKL", "LKH"]),
        ("Akte 123456789, Leukozyten 370000", {}, ["123456789"]),
        ("Akte 4711/22 heute", {"4711": "ID"}, ["22"]),
        ("Akte 4711 mg heute", {"4711": "ID"}, []),
    ],
)  # fmt: skip
def test_frames(text, known, wanted):
    assert hidden(text, known) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Gestern rief Gerlinde an", ["Gerlinde"]),
        ("Morbus Parkinson, Test nach Gerlinde, Leber frei", []),
        ("Gerlinde-Zeichen negativ", []),
        ("Das Gespräch, der Termin, die Wunde", []),
    ],
)
def test_rare_given_names_are_hidden_wherever_they_stand(text, wanted):
    assert hidden(text, net=1) == wanted and hidden(text) == []


def test_words_spelled_like_names_unless_old_dosed_or_medical():
    text = "Gestern kam Kokiniakis nochmal"
    assert hidden(text, net=len(NET)) == ["Kokiniakis"] and hidden(text, net=2) == []
    assert hidden(text, net=len(NET), old=frozenset(["kokiniakis"])) == []
    assert hidden("Gestern Kokiniakis 5 mg", net=len(NET)) == []
    assert hidden("Gestern Xanomycin, Folatumab und Cholangitis", net=len(NET)) == []
