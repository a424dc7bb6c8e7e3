"""Governed runs where SLURM accounts jobs (slurmdbd, MariaDB): they run the same, and both tell the same of a job."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from slurm.accounting import ACCOUNT, Accounted
from slurm.governed import QUICK_AGAIN, running, start, tidy_project, until
from spe.runs import Project

HOG = """
rule hog:
    output: "results/hog.txt"
    resources: mem_mb=600, runtime=3, slurm_account="ACCOUNT"
    shell: "python -c 'import time; x = bytearray(300_000_000); time.sleep(4)' && echo done > {output}"
"""


@pytest.fixture
def there(accounted: Accounted, tmp_path: Path) -> Iterator[Project]:
    yield from tidy_project(accounted, tmp_path)


def test_register_and_accounting_tell_the_same(there: Project, accounted: Accounted):
    """State, node, who asked for it, and memory: sacct counts the step that starts the box as well."""
    there.write("Snakefile", HOG.replace("ACCOUNT", ACCOUNT))
    run = there.run("--scheduler", "greedy")
    assert run.returncode == 0, run.stdout
    (job,) = (entry["content"] for entry in there.entries("cluster.job"))
    rows = until(lambda: (rows := accounted.account(job["slurm_id"])).get("batch", {}).get("MaxRSS") and rows)
    (held,) = (entry["content"] for entry in there.entries("cluster.allocation"))
    # A job that waits for more commands when its run ends is taken back; it may end by itself before that arrives.
    ends = {"COMPLETED"} if held["end"] == "COMPLETED" else {"COMPLETED", f"CANCELLED by {os.geteuid()}"}
    assert rows[""]["State"] in ends and rows[""]["NodeList"] == job["node"]
    assert rows[""]["JobName"].startswith("kimed.hog.") and rows[""]["Comment"].split(":")[:2] == ["kimed", job["run"]]
    counted = 1024 * float(rows["batch"]["MaxRSS"].removesuffix("K"))
    assert 300e6 < job["max_rss"] < 400e6 and job["max_rss"] - 10e6 < counted < job["max_rss"] + 150e6


@pytest.mark.slow
def test_an_account_that_there_is_not(there: Project, accounted: Accounted):
    there.write("Snakefile", HOG.replace("ACCOUNT", "nobody"))
    run = there.run("--scheduler", "greedy")
    assert run.returncode == 1 and "Invalid account" in run.stdout
    assert there.entries("cluster.job") == [] and accounted.queue() == []


@pytest.mark.slow
def test_cancelled_job_is_noticed_with_accounting(there: Project, accounted: Accounted):
    """D2: sacct says `CANCELLED by <uid>`, which the stock plugin compares with `CANCELLED`, and waits for ever."""
    there.write("Snakefile", QUICK_AGAIN.replace("mem_mb=100", f'mem_mb=100, slurm_account="{ACCOUNT}"'))
    process = start(there, "--scheduler", "greedy", "--retries", "1")
    number = running(there, accounted)
    accounted.command("scancel", number)
    text, _ = process.communicate(timeout=90)
    assert process.returncode == 0, text
    assert until(lambda: accounted.account(number).get("", {}).get("State", "").startswith("CANCELLED by "))
    first, second = (entry["content"] for entry in there.entries("cluster.job"))
    assert first["slurm_id"] == number and "CANCELLED" in first["problem"] and second["exit_code"] == 0
    assert until(lambda: accounted.account(second["slurm_id"]).get("", {}).get("State") == "COMPLETED")
    assert accounted.queue() == []
