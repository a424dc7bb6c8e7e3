"""Images land where position and time put them; contours keep their area; one bad series does not stop the others."""

import shutil

import cine_steps
import measure_cines
import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from kimedlib.cine_volumes import ventricular_function

FILES = ("frames.tsv", "images/C002_cine.nii.gz", "references/C002_cine.nii.gz")


def test_slices_phases_and_a_missing_slice(cines):
    table = pd.read_csv(cines / "frames.tsv", sep="\t")
    shape = table.groupby("sample")[["slice", "phase"]].max() + 1
    assert shape.loc["C001_cine"].tolist() == [6, 5]
    assert shape.loc["C002_cine"].tolist() == [5, 4]
    places = np.unique(table.loc[table["sample"] == "C002_cine", "place_mm"])
    assert np.diff(places) == pytest.approx([10, 10, 20, 10], abs=0.01)
    image = nib.load(cines / "images/C002_cine.nii.gz")
    assert image.shape == (48, 48, 5, 4)
    assert nib.affines.voxel_sizes(image.affine)[:3] == pytest.approx([3.2, 3.2, 10.0], abs=1e-3)


def test_contours_lie_on_bright_blood(cines):
    pixels = np.asarray(nib.load(cines / "images/C001_cine.nii.gz").dataobj)
    labels = np.asarray(nib.load(cines / "references/C001_cine.nii.gz").dataobj)
    assert pixels[labels == 1].mean() > 180 and 70 < pixels[labels == 2].mean() < 120


def test_refused_series_are_listed_and_order_of_files_does_not_matter(cines, repository, tmp_path):
    series = [repository / path for path in cine_steps.SHEET["image"]]
    (tmp_path / "refused").mkdir()
    (tmp_path / "one").mkdir()
    first = sorted(series[2].iterdir())[0]
    (tmp_path / "one" / first.name).write_bytes(first.read_bytes())
    shuffled = tmp_path / "shuffled"
    shuffled.mkdir()
    for number, path in enumerate(sorted(series[1].iterdir(), reverse=True)):
        (shuffled / f"{number:03d}").write_bytes(path.read_bytes())
    cine_steps.sort(repository, tmp_path / "out", [tmp_path / "refused", shuffled, tmp_path / "one"])
    refused = pd.read_csv(tmp_path / "out/refused.tsv", sep="\t").set_index("sample")["step"]
    assert refused.to_dict() == {"C001_cine": "deidentify_series", "C003_cine": "sort_cines"}
    for name in FILES[1:]:
        assert (tmp_path / "out" / name).read_bytes() == (cines / name).read_bytes()


def test_slices_that_were_not_exported(cines, repository, tmp_path):
    """The contours of two missing slices are left out and listed; the ejection fraction stays as planted."""
    series = [repository / path for path in cine_steps.SHEET["image"]]
    (tmp_path / "fewer").mkdir()
    for path in series[0].iterdir():
        place = (int(path.stem.split("-")[2]) - 1) // 5
        if place not in {2, 5}:
            (tmp_path / "fewer" / path.name).write_bytes(path.read_bytes())
    cine_steps.sort(repository, tmp_path / "out", [tmp_path / "fewer", *series[1:]])
    refused = pd.read_csv(tmp_path / "out/refused.tsv", sep="\t").set_index("sample")["reason"]
    assert refused["C001_cine"].endswith("contours of 4 images that are missing: 11, 13, 26, 28")
    table = pd.read_csv(tmp_path / "out/frames.tsv", sep="\t").query("sample == 'C001_cine'")
    places = table.groupby("slice")["place_mm"].mean().to_numpy()
    inner, outer = measure_cines.contour_areas(table)
    assert ventricular_function(inner, outer, places, 10.0).ef_percent == pytest.approx(58.0, abs=0.05)


def test_outer_contours_beside_the_heart(cines, repository, tmp_path):
    """One wrong outer contour: the series gets no mass and trains no wall; cavity and other series stay as they are."""
    contours = tmp_path / "contours"
    shutil.copytree(repository / cine_steps.SHEET["contours"][0], contours)
    outer = sorted(contours.rglob("*ocontour*.txt"))
    points = np.loadtxt(outer[0])
    np.savetxt(outer[0], points + np.array([0.6 * np.ptp(points[:, 0]), 0]), fmt="%.2f")
    cine_steps.sort(repository, tmp_path / "out", contours=[contours, *cine_steps.SHEET["contours"][1:]])
    refused = pd.read_csv(tmp_path / "out/refused.tsv", sep="\t").set_index("sample")["reason"]
    number = int(outer[0].name.split("-")[2])
    assert refused.to_dict() == {
        "C001_cine": f"no mass and no wall by contours: outer ones of 1 images do not enclose the inner ones: {number}"
    }
    before, after = (
        pd.read_csv(folder / "frames.tsv", sep="\t").set_index("sample") for folder in (cines, tmp_path / "out")
    )
    assert after.loc["C001_cine", "outer_mm2"].isna().all() and before.loc["C001_cine", "outer_mm2"].notna().any()
    pd.testing.assert_series_equal(after["inner_mm2"], before["inner_mm2"])
    pd.testing.assert_frame_equal(after.drop("C001_cine"), before.drop("C001_cine"))
    labels = np.asarray(nib.load(tmp_path / "out/references/C001_cine.nii.gz").dataobj)
    assert set(np.unique(labels)) == {0, 1}
    places = after.loc["C001_cine"].groupby("slice")["place_mm"].mean().to_numpy()
    found = ventricular_function(*measure_cines.contour_areas(after.loc["C001_cine"]), places, 10.0)
    assert np.isnan(found.mass_g) and found.ef_percent == pytest.approx(58.0, abs=0.05)


def test_nothing_left(repository, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no cine series is left"):
        cine_steps.sort(repository, tmp_path / "out", [tmp_path / "empty"] * 3)
