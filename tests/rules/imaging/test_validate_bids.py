"""Our data sets have no error by the validator, none of its warnings goes unexplained, and a broken data set stops."""

import shutil

import pandas as pd
import pytest
import validate_bids

from kimedlib.problems import InputProblems

needs_validator = pytest.mark.skipif(
    not shutil.which(validate_bids.COMMAND), reason="bids-validator-deno is not installed: make setup"
)


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
