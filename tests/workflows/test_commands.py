"""What a newcomer types works from a clone: `snakemake --profile spe [workflow]`, listed targets, clear refusals."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DEMONSTRATORS = ("genomics", "singlecell", "imaging", "clinical_text", "cohort")


def snakemake(repository: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=repository, env={**os.environ, **environment}, text=True, capture_output=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("targets", [(), (*DEMONSTRATORS, "packaged")], ids=["default", "named"])
def test_profile_plans_every_target(repository: Path, permitted: dict[str, str], targets: tuple[str, ...]):
    config = ("--config", "pathvars={root: results/never}")
    run = snakemake(repository, "--profile", "spe", *targets, "--dry-run", *config, **permitted)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "KIMed profile 'spe'" in run.stderr
    jobs = [line for line in run.stdout.splitlines() + run.stderr.splitlines() if line.startswith("total")]
    assert jobs and int(jobs[0].split()[1]) > 5


@pytest.mark.parametrize("workflow", DEMONSTRATORS)
def test_plain_snakemake_plans_every_workflow(repository: Path, tmp_path: Path, workflow: str):
    arguments = ("-s", f"workflows/{workflow}/Snakefile", "--dry-run", "--cores", "1")
    run = snakemake(repository, *arguments, "--config", f"pathvars={{root: {tmp_path}}}")
    assert run.returncode == 0, run.stdout + run.stderr


def test_forced_choice_that_does_not_exist_is_refused(repository: Path):
    run = snakemake(repository, "--profile", "spe", "--dry-run", KIMED_SOFTWARE="docker")
    assert run.returncode != 0
    assert "use one of host, conda" in run.stdout + run.stderr


def test_typing_error_in_config_is_refused_before_any_job(repository: Path, tmp_path: Path):
    config = tmp_path / "config.yaml"
    config.write_text(f"pathvars: {{root: {tmp_path}}}\nsampels: here.tsv\n")
    run = snakemake(repository, "-s", "workflows/genomics/Snakefile", "--cores", "1", "--configfile", str(config))
    assert run.returncode != 0
    assert "'sampels'" in run.stderr and "known:" in run.stderr
    assert not (tmp_path / "genomics").exists()


def test_second_run_has_nothing_to_do(repository: Path, cohort_run: Path):
    run = snakemake(
        repository, "-s", "workflows/cohort/Snakefile", "cohort", "--cores", "1", "--dry-run",
        "--config", f"pathvars={{root: {cohort_run}}}",
    )  # fmt: skip
    assert "Nothing to be done" in run.stdout + run.stderr, run.stdout[-3000:]
