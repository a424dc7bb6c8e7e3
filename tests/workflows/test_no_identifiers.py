"""After the whole chain nothing that it wrote names a patient; what the hospital delivered names all of them."""

import csv
from pathlib import Path

import pytest

from kimed_spe import scan


@pytest.fixture(scope="module")
def identifiers(repository: Path) -> dict[int, str]:
    """Everything that the generator planted: names, numbers, dates, addresses, telephones, staff, stations."""
    table = repository / "test_data/truth/phi.tsv"
    if not table.is_file():
        pytest.skip("test_data/truth/phi.tsv is not in this checkout")
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {number: row["token"] for number, row in enumerate(rows, 2)}


def found(folder: Path, identifiers: dict[int, str]) -> list[scan.Hit]:
    return [item for item in scan.scan([folder], identifiers) if isinstance(item, scan.Hit)]


def test_scan_finds_every_identifier_in_what_was_delivered(repository: Path, identifiers: dict[int, str]):
    seen = {identifiers[hit.form.number] for hit in found(repository / "test_data/imaging", identifiers)}
    assert seen == set(identifiers.values())


def test_no_identifier_is_in_what_the_chain_wrote(cohort_run: Path, identifiers: dict[int, str]):
    hits = found(cohort_run, identifiers)
    assert hits == [], "\n".join(map(str, hits[:20]))
