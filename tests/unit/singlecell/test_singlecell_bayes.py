"""The Bayesian model of the composition against a Metropolis sampler, and on planted changes."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import softmax

from kimedlib.singlecell_bayes import (
    CONCENTRATION_SD,
    CONDITION_SD,
    LEVEL_SD,
    USUAL_CONCENTRATION,
    bayesian_effects,
)  # fmt: skip
from kimedlib.singlecell_design import Design
from kimedlib.singlecell_threads import one_thread

SHARES = np.array([0.4, 0.25, 0.15, 0.12, 0.08])


@pytest.fixture(autouse=True)
def few_threads():
    """As in the workflow."""
    with one_thread():
        yield


def planted(random, units: int, effect: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """200 cells per unit, concentration 60; the second half has `effect` on the natural-log scale."""
    treated = np.arange(units) >= units // 2
    rows = [
        random.multinomial(200, random.dirichlet(60 * softmax(np.log(SHARES[: len(effect)]) + effect * one)))
        for one in treated
    ]
    samples = pd.DataFrame({"patient_id": [f"p{number}" for number in range(units)], "batch": "b"})
    samples["condition"] = np.where(treated, "after", "before")
    return pd.DataFrame(rows, columns=list("ABCDE")[: len(effect)]), samples


def test_posterior_is_that_of_a_sampler():
    random = np.random.default_rng(4)
    counts, samples = planted(random, 8, np.array([0.0, 0.8, 0.0]))
    values, treated = counts.to_numpy(), (samples["condition"] == "after").to_numpy(dtype=float)

    def log_posterior(place: np.ndarray) -> float:
        level, change, logged = place[:3], place[3:6], place[6]
        weights = np.exp(logged) * softmax(level + treated[:, None] * change, axis=1)
        likely = stats.dirichlet_multinomial.logpmf(values, weights, values.sum(axis=1)).sum()
        prior = (level**2).sum() / LEVEL_SD**2 + (change**2).sum() / CONDITION_SD**2
        return likely - 0.5 * (prior + ((logged - np.log(USUAL_CONCENTRATION)) / CONCENTRATION_SD) ** 2)

    place = np.append(np.zeros(6), np.log(USUAL_CONCENTRATION))
    current, kept = log_posterior(place), []
    # Levels and changes of all types together are held by the priors alone: wide steps along them, small ones else.
    for step in range(24_000):
        jump = random.normal(0, 0.12, 7) * np.array([1, 1, 1, 1, 1, 1, 3])
        jump[:3] += random.normal(0, 2)
        jump[3:6] += random.normal(0, 0.5)
        trial = place + jump
        value = log_posterior(trial)
        if np.log(random.random()) < value - current:
            place, current = trial, value
        if step >= 2000:
            kept.append(place[3:6] - place[3:6].mean())
    sampled = np.array(kept)
    found = bayesian_effects(counts, samples, Design(()), "after")
    assert np.allclose(found["bayes_effect"], sampled.mean(axis=0), atol=0.06)
    assert np.allclose(found[["bayes_low", "bayes_high"]].T, np.quantile(sampled, [0.025, 0.975], axis=0), atol=0.12)
    assert np.allclose(found["bayes_probability"], np.maximum((sampled > 0).mean(0), (sampled < 0).mean(0)), atol=0.05)


def test_planted_changes_are_covered_and_no_change_is_rarely_called():
    random = np.random.default_rng(6)
    effect = np.array([0.0, 0.0, 0.0, np.log(3), 0.0])
    truth = effect - effect.mean()
    covered, called, found_again = [], [], []
    for _ in range(15):
        found = bayesian_effects(*planted(random, 10, effect), Design(()), "after")
        covered += ((found["bayes_low"] <= truth) & (truth <= found["bayes_high"])).tolist()
        found_again.append(found.loc["D", "bayes_low"] > 0)
        nothing = bayesian_effects(*planted(random, 10, 0 * effect), Design(()), "after")
        called += ((nothing["bayes_low"] > 0) | (nothing["bayes_high"] < 0)).tolist()
    # Of 75 intervals at 95 %; binomial bounds of one in ten thousand.
    assert sum(covered) >= stats.binom.ppf(1e-4, 75, 0.95) and sum(called) <= stats.binom.ppf(1 - 1e-4, 75, 0.05)
    assert np.mean(found_again) > 0.9
