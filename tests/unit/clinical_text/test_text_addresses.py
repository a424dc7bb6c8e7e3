"""Contacts, streets, towns, countries, firms and hospitals by the way they are written; values and organs are none."""

import pytest

from kimedlib.text_addresses import apply_addresses
from kimedlib.text_tokens import tokenize


def hidden(text: str, known: dict[str, str] | None = None) -> str:
    tokens = tokenize(text)
    labels = [(known or {}).get(token.form, "") for token in tokens]
    apply_addresses(text, tokens, labels)
    return " ".join(token.form for token, label in zip(tokens, labels, strict=True) if label)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Tel. DW 4711 erreichbar", "4711"),
        ("Telefon: 385-12345, Telefax -12346", "385 - 12345 - 12346"),
        ("unter 316/3851234 anrufen", "316 / 3851234"),
        ("RR 120/80 - 130/90 mmHg, 1/2-1/2-0, 100-120 ml", ""),
        ("Im Winkel 12, 8010 Graz kam", "Im Winkel 12"),
        ("Befund 12, 8010 mg", ""),
        ("Rosengarten 7\nTelefon", "Rosengarten 7"),
        ("wohnhaft Unterau 3b seit", "Unterau 3 b"),
        ("bei der Nordlicht Bau GmbH tätig", "Nordlicht Bau GmbH"),
        ("bei der Firma Nordlicht tätig", "Nordlicht"),
        ("wieder in Bad Ischl, später", "Bad Ischl"),
        ("Bad Hygiene, danach", ""),
        ("ins Krankenhaus Gmunden verlegt", "Krankenhaus Gmunden"),
        ("ins Krankenhaus am Nachmittag", ""),
        ("in die Elisabeth-Klinik verlegt", "Elisabeth - Klinik"),
        ("Urlaub: Portugal; Milz und Leber frei", "Portugal"),
    ],
)
def test_addresses(text, wanted):
    assert hidden(text) == wanted


def test_the_rest_of_a_street():
    street = "LOCATION_STREET"
    assert hidden("Hans-Sachs-Hof 12 kam", {"Hof": street}) == "Hans - Sachs - Hof 12"
