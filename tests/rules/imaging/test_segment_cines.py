"""A heart is outlined by a network that never saw its contours."""

import json

import cine_steps
import nibabel as nib
import numpy as np
import pandas as pd
import pytest


def test_network_learned_from_others(cines):
    said = json.loads((cines / "folds/0/model.json").read_text())
    assert said["outlined"] == ["C001"] and said["trained_on"] == ["C002", "C003"]
    assert said["loss"][-1] < 0.5 * said["loss"][0]
    assert [path.name for path in (cines / "folds/0/regions").iterdir()] == ["C001_cine.nii.gz"]


def test_outlines(cines):
    found = np.asarray(nib.load(cines / "folds/0/regions/C001_cine.nii.gz").dataobj)
    truth = np.asarray(nib.load(cines / "references/C001_cine.nii.gz").dataobj)
    outlined = (truth == 1).any(axis=(0, 1))
    inside, known = (found == 1)[:, :, outlined], (truth == 1)[:, :, outlined]
    assert 2 * (inside & known).sum() / (inside.sum() + known.sum()) > 0.85
    assert set(np.unique(found)) == {0, 1, 2}


def test_same_seed_same_bytes(cines, repository, tmp_path):
    for name in ("first", "second"):
        cine_steps.segment(repository, cines, tmp_path / name, fold=1, epochs=1, channels=2)
    for name in ("weights.pt", "model.json", "regions/C002_cine.nii.gz"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_nobody_to_learn_from(cines, tmp_path, repository):
    table = pd.read_csv(cines / "frames.tsv", sep="\t")
    table.loc[table["patient_id"] != "C001", ["inner_mm2", "outer_mm2"]] = np.nan
    for name in ("images", "references"):
        (tmp_path / name).symlink_to(cines / name)
    table.to_csv(tmp_path / "frames.tsv", sep="\t", index=False)
    with pytest.raises(ValueError, match="fold 0: no patient but C001 has contours"):
        cine_steps.segment(repository, tmp_path, tmp_path / "out", fold=0)
