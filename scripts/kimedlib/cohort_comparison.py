"""Compare features between groups of patients without testing what was used to make the groups.

Clusters separate the features they were made from even in pure noise ("double dipping"). A feature is
therefore tested between the groups that the *other* modalities give on their own; only such p-values are
formed. The difference between the final subtypes is shown beside it as a description.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from kimedlib.seeding import generator
from kimedlib.statistics_effects import adjusted_p, hedges_g, odds_ratio, permutation_p

Floats = npt.NDArray[np.float64]
Groups = Mapping[str, str]

# Below this size of the smaller group an interval says more than a test.
SMALL_GROUP = 10


def contrasts(names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs (compared, reference): one for two groups, each against the rest ("others") for more."""
    ordered = sorted(set(names))
    if len(ordered) < 2:
        return []
    return [(ordered[1], ordered[0])] if len(ordered) == 2 else [(name, "others") for name in ordered]


def split(values: pd.Series, groups: Groups, pair: tuple[str, str]) -> tuple[Floats, Floats]:
    """Values of the reference and of the compared group, without missing ones; `values` is indexed by patient."""
    compared, reference = pair
    labels = values.index.map(lambda patient: groups.get(patient, ""))
    inside = labels == compared
    outside = (labels != compared) & (labels != "") if reference == "others" else labels == reference
    return values[outside].dropna().to_numpy(float), values[inside].dropna().to_numpy(float)


def effect(first: Floats, second: Floats, kind: str, level: float) -> tuple[str, float, float, float]:
    """Measure and its estimate with limits: Hedges' g for numbers, conditional odds ratio for 0 and 1."""
    if kind == "binary":
        return "odds_ratio", *odds_ratio(first, second, level)[:3]
    return "hedges_g", *hedges_g(first, second, level)


def compare_feature(
    values: pd.Series, kind: str, pair: tuple[str, str], tested: Groups, shown: Groups, *, level: float,
    permutations: int, seed: int,
) -> dict[str, object]:  # fmt: skip
    """One row of the comparison table.

    Parameters
    ----------
    values
        The feature, indexed by patient.
    tested
        Groups that owe nothing to this feature: estimate, interval and p-value are of these.
    shown
        Groups of the description: means and `descriptive_estimate`.
    """
    first, second = split(values, tested, pair)
    measure, estimate, low, high = effect(first, second, kind, level)
    if kind == "binary":
        p_value = odds_ratio(first, second, level)[3]
    else:
        p_value = permutation_p([first, second], permutations, generator(seed, "comparison", str(values.name), *pair))
    shown_first, shown_second = split(values, shown, pair)
    few = min(len(first), len(second))
    return {
        "kind": kind,
        "n_reference": len(first),
        "n_compared": len(second),
        "mean_reference": shown_first.mean() if len(shown_first) else np.nan,
        "mean_compared": shown_second.mean() if len(shown_second) else np.nan,
        "measure": measure,
        "estimate": estimate,
        "ci_low": low,
        "ci_high": high,
        "p_value": p_value,
        "descriptive_estimate": effect(shown_first, shown_second, kind, level)[1],
        "note": f"small groups (n = {few}): read the interval, not the p-value" if few < SMALL_GROUP else "",
    }


def compare_all(
    features: pd.DataFrame,
    dictionary: pd.DataFrame,
    subtypes: pd.DataFrame,
    *,
    level: float,
    permutations: int,
    seed: int,
) -> pd.DataFrame:
    """Compare all features of the search, and age and sex, between subtypes and between treatment arms.

    Returns
    -------
    pandas.DataFrame
        One row per contrast and feature. `groups_from` says whose labels were tested; q_value is
        Benjamini-Hochberg over the features of a contrast.
    """
    table = features.set_index("patient_id")
    final = dict(zip(subtypes["patient_id"], subtypes["subtype"], strict=True))
    arms = dict(zip(features["patient_id"], features["treatment"], strict=True))
    compare = partial(compare_feature, level=level, permutations=permutations, seed=seed)
    clinical = [("clinical.age_years", "clinical", table["age_years"].astype(float), "number")]
    clinical.append(("clinical.female", "clinical", (table["sex"] == "female").astype(float), "binary"))
    measured = [
        (row["feature"], row["modality"], table[row["feature"]].astype(float), row["kind"])
        for row in dictionary[dictionary["used"] == "yes"].to_dict("records")
    ]
    rows = []
    for pair in contrasts(subtypes["subtype"].tolist()):
        for name, modality, values, kind in [*clinical, *measured]:
            column = f"without_{modality}"
            held_out = column in subtypes
            groups = dict(zip(subtypes["patient_id"], subtypes[column], strict=True)) if held_out else final
            source = f"subtypes found without {modality}" if held_out else "subtypes"
            row = compare(values.rename(name), kind, pair, groups, final)
            rows.append(
                {
                    "contrast": f"{pair[0]} vs {pair[1]}",
                    "modality": modality,
                    "feature": name,
                    "groups_from": source,
                    **row,
                }
            )
    for name, modality, values, kind in [*clinical, *measured]:
        pair = ("treated", "untreated")
        row = compare(values.rename(name), kind, pair, arms, arms)
        rows.append(
            {
                "contrast": "treated vs untreated",
                "modality": modality,
                "feature": name,
                "groups_from": "treatment arms",
                **row,
            }
        )
    result = pd.DataFrame(rows)
    q_values = result.groupby("contrast", sort=False)["p_value"].transform(
        lambda column: adjusted_p(column.to_numpy(float))
    )
    result.insert(list(result).index("p_value") + 1, "q_value", q_values)
    return result
