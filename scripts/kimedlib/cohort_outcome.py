"""Survival and response by subtype and by treatment, with what small numbers allow to say."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from kimedlib.seeding import generator
from kimedlib.statistics_effects import adjusted_p, odds_ratio, permutation_p, risk_difference
from kimedlib.statistics_survival import firth_cox, kaplan_meier, log_rank_scores, median_survival

Row = dict[str, object]
GROUPINGS = ("subtype", "treatment")
REFERENCE = {"subtype": "S1", "treatment": "untreated"}


def levels(table: pd.DataFrame, grouping: str) -> list[str]:
    """Groups of a column, the reference first."""
    return sorted(table[grouping].unique(), key=lambda name: (name != REFERENCE[grouping], name))


def survival_curves(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """Kaplan-Meier curves of all patients, of each subtype and of each arm.

    Parameters
    ----------
    table
        Columns patient_id, subtype, treatment, survival_days, event; complete.
    """
    curves = []
    for grouping in ("all", *GROUPINGS):
        groups = table.assign(all="all patients").groupby(grouping)
        for name, members in groups:
            curve = kaplan_meier(members["survival_days"].to_numpy(float), members["event"].to_numpy(int), level)
            curves.append(curve.assign(grouping=grouping, group=name))
    joined = pd.concat(curves, ignore_index=True)
    return joined[["grouping", "group", *[name for name in joined if name not in ("grouping", "group")]]]


def survival_rows(table: pd.DataFrame, level: float, permutations: int, seed: int) -> list[Row]:
    """Medians, hazard ratios adjusted for the other grouping, and permutation log-rank tests."""
    days, events = table["survival_days"].to_numpy(float), table["event"].to_numpy(int)
    shared: Row = {"outcome": "survival", "n": len(table), "events": int(events.sum())}
    rows: list[Row] = []
    columns: list[tuple[str, str, pd.Series]] = []
    for grouping in GROUPINGS:
        names = levels(table, grouping)
        for name in names:
            members = (table[grouping] == name).to_numpy()
            middle = median_survival(days[members], events[members], level)
            rows.append(
                {**shared, "grouping": grouping, "comparison": name, "n": int(members.sum()),
                 "events": int(events[members].sum()), "measure": "median_days", **limits(middle),
                 "method": "Kaplan-Meier, Brookmeyer-Crowley limits"}
            )  # fmt: skip
        columns += [(grouping, name, (table[grouping] == name).astype(float)) for name in names[1:]]
        if len(names) > 1:
            scores = log_rank_scores(days, events)
            groups = [scores[(table[grouping] == name).to_numpy()] for name in names]
            p_value = permutation_p(groups, permutations, generator(seed, "log-rank", grouping))
            rows.append(
                {**shared, "grouping": grouping, "comparison": " vs ".join(names[::-1]), "measure": "log_rank",
                 "p_value": p_value, "method": "permutation log-rank test"}
            )  # fmt: skip
    if columns and events.sum():
        design = np.column_stack([column.to_numpy() for _, _, column in columns])
        for (grouping, name, _), estimate in zip(columns, firth_cox(days, events, design, level), strict=True):
            others = [f"{other} ({member})" for other, member, _ in columns if (other, member) != (grouping, name)]
            rows.append(
                {**shared, "grouping": grouping, "comparison": f"{name} vs {REFERENCE[grouping]}",
                 "measure": "hazard_ratio",
                 **limits([float(np.exp(value)) for value in estimate]),
                 "method": f"Cox model with Firth's penalty, adjusted for {' and '.join(others) or 'nothing'}"}
            )  # fmt: skip
    return rows


def response_rows(table: pd.DataFrame, level: float) -> list[Row]:
    """Response rates, differences and odds ratios; `table` has the column response (0 or 1) without gaps."""
    rows: list[Row] = []
    shared: Row = {"outcome": "response", "n": len(table), "events": int(table["response"].sum())}
    for grouping in GROUPINGS:
        names = levels(table, grouping)
        values = {name: table.loc[table[grouping] == name, "response"].to_numpy(float) for name in names}
        for name, group in values.items():
            interval = stats.binomtest(int(group.sum()), len(group)).proportion_ci(level, method="wilson")
            rows.append(
                {**shared, "grouping": grouping, "comparison": name, "n": len(group), "events": int(group.sum()),
                 "measure": "response_rate", **limits((group.mean(), interval.low, interval.high)),
                 "method": "share, Wilson limits"}
            )  # fmt: skip
        for name in names[1:]:
            first, second = values[names[0]], values[name]
            ratio = odds_ratio(first, second, level)
            pair = {**shared, "grouping": grouping, "comparison": f"{name} vs {names[0]}",
                    "n": len(first) + len(second), "events": int(first.sum() + second.sum())}  # fmt: skip
            rows.append(
                {**pair, "measure": "risk_difference", **limits(risk_difference(first, second, level)),
                 "method": "difference of shares, Newcombe limits"}
            )  # fmt: skip
            rows.append(
                {**pair, "measure": "odds_ratio", **limits(ratio[:3]), "p_value": ratio[3],
                 "method": "conditional odds ratio, exact limits; Fisher's exact test"}
            )  # fmt: skip
    return rows


def limits(interval: object) -> Mapping[str, float]:
    """Estimate and limits as columns."""
    return dict(zip(("estimate", "ci_low", "ci_high"), map(float, interval), strict=True))  # type: ignore[call-overload]


def outcome_table(table: pd.DataFrame, *, level: float, permutations: int, seed: int) -> pd.DataFrame:
    """All outcome results, one row each; q_value is Benjamini-Hochberg over all tests of the table.

    Parameters
    ----------
    table
        Columns patient_id, subtype, treatment, survival_days, event, response; NaN where unknown.
    """
    rows: list[Row] = []
    followed = table.dropna(subset=["survival_days", "event"])
    if len(followed):
        rows += survival_rows(followed, level, permutations, seed)
    answered = table.dropna(subset=["response"])
    if len(answered):
        rows += response_rows(answered, level)
    order = [
        "outcome",
        "grouping",
        "comparison",
        "n",
        "events",
        "measure",
        "estimate",
        "ci_low",
        "ci_high",
        "p_value",
        "method",
    ]
    result = pd.DataFrame(rows, columns=order)
    result.insert(order.index("p_value") + 1, "q_value", adjusted_p(result["p_value"].to_numpy(float)))
    return result
