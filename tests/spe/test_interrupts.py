"""Ctrl-C ends a run with its jobs and gives its lock back, at any moment; in the background it is ignored."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from spe import runs


def interrupted(project: runs.Project, awaited: str, delay: float) -> float:
    """Seconds from Ctrl-C to the end of a run whose job sleeps; the signal comes `delay` after a file appears."""
    project.write("Snakefile", "rule x:\n    output: 'results/x'\n    shell: 'touch results/x; sleep 60'\n")
    project.allow()
    parent = subprocess.Popen(
        [sys.executable, "-m", "kimed_spe.enclosure", "--executor", "spe", "--cores", "1"], cwd=project.root,
        env=project.variables(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    boxes = project.root / ".snakemake" / "spe"
    try:
        end = time.monotonic() + 120
        while not list(boxes.glob(awaited)) and time.monotonic() < end:
            time.sleep(0.005)
        time.sleep(delay)
        begin = time.monotonic()
        parent.send_signal(signal.SIGINT)
        assert parent.wait(50) != 0
        return time.monotonic() - begin
    finally:
        parent.kill()
        parent.wait()


def test_interrupt_ends_jobs_and_gives_the_lock_back(tmp_path: Path):
    project = runs.project(tmp_path)
    interrupted(project, "run-*/*/pids", 0)
    assert not list((project.root / ".snakemake" / "locks").glob("*"))
    assert project.entries("run.stop")[0]["content"]["exit_code"] != 0


def test_a_run_in_the_background_of_a_shell_goes_on_after_interrupts(tmp_path: Path):
    project = runs.project(tmp_path)
    project.write("Snakefile", "rule x:\n    output: 'results/x'\n    shell: 'sleep 2; touch {output}'\n")
    project.allow()
    command = f"{sys.executable} -m kimed_spe.enclosure --executor spe --cores 1 >log 2>&1 & echo $!; wait $!"
    with subprocess.Popen(
        ["/bin/sh", "-c", command], cwd=project.root, env=project.variables(), stdout=subprocess.PIPE, text=True
    ) as shell:
        pid = int(shell.stdout.readline())
        end = time.monotonic() + 120
        while not list((project.root / ".snakemake/spe").glob("run-*/*/pids")) and time.monotonic() < end:
            time.sleep(0.05)
        for _ in range(2):  # the second would kill
            os.kill(pid, signal.SIGINT)
            time.sleep(0.2)
        assert shell.wait(60) == 0, (project.root / "log").read_text()
    assert (project.root / "results/x").exists()


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(20))
def test_interrupt_at_any_moment_of_a_start_ends_jobs(tmp_path: Path, attempt: int):
    """From when the executor is made (`seccomp` is written by it) to when the job runs."""
    project = runs.project(tmp_path)
    interrupted(project, "run-*/seccomp", attempt * 0.03)
    assert not list((project.root / ".snakemake" / "locks").glob("*"))
    assert project.entries("run.stop")[0]["content"]["exit_code"] != 0
    assert not list((project.root / "results").glob("*"))
