"""Presidio as a live peer: it runs offline and is scored by the same rules; skipped where it is not installed."""

import socket
from pathlib import Path

import pytest

pytest.importorskip(
    "presidio_analyzer", reason="presidio-analyzer is not installed (tests/benchmarks/peer_presidio.py)"
)

from benchmarks import peer_presidio

from kimedlib.text_documents import read_letter
from kimedlib.text_model_data import Letter, Span


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("asked the network"))


def test_what_it_must_find_is_found_and_scored():
    find, model = peer_presidio.finder("en", everything=False)
    text = "write to jo@mail.example.com, lives in Ossleton"
    letter = Letter("a", text, (Span(9, 28, "CONTACT_EMAIL"), Span(39, 47, "LOCATION_CITY")))
    row = peer_presidio.measure([letter], find)
    assert row["span_recall"] == (0.5 if model == "blank" else row["span_recall"]) and row["char_precision"] > 0.9


@pytest.mark.real_data
def test_german_letters(kimed_data: Path):
    """With patterns alone it hid 607 of 1,439 identifiers when it was first measured here, by another script."""
    folder = kimed_data / "clinical_text/grascco_phi"
    letters = [read_letter(path, "cas_json", path.stem) for path in sorted(folder.glob("*.json"))]
    find, model = peer_presidio.finder("de", everything=False)
    if model != "blank":
        pytest.skip(f"with {model} it finds names too")
    assert peer_presidio.measure(letters, find)["span_recall"] == pytest.approx(607 / 1439, abs=0.03)
