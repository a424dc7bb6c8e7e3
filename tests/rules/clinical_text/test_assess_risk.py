"""Attacks succeed on originals and fail on replaced letters; the page says what the tables say, and names nobody."""

from pathlib import Path

import pandas as pd
import pytest
import text_steps

from kimedlib.text_model_data import DIRECT, read_lines


@pytest.fixture(scope="module")
def assessed(chain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("risk")
    text_steps.replace(chain, target)
    text_steps.assess(chain, target)
    return target


def test_attack_works_on_originals_and_not_on_replaced_letters(assessed: Path):
    values = pd.read_csv(assessed / "risk.tsv", sep="\t").set_index("metric")["value"]
    assert values["linked_by_names_pct_original"] > 50
    assert values["linked_by_names_pct_deidentified"] == 0
    assert values["smallest_class"] >= 1


def test_shifting_keeps_distances_and_the_page_says_so(assessed: Path):
    values = pd.read_csv(assessed / "risk.tsv", sep="\t").set_index("metric")["value"]
    assert 0 <= values["linked_by_intervals_pct_deidentified"] <= values["linked_by_intervals_pct_original"]
    page = (assessed / "risk.html").read_text(encoding="utf-8")
    assert values["hips_planted_originals"] > 0
    assert "Bound from the training letters" in page
    for words in ("Attacks", "95 % interval", "linked by names pct original", "data:image/png;base64,"):
        assert words in page


def test_review_lists_the_doubtful_places_without_text(chain: Path, assessed: Path):
    review = pd.read_csv(assessed / "review.tsv", sep="\t")
    found = pd.read_csv(chain / "found.tsv", sep="\t")
    safe = found[found["point"] == "safe"]
    assert len(review) == (safe["confidence"] < 0.5).sum() > 0
    assert list(review.columns) == ["document", "begin", "end", "label", "confidence"]


def test_nobody_is_named(chain: Path, assessed: Path):
    text = "".join((assessed / name).read_text(encoding="utf-8") for name in ("risk.tsv", "risk.html", "review.tsv"))
    for letter in read_lines(chain / "documents.jsonl").values():
        for span in letter.spans:
            original = letter.text[span.begin : span.end]
            if span.label in DIRECT and len(original) > 6:
                assert original not in text
