"""Survival of small cohorts: Kaplan-Meier curves, permutation log-rank scores, Firth's Cox model."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from scipy.optimize import brentq, minimize
from statsmodels.duration.survfunc import SurvfuncRight

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# |log hazard ratio| beyond which a limit is reported as 0 or infinity.
WIDEST = 15.0


def kaplan_meier(days: Floats, events: Integers, level: float = 0.95) -> pd.DataFrame:
    """Product-limit curve with point-wise log-log limits (Kalbfleisch & Prentice).

    Returns
    -------
    pandas.DataFrame
        Columns day, at_risk, events, censored, survival, ci_low, ci_high; the first row is day 0, then one
        per distinct day.
    """
    distinct = np.unique(days)
    at_risk = np.array([(days >= day).sum() for day in distinct])
    deaths = np.array([((days == day) & (events == 1)).sum() for day in distinct])
    censored = np.array([((days == day) & (events == 0)).sum() for day in distinct])
    survival = np.cumprod(1 - deaths / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(deaths / (at_risk * (at_risk - deaths)))
        half = stats.norm.ppf((1 + level) / 2) * np.sqrt(variance) / np.abs(np.log(survival))
        low, high = survival ** np.exp(half), survival ** np.exp(-half)
    certain = (survival == 1) | (survival == 0)
    low[certain] = high[certain] = np.nan
    start = pd.DataFrame({"day": [0.0], "at_risk": [len(days)], "events": [0], "censored": [0], "survival": [1.0]})
    rest = {
        "day": distinct,
        "at_risk": at_risk,
        "events": deaths,
        "censored": censored,
        "survival": survival,
        "ci_low": low,
        "ci_high": high,
    }
    return pd.concat([start, pd.DataFrame(rest)], ignore_index=True)


def median_survival(days: Floats, events: Integers, level: float = 0.95) -> tuple[float, float, float]:
    """Median survival and its Brookmeyer-Crowley limits, days; NaN where the curve does not get there."""
    if not events.sum():
        return np.nan, np.nan, np.nan
    curve = SurvfuncRight(days, events)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = curve.quantile_ci(0.5, alpha=1 - level)
    limits = [value if np.isfinite(value) else np.nan for value in (curve.quantile(0.5), low, high)]
    return float(limits[0]), float(limits[1]), float(limits[2])


def log_rank_scores(days: Floats, events: Integers) -> Floats:
    """Observed minus expected events of each patient (Nelson-Aalen), which sum to 0.

    Their sum over a group is the numerator of the log-rank test, so a permutation test of the scores is
    the permutation form of that test, valid however few events there are.
    """
    distinct = np.unique(days[events == 1])
    hazard = np.array([((days == day) & (events == 1)).sum() / (days >= day).sum() for day in distinct])
    cumulative = np.array([hazard[distinct <= day].sum() for day in days])
    return np.asarray(events - cumulative, dtype=float)


def penalised_likelihood(beta: Floats, design: Floats, days: Floats, events: Integers) -> float:
    """Cox log partial likelihood (Breslow ties) plus half the log determinant of the information (Firth 1993)."""
    linear = design @ beta
    linear = linear - linear.max()
    # Latest first, so that running sums are sums over the patients still at risk.
    order = np.argsort(-days, kind="stable")
    risk, covariates, died = np.exp(linear)[order], design[order], events[order] == 1
    # All patients of a tied day are at risk: take the running sum at the last of them.
    last = np.searchsorted(-days[order], -days[order], side="right") - 1
    pool = np.cumsum(risk)[last]
    mean = np.cumsum(risk[:, None] * covariates, axis=0)[last] / pool[:, None]
    products = covariates[:, :, None] * covariates[:, None, :]
    second = np.cumsum(risk[:, None, None] * products, axis=0)[last] / pool[:, None, None]
    total = (linear[order] - np.log(pool))[died].sum()
    information = (second - mean[:, :, None] * mean[:, None, :])[died].sum(axis=0)
    sign, log_determinant = np.linalg.slogdet(information)
    return float(total + 0.5 * log_determinant) if sign > 0 else -np.inf


def firth_cox(days: Floats, events: Integers, design: Floats, level: float = 0.95) -> list[tuple[float, float, float]]:
    """Log hazard ratios that stay finite when a group has no event (Heinze & Schemper 2001).

    Parameters
    ----------
    days, events
        Time to event or censoring, and 1 for an event.
    design
        patients x covariates.
    level
        Of the profile penalised likelihood limits.

    Returns
    -------
    list of tuple
        (log hazard ratio, lower, upper) per covariate; limits beyond +-15 are infinite.

    Raises
    ------
    ValueError
        No event, or a covariate without variation.
    """
    if not events.sum():
        raise ValueError("no event: nothing can be said about hazards")
    if (design.std(axis=0) == 0).any():
        raise ValueError("a covariate does not vary")
    count = design.shape[1]

    def loss(beta: Floats) -> float:
        return -min(max(penalised_likelihood(beta, design, days, events), -1e9), 1e9)

    best = minimize(
        loss, np.zeros(count), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4000}
    )
    drop = stats.chi2.ppf(level, 1) / 2

    def profile(index: int, value: float) -> float:
        others = [position for position in range(count) if position != index]

        def inner(rest: Floats) -> float:
            beta = np.empty(count)
            beta[index], beta[others] = value, rest
            return loss(beta)

        if not others:
            return inner(np.empty(0)) - float(best.fun) - float(drop)
        reached = minimize(inner, best.x[others], method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-8})
        return float(reached.fun - best.fun - drop)

    results = []
    for index in range(count):
        middle = float(best.x[index])
        limits = []
        for side in (-1, 1):
            edge = middle + side * WIDEST
            inside = profile(index, edge) < 0
            limits.append(
                side * np.inf
                if inside
                else float(brentq(lambda value, i=index: profile(i, value), middle, edge, xtol=1e-4))
            )
        results.append((middle, limits[0], limits[1]))
    return results
