"""Relate subtype and treatment to survival and response."""

from pathlib import Path

import pandas as pd

from kimedlib.cohort_outcome import outcome_table, survival_curves
from kimedlib.logs import log_to
from kimedlib.table_files import write_table


def main(
    *, features: Path, subtypes: Path, curves: Path, outcome: Path, level: float, permutations: int, seed: int
) -> None:
    """Write survival curves and all outcome results.

    Outcome took no part in finding the subtypes, so these tests are not circular.

    Parameters
    ----------
    features
        Output of `join_features`, whose clinical columns are used.
    subtypes
        Output of `discover_subtypes`.
    curves, outcome
        Tables to write.
    level, permutations
        `comparison` of config/cohort.yaml.
    seed
        For permutation tests with too many regroupings to enumerate.

    Raises
    ------
    ValueError
        No patient has an outcome.
    """
    people = pd.read_csv(features, sep="\t", dtype={"patient_id": str})
    found = pd.read_csv(subtypes, sep="\t", dtype=str)
    table = people.merge(found[["patient_id", "subtype"]], on="patient_id")
    followed = table.dropna(subset=["survival_days", "event"])
    if followed.empty:
        raise ValueError("the clinical table has no survival_days and event for any patient")
    frames = {
        curves: survival_curves(followed, level),
        outcome: outcome_table(table, level=level, permutations=permutations, seed=seed),
    }
    for path, frame in frames.items():
        write_table(frame, path, "%.4g")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            features=Path(snakemake.input.features),
            subtypes=Path(snakemake.input.subtypes),
            curves=Path(snakemake.output.curves),
            outcome=Path(snakemake.output.outcome),
            level=snakemake.params.settings["level"],
            permutations=snakemake.params.settings["permutations"],
            seed=snakemake.params.seed,
        )
