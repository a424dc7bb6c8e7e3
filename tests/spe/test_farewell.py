"""What a workflow has to tell when its run ends is the last thing on the terminal, plain and governed."""

import shutil
from pathlib import Path

import pytest
from spe.runs import Project, project

REPOSITORY = Path(__file__).resolve().parents[2]
SNAKEFILE = """
include: "rules/common.smk"


from functools import partial

from kimedlib.singlecell_quarantine import farewell

say_at_the_end("results", partial(farewell, "results", "logs", ["s1", "s2"], ["qc_cells"]))


rule samples:
    input:
        "table.tsv",
    output:
        "results/samples.tsv",
    shell:
        "cp {input} {output}"


rule fails:
    input:
        "results/samples.tsv",
    output:
        "results/cells.h5ad",
    shell:
        "false"
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Project:
    made = project(tmp_path_factory.mktemp("farewell"))
    made.write("Snakefile", SNAKEFILE)
    for part in ("rules/common.smk", "scripts/kimedlib"):
        (made.root / part).parent.mkdir(exist_ok=True)
        copy = shutil.copy if part.endswith(".smk") else shutil.copytree
        copy(REPOSITORY / part, made.root / part)
    made.write("table.tsv", "sample\tstatus\tproblem\ns1\tused\t\ns2\tquarantined\tnine cells\n")
    made.write("logs/qc_cells/s2.log", "ERROR root: QUARANTINE: s2.h5: sample s2: nine of the log\n")
    return made


@pytest.mark.parametrize("sandboxed", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["plain", "governed"])
def test_samples_in_quarantine_are_told_last(study, sandboxed):
    if sandboxed and not shutil.which("bwrap"):
        pytest.skip("bubblewrap is not installed: make setup")
    study.clean()
    run = study.run("results/samples.tsv", sandboxed=sandboxed)
    assert run.returncode == 0, run.stdout
    done, _, told = run.stdout.partition("QUARANTINE: 1 of 2 samples")
    assert "(100%) done" in done and "    s2: nine cells\n" in told and "results/samples.tsv" in told
    failed = study.run("results/cells.h5ad", sandboxed=sandboxed)
    assert failed.returncode != 0 and "    s2: nine of the log\n" in failed.stdout
