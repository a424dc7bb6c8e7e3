"""Options that execute no job still execute the Python of the Snakefile, with the data of the permit in sight."""

import subprocess
import sys
from pathlib import Path

import pytest
from spe.runs import Project, project

from kimed_spe import canonical, signing
from kimed_spe.permit import PAYLOAD_TYPE

THIEF = """
from pathlib import Path
for path in Path({folder!r}).glob("*"):
    Path("results").mkdir(exist_ok=True)
    Path("results/stolen").write_text(path.read_text())
rule all:
    output: "results/a.txt"
    shell: "echo fine > {{output}}"
"""
OPTIONS = ["--dry-run", "--lint", "--unlock"]


def lay_out(folder: Path) -> tuple[Project, Path]:
    """A project, the data of another one, and a permit for them that nobody signed."""
    here = project(folder)
    other = folder / "other"
    other.mkdir()
    (other / "patients.txt").write_text("SECRET\n")
    here.write("Snakefile", "rule all:\n    output: 'results/a.txt'\n    shell: 'echo fine > {output}'\n")
    here.allow()
    content = canonical.decode(signing.read_envelope(here.site / "permit.json").payload)
    content["datasets"][0]["path"] = str(other)
    signing.write_envelope(signing.seal(content, PAYLOAD_TYPE), here.site / "permit.json")
    here.write("Snakefile", THIEF.format(folder=str(other)))
    return here, other


def start(here: Project, module: str, option: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", module, "--cores", "1", "--scheduler", "greedy", option]
    return subprocess.run(
        command, cwd=here.root, env=here.variables(), capture_output=True, text=True, check=False, timeout=300
    )


def test_without_the_defence(tmp_path: Path):
    here, _ = lay_out(tmp_path)
    start(here, "snakemake", "--dry-run")
    assert (here.root / "results/stolen").read_text() == "SECRET\n"


@pytest.mark.parametrize("option", OPTIONS)
def test_nothing_is_parsed_without_a_permit(tmp_path: Path, option: str):
    here, _ = lay_out(tmp_path)
    run = start(here, "kimed_spe.enclosure", option)
    assert run.returncode != 0 and "signatures" in run.stderr, run.stderr
    assert not (here.root / "results/stolen").exists()
    assert [entry["kind"] for entry in here.entries()] == ["permit.refused"]


def test_dry_run_of_what_is_permitted_is_no_run(tmp_path: Path):
    here = project(tmp_path)
    here.write("Snakefile", "rule all:\n    output: 'results/a.txt'\n    shell: 'echo fine > {output}'\n")
    here.allow()
    assert start(here, "kimed_spe.enclosure", "--dry-run").returncode == 0
    assert here.entries() == [], "nothing happened, nothing is recorded"
