"""Join the feature tables of all modalities with the clinical table, with provenance and missingness."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from kimedlib.check_cohort import check_feature_table
from kimedlib.cohort_features import describe_features, joined_table, missingness
from kimedlib.logs import log_to
from kimedlib.problems import raise_if
from kimedlib.table_files import write_table


def main(
    *,
    clinical: Path,
    sources: Mapping[str, Path],
    selection: Mapping[str, Mapping[str, Sequence[str]]],
    features: Path,
    dictionary: Path,
    missing: Path,
) -> None:
    """Write the joined table, the dictionary of its features and who lacks what.

    Parameters
    ----------
    clinical
        One row per patient, checked against its schema before the run.
    sources
        Feature table per modality.
    selection
        `features` of config/cohort.yaml.
    features, dictionary, missing
        Tables to write.

    Raises
    ------
    InputProblems
        All unknown or repeated patients, values that are no numbers, and patterns that fit nothing.
    """
    people = pd.read_csv(clinical, sep="\t", dtype={"patient_id": str})
    known = set(people["patient_id"])
    raise_if(
        problem
        for modality, path in sources.items()
        for problem in check_feature_table(path, known, selection[modality]["use"])
    )
    tables = {
        modality: pd.read_csv(path, sep="\t", dtype={"patient_id": str}).set_index("patient_id")
        for modality, path in sources.items()
    }
    described = describe_features(tables, sources, selection)
    lacking = missingness(tables, described, people["patient_id"].tolist())
    for frame, path in ((joined_table(people, tables), features), (described, dictionary), (lacking, missing)):
        write_table(frame, path, "%.6g")
    print(f"{len(people)} patients, {(described['used'] == 'yes').sum()} of {len(described)} features used")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            clinical=Path(snakemake.input.clinical),
            sources={name: Path(snakemake.input[name]) for name in snakemake.params.selection},
            selection=snakemake.params.selection,
            features=Path(snakemake.output.features),
            dictionary=Path(snakemake.output.dictionary),
            missing=Path(snakemake.output.missing),
        )
