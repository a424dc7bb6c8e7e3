"""What the documents name exists: tests, commands, files."""

import re
from pathlib import Path

import pytest

from kimed_spe.cli import parser


def documents(repository: Path) -> list[Path]:
    return sorted((repository / "docs/spe").glob("*.md"))


def test_tests_that_are_named_exist(repository: Path):
    named = {
        pair for path in documents(repository) for pair in re.findall(r"(tests/spe/\w+\.py)::(\w+)", path.read_text())
    }
    assert len(named) > 15
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
