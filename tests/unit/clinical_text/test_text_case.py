"""Texts without capitals get them where names stand; other texts and all lengths stay."""

from kimedlib.text_case import recased

DICTATED = (
    "frau margarete stoiber kam am 5. februar mit schmerzen über die notaufnahme, dr kovacs hat sie gesehen, "
    "sie wohnt in altötting und wurde ohne befund entlassen"
)


def test_names_titles_and_months_get_capitals_and_other_words_do_not():
    text = recased(DICTATED)
    assert len(text) == len(DICTATED) and text.casefold() == DICTATED.casefold()
    for word in ("Frau Margarete Stoiber", "Februar", "Kovacs", "Altötting"):
        assert word in text
    assert " kam am " in text and " und wurde ohne befund entlassen" in text.lower() and " wurde " in text


def test_capitals_alone_become_words():
    shouted = (
        "PATIENT HEINZ MÜLLER WURDE AM 4. MAI MIT PNEUMONIE AUFGENOMMEN UND DURCH DR. KOVACS BEHANDELT, CRP 120, EKG"
    )
    text = recased(shouted)
    assert len(text) == len(shouted)
    assert "Heinz Müller" in text and "CRP" in text and "EKG" in text and " und " in text


def test_written_as_usual_it_stays():
    usual = "Frau Margarete Stoiber kam am 5. Februar mit Schmerzen über die Notaufnahme, Dr. Kovacs hat sie gesehen."
    assert recased(usual) == usual
    assert recased("crp 12") == "crp 12"
    for odd in ("ß" * 40, "ŉ İ " * 20, ("ŉa İb " * 20).upper()):
        assert len(recased(odd)) == len(odd)
