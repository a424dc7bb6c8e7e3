"""All features per region, the same on one process and two; only what is stable goes on."""

import measure_biomarkers
import nibabel as nib
import numpy as np
import pandas as pd
import pytest

SETTINGS = {
    "biomarkers": {
        "ct": {
            "modalities": ["CT"], "spacing": [2, 2, 2], "interpolation": "linear", "rounding": True,
            "window": [-1000, 400], "sigmas": None, "bins": {"kind": "width", "value": 25},
            "volume_bins": {"kind": "width", "value": 2.5}, "aggregation": ["3d"],
        }
    },
    "perturbations": {"rotations": [-8], "shifts": [0.25], "growth": [0.1], "noise": 1, "seed": 1},
    "stable_from": 0.75,
}  # fmt: skip


def run(folder, target, processes):
    target.mkdir()
    measure_biomarkers.main(
        bids=folder / "bids", conversion=folder / "conversion.tsv", checks=folder / "checks.tsv", model=[], masks=[],
        outlines=[folder / "outlines"], biomarkers_table=target / "b.tsv", stability=target / "s.tsv",
        stable=target / "k.tsv", picture=target / "p.png", settings=SETTINGS, processes=processes,
    )  # fmt: skip
    return target


@pytest.fixture(scope="module")
def lesions(tmp_path_factory):
    """Five spheres of different size and brightness in the same noise, an image of another modality, an empty one."""
    folder = tmp_path_factory.mktemp("lesions")
    for name in ("bids", "outlines"):
        (folder / name).mkdir()
    random = np.random.default_rng(1)
    names = [*(f"s{number}" for number in range(5)), "mr", "empty"]
    for number, name in enumerate(names):
        grid = np.indices((24, 24, 14)) - np.reshape((11.5, 11.5, 6.5), (3, 1, 1, 1))
        inside = (grid**2).sum(axis=0) <= (4 + 0.4 * number) ** 2
        data = (np.where(inside, 20 + 15 * number, -60) + random.normal(0, 12, inside.shape)).astype(np.int16)
        mask = (inside & (name != "empty")).astype(np.uint8)
        for kind, values in (("bids", data), ("outlines", mask)):
            nib.save(nib.Nifti1Image(values, np.diag([2.0, 2.0, 3.0, 1.0])), folder / kind / f"{name}.nii.gz")
    frame = pd.DataFrame({"sample": names, "patient_id": names, "task": "outline", "refused": ""})
    frame["modality"] = ["MR" if name == "mr" else "CT" for name in names]
    frame["image"] = frame["sample"] + ".nii.gz"
    frame.to_csv(folder / "conversion.tsv", sep="\t", index=False)
    frame.assign(check="c", found="", allowed="", passed="yes").to_csv(folder / "checks.tsv", sep="\t", index=False)
    run(folder, folder / "two", 2)
    return folder


def test_tables(lesions):
    table = pd.read_csv(lesions / "two/b.tsv", sep="\t")
    assert set(table["sample"]) == {f"s{number}" for number in range(5)}
    assert table["feature"].nunique() == 210
    volume = table[table["feature"] == "morph_volume"].set_index("sample")["value"]
    truth = 4 / 3 * np.pi * ((4 + 0.4 * np.arange(5)) ** 3)  # voxels, and those of the ball in mm cover 2 x 2 x 3
    assert volume.to_numpy() == pytest.approx(truth * 12, rel=0.1)


def test_only_stable_features_go_on(lesions):
    stability = pd.read_csv(lesions / "two/s.tsv", sep="\t").set_index("feature")
    assert stability.loc["stat_mean", "stable"] == "yes"
    assert stability.loc["morph_volume", "icc_low"] > 0.75
    # noise alone decides about it
    assert stability.loc["stat_skew", "stable"] == "no"
    kept = pd.read_csv(lesions / "two/k.tsv", sep="\t")
    assert list(kept["sample"]) == [f"s{number}" for number in range(5)]
    wanted = {f"ct.{name}" for name in stability.index[stability["stable"] == "yes"]}
    assert set(kept.columns) - {"sample", "patient_id", "modality", "region"} == wanted
    assert (lesions / "two/p.png").stat().st_size > 10_000


def test_same_bytes_on_one_process(lesions):
    run(lesions, lesions / "one", 1)
    for name in ("b.tsv", "s.tsv", "k.tsv", "p.png"):
        assert (lesions / "one" / name).read_bytes() == (lesions / "two" / name).read_bytes()


def test_nothing_to_measure_gives_empty_tables(lesions, tmp_path):
    for name in ("conversion.tsv", "checks.tsv"):
        rows = pd.read_csv(lesions / name, sep="\t", keep_default_na=False)
        rows[rows["sample"] == "empty"].to_csv(tmp_path / name, sep="\t", index=False)
    for name in ("bids", "outlines"):
        (tmp_path / name).symlink_to(lesions / name)
    run(tmp_path, tmp_path / "none", 1)
    assert pd.read_csv(tmp_path / "none/b.tsv", sep="\t").empty
    assert pd.read_csv(tmp_path / "none/k.tsv", sep="\t").empty


def test_two_regions_are_too_few(lesions, tmp_path):
    for name in ("conversion.tsv", "checks.tsv"):
        pd.read_csv(lesions / name, sep="\t", keep_default_na=False)[:2].to_csv(tmp_path / name, sep="\t", index=False)
    for name in ("bids", "outlines"):
        (tmp_path / name).symlink_to(lesions / name)
    run(tmp_path, tmp_path / "few", 1)
    assert set(pd.read_csv(tmp_path / "few/s.tsv", sep="\t")["stable"]) == {"too_few"}
    assert list(pd.read_csv(tmp_path / "few/k.tsv", sep="\t").columns) == ["sample", "patient_id", "modality", "region"]


def test_error_says_whose_region_and_which_section(lesions, tmp_path, monkeypatch):
    section = {**SETTINGS["biomarkers"]["ct"], "bins": {"kind": "none"}}
    monkeypatch.setitem(SETTINGS["biomarkers"], "ct", section)
    with pytest.raises(ValueError, match=r"s0, lesion, radiomics\.biomarkers\.ct: .*choose a bin width"):
        run(lesions, tmp_path / "x", 1)
