"""Check digits against published examples; forms that must and must not be hit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimedlib import text_patterns as patterns


@pytest.mark.parametrize(
    ("check", "valid"),
    [
        (patterns.is_kvnr, "X110411675"),  # gematik test card
        (patterns.is_iban, "DE89 3704 0044 0532 0130 00"),  # ISO 13616 registry
        (patterns.is_iban, "GB82 WEST 1234 5698 7654 32"),  # ISO 13616 registry
        (patterns.is_tax_id, "86095742719"),  # BZSt
        (patterns.is_austrian_insurance_number, "1237 010180"),  # published example
    ],
)
def test_published_number_is_valid_and_every_other_last_digit_is_not(check, valid):
    assert check(valid)
    place = 3 if check is patterns.is_austrian_insurance_number else len(valid) - 1
    for digit in "0123456789":
        if digit != valid[place]:
            assert not check(valid[:place] + digit + valid[place + 1 :])


def test_physician_number():
    # KBV: weights 4, 9 over 1 2 3 4 5 6: 4+18+12+36+20+54 = 144, check digit 6
    assert patterns.is_lanr("123456601") and not patterns.is_lanr("123456501")


@given(st.text(max_size=40))
def test_checks_never_fail_on_any_text(text):
    for _, check, _ in patterns.CHECKED:
        assert check(text) in (True, False)
    list(patterns.pattern_hits(text))


def hits(text: str) -> set[tuple[str, str]]:
    return {(text[begin:end], label) for begin, end, label, name in patterns.pattern_hits(text) if name != "hospital"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("geb. 03.04.1950", ("03.04.1950", "DATE")),
        ("am 2024-09-16 ", ("2024-09-16", "DATE")),
        ("5. März 2023", ("5. März 2023", "DATE")),
        ("(12/08)", ("12/08", "DATE")),
        ("vom 3.4. bis", ("3.4.", "DATE")),
        ("Tel. 0351 4581234", ("0351 4581234", "CONTACT_PHONE")),
        ("a.b@klinik.example.org.", ("a.b@klinik.example.org", "CONTACT_EMAIL")),
        ("Prof. Dr. med. Karl-Heinz von Rosen", ("Karl-Heinz von Rosen", "NAME_DOCTOR")),
        ("Frau Ünal wurde", ("Ünal", "NAME_PATIENT")),
        ("KVNR X110411675", ("X110411675", "ID")),
        ("eine 47-jährige Frau", ("47", "AGE")),
        ("auf Station B12 verlegt", ("B12", "ID")),
        ("Lindenstraße 12a, 01307", ("Lindenstraße 12a", "LOCATION_STREET")),
    ],
)
def test_is_hit(text, wanted):
    assert wanted in hits(text)


@pytest.mark.parametrize(
    "text", ["RR 120/80 mmHg", "1-0-1", "pT2 pN1a M0", "Hb 12,4 g/dl", "Kreatinin 1.05", "Marcumar 3 mg", "M. Crohn"]
)
def test_clinical_values_are_not_hit(text):
    assert not {hit for hit in hits(text) if hit[1]}


def test_icd_codes_are_no_identifiers():
    assert ("G20.1", "") in hits("Parkinson (G20.1)") and not {hit for hit in hits("(G20.1)") if hit[1]}
