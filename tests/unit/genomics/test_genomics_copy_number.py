"""Planted gains and losses are found where they are; tumours without any have none."""

import logging

import numpy as np
import pandas as pd
import pytest

from kimedlib.genomics_copy_number import log_ratios, segments, spread_among_normals

SETTINGS = {"significance": 0.0001, "minimum_bins": 5, "minimum_log2": 0.2, "minimum_usable_bins": 100}
BINS = 200
SIZE = 1000
PURITY = 0.8


def simulated(seed, planted=(), male=False, depth=80):
    """Depths of five normals and a tumour over two contigs; capture and GC shape all of them alike.

    `planted`: (first bin, last bin, copies in tumour cells) on contig 1.
    """
    rng = np.random.default_rng(seed)
    gc = np.clip(rng.normal(0.45, 0.08, 2 * BINS), 0.2, 0.7)
    capture = rng.lognormal(0, 0.35, 2 * BINS)
    copies = np.full(2 * BINS, 2.0)
    copies[BINS:] = 1 if male else 2

    def sequenced(copies, slope):
        mean = depth * capture * np.exp(slope * (gc - 0.45)) * copies / 2
        reads = rng.poisson(mean * SIZE / 100)  # reads of 100 bases
        return reads * 100 / SIZE

    tumour = copies.copy()
    for first, last, count in planted:
        tumour[first:last] = PURITY * count + (1 - PURITY) * copies[first:last]
    normals = [sequenced(copies, 1.0) for _ in range(5)]
    starts = np.tile(np.arange(BINS) * SIZE, 2)
    frame = pd.DataFrame(
        {
            "contig": ["1"] * BINS + ["X"] * BINS, "start": starts, "end": starts + SIZE, "gc": gc,
            "tumour": sequenced(tumour, 2.0), "normal": normals[0],
        }
    )  # fmt: skip
    return frame, normals


def called(seed, planted=(), **options):
    frame, normals = simulated(seed, planted, **options)
    spread = spread_among_normals(normals, (frame["contig"] == "X").to_numpy())
    return segments(log_ratios(frame, spread), SETTINGS)


@pytest.mark.parametrize("seed", range(4))
def test_a_planted_gain_and_a_planted_loss_are_found(seed):
    found = called(seed, [(40, 80, 4), (120, 150, 1)])
    altered = found[found["state"] != "neutral"]
    assert altered["state"].tolist() == ["gain", "loss"]
    for row, (first, last, copies) in zip(altered.itertuples(), [(40, 80, 4), (120, 150, 1)], strict=True):
        assert abs(row.start // SIZE - first) <= 3 and abs(row.end // SIZE - last) <= 3
        assert row.copies == pytest.approx(PURITY * copies + (1 - PURITY) * 2, abs=0.2)


@pytest.mark.parametrize("male", [True, False])
def test_a_tumour_without_changes_has_none(male):
    for seed in range(8):
        assert set(called(seed, male=male)["state"]) == {"neutral"}


def test_what_is_said_after_the_segmentation_is_heard(caplog):
    called(1)
    logging.getLogger().warning("afterwards")
    assert "afterwards" in caplog.messages


def test_a_panel_of_few_bins_tells_nothing():
    """Among 40 bins a few differ by chance, whatever the segment's interval says."""
    frame, normals = simulated(3, [(5, 20, 4)])
    kept = np.r_[:30, BINS : BINS + 10]
    spread = spread_among_normals([one[kept] for one in normals], np.arange(40) >= 30)
    found = segments(log_ratios(frame.iloc[kept], spread), SETTINGS)
    assert set(found["state"]) == {"not determinable"} and np.ptp(found["log2"]) > 0.3


def test_a_homozygous_loss_is_deep():
    row = called(9, [(60, 90, 0)]).sort_values("log2").iloc[0]
    assert row["state"] == "loss" and row["copies"] < 0.8


def test_an_uncovered_normal_is_an_error():
    frame, _ = simulated(1)
    with pytest.raises(ValueError, match="covered normal"):
        log_ratios(frame.assign(normal=0.0), np.full(len(frame), 0.2))


def test_scatter_among_normals_is_of_each_bin_but_not_of_sex():
    rng = np.random.default_rng(2)
    normals = [100 + rng.normal(0, [1, 20, 1, 1], 4) * np.array([1, 1, 1, 1]) for _ in range(9)]
    for number, one in enumerate(normals):
        one[3] /= 1 + number % 2  # X
    spread = spread_among_normals(normals, np.array([False, False, False, True]))
    assert spread[1] > 2 * spread[0] and spread[3] < 0.2
    assert set(spread_among_normals(normals[:2], np.zeros(4, dtype=bool))) == {0.2}
