"""The page: self-contained, accessible, and saying what the tables say."""

import re
from html.parser import HTMLParser
from pathlib import Path

import cohort_steps
import pandas as pd
import pytest


class Page(HTMLParser):
    """Tags with their attributes, and the text of a page."""

    def __init__(self, path: Path):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(study: Path) -> Page:
    return Page(study / "summary.html")


def test_needs_no_network_and_no_script(study: Path, page: Page):
    assert not page.all("script") and not page.all("link") and not page.all("iframe")
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.all("img"))
    assert all(link["href"].startswith("#") for link in page.all("a"))
    assert "http" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", (study / "summary.html").read_text())


def test_is_accessible(page: Page):
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("img")) == 5 and all(len(image["alt"]) > 20 for image in page.all("img"))
    assert len(page.all("h1")) == 1
    targets = {attributes.get("id") for _, attributes in page.tags}
    assert {link["href"][1:] for link in page.all("a")} <= targets
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))


def test_says_what_the_tables_say(study: Path, page: Page):
    rows = pd.read_csv(study / "outcome.tsv", sep="\t")
    hazard = rows[(rows["measure"] == "hazard_ratio") & (rows["grouping"] == "subtype")].iloc[0]
    assert f"hazard ratio {hazard['estimate']:.1f}"[:16] in page.text
    assert f"{hazard['events']} deaths in 12 patients" in page.text
    assert "agree on 2 disease subtypes" in page.text
    ari = pd.read_csv(study / "scores.tsv", sep="\t").set_index("metric").loc["subtype_ari", "value"]
    assert f"{ari:.2f}" in page.text
    for patient in pd.read_csv(study / "clinical.tsv", sep="\t")["patient_id"]:
        assert patient in page.text


def test_gives_away_no_name_and_no_planted_subtype(study: Path, page: Page):
    people = pd.read_csv(study / "patients.tsv", sep="\t", dtype=str)
    for column in ("family_name", "given_name", "medical_record_number", "birth_date"):
        assert not any(re.search(rf"\b{re.escape(value)}\b", page.text) for value in people[column])


def test_a_cohort_without_subtypes_says_so(empty_study: Path):
    page = Page(empty_study / "summary.html")
    assert "No disease subtypes were found" in page.text
    assert "How the subtypes differ" not in page.text


def test_real_cohorts_have_no_truth_to_boast_with(study: Path, tmp_path: Path):
    for path in study.glob("*.tsv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    page = Page(cohort_steps.summarise(tmp_path, {"survival": study / "survival.png"}, []))
    assert "invented" not in page.text and "adjusted Rand" not in page.text
    assert len(page.all("img")) == 1
