"""A planted field comes back, the level of the signal stays, and the brain is sought in the evened image."""

from importlib.util import find_spec
from pathlib import Path

import correct_bias
import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import segment_brains

from kimedlib.imaging_bias import bias_field
from kimedlib.imaging_qc import head_of

SETTINGS = {"shrink": 3, "iterations": [30, 30, 30]}
MM = 3


@pytest.fixture(scope="module")
def template() -> tuple[np.ndarray, np.ndarray]:
    """Every third voxel of nilearn's T1 template (a brain), and a field that doubles the signal across it."""
    spec = find_spec("nilearn")
    assert spec is not None and spec.origin is not None
    data = Path(spec.origin).parent / "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
    brain = np.pad(np.asarray(nib.load(data).dataobj)[::MM, ::MM, ::MM].astype(np.float32), 4)
    across = np.linspace(-1, 1, brain.shape[0])[:, None, None] + 0.5 * np.linspace(-1, 1, brain.shape[1])[:, None] ** 2
    return brain, np.broadcast_to(np.exp(0.35 * across), brain.shape).astype(np.float32)


def test_planted_field_comes_back(template):
    """What N4 finds more in the image with a field than in that without is the field."""
    brain, planted = template
    inside = head_of(brain)
    without, found = (bias_field(image, (MM,) * 3, **SETTINGS) for image in (brain, brain * planted))
    rest = np.log(found / without / planted)[inside]
    assert np.corrcoef(np.log(found / without)[inside], np.log(planted)[inside])[0, 1] > 0.97
    assert rest.std() < 0.25 * np.log(planted)[inside].std()
    assert np.log(without)[inside].std() < 0.5 * np.log(planted)[inside].std()
    assert float(found[head_of(brain * planted)].mean()) == pytest.approx(1, abs=1e-3)


def test_empty_image():
    with pytest.raises(ValueError, match="no head"):
        bias_field(np.zeros((20, 20, 20), np.float32), (1, 1, 1), **SETTINGS)


def test_step_and_brain_after_it(template, tmp_path):
    brain, planted = template
    (tmp_path / "bids").mkdir()
    nib.save(nib.Nifti1Image(brain * planted, np.diag([MM, MM, MM, 1.0])), tmp_path / "bids/image.nii.gz")
    row = {
        "sample": "h1",
        "patient_id": "P1",
        "modality": "MR",
        "task": "brain",
        "image": "image.nii.gz",
        "refused": "",
    }
    pd.DataFrame([row]).to_csv(tmp_path / "conversion.tsv", sep="\t", index=False)
    check = {"sample": "h1", "check": "c", "found": "", "allowed": "", "passed": "yes"}
    pd.DataFrame([check]).to_csv(tmp_path / "checks.tsv", sep="\t", index=False)
    common = {"bids": tmp_path / "bids", "conversion": tmp_path / "conversion.tsv", "checks": tmp_path / "checks.tsv"}
    for name in ("a", "b"):
        correct_bias.main(
            **common, folder=tmp_path / name, table=tmp_path / f"{name}.tsv", picture=tmp_path / f"{name}.png",
            **SETTINGS,
        )  # fmt: skip
    for one, other in (("a.tsv", "b.tsv"), ("a.png", "b.png"), ("a/h1.nii.gz", "b/h1.nii.gz")):
        assert (tmp_path / one).read_bytes() == (tmp_path / other).read_bytes(), one
    said = pd.read_csv(tmp_path / "a.tsv", sep="\t").iloc[0]
    assert said["field_low"] < 0.85 < 1.15 < said["field_high"]
    evened = np.asarray(nib.load(tmp_path / "a/h1.nii.gz").dataobj)
    sides = [float(np.median(part[part > 0])) for part in np.array_split(evened, 2)]
    assert sides[0] == pytest.approx(sides[1], rel=0.05)
    segment_brains.main(
        **common, masks=tmp_path / "m", evidence=tmp_path / "e.tsv", picture=tmp_path / "m.png", evened=[tmp_path / "a"]
    )
    assert list(pd.read_csv(tmp_path / "e.tsv", sep="\t")["accepted"]) == ["yes"]
