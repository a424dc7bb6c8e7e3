"""Nothing half-written, nothing silent."""

import logging
import sys

import pytest

from kimedlib.atomic import atomic_path
from kimedlib.logs import log_to, only_errors
from kimedlib.problems import InputProblems, Problem, raise_if


def test_output_appears_whole_and_keeps_its_suffixes(tmp_path):
    target = tmp_path / "new" / "calls.vcf.gz"
    with atomic_path(target) as temporary:
        assert temporary.name.endswith("calls.vcf.gz") and temporary.parent == target.parent
        temporary.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert [path.name for path in target.parent.iterdir()] == ["calls.vcf.gz"]


def test_failure_leaves_the_old_output_and_no_rubbish(tmp_path):
    target = tmp_path / "table.tsv"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_path(target) as temporary:
        temporary.write_text(f"half {1 / 0}")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("write", [lambda path: None, lambda path: path.touch()])
def test_empty_output_is_an_error(tmp_path, write):
    with pytest.raises(ValueError, match="wrote nothing"), atomic_path(tmp_path / "table.tsv") as temporary:
        write(temporary)
    assert list(tmp_path.iterdir()) == []


def test_everything_a_step_says_goes_to_its_log(tmp_path, capsys):
    with log_to(tmp_path / "logs" / "step.log"):
        print("printed")
        print("complained", file=sys.stderr)
        logging.getLogger("somebody").info("logged")
    text = (tmp_path / "logs" / "step.log").read_text()
    assert "printed" in text and "complained" in text and "INFO somebody: logged" in text
    assert capsys.readouterr() == ("", "")


def test_failure_is_logged_with_traceback_and_said_in_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught, log_to(tmp_path / "step.log"):
        raise ValueError("no variants in a.vcf")
    assert caught.value.code == 1
    assert capsys.readouterr().err == "ValueError: no variants in a.vcf\n"
    assert "Traceback" in (tmp_path / "step.log").read_text()


def test_talk_is_hushed_for_a_while_only(caplog):
    told = logging.getLogger("library")
    with only_errors():
        told.warning("a step")
        told.error("a failure")
    told.warning("a warning afterwards")
    assert caplog.messages == ["a failure", "a warning afterwards"]


def test_problems_are_listed_in_full(tmp_path, capsys):
    problems = [Problem("a.tsv", "line 2", "is wrong", "mend it"), Problem("b.bam", "", "is cut off", "copy it again")]
    with pytest.raises(SystemExit), log_to(tmp_path / "step.log"):
        raise_if(problems)
    said = capsys.readouterr().err
    assert "2 problems" in said and "a.tsv: line 2: is wrong" in said and "copy it again" in said
    raise_if([])
    with pytest.raises(InputProblems):
        raise_if(iter(problems))


def fail_inside(target):
    with atomic_path(target) as temporary:
        temporary.mkdir()
        (temporary / "half").write_text("half")
        raise RuntimeError


def test_a_folder_replaces_the_old_one_or_nothing(tmp_path):
    for content in ("old", "new"):
        with atomic_path(tmp_path / "store") as temporary:
            temporary.mkdir()
            (temporary / content).write_text(content)
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["new"]
    with pytest.raises(RuntimeError):
        fail_inside(tmp_path / "store")
    with pytest.raises(ValueError, match="wrote nothing"), atomic_path(tmp_path / "other") as temporary:
        temporary.mkdir()
    assert [path.name for path in tmp_path.iterdir()] == ["store"] and (tmp_path / "store/new").is_file()
