"""One patient of the test data through the whole workflow; the tests of the rules look at its parts."""

import csv
from pathlib import Path

import pytest
import yaml
from genomics_steps import AnotherCaller

PATIENT = "P003"


@pytest.fixture(scope="session")
def one_patient_config(repository, tmp_path_factory):
    """Config of the workflow for one patient."""
    folder = tmp_path_factory.mktemp("genomics_sheet")
    with (repository / "config" / "genomics.samples.tsv").open(newline="") as handle:
        rows = [row for row in csv.DictReader(handle, delimiter="\t") if row["patient_id"] == PATIENT]
    sheet = folder / "samples.tsv"
    with sheet.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0], delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return {**yaml.safe_load((repository / "config" / "genomics.yaml").read_text()), "samples": str(sheet)}


@pytest.fixture(scope="session")
def genomics_run(snakemake_run, one_patient_config, tmp_path_factory):
    """Results of a run on the normal and the tumour of one patient."""
    root = tmp_path_factory.mktemp("genomics_run")
    snakemake_run("genomics", root, config=one_patient_config)
    return root / "genomics"


@pytest.fixture(scope="session")
def genomics_settings(repository):
    """The shipped config."""
    return yaml.safe_load((repository / "config" / "genomics.yaml").read_text())


@pytest.fixture
def normals(repository, tmp_path):
    """A function that writes a sheet with the normals of some patients."""

    def write(*patients):
        with (repository / "config" / "genomics.samples.tsv").open(newline="") as handle:
            rows = [one for one in csv.DictReader(handle, delimiter="\t") if one["role"] == "normal"]
        sheet = tmp_path / "samples.tsv"
        with sheet.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, rows[0], delimiter="\t", lineterminator="\n")
            writer.writeheader()
            writer.writerows(one for one in rows if one["patient_id"] in patients)
        return str(sheet)

    return write


@pytest.fixture
def another_caller(snakemake_run, genomics_settings, normals, tmp_path):
    """Make an `AnotherCaller` by its name."""

    def make(name):
        germline = {**genomics_settings["germline"], "caller": name}
        config = {**genomics_settings, "germline": germline, "samples": normals("P003")}
        return AnotherCaller(name, snakemake_run, config, tmp_path / "out")

    return make


@pytest.fixture
def planned_somatic(snakemake_run, one_patient_config, tmp_path):
    """What Snakemake would run for the somatic variants of one patient with another caller."""

    def plan(caller, *, alone=False, check=True, **config):
        settings = {**one_patient_config, **config, "somatic": {**one_patient_config["somatic"], "caller": caller}}
        if alone:
            lines = Path(settings["samples"]).read_text().splitlines(keepends=True)
            settings["samples"] = str(tmp_path / "alone.tsv")
            (tmp_path / "alone.tsv").write_text("".join(one for one in lines if "_normal" not in one))
            panel = one_patient_config["reference"].replace("reference.fa.gz", "../truth/genomics/P003_normal.vcf.gz")
            settings["somatic"]["panel_of_normals"] = panel
        target = tmp_path / "out" / "genomics" / "somatic" / "P003_tumour.vcf.gz"
        return snakemake_run("genomics", tmp_path / "out", str(target), "--dry-run", config=settings, check=check)

    return plan
