"""One table of what is known of every patient, with where each number comes from and what is missing."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from kimedlib.problems import Problem, raise_if

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FeatureMatrix:
    """The features that enter the search for subtypes, after their transformation.

    Attributes
    ----------
    numbers
        patients x features, NaN where not measured.
    patients, features, modalities
        Row names, column names (`<modality>.<name>`) and modality of each column.
    """

    numbers: Floats
    patients: list[str]
    features: list[str]
    modalities: list[str]


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether `name` is one of the patterns (shell style)."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def kind_of(values: pd.Series) -> str:
    """What a column without its gaps holds: binary (0 and 1), number or text."""
    if not pd.api.types.is_numeric_dtype(values):
        return "text" if len(values) else "number"
    return "binary" if len(values) and values.isin([0, 1]).all() else "number"


def describe_features(
    tables: Mapping[str, pd.DataFrame],
    sources: Mapping[str, Path],
    selection: Mapping[str, Mapping[str, Sequence[str]]],
) -> pd.DataFrame:
    """The dictionary of features, one row each, in the order of the tables.

    Returns
    -------
    pandas.DataFrame
        Columns feature, modality, name, kind (binary, number or text), used (yes or no), transform (log1p or
        none), patients (with a value), source and source_sha256.

    Raises
    ------
    InputProblems
        A pattern of the config fits no feature.
    """
    rows, problems = [], []
    for modality, table in tables.items():
        chosen = selection[modality]
        digest = hashlib.sha256(sources[modality].read_bytes()).hexdigest()
        for pattern in chosen["use"]:
            if not any(fnmatchcase(str(name), pattern) for name in table):
                known = ", ".join(map(str, table))
                problems.append(
                    Problem("config", f"features.{modality}.use", f"'{pattern}' fits no feature", f"known: {known}")
                )
        for name in map(str, table):
            values = table[name].dropna()
            rows.append(
                {
                    "feature": f"{modality}.{name}",
                    "modality": modality,
                    "name": name,
                    "kind": kind_of(values),
                    "used": "yes" if matches(name, chosen["use"]) else "no",
                    "transform": "log1p" if matches(name, chosen["log"]) else "none",
                    "patients": len(values),
                    "source": sources[modality].name,
                    "source_sha256": digest,
                }
            )
    raise_if(problems)
    return pd.DataFrame(rows)


def missingness(tables: Mapping[str, pd.DataFrame], dictionary: pd.DataFrame, patients: Sequence[str]) -> pd.DataFrame:
    """What each patient lacks, per modality, among the features used.

    Returns
    -------
    pandas.DataFrame
        Columns patient_id, modality, observed, expected, state (complete, partial or absent) and reason.
    """
    rows = []
    for modality, table in tables.items():
        mine = dictionary[(dictionary["modality"] == modality) & (dictionary["used"] == "yes")]
        names = mine["name"].tolist()
        source = mine["source"].iloc[0]
        for patient in patients:
            there = patient in table.index
            lacking = [name for name in names if not there or pd.isna(table.loc[patient, name])]
            state = "complete" if not lacking else "partial" if len(lacking) < len(names) else "absent"
            reason = "" if not lacking else f"no value for {', '.join(lacking)}" if there else f"no row in {source}"
            observed = len(names) - len(lacking)
            rows.append((patient, modality, observed, len(names), state, reason))
    return pd.DataFrame(rows, columns=["patient_id", "modality", "observed", "expected", "state", "reason"])


def joined_table(clinical: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Clinical columns, then `<modality>.<name>` for every feature; all patients, nothing imputed."""
    joined = clinical.set_index("patient_id")
    for modality, table in tables.items():
        joined = joined.join(table.add_prefix(f"{modality}."))
    return joined.reset_index()


def search_matrix(features: pd.DataFrame, dictionary: pd.DataFrame, without: str = "") -> FeatureMatrix:
    """Matrix of the features used, transformed; `without` leaves one modality out.

    Patients with no value in the modalities that remain are dropped.
    """
    used = dictionary[(dictionary["used"] == "yes") & (dictionary["modality"] != without)]
    values = features[used["feature"].tolist()].to_numpy(dtype=float)
    logged = (used["transform"] == "log1p").to_numpy()
    values[:, logged] = np.log1p(values[:, logged])
    seen = ~np.isnan(values).all(axis=1)
    return FeatureMatrix(
        values[seen],
        features.loc[seen, "patient_id"].astype(str).tolist(),
        used["feature"].tolist(),
        used["modality"].tolist(),
    )


def strata(features: pd.DataFrame, patients: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Label of each patient from clinical columns, e.g. "treated"; "all" without columns."""
    chosen = features.set_index("patient_id").loc[list(patients), list(columns)].astype(str)
    return ["/".join(row) or "all" for row in chosen.to_numpy().tolist()]
