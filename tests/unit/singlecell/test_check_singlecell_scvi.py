"""scVI is refused before any job where it cannot be trained, each time with a remedy."""

import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from kimedlib.check_singlecell import check_files
from kimedlib.check_singlecell_scvi import scvi_problems

REPOSITORY = Path(__file__).resolve().parents[3]
FRAME = pd.DataFrame({"batch": ["a", "b"]})


@pytest.fixture
def python(tmp_path):
    """A stand-in for a Python that has, or lacks, the package."""

    def made(status):
        path = tmp_path / f"python{status}"
        path.write_text(f"#!/bin/sh\nexit {status}\n")
        path.chmod(0o755)
        return str(path)

    return made


def config(**scvi):
    settings = yaml.safe_load((REPOSITORY / "config/singlecell.yaml").read_text())
    update_config(settings, yaml.safe_load((REPOSITORY / "config/scvi/singlecell.yaml").read_text()))
    settings["scvi"] |= scvi
    return settings


def said(settings, conda=False, frame=FRAME):
    return "\n".join(map(str, scvi_problems(settings, frame, conda)))


def test_nothing_is_said_where_all_is_there_or_scvi_is_not_asked_for(python):
    assert said(config(python=python(0))) == ""
    settings = config(python="/not/there")
    settings["embedding"]["integration"] = ["none", "harmony"]
    assert said(settings) == ""


def test_missing_tool_is_refused_with_remedy(python):
    found = said(config(python=python(1)))
    assert "scvi needs scvi-tools" in found and python(1) in found
    assert "scvi.python" in found and "--software-deployment-method conda" in found
    assert "'/not/there' is no programme" in said(config(python="/not/there"))


def test_conda_brings_it_unless_the_config_names_a_python(python, monkeypatch):
    monkeypatch.setattr(sys, "executable", python(1))
    assert said(config(), conda=True) == "" and f"{python(1)} lacks" in said(config())
    assert "lacks" in said(config(python=python(1)), conda=True)


def test_needs_counts_and_its_section(python):
    settings = config(python=python(0))
    settings["input"]["state"] = "lognormalised"
    assert "needs raw counts" in said(settings)
    del settings["scvi"]
    found = said(settings)
    assert "needs raw counts" in found and "section scvi: is missing" in found and "config/scvi/" in found


def test_one_batch_is_said_and_runs(python, caplog):
    assert said(config(python=python(0)), frame=FRAME.assign(batch="a")) == ""
    assert "all samples are one batch (column batch): scVI will not be trained" in caplog.text


def test_it_is_among_all_problems_of_a_sheet():
    columns = ("sample", "patient_id", "condition", "batch", "counts", "subset", "labels")
    frame = pd.DataFrame([dict.fromkeys(columns, "") | {"counts": "absent.h5"}])
    found = "\n".join(map(str, check_files(frame, "sheet.tsv", config(python="/not/there"))))
    assert "'absent.h5' does not exist" in found and "'/not/there' is no programme" in found
