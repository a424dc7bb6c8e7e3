"""Which comparison of two conditions the samples allow."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Design:
    """What is compared and what is adjusted for.

    Attributes
    ----------
    terms
        Columns of the sample table that enter the model before the condition: ["patient_id"], ["batch"] or [].
    skipped
        Why no comparison is possible; "" if it is.
    """

    terms: tuple[str, ...]
    skipped: str = ""

    @property
    def formula(self) -> str:
        """Wilkinson formula, e.g. "~ batch + condition"."""
        return "~ " + " + ".join([*self.terms, "condition"])


def indicator_matrix(samples: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """Intercept and dummy variables of `columns` (samples x parameters)."""
    dummies = pd.get_dummies(samples[columns].astype(str), drop_first=True, dtype=float)
    return np.column_stack([np.ones(len(samples)), dummies.to_numpy()])


def estimable(samples: pd.DataFrame, columns: list[str]) -> bool:
    """Whether all parameters can be told apart and at least one degree of freedom is left for the spread."""
    matrix = indicator_matrix(samples, columns)
    return bool(np.linalg.matrix_rank(matrix) == matrix.shape[1] and matrix.shape[0] > matrix.shape[1])


def confounded(samples: pd.DataFrame, reference: str, contrast: str) -> str:
    """Why condition and batch cannot be told apart; "" if they can.

    They cannot where no batch holds both conditions and all samples of one condition come from one batch, unless each
    condition has a single sample: then donors are what is missing. Pairs of a donor do not help.
    """
    batches = {name: samples.loc[samples["condition"] == name, "batch"].astype(str) for name in (reference, contrast)}
    if set(batches[reference]) & set(batches[contrast]) or any(part.empty for part in batches.values()):
        return ""
    for name, part in batches.items():
        if len(set(part)) == 1 and max(map(len, batches.values())) > 1:
            return (
                f"all samples of condition '{name}' are of batch '{part.iloc[0]}', which holds no other condition: "
                "the batch alone could make any difference; spread the conditions over batches"
            )
    return ""


def choose_design(samples: pd.DataFrame, reference: str, contrast: str, minimum_donors: int = 2) -> Design:
    """Pair by donor where donors were seen in both conditions, else adjust for batch where that is estimable.

    Parameters
    ----------
    samples
        Columns patient_id, condition, batch; only rows of the two conditions count.
    """
    chosen = samples[samples["condition"].isin([reference, contrast])]
    for name in (reference, contrast):
        donors = chosen.loc[chosen["condition"] == name, "patient_id"].nunique()
        if donors < minimum_donors:
            return Design(
                (), f"condition '{name}' has {donors} donor{'s' * (donors != 1)}, {minimum_donors} are needed"
            )
    if reason := confounded(chosen, reference, contrast):
        return Design((), reason)
    conditions = chosen.groupby("patient_id")["condition"].nunique()
    if (conditions == 2).all() and estimable(chosen, ["patient_id", "condition"]):
        return Design(("patient_id",))
    if len(set(chosen["batch"])) > 1 and estimable(chosen, ["batch", "condition"]):
        return Design(("batch",))
    if estimable(chosen, ["condition"]):
        return Design(())
    return Design((), f"{len(chosen)} samples leave no degree of freedom")


def permuted_conditions(samples: pd.DataFrame, design: Design, reference: str, contrast: str) -> pd.DataFrame:
    """The samples with half of the labels exchanged, so that the condition carries no true difference.

    Every second donor swaps its two samples (paired), or every second sample of each condition changes side.
    """
    chosen = (
        samples[samples["condition"].isin([reference, contrast])]
        .sort_values(["condition", "batch", "patient_id"])
        .copy()
    )
    swap = {reference: contrast, contrast: reference}
    if design.terms == ("patient_id",):
        changed = chosen["patient_id"].isin(sorted(chosen["patient_id"].unique())[::2])
    else:
        changed = chosen.groupby("condition").cumcount() % 2 == 0
    chosen.loc[changed, "condition"] = chosen.loc[changed, "condition"].map(swap)
    return chosen
