"""The register of a real run: complete, verifiable, and silent about everything it must not hold."""

from pathlib import Path

import pytest
from spe.runs import project

from kimed_spe import audit, scan, signing
from kimed_spe.cli import main
from kimed_spe.register import Register

SNAKEFILE = """
rule all:
    input: "results/MRN-00418273.txt"

rule copy:
    input: "data/{person}.txt"
    output: "results/{person}.txt"
    shell: "cp {input} {output}"
"""
CHAIN = """
rule all:
    input: "results/last.txt"

rule first:
    input: "data/x.txt"
    output: "results/first.txt", directory("results/parts")
    shell: "cp {input} {output[0]}; mkdir {output[1]}; cp {input} {output[1]}/a"

rule last:
    input: "results/first.txt", "results/parts"
    output: "results/last.txt"
    shell: "cat {input[0]} {input[1]}/a > {output}"
"""


def test_register_of_a_run(tmp_path: Path):
    here = project(tmp_path)
    here.environment["SECRET_OF_THE_SITE"] = "correct-horse-battery"
    here.write("Snakefile", SNAKEFILE)
    here.write("data/MRN-00418273.txt", "Erlenfurtner, Anna\n")
    run = here.run("--scheduler", "greedy")
    assert run.returncode == 0, run.stdout
    kinds = [entry["kind"] for entry in here.entries()]
    assert kinds[:2] == ["permit.accepted", "run.start"] and kinds[-1] == "run.stop"
    (job,) = [entry["content"] for entry in here.entries("job") if entry["content"]["rule"] == "copy"]
    assert job["exit_code"] == 0 and len(job["sandbox"]) == 64
    assert job["inputs"].keys() == {"data/MRN-00418273.txt"}

    register = Register(here.register)
    key = signing.read_signer(here.site / "site/register.pem")
    register.checkpoint(key)
    verify = ["audit", "verify", "--register", str(register.path), "--trust", str(here.site / "site/trust")]
    files = ["--files", str(here.root)]
    assert main([*verify, *files]) == 0
    (here.root / "results/MRN-00418273.txt").write_text("another result\n")
    assert main(verify) == 0 and main([*verify, *files]) == 1

    # Contents and secrets never reach it. Names of files do: workflows must run on pseudonyms, which `spe scan` checks.
    found = list(scan.scan([register.path], {1: "Erlenfurtner", 2: "correct-horse-battery", 3: "MRN-00418273"}))
    assert {hit.form.number for hit in found if isinstance(hit, scan.Hit)} == {3}
    assert audit.read(register).findings == []


def test_results_changed_between_two_jobs_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    here = project(tmp_path)
    here.write("Snakefile", CHAIN)
    here.write("data/x.txt", "honest\n")
    verify = ["audit", "verify", "--register", str(here.register), "--trust", str(here.site / "site/trust")]
    assert here.run("--scheduler", "greedy").returncode == 0
    assert main(verify) == 0, capsys.readouterr().out
    # Somebody prefers another intermediate result and runs only what comes after it.
    (here.root / "results/first.txt").write_text("better\n")
    (here.root / "results/last.txt").unlink()
    assert here.run("--scheduler", "greedy", sign=False).returncode == 0
    assert (here.root / "results/last.txt").read_text() == "better\nhonest\n"
    assert main(verify) == 1
    assert "results/first.txt was changed between" in capsys.readouterr().out
