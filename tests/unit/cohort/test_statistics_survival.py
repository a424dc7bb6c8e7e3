"""Survival functions against statsmodels, a published data set and known limits."""

import numpy as np
import pytest
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from kimedlib.statistics_survival import firth_cox, kaplan_meier, log_rank_scores, median_survival

# Freireich et al. (1963), remission of leukaemia under 6-mercaptopurine, weeks; published curve:
# 0.857 at 6, 0.807 at 7, 0.753 at 10, 0.690 at 13, 0.627 at 16, 0.538 at 22, 0.448 at 23.
WEEKS = np.array([6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35.0])
RELAPSED = np.array([1] * 9 + [0] * 12)
PLACEBO = np.array([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23.0])


def both() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    days = np.concatenate([WEEKS, PLACEBO])
    events = np.concatenate([RELAPSED, np.ones(21, dtype=int)])
    return days, events, np.repeat([1.0, 0.0], 21)


def test_curve_is_the_published_one():
    curve = kaplan_meier(WEEKS, RELAPSED).set_index("day")
    published = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    for week, share in published.items():
        assert curve.loc[week, "survival"] == pytest.approx(share, abs=5e-4)
    assert curve.loc[6, "at_risk"] == 21 and curve.loc[6, "events"] == 3 and curve.loc[6, "censored"] == 1


def test_limits_follow_greenwoods_error():
    curve = kaplan_meier(WEEKS, RELAPSED).set_index("day")
    peer = SurvfuncRight(WEEKS, RELAPSED)
    for week, share, error in zip(peer.surv_times, peer.surv_prob, peer.surv_prob_se, strict=True):
        half = 1.959964 * error / (share * abs(np.log(share)))
        assert curve.loc[week, "ci_low"] == pytest.approx(share ** np.exp(half), rel=1e-5)
        assert curve.loc[week, "ci_high"] == pytest.approx(share ** np.exp(-half), rel=1e-5)


def test_nobody_dies_and_everybody_dies():
    assert (kaplan_meier(np.array([3.0, 5]), np.array([0, 0]))["survival"] == 1).all()
    assert kaplan_meier(np.array([3.0, 5]), np.array([1, 1]))["survival"].iloc[-1] == 0


def test_median_is_where_half_are_left():
    assert median_survival(WEEKS, RELAPSED)[0] == 23
    assert median_survival(PLACEBO, np.ones(21, dtype=int))[0] == 8
    assert np.isnan(median_survival(np.array([3.0, 5]), np.array([0, 0]))).all()


def test_log_rank_scores_are_the_numerator_of_the_test():
    days, events, treated = both()
    scores = log_rank_scores(days, events)
    assert scores.sum() == pytest.approx(0, abs=1e-12)
    # published: 9 observed, 19.25 expected under treatment (Kleinbaum & Klein), chi-square 16.79
    assert scores[treated == 1].sum() == pytest.approx(9 - 19.25, abs=5e-3)
    assert survdiff(days, events, treated)[0] == pytest.approx(16.79, abs=5e-3)


def test_firth_is_close_to_cox_where_there_is_enough_data():
    rng = np.random.default_rng(0)
    design = rng.integers(0, 2, (500, 2)).astype(float)
    death = rng.exponential(1 / np.exp(design @ [1.0, -0.5]))
    lost = rng.uniform(0.2, 3, 500)
    days, events = np.ceil(np.minimum(death, lost) * 1000), (death <= lost).astype(int)
    peer = PHReg(days, design, status=events, ties="breslow").fit()
    found = firth_cox(days, events, design)
    assert [row[0] for row in found] == pytest.approx(peer.params, abs=0.01)
    assert np.array(found)[:, 1:] == pytest.approx(peer.conf_int(), abs=0.01)


def test_firth_shrinks_the_leukaemia_trial_a_little():
    days, events, treated = both()
    ((estimate, low, high),) = firth_cox(days, events, treated[:, None])
    unpenalised = PHReg(days, treated[:, None], status=events, ties="breslow").fit().params[0]
    assert unpenalised < estimate < 0.97 * unpenalised < 0
    assert low < estimate < high < 0


def test_firth_stays_finite_without_events_in_a_group():
    days, events = np.array([5.0, 6, 7, 8, 1, 2, 3, 4]), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    ((estimate, low, high),) = firth_cox(days, events, np.repeat([0.0, 1.0], 4)[:, None])
    assert 0 < low < estimate < 10
    assert high > estimate


def test_firth_refuses_what_says_nothing():
    with pytest.raises(ValueError, match="no event"):
        firth_cox(np.arange(4.0), np.zeros(4, dtype=int), np.array([[0.0], [1], [0], [1]]))
    with pytest.raises(ValueError, match="does not vary"):
        firth_cox(np.arange(4.0), np.ones(4, dtype=int), np.ones((4, 1)))
