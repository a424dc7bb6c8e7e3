"""`call_deepvariant`: its command, and where the tool is installed its calls against what was planted."""

import shutil

import pytest


def test_its_calls_go_the_way_of_all_calls(another_caller):
    """The job is planned, with the settings of the config in its command."""
    said = another_caller("deepvariant").calls("--dry-run", region="chr1:1-90000")
    for words in ("dv_make_examples.py", "where=chr1:1-90000", "--model wes"):
        assert words in said


@pytest.mark.slow
@pytest.mark.skipif(
    not shutil.which("dv_make_examples.py"), reason="DeepVariant is not on PATH: its calls are not compared"
)
def test_its_calls_keep_the_contract(another_caller, repository):
    another_caller("deepvariant").keeps_the_contract(repository / "test_data")
