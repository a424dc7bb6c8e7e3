"""Each case is judged once, by a network that never saw it; the summary is that of the cases."""

from pathlib import Path

import cross_validate_segmentation
import imaging_steps
import numpy as np
import pandas as pd
import pytest

import kimedlib.imaging_training as training
from kimedlib.imaging_uncertainty import reach


def run(folder: Path, target: Path, folds: int = 2) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = pd.read_csv(folder / "training.tsv", sep="\t", dtype=str)
    cross_validate_segmentation.main(
        sheet=folder / "training.tsv", images=[Path(path) for path in rows["image"]],
        labels=[Path(path) for path in rows["label"]], table=target / "t.tsv", summary=target / "s.tsv",
        settings=imaging_steps.NETWORK | {"cross_validation": {"folds": folds}, "validation_fraction": 0.5}, gpus=0,
    )  # fmt: skip
    return pd.read_csv(target / "t.tsv", sep="\t"), pd.read_csv(target / "s.tsv", sep="\t")


def test_every_case_once_by_a_network_that_never_saw_it(chain, tmp_path, monkeypatch):
    seen: list[set[int]] = []
    fit = training.fit

    def watched(network, trains, validates, *rest):
        seen.append({hash(case["image"].tobytes()) for case in (*trains, *validates)})
        return fit(network, trains, validates, *rest)

    monkeypatch.setattr(training, "fit", watched)
    table, summary = run(chain, tmp_path)
    names = pd.read_csv(chain / "training.tsv", sep="\t", dtype=str)
    assert sorted(table["case_id"]) == sorted(names["case_id"])
    images = {row["case_id"]: Path(row["image"]) for row in names.to_dict("records")}
    for case, fold in zip(table["case_id"], table["fold"], strict=True):
        loaded = training.load_cases([images[case]], [images[case]], imaging_steps.NETWORK["intensity"])
        assert hash(loaded[0]["image"].tobytes()) not in seen[fold - 1]
    assert [len(part) for part in seen] == [2, 2]
    row = summary.iloc[0]
    assert (row["region"], row["cases"]) == ("lesion", 4)
    assert row["mean_dice"] == pytest.approx(table["dice"].mean(), rel=1e-4)
    assert row["held_share"] == (table["held"] == "yes").mean()
    assert row["held_low"] <= row["held_share"] <= row["held_high"]


def test_folds():
    names = [f"c{number}" for number in range(11)]
    folds = cross_validate_segmentation.folds_of(names, 4, 1)
    assert sorted(index for fold in folds for index in fold) == list(range(11))
    assert {len(fold) for fold in folds} == {2, 3}
    with pytest.raises(ValueError, match="11 cases do not fill 12 folds"):
        cross_validate_segmentation.folds_of(names, 12, 1)


def test_share_of_intervals_that_hold_is_counted_right():
    """Errors drawn from one distribution: intervals of n calibration cases hold as often as conformal theory says."""
    draw = np.random.default_rng(7)
    held = []
    for _ in range(3000):
        scores = np.abs(draw.standard_normal(16)).tolist()
        held.append(abs(draw.standard_normal()) <= reach(scores)[0])
    assert np.mean(held) == pytest.approx(16 / 17, abs=0.015)
