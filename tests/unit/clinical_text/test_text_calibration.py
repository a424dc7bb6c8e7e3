"""Probabilities that are wrong by a known amount are put right, and right ones are left alone."""

import numpy as np
import pytest

from kimedlib.text_calibration import Calibration, expected_error, fit, fit_apart, log_odds, reliability


def drawn(slope: float, offset: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a model that is wrong, and truth drawn from the right ones."""
    generator = np.random.default_rng(seed)
    chances = 1 / (1 + np.exp(-generator.normal(-1, 2, 40_000)))
    right = 1 / (1 + np.exp(-(slope * log_odds(chances) + offset)))
    return chances, generator.random(40_000) < right


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (0.5, 0.7), (1.6, -1.0)])
def test_planted_distortion_is_found(slope, offset):
    chances, truth = drawn(slope, offset)
    found = fit(chances, truth)
    assert (found.slope, found.offset) == pytest.approx((slope, offset), abs=0.05)
    before = expected_error(reliability(chances, truth))
    after = expected_error(reliability(found(chances), truth))
    assert after < 0.01 and (after < before / 3 or slope == 1)


def test_order_is_kept_and_one_kind_changes_nothing():
    chances, truth = drawn(0.5, 0.7)
    assert (np.argsort(fit(chances, truth)(chances)) == np.argsort(chances)).all()
    assert fit(chances, np.zeros(len(chances), bool)) == Calibration()
    assert fit(chances, ~(chances > 0.5)) == Calibration()


def test_a_letter_does_not_correct_itself():
    chances, truth = drawn(0.5, 0.7)
    halves = [chances[:20_000], chances[20_000:]]
    labels = [truth[:20_000], truth[20_000:]]
    corrected = fit_apart(halves, labels, 2)
    assert (corrected[0] == fit(halves[1], labels[1])(halves[0])).all()


def test_table_counts_every_token_once():
    rows = reliability(np.array([0.0, 0.0005, 0.3, 0.3, 1.0]), np.array([False, False, True, False, True]))
    assert [row["tokens"] for row in rows] == [2, 2, 1]
    assert [row["identifiers"] for row in rows] == [0, 0.5, 1]
