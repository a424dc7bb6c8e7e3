"""Which comparison of two conditions the samples allow."""

import itertools
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


def samples_with_cells(sheet: list[dict[str, str]], found: pd.Series) -> pd.DataFrame:
    """Rows of the sheet, index sample, whose sample is among the `found` ones: those in quarantine have no cells."""
    samples = pd.DataFrame(sheet).set_index("sample")
    return samples[samples.index.isin(found.astype(str).unique())]


def indicator_matrix(samples: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """Intercept and dummy variables of `columns` (samples x parameters)."""
    dummies = pd.get_dummies(samples[columns].astype(str), drop_first=True, dtype=float)
    return np.column_stack([np.ones(len(samples)), dummies.to_numpy()])


def design_matrix(samples: pd.DataFrame, design: Design, contrast: str) -> np.ndarray:
    """`indicator_matrix` of the design's terms, then 1.0 for samples of `contrast` (samples x parameters)."""
    base = indicator_matrix(samples, list(design.terms)) if design.terms else np.ones((len(samples), 1))
    return np.column_stack([base, (samples["condition"] == contrast).to_numpy(dtype=float)])


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


def caution(samples: pd.DataFrame, reference: str, contrast: str) -> str:
    """What a comparison that is possible passes over, to be said before the run; "" where nothing.

    Parameters
    ----------
    samples
        Columns patient_id, condition, batch.
    """
    chosen = samples[samples["condition"].isin([reference, contrast])]
    paired = chosen.groupby("patient_id")["condition"].nunique() == 2
    if paired.any() and not paired.all():
        return (
            f"{paired.sum()} of {len(paired)} donors have both conditions: donors are not paired, which costs power; "
            "take the others off the sheet to compare in pairs"
        )
    shared = chosen.groupby("batch")["condition"].nunique() == 2
    donors = chosen.groupby("batch")["patient_id"].nunique()
    if not shared.any() and donors.max() > 1:
        return (
            "no batch holds both conditions, and some hold several donors: what donors of a batch have in common "
            "passes for an effect of the condition, so p-values are too small; spread the conditions over batches"
        )
    return ""


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


def donor_units(samples: pd.DataFrame) -> pd.Series:
    """The unit of each sample: the first sample of the same donor and condition.

    Two libraries of one donor in one condition are one observation: counted as two they would pass for two donors.

    Parameters
    ----------
    samples
        Index sample; columns patient_id, condition.
    """
    names = pd.Series(samples.index, index=samples.index)
    return names.groupby([samples["patient_id"], samples["condition"]]).transform("first")


def relabelings(samples: pd.DataFrame, design: Design, contrast: str, number: int, seed: int) -> np.ndarray:
    """Ways of exchanging the conditions that would be as likely if the condition had no effect.

    Paired donors exchange their two samples; otherwise labels are shuffled, within batches where the model has them.

    Parameters
    ----------
    samples
        Units of the two conditions; columns patient_id, condition, batch.
    number
        All distinct ways where they are fewer, else that many random ones (distinct, but for rare repeats).

    Returns
    -------
    numpy.ndarray
        Ways x units, 1.0 for the contrast. The real labels come first and occur once.
    """
    real = (samples["condition"] == contrast).to_numpy()
    column = design.terms[0] if design.terms else None
    strata = samples[column].astype(str).to_numpy() if column else np.repeat("", len(samples))
    members = [np.flatnonzero(strata == name) for name in sorted(set(strata))]
    choices = []
    total = 1
    for part in members:
        marked = int(real[part].sum())
        if total <= number:
            options = list(itertools.islice(itertools.combinations(part.tolist(), marked), number + 1))
            choices.append(options)
            total *= len(options)
    if total <= number:
        chosen = [list(itertools.chain.from_iterable(way)) for way in itertools.product(*choices)]
    else:
        random = np.random.default_rng(seed)
        chosen = [
            [int(unit) for part in members for unit in random.choice(part, int(real[part].sum()), replace=False)]
            for _ in range(number)
        ]
    ways = {real.tobytes(): real}
    for units in chosen:
        way = np.zeros(len(samples), dtype=bool)
        way[units] = True
        ways.setdefault(way.tobytes(), way)
    return np.array(list(ways.values()), dtype=float)
