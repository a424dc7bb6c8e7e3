"""Scores agree with what is computed by hand; without a reference there is an error."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import score_segmentation


def test_scores(chain):
    scores = pd.read_csv(chain / "scores.tsv", sep="\t").set_index(["sample", "metric"])["value"]
    found = np.asarray(nib.load(chain / "brains/P001_mr.nii.gz").dataobj) > 0
    truth = np.asarray(nib.as_closest_canonical(nib.load(chain / "brain.nii.gz")).dataobj) > 0
    by_hand = 2 * (found & truth).sum() / (found.sum() + truth.sum())
    assert scores["P001_mr", "dice_brain"] == pytest.approx(by_hand, abs=1e-6)
    assert by_hand > 0.95
    measured = pd.read_csv(chain / "measurements.tsv", sep="\t").set_index("region").loc["brain", "volume_ml"]
    assert scores["P001_mr", "volume_error_pct_brain"] == pytest.approx(100 * (measured / 1200 - 1), abs=0.05)
    assert scores["all", "mean_dice_brain"] == scores["P001_mr", "dice_brain"]


def test_no_reference(chain, tmp_path):
    sheet = tmp_path / "sheet.tsv"
    sheet.write_text("sample\tpatient_id\tmodality\ttask\timage\nP001_mr\tP001\tMR\tbrain\tx\n")
    with pytest.raises(ValueError, match="no measured sample has a reference"):
        score_segmentation.main(
            sheet=sheet, labels=[], bids=chain / "bids", conversion=chain / "conversion.tsv",
            measurements=chain / "measurements.tsv", brains=chain / "brains", model=[], masks=[],
            scores=tmp_path / "s.tsv", picture=tmp_path / "p.png", outlines=[],
        )  # fmt: skip
