"""After the whole chain nothing that it wrote names a patient; what the hospital delivered names all of them."""

import csv
import importlib.util
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


def shipped_with_multiqc() -> str:
    """The program text that MultiQC puts into every report; short names occur in it by chance."""
    folder = Path(importlib.util.find_spec("multiqc").origin).parent
    return "".join(path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.rglob("*.js")))


def test_no_identifier_is_in_what_the_chain_wrote(cohort_run: Path, identifiers: dict[int, str]):
    library = shipped_with_multiqc()
    hits = [
        hit
        for hit in found(cohort_run, identifiers)
        if not (Path(hit.path).name == "multiqc.html" and identifiers[hit.form.number] in library)
    ]
    assert hits == [], "\n".join(map(str, hits[:20]))
