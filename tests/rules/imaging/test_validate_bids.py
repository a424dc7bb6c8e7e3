"""Our data sets have no error by the validator, none of its warnings goes unexplained, and a broken data set stops."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import validate_bids
import write_derivatives

from kimedlib.problems import InputProblems

needs_validator = pytest.mark.skipif(
    not shutil.which(validate_bids.COMMAND), reason="bids-validator-deno is not installed: make setup"
)


@pytest.fixture(scope="module")
def derivatives(chain, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bids") / "derivatives"
    (sample,) = pd.read_csv(chain / "brains.tsv", sep="\t")["sample"]
    (folder.parent / "defaced").mkdir()
    shutil.copy(chain / f"brains/{sample}.nii.gz", folder.parent / f"defaced/{sample}.nii.gz")
    write_derivatives.main(
        conversion=chain / "conversion.tsv", brains=chain / "brains", model=[chain / "model/model.json"],
        masks=[chain / "regions"], outlines=[], defaced=[folder.parent / "defaced"], folder=folder,
    )  # fmt: skip
    return folder


def test_layout_of_derivatives(chain, derivatives):
    names = {str(path.relative_to(derivatives)) for path in derivatives.rglob("*") if path.is_file()}
    anat, ct = "sub-P001/anat/sub-P001", "sub-P001/ct/sub-P001_acq-P001ct"
    assert {
        f"{anat}_desc-brain_mask.nii.gz",
        f"{anat}_desc-brain_mask.json",
        f"{anat}_desc-defaced_T1w.nii.gz",
    } <= names
    assert {f"{ct}_dseg.nii.gz", f"{ct}_dseg.tsv"} <= names
    assert (derivatives / f"{ct}_dseg.tsv").read_text() == "index\tname\n1\tlesion\n"
    said = json.loads((derivatives / "dataset_description.json").read_text())
    assert said["DatasetType"] == "derivative" and said["GeneratedBy"]
    source = json.loads((derivatives / f"{anat}_desc-brain_mask.json").read_text())["Sources"]
    assert (chain / "bids" / source[0].removeprefix("bids:raw:")).exists()


@needs_validator
def test_no_errors_and_no_unexplained_warnings(chain, derivatives, tmp_path):
    validate_bids.main(folders=[chain / "bids", derivatives], table=tmp_path / "validation.tsv")
    found = pd.read_csv(tmp_path / "validation.tsv", sep="\t", keep_default_na=False)
    print(found[["dataset", "code", "detail"]].to_string())
    assert set(found["severity"]) <= {"warning"}
    assert not list(found.loc[found["why"] == "", "code"])


@needs_validator
def test_errors_stop(chain, tmp_path):
    shutil.copytree(chain / "bids", tmp_path / "bids")
    (tmp_path / "bids/sub-P001/anat/sub-P001_T1w.nii.gz").rename(tmp_path / "bids/sub-P001/anat/T1w_P001.nii.gz")
    (tmp_path / "bids/dataset_description.json").write_text('{"Name": 3}\n')
    with pytest.raises(InputProblems, match="NOT_INCLUDED"):
        validate_bids.main(folders=[tmp_path / "bids"], table=tmp_path / "validation.tsv")
    assert not (tmp_path / "validation.tsv").exists()


def test_without_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputProblems, match="make setup"):
        validate_bids.main(folders=[tmp_path], table=tmp_path / "x.tsv")


def test_nothing_was_made(chain, tmp_path):
    with pytest.raises(ValueError, match="no mask"):
        write_derivatives.main(
            conversion=chain / "conversion.tsv", brains=tmp_path, model=[], masks=[], outlines=[], defaced=[],
            folder=tmp_path / "out",
        )  # fmt: skip
