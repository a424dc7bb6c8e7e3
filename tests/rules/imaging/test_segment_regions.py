"""Label maps lie on the image; images of another resolution are an input error."""

import json

import nibabel as nib
import numpy as np
import pytest
import segment_regions

from kimedlib.problems import InputProblems


def test_masks(chain):
    mask = nib.load(chain / "regions/P001_ct.nii.gz")
    assert mask.shape == (44, 44, 16)
    assert set(np.unique(mask.dataobj)) <= {0, 1}
    assert [path.name for path in (chain / "regions").iterdir()] == ["P001_ct.nii.gz"]


def test_other_resolution(chain, tmp_path):
    said = json.loads((chain / "model/model.json").read_text()) | {"spacing_mm": [1.0, 1.0, 1.0]}
    (tmp_path / "model.json").write_text(json.dumps(said))
    with pytest.raises(InputProblems, match=r"trained on 1\.00x1\.00x1\.00 mm"):
        segment_regions.main(
            bids=chain / "bids", conversion=chain / "conversion.tsv", checks=chain / "checks.tsv",
            weights=chain / "model/weights.pt", model=tmp_path / "model.json", masks=tmp_path / "masks", gpus=0,
            doubt=tmp_path / "doubt", intervals=tmp_path / "i.tsv", picture=tmp_path / "d.png",
        )  # fmt: skip
