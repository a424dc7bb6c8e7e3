"""Compare every feature between subtypes and between treatment arms."""

from pathlib import Path

import pandas as pd

from kimedlib.cohort_comparison import compare_all
from kimedlib.logs import log_to
from kimedlib.table_files import write_table


def main(
    *, features: Path, dictionary: Path, subtypes: Path, comparisons: Path, level: float, permutations: int, seed: int
) -> None:
    """Write effect sizes with intervals, tests and q-values, one row per contrast and feature.

    Parameters
    ----------
    features, dictionary
        Outputs of `join_features`.
    subtypes
        Output of `discover_subtypes`; its columns `without_<modality>` are the groups for the tests.
    comparisons
        Table to write.
    level, permutations
        `comparison` of config/cohort.yaml.
    seed
        For permutation tests with too many regroupings to enumerate.
    """
    result = compare_all(
        pd.read_csv(features, sep="\t", dtype={"patient_id": str}),
        pd.read_csv(dictionary, sep="\t", keep_default_na=False),
        pd.read_csv(subtypes, sep="\t", dtype=str, keep_default_na=False),
        level=level,
        permutations=permutations,
        seed=seed,
    )
    write_table(result, comparisons, "%.4g")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            features=Path(snakemake.input.features),
            dictionary=Path(snakemake.input.dictionary),
            subtypes=Path(snakemake.input.subtypes),
            comparisons=Path(snakemake.output.comparisons),
            level=snakemake.params.settings["level"],
            permutations=snakemake.params.settings["permutations"],
            seed=snakemake.params.seed,
        )
