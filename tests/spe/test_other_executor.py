"""Another executor would run jobs in the enclosure but in no box, unchecked and unrecorded."""

import subprocess
import sys
from pathlib import Path

import pytest
from spe.runs import Project, project

SNAKEFILE = """
rule all:
    output: "results/a.txt"
    shell: "cat data/undeclared.txt > {output} || echo hidden > {output}"
"""


def lay_out(folder: Path) -> Project:
    here = project(folder)
    here.write("Snakefile", SNAKEFILE)
    here.write("data/undeclared.txt", "SECRET\n")
    return here


def result(here: Project) -> str:
    path = here.root / "results/a.txt"
    return path.read_text().strip() if path.exists() else ""


def test_without_the_defence(tmp_path: Path):
    here = lay_out(tmp_path)
    assert here.run("--executor", "local", sandboxed=False).returncode == 0 and result(here) == "SECRET"


@pytest.mark.parametrize("option", [["--executor", "local"], ["-e", "local"], ["--executor=touch"]], ids=" ".join)
def test_on_the_command_line_it_is_refused(tmp_path: Path, option: list[str]):
    here = lay_out(tmp_path)
    run = here.run("--scheduler", "greedy", *option)
    assert run.returncode != 0 and "leave it out" in run.stdout and result(here) == ""


def test_of_a_workflow_profile_it_is_overruled(tmp_path: Path):
    """`profiles/default` beside the working directory is loaded unasked and beats `--profile`."""
    here = lay_out(tmp_path)
    here.write("profiles/default/config.yaml", "executor: local\n")
    here.allow()
    command = [sys.executable, "-P", "-m", "kimed_spe.enclosure", "--cores", "1", "--scheduler", "greedy"]
    run = subprocess.run(
        command, cwd=here.root, env=here.variables(), capture_output=True, text=True, check=False, timeout=300
    )
    assert run.returncode == 0 and result(here) == "hidden", run.stderr
    assert len(here.entries("job")) == 1
