"""The brain stays voxel by voxel, a planted face goes; heads without brain mask are not passed on."""

import deface_heads
import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from kimedlib.imaging_brain import brain_mask, to_image_grid, to_working_grid
from kimedlib.imaging_deface import deface, face_plane
from kimedlib.imaging_nifti import load_canonical, voxel_sizes
from kimedlib.imaging_phantom import Grid, blend, ellipsoid, t1_head

GRID = Grid((90, 112, 100), (2.2, 2.2, 2.2))
# centre and half axes, mm: nose, mouth with chin, eyelids
FACE = {
    "nose": ((0, 112, -48), (11, 16, 22)),
    "mouth": ((0, 84, -88), (32, 28, 20)),
    "left eye": ((-32, 92, -36), (14, 8, 9)),
    "right eye": ((32, 92, -36), (14, 8, 9)),
}


@pytest.fixture(scope="module")
def head():
    """A head with a planted face: image, true brain, true face by part."""
    phantom = t1_head(GRID, 1350, 4, np.random.default_rng(8))
    parts = {name: ellipsoid(GRID, *place) for name, place in FACE.items()}
    image = phantom.image
    for part in parts.values():
        image = blend(image, part, 205.0)
    outside = phantom.image < 30  # where the face stands out
    return image.astype(np.float32), phantom.share >= 0.5, {name: (part > 0.5) for name, part in parts.items()}, outside


def test_planted_face_goes_and_the_true_brain_stays(head):
    image, brain, face, _ = head
    found = to_image_grid(brain_mask(to_working_grid(image, GRID.spacing)), image.shape)
    cut, removed = deface(image, found, GRID.spacing, 3.0)
    assert np.array_equal(cut[found], image[found])
    assert not (removed & brain).any()  # the planted brain, not only what was found of it
    assert np.array_equal(cut[brain], image[brain])
    for name, part in face.items():
        assert (cut[part] == 0).mean() >= (1.0 if name in ("nose", "mouth") else 0.95), name
    assert (cut[~removed] == image[~removed]).all()


@pytest.mark.parametrize("turn", [-12, 12])
def test_plane_follows_a_nodding_head(head, turn):
    """The head turned about the line between the ears: the plane turns with it."""
    from scipy import ndimage

    _, brain, _, _ = head
    # an outline with one long side, as a brain has below its front
    flat = brain.copy()
    x, y, z = GRID.coordinates()
    flat &= (y * np.cos(np.deg2rad(45)) - z * np.sin(np.deg2rad(45)) < 55) & np.isfinite(x)
    turned = ndimage.rotate(flat.astype(np.float32), turn, axes=(1, 2), reshape=False, order=1) > 0.5
    change = face_plane(turned, GRID.spacing, 0).angle - face_plane(flat, GRID.spacing, 0).angle
    assert abs(abs(change) - 12) < 3


def test_empty_mask():
    with pytest.raises(ValueError, match="empty or flat"):
        deface(np.ones((5, 5, 5), np.float32), np.zeros((5, 5, 5), bool), (1, 1, 1), 3)


def test_step(chain, tmp_path):
    evidence = pd.read_csv(chain / "brains.tsv", sep="\t", dtype=str, keep_default_na=False)
    arguments = {
        "bids": chain / "bids", "conversion": chain / "conversion.tsv", "checks": chain / "checks.tsv",
        "brains": chain / "brains", "margin_mm": 3.0,
    }  # fmt: skip
    for number in range(2):
        out = tmp_path / str(number)
        deface_heads.main(
            **arguments, evidence=chain / "brains.tsv", folder=out / "defaced", table=out / "defaced.tsv",
            picture=out / "defaced.png",
        )  # fmt: skip
    (row,) = pd.read_csv(tmp_path / "0/defaced.tsv", sep="\t", keep_default_na=False).to_dict("records")
    assert row["defaced"] == "yes" and row["brain_voxels_changed"] == 0 and row["removed_ml"] > 50
    sample = row["sample"]
    brain = np.asarray(nib.load(chain / f"brains/{sample}.nii.gz").dataobj) > 0
    conversion = pd.read_csv(chain / "conversion.tsv", sep="\t").set_index("sample")
    before, _ = load_canonical(chain / "bids" / conversion.loc[sample, "image"])
    after, _ = load_canonical(tmp_path / f"0/defaced/{sample}.nii.gz")
    assert np.array_equal(before[brain], after[brain]) and not np.array_equal(before, after)
    for name in (f"defaced/{sample}.nii.gz", "defaced.png"):
        assert (tmp_path / "0" / name).read_bytes() == (tmp_path / "1" / name).read_bytes()
    evidence["accepted"], evidence["reasons"] = "no", "volume 9 ml"
    evidence.to_csv(tmp_path / "brains.tsv", sep="\t", index=False)
    deface_heads.main(
        **arguments, evidence=tmp_path / "brains.tsv", folder=tmp_path / "none", table=tmp_path / "none.tsv",
        picture=tmp_path / "none.png",
    )  # fmt: skip
    assert not list((tmp_path / "none").iterdir())
    assert "no brain mask: volume 9 ml" in (tmp_path / "none.tsv").read_text()


@pytest.mark.slow
@pytest.mark.real_data
def test_a_real_face_is_not_seen_from_the_front(kimed_data):
    """Skin that a viewer in front of the head sees below the brows: next to none of it is where it was."""
    data, image = load_canonical(kimed_data / "imaging/brainchop/t1_crop.nii.gz")
    brain = to_image_grid(brain_mask(to_working_grid(data, voxel_sizes(image))), data.shape)
    cut, _ = deface(data, brain, voxel_sizes(image), 3.0)
    assert np.array_equal(cut[brain], data[brain])
    level = 0.15 * np.percentile(data, 99)
    before, after = (np.where((v > level).any(1), (v[:, ::-1] > level).argmax(1), -1) for v in (data, cut))
    brows = 105  # row of the brows in this image, by eye
    face = (before[75:185, :brows] >= 0) & (before[75:185, :brows] < 110)
    kept = (before == after)[75:185, :brows][face].mean()
    print(f"skin seen from the front below the brows that stays: {100 * kept:.2f} %")
    assert face.sum() > 4000 and kept < 0.02
