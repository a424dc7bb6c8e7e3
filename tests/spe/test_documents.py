"""What the documents name exists: tests, commands, files."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from kimed_spe.cli import parser

STATUS = {"code", "partly", "site", "not applicable"}


def statements(repository: Path) -> list[dict[str, str]]:
    with (repository / "docs/satre.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def documents(repository: Path) -> list[Path]:
    return sorted((repository / "docs/spe").glob("*.md"))


def test_tests_that_are_named_exist(repository: Path):
    texts = [path.read_text() for path in (*documents(repository), repository / "docs/satre.csv")]
    named = {pair for text in texts for pair in re.findall(r"(tests/\w+/\w+\.py)::(\w+)", text)}
    assert len(named) > 30
    for file, test in sorted(named):
        assert re.search(rf"^def {test}\(", (repository / file).read_text(), re.MULTILINE), f"{file}::{test}"


def test_commands_that_are_shown_exist(repository: Path):
    text = "".join(path.read_text() for path in documents(repository))
    shown = set(re.findall(r"^(?:\S+=\S+ )?spe ((?:permit|trust|audit|pseudonym) \w+|scan|doctor)", text, re.MULTILINE))
    assert len(shown) > 10
    for words in shown:
        with pytest.raises(SystemExit) as caught:
            parser().parse_args([*words.split(), "--help"])
        assert caught.value.code == 0


def test_links_lead_to_files(repository: Path):
    for path in documents(repository):
        for target in re.findall(r"\]\((?!http)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_every_statement_of_satre_has_a_status_and_what_is_claimed_a_test(repository: Path):
    rows = statements(repository)
    assert len({row["statement"] for row in rows}) == len(rows) == 185
    for row in rows:
        assert re.fullmatch(r"\d\.\d\d?\.\d\d", row["statement"]) and row["status"] in STATUS, row
        claimed = row["status"] in ("code", "partly")
        assert bool(row["test"]) == claimed and (bool(row["how"]) or row["status"] == "site"), row


def test_document_says_of_satre_what_the_table_says(repository: Path):
    rows = {row["statement"]: row["status"] for row in statements(repository)}
    text = (repository / "docs/spe/ehds_satre.md").read_text()
    for status, count in Counter(rows.values()).items():
        assert f"`{status}` ({count}" in text
    named = set(re.findall(r"\b\d\.\d\.\d\d\b", text.split("Those to which")[1].split("Output checking")[0]))
    assert {rows[number] for number in named} <= {"code", "partly"}
    assert {number for number, status in rows.items() if status == "code"} <= named


def test_statements_are_those_of_the_specification(repository: Path, kimed_data: Path):
    source = kimed_data / "spe/satre/satre_v2_statements.csv"
    if not source.exists():
        pytest.skip("KIMED_DATA holds no spe/satre")
    with source.open(encoding="utf-8", newline="") as file:
        wanted = [(row["requirement_index"], row["importance"]) for row in csv.DictReader(file)]
    assert [(row["statement"], row["importance"]) for row in statements(repository)] == wanted
