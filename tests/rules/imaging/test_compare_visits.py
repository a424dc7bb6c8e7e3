"""The same head and lesion, scaled by a known factor at the second visit: the planted change is found."""

import compare_visits
import imaging_steps
import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import segment_regions

SCALE = 0.97  # of each edge of a voxel at the second visit
PLANTED = 100 * (SCALE**3 - 1)


@pytest.fixture(scope="module")
def visits(chain, tmp_path_factory):
    """Both images again with voxels of another size, through all steps from the gates on."""
    folder = tmp_path_factory.mktemp("visits")
    rows, conversion = [], []
    first = pd.read_csv(chain / "conversion.tsv", sep="\t", dtype=str, keep_default_na=False).set_index("sample")
    for sample in ("P001_ct", "P001_mr"):
        image = nib.load(chain / "bids" / first.loc[sample, "image"])
        for visit, scale in ((1, 1.0), (2, SCALE)):
            name = f"bids/v{visit}_{sample}.nii.gz"
            (folder / "bids").mkdir(exist_ok=True)
            copy = nib.Nifti1Image(np.asanyarray(image.dataobj), image.affine @ np.diag([scale, scale, scale, 1]))
            nib.save(copy, folder / name)
            row = {"sample": f"v{visit}_{sample}", **first.loc[sample, ["patient_id", "modality", "task"]]}
            rows.append(row | {"image": name, "visit": str(visit)})
            conversion.append(row | {"image": name[5:], "slice_distance_mm": "0", "refused": ""})
    pd.DataFrame(rows).to_csv(folder / "samples.tsv", sep="\t", index=False)
    pd.DataFrame(conversion).to_csv(folder / "conversion.tsv", sep="\t", index=False)
    common = {"bids": folder / "bids", "conversion": folder / "conversion.tsv"}
    imaging_steps.check_images.main(**common, checks=folder / "checks.tsv", picture=folder / "c.png", minimum_slices=8)
    imaging_steps.segment_brains.main(
        **common, checks=folder / "checks.tsv", masks=folder / "brains", evidence=folder / "brains.tsv",
        picture=folder / "brains.png",
    )  # fmt: skip
    segment_regions.main(
        **common, checks=folder / "checks.tsv", weights=chain / "model/weights.pt", model=chain / "model/model.json",
        masks=folder / "regions", doubt=folder / "doubt", intervals=folder / "intervals.tsv",
        picture=folder / "doubt.png", gpus=0,
    )  # fmt: skip
    imaging_steps.measure_regions.main(
        **common, checks=folder / "checks.tsv", evidence=folder / "brains.tsv", brains=folder / "brains",
        model=[chain / "model/model.json"], masks=[folder / "regions"], measurements=folder / "measurements.tsv",
        refused=folder / "refused.tsv", features=folder / "features.tsv", bin_width=10, outlines=[],
    )  # fmt: skip
    compare_visits.main(
        sheet=folder / "samples.tsv", measurements=folder / "measurements.tsv", intervals=[folder / "intervals.tsv"],
        changes=folder / "changes.tsv", picture=folder / "changes.png",
    )  # fmt: skip
    return folder


def test_planted_change_is_found(visits):
    found = pd.read_csv(visits / "changes.tsv", sep="\t").set_index("region")
    print(found.to_string())
    # the network sees the same voxels: exact but for the digits that are written; the brain mask works on a grid in mm
    assert found.loc["lesion", "change_pct"] == pytest.approx(PLANTED, abs=0.01)
    assert found.loc["brain", "change_pct"] == pytest.approx(PLANTED, abs=1.5)
    lesion = found.loc["lesion"]
    assert lesion["low_pct"] <= PLANTED <= lesion["high_pct"] and lesion["clear"] in ("yes", "no")
    assert (visits / "changes.png").stat().st_size > 1000


def test_intervals_and_doubt(visits):
    table = pd.read_csv(visits / "intervals.tsv", sep="\t")
    assert (table["low_ml"] <= table["volume_ml"]).all() and (table["volume_ml"] <= table["high_ml"]).all()
    assert (table["level"] == 0.5).all()  # one validation case promises no more
    doubt = np.asarray(nib.load(visits / "doubt/v1_P001_ct.nii.gz").dataobj)
    assert doubt.min() >= 0 and doubt.max() <= 100 and doubt.shape == (44, 44, 16)


def test_two_images_of_one_visit(visits, tmp_path):
    sheet = pd.read_csv(visits / "samples.tsv", sep="\t", dtype=str)
    sheet["visit"] = "1"
    sheet.to_csv(tmp_path / "samples.tsv", sep="\t", index=False)
    with pytest.raises(ValueError, match="visit 1: two images show"):
        compare_visits.main(
            sheet=tmp_path / "samples.tsv", measurements=visits / "measurements.tsv", intervals=[],
            changes=tmp_path / "changes.tsv", picture=tmp_path / "changes.png",
        )  # fmt: skip
    assert not (tmp_path / "changes.tsv").exists()
