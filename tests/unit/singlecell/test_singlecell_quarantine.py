"""What is told of samples in quarantine when a run ends."""

from pathlib import Path

import pytest

from kimedlib.problems import InputProblems, Problem
from kimedlib.singlecell_quarantine import MARK, farewell, quarantine, steps_of

STEPS = steps_of({"droplets": {}})
FAILED = Problem("s2.h5", "sample s2", "no cell: none of 90 barcodes differs", "check the library")


@pytest.fixture
def folders(tmp_path):
    for step in ("call_droplets", "qc_cells"):
        (tmp_path / "logs" / step).mkdir(parents=True)
        for sample in ("s1", "s2"):
            (tmp_path / "logs" / step / f"{sample}.log").write_text("INFO root: done\n")
    return str(tmp_path), str(tmp_path / "logs")


def written(folder: str, status: str, problem: str) -> None:
    lines = ["sample\tkept\tstatus\tproblem", "s1\t90\tused\t", f"s2\t0\t{status}\t{problem}"]
    Path(folder, "samples.tsv").write_text("\n".join(lines) + "\n")


def test_nothing_is_said_where_all_samples_are_used(folders):
    assert (
        farewell(*folders, ["s1", "s2"], STEPS, finished=True)
        == farewell(*folders, ["s1", "s2"], STEPS, finished=False)
        == ""
    )
    written(folders[0], "used", "")
    assert farewell(*folders, ["s1", "s2"], STEPS, finished=True) == ""


def test_which_why_and_where_after_a_run(folders):
    written(folders[0], "quarantined", "9 intact cells, 20 are needed")
    first, reason, places = farewell(*folders, ["s1", "s2"], STEPS, finished=True).splitlines()
    assert first.startswith(f"{MARK}1 of 2 samples") and reason == "    s2: 9 intact cells, 20 are needed"
    assert f"{folders[0]}/samples.tsv" in places and f"{folders[1]}/call_droplets/<sample>.log" in places
    assert "remove_ambient" not in places


def test_a_run_that_failed_tells_the_first_step_from_its_logs_not_an_older_table(folders, caplog):
    written(folders[0], "quarantined", "of an older run")
    quarantine(FAILED, "quarantine")
    for step, text in (("call_droplets", caplog.text), ("qc_cells", f"ERROR root: {MARK}s2.h5: sample s2: later\n")):
        Path(folders[1], step, "s2.log").write_text(text)
    said = farewell(*folders, ["s1", "s2"], STEPS, finished=False)
    assert "    s2: no cell: none of 90 barcodes differs\n" in said
    assert "later" not in said and "older" not in said and "samples.tsv" not in said


def test_stop_is_an_error_of_the_step():
    with pytest.raises(InputProblems, match=r"(?s)sample s2: no cell.*check the library"):
        quarantine(FAILED, "stop")


def test_logs_of_steps_that_the_config_leaves_out_now_count_no_more(folders):
    Path(folders[1], "call_droplets", "s2.log").write_text(f"ERROR root: {MARK}s2.h5: sample s2: no cell\n")
    assert farewell(*folders, ["s1", "s2"], steps_of({}), finished=False) == ""
    assert steps_of({"ambient": {}}) == ["remove_ambient", "qc_cells"]
