"""What the cohort study found, in sentences with numbers and their uncertainty."""

import math

import numpy as np
import pandas as pd

from kimedlib.cohort_figures import MODALITY_NAMES, readable

# Benjamini-Hochberg level at which a difference is called clear.
CLEAR_Q = 0.05


def number(value: float, digits: int = 2) -> str:
    """A number for people: significant digits, no exponent, infinity as a sign, a dash if unknown."""
    if np.isnan(value):
        return "–"
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{decimals}f}".replace("-", "−").replace(",", "\u202f")


def probability(value: float) -> str:
    """A p- or q-value for people."""
    if np.isnan(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.2g}" if value < 0.1 else f"{value:.2f}"


def interval(row: pd.Series, percent: bool = False) -> str:
    """Estimate with its limits, e.g. 2.4 (0.8 to 3.9)."""
    factor, unit = (100, " %") if percent else (1, "")
    shown = [number(factor * row[name]) for name in ("estimate", "ci_low", "ci_high")]
    return f"{shown[0]}{unit} ({shown[1]} to {shown[2]}{unit})"


def about_structure(test: pd.DataFrame, found: pd.DataFrame) -> str:
    """Whether there are subtypes, and on what grounds."""
    first = test.iloc[0]
    clusters = int(first["clusters"])
    compared = (
        f"the axis that genomics, single cells and images share holds {first['variance_share']:.0%} of the variance; "
        f"when patients are shuffled between modalities it is below {first['chance_limit_95']:.0%} in 95 % of cases "
        f"(p = {probability(first['p_value'])}, n = {first['patients']:.0f} patients)"
    )
    if clusters == 1:
        return f"No disease subtypes were found: the modalities do not agree more than by chance ({compared})."
    sizes = found["subtype"].value_counts().sort_index()
    shown = " and ".join(f"{count} patients in {name}" for name, count in sizes.items())
    return f"The modalities agree on {clusters} disease subtypes, {shown}: {compared}."


def about_differences(comparisons: pd.DataFrame) -> list[str]:
    """One sentence per feature that differs clearly between subtypes, strongest first."""
    rows = comparisons[(comparisons["groups_from"] != "treatment arms") & (comparisons["q_value"] < CLEAR_Q)]
    sentences = []
    for row in rows.sort_values(["q_value", "p_value"], kind="stable").to_dict("records"):
        compared, reference = row["contrast"].split(" vs ")
        name = "Hedges' g" if row["measure"] == "hedges_g" else "odds ratio"
        direction = "higher" if row["mean_compared"] > row["mean_reference"] else "lower"
        sentences.append(
            f"{readable(row['feature'])} ({MODALITY_NAMES[row['modality']]}) is {direction} in {compared} than in "
            f"{reference}: "
            f"mean {number(row['mean_compared'], 3)} against {number(row['mean_reference'], 3)}; "
            f"{name} {interval(pd.Series(row))}, q = {probability(row['q_value'])}, "
            f"n = {row['n_compared'] + row['n_reference']}"
        )
    return sentences


def about_survival(outcome: pd.DataFrame, grouping: str) -> list[str]:
    """Sentences on survival by subtype or treatment."""
    rows = outcome[(outcome["outcome"] == "survival") & (outcome["grouping"] == grouping)]
    tests = rows[rows["measure"] == "log_rank"]
    sentences = []
    for row in rows[rows["measure"] == "hazard_ratio"].to_dict("records"):
        p_value, q_value = tests["p_value"].iloc[0], tests["q_value"].iloc[0]
        compared, reference = row["comparison"].split(" vs ")
        direction = "higher" if row["estimate"] > 1 else "lower"
        verdict = (
            f"a {direction} hazard of death than {reference}"
            if q_value < CLEAR_Q
            else f"no clear difference from {reference}"
        )
        sentences.append(
            f"{compared} shows {verdict}: hazard ratio {interval(pd.Series(row))}, "
            f"{row['events']} deaths in {row['n']} patients; "
            f"log-rank p = {probability(p_value)}, q = {probability(q_value)}"
        )
    return sentences


def about_response(outcome: pd.DataFrame, grouping: str) -> list[str]:
    """Sentences on response by subtype or treatment."""
    rows = outcome[(outcome["outcome"] == "response") & (outcome["grouping"] == grouping)]
    rates = rows[rows["measure"] == "response_rate"].set_index("comparison")
    sentences = []
    for row in rows[rows["measure"] == "odds_ratio"].to_dict("records"):
        groups = row["comparison"].split(" vs ")
        shown = " and ".join(f"{rates.loc[name, 'events']} of {rates.loc[name, 'n']} in {name}" for name in groups)
        clear = "a clear difference" if row["q_value"] < CLEAR_Q else "no clear difference"
        sentences.append(
            f"{shown} responded, {clear}: odds ratio {interval(pd.Series(row))}, "
            f"Fisher p = {probability(row['p_value'])}, q = {probability(row['q_value'])}"
        )
    return sentences


def about_outcome(outcome: pd.DataFrame, grouping: str) -> list[str]:
    """Sentences on survival and response by subtype or treatment."""
    return [*about_survival(outcome, grouping), *about_response(outcome, grouping)]


def about_gaps(missing: pd.DataFrame) -> list[str]:
    """One sentence per patient and modality with something missing."""
    gaps = missing[missing["state"] != "complete"]
    return [
        f"{row['patient_id']}, {MODALITY_NAMES[row['modality']]}: {row['reason']}" for row in gaps.to_dict("records")
    ]


def outcome_rows(outcome: pd.DataFrame) -> list[dict[str, str]]:
    """The outcome table for people."""
    names = {
        "median_days": "median survival, days", "hazard_ratio": "hazard ratio", "log_rank": "log-rank test",
        "response_rate": "responders", "risk_difference": "difference in responders",
        "odds_ratio": "odds ratio of response",
    }  # fmt: skip
    rows = []
    for row in outcome.to_dict("records"):
        share = row["measure"] in ("response_rate", "risk_difference")
        rows.append(
            {
                "what": names[row["measure"]],
                "who": row["comparison"],
                "count": f"{row['n']} / {row['events']}",
                "value": "" if row["measure"] == "log_rank" else interval(pd.Series(row), percent=share),
                "p": probability(row["p_value"]),
                "q": probability(row["q_value"]),
                "method": row["method"],
            }
        )
    return rows


def patient_rows(people: pd.DataFrame, found: pd.DataFrame, missing: pd.DataFrame) -> list[dict[str, str]]:
    """One line per patient, pseudonyms only."""
    table = people.merge(found[["patient_id", "subtype", "confidence"]], on="patient_id", how="left")
    states = missing.pivot_table(index="patient_id", columns="modality", values="state", aggfunc="first", sort=False)
    rows: list[dict[str, str]] = []
    for row in table.to_dict("records"):
        event = {1: "died", 0: "alive"}.get(row["event"], "–")
        rows.append(
            {
                "patient": row["patient_id"],
                "subtype": row["subtype"] if isinstance(row["subtype"], str) else "–",
                "confidence": "–" if pd.isna(row["confidence"]) else f"{row['confidence']:.0%}",
                "person": f"{row['sex']}, {row['age_years']}",
                "treatment": row["treatment"],
                "follow_up": f"{number(row['survival_days'], 5)} days, {event}",
                "response": {1: "yes", 0: "no"}.get(row["response"], "–"),
                **{str(name): str(column[row["patient_id"]]) for name, column in states.items()},
            }
        )
    return rows
