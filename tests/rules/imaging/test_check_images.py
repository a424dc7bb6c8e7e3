"""Good images pass; an empty one fails and says so."""

import check_images
import nibabel as nib
import numpy as np
import pandas as pd


def test_good_images_pass(chain):
    table = pd.read_csv(chain / "checks.tsv", sep="\t")
    assert set(table["sample"]) == {"P001_ct", "P001_mr"}
    assert set(table["passed"]) == {"yes"}
    assert (chain / "checks.png").stat().st_size > 10_000


def test_empty_image_fails(tmp_path):
    (tmp_path / "bids").mkdir()
    nib.save(nib.Nifti1Image(np.zeros((20, 20, 20), np.int16), np.eye(4)), tmp_path / "bids/empty.nii.gz")
    (tmp_path / "conversion.tsv").write_text(
        "sample\tpatient_id\tmodality\ttask\timage\tslice_distance_mm\trefused\ne\tP1\tMR\tbrain\tempty.nii.gz\t1.5\t\n"
    )
    check_images.main(
        bids=tmp_path / "bids", conversion=tmp_path / "conversion.tsv", checks=tmp_path / "checks.tsv",
        picture=tmp_path / "p.png", minimum_slices=8,
    )  # fmt: skip
    failed = pd.read_csv(tmp_path / "checks.tsv", sep="\t").query("passed == 'no'")
    assert set(failed["check"]) == {"not_empty", "slice_distance", "field_of_view"}
