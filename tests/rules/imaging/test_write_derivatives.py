"""Masks and regions get the names and sidecars of BIDS Derivatives."""

import json

import pytest
import write_derivatives


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


def test_nothing_was_made(chain, tmp_path):
    with pytest.raises(ValueError, match="no mask"):
        write_derivatives.main(
            conversion=chain / "conversion.tsv", brains=tmp_path, model=[], masks=[], outlines=[], defaced=[],
            folder=tmp_path / "out",
        )  # fmt: skip
