"""The planted brain volume is found."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest


def test_brain_volume(chain):
    mask = nib.load(chain / "brains/P001_mr.nii.gz")
    volume = np.count_nonzero(mask.dataobj) * abs(np.linalg.det(mask.affine[:3, :3])) / 1000
    assert volume == pytest.approx(1200, rel=0.05)
    evidence = pd.read_csv(chain / "brains.tsv", sep="\t", keep_default_na=False)
    assert list(evidence["accepted"]) == ["yes"]
