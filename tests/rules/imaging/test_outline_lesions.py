"""Given outlines arrive on the image's grid; a hot sphere is found around the hottest voxel."""

import nibabel as nib
import numpy as np
import outline_lesions
import pandas as pd
import pytest

from kimedlib.imaging_tables import region_folders, region_names
from kimedlib.imaging_uptake import outline_uptake

CENTRES = {"a": (12, 14, 10), "b": (26, 14, 10)}


def spheres() -> tuple[np.ndarray, np.ndarray]:
    """Background 1, a sphere of 8 with a cold core, a smaller one of 10."""
    grid = np.indices((36, 30, 20))
    away = {name: np.sqrt(((grid - np.reshape(at, (3, 1, 1, 1))) ** 2).sum(axis=0)) for name, at in CENTRES.items()}
    data = np.where(away["a"] <= 6, 8.0, 1.0)
    data[away["a"] <= 2] = 0.5
    data[away["b"] <= 3] = 10.0
    return data.astype(np.float32), away["a"] <= 6


def run(folder, rows):
    data, box = spheres()
    (folder / "bids").mkdir()
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    nib.save(nib.Nifti1Image(data, affine), folder / "bids/image.nii.gz")
    # a mask that is stored mirrored must land where it belongs
    search = np.zeros(data.shape, np.uint8)
    search[2:21] = 1
    mirrored = affine.copy()
    mirrored[0] = [-2.0, 0, 0, 2.0 * (data.shape[0] - 1)]
    nib.save(nib.Nifti1Image(search[::-1], mirrored), folder / "search.nii.gz")
    nib.save(nib.Nifti1Image(box.astype(np.uint8), affine), folder / "given.nii.gz")
    several = 2 * box.astype(np.int16)
    several[data == 10] = 7
    nib.save(nib.Nifti1Image(several[::-1], mirrored), folder / "several.nii.gz")
    frame = pd.DataFrame(rows, columns=["sample", "task", "outline"]).assign(patient_id="P1", modality="PT", image="x")
    frame.to_csv(folder / "sheet.tsv", sep="\t", index=False)
    frame.assign(image="image.nii.gz", refused="").to_csv(folder / "conversion.tsv", sep="\t", index=False)
    frame.assign(check="c", found="", allowed="", passed="yes").to_csv(folder / "checks.tsv", sep="\t", index=False)
    outline_lesions.main(
        sheet=folder / "sheet.tsv", bids=folder / "bids", conversion=folder / "conversion.tsv",
        checks=folder / "checks.tsv", outlines=[folder / f"{row[2]}.nii.gz" for row in rows if row[2]],
        masks=folder / "masks", table=folder / "table.tsv", settings={"method": "fraction", "value": 0.41},
        names={"2": "spleen"},
    )  # fmt: skip
    return pd.read_csv(folder / "table.tsv", sep="\t").set_index("sample"), data, box


def test_given_searched_and_anywhere(tmp_path):
    table, _, box = run(tmp_path, [("s1", "outline", "given"), ("s2", "uptake", "search"), ("s3", "uptake", "")])
    masks = {name: np.asarray(nib.load(tmp_path / f"masks/{name}.nii.gz").dataobj) == 1 for name in table.index}
    assert np.array_equal(masks["s1"], box)
    # within the box the larger sphere is the hottest; its cold core belongs to it
    assert np.array_equal(masks["s2"], box)
    assert masks["s3"][CENTRES["b"]]
    assert not masks["s3"][CENTRES["a"]]
    assert table.loc["s2", "threshold"] == pytest.approx(0.41 * 8)
    assert table.loc["s1", "volume_ml"] == pytest.approx(box.sum() * 8 / 1000)


def test_segmentation_of_several_regions(tmp_path):
    """Labels keep their values, those without a name get one; the volumes are those of the voxels that were given."""
    table, data, box = run(tmp_path, [("s1", "outline", "several"), ("s2", "outline", "given")])
    several = table.loc["s1"].set_index("region")["volume_ml"]
    assert several.to_dict() == pytest.approx(
        {"spleen": box.sum() * 8 / 1000, "label_7": (data == 10).sum() * 8 / 1000}
    )
    row = {"sample": "s1", "task": "outline"}
    folders = region_folders(tmp_path, [], [tmp_path / "masks"])
    assert region_names(row, {}, folders) == {2: "spleen", 7: "label_7"}
    assert region_names(row | {"sample": "s2"}, {}, folders) == {1: "lesion"}


def test_nothing_reaches_a_fixed_threshold():
    data, _ = spheres()
    assert not outline_uptake(data, None, "fixed", 11.0)[0].any()
    assert outline_uptake(data, None, "fixed", 9.0)[0].sum() == (data == 10).sum()
