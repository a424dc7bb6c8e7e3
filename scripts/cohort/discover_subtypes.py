"""Look for disease subtypes that several modalities agree on, without looking at outcome."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kimedlib.cohort_features import FeatureMatrix, search_matrix, strata
from kimedlib.cohort_subtypes import (
    aligned,
    balanced_weights,
    cluster_count,
    component_test,
    consensus,
    consensus_labels,
    principal_coordinates,
    scale_features,
    separation,
    shared_distances,
)
from kimedlib.logs import log_to
from kimedlib.seeding import generator
from kimedlib.table_files import write_table


def scaled(
    features: pd.DataFrame, dictionary: pd.DataFrame, settings: Mapping[str, Any], without: str = ""
) -> FeatureMatrix:
    """Matrix of the search, comparable between features and freed of the means of the strata."""
    matrix = search_matrix(features, dictionary, without)
    labels = strata(features, matrix.patients, settings["adjust_for"])
    return FeatureMatrix(scale_features(matrix.numbers, labels), matrix.patients, matrix.features, matrix.modalities)


def cluster(
    matrix: FeatureMatrix, clusters: int, settings: Mapping[str, Any], rng: np.random.Generator
) -> tuple[Any, ...]:
    """Labels, confidence and consensus matrix; one cluster if `clusters` is 1."""
    count = len(matrix.patients)
    if clusters == 1:
        return np.ones(count, dtype=int), np.ones(count), np.ones((count, count))
    agreement = consensus(
        matrix.numbers,
        matrix.modalities,
        clusters,
        resamples=settings["resamples"],
        share=settings["resampled_share"],
        rng=rng,
    )
    return *consensus_labels(agreement, clusters), agreement


def main(
    *,
    features: Path,
    dictionary: Path,
    settings: Mapping[str, Any],
    seed: int,
    subtypes: Path,
    components: Path,
    separations: Path,
    agreement: Path,
) -> None:
    """Write one label per patient and all that is needed to judge it.

    Parameters
    ----------
    features, dictionary
        Outputs of `join_features`.
    settings
        `discovery` of config/cohort.yaml.
    seed
        For permutations and resampling.
    subtypes
        patient_id, subtype (S1, S2, ...; all S1 if there is no structure), confidence, two map
        coordinates, and per modality the label that the other modalities alone give.
    components
        The test for structure: share of variance per shared axis, 95 % limit by chance, p-value.
    separations
        Per feature the share of its variance between subtypes.
    agreement
        Consensus matrix, patients x patients.
    """
    people = pd.read_csv(features, sep="\t", dtype={"patient_id": str})
    described = pd.read_csv(dictionary, sep="\t", keep_default_na=False)
    matrix = scaled(people, described, settings)
    labels_of = strata(people, matrix.patients, settings["adjust_for"])
    axes = min(settings["max_clusters"], len(matrix.patients) // 2) - 1
    shares, limits, p_values = component_test(
        matrix.numbers,
        matrix.modalities,
        labels_of,
        components=max(axes, 1),
        permutations=settings["permutations"],
        alpha=settings["alpha"],
        further_alpha=settings["further_alpha"],
        rng=generator(seed, "permutations"),
    )
    clusters = cluster_count(p_values.tolist(), settings["alpha"], settings["further_alpha"])
    labels, confidence, together = cluster(matrix, clusters, settings, generator(seed, "consensus", "all"))
    distances = shared_distances(matrix.numbers, balanced_weights(matrix.modalities))
    coordinates = principal_coordinates(distances, 2)[0]
    found = pd.DataFrame(
        {
            "patient_id": matrix.patients,
            "subtype": [f"S{label}" for label in labels],
            "confidence": confidence,
            "map_1": coordinates[:, 0],
            "map_2": coordinates[:, 1],
        }
    )
    for modality in dict.fromkeys(matrix.modalities):
        rest = scaled(people, described, settings, without=modality)
        alone = cluster(rest, clusters, settings, generator(seed, "consensus", f"without {modality}"))[0]
        main_labels = dict(zip(matrix.patients, labels, strict=True))
        named = aligned(alone, np.array([main_labels[patient] for patient in rest.patients]))
        held_out = {patient: f"S{label}" for patient, label in zip(rest.patients, named, strict=True)}
        found[f"without_{modality}"] = found["patient_id"].map(held_out).fillna("")
    tested = pd.DataFrame(
        {
            "component": range(1, len(shares) + 1),
            "variance_share": shares,
            "chance_limit_95": limits,
            "p_value": p_values,
            "permutations": settings["permutations"],
            "patients": len(matrix.patients),
            "clusters": clusters,
        }
    )
    shares_between = separation(matrix.numbers, labels) if clusters > 1 else np.zeros(len(matrix.features))
    driving = pd.DataFrame({"feature": matrix.features, "modality": matrix.modalities, "eta_squared": shares_between})
    driving = driving.sort_values(["eta_squared", "feature"], ascending=[False, True], kind="stable")
    grid = pd.DataFrame(together, columns=matrix.patients)
    grid.insert(0, "patient_id", matrix.patients)
    for frame, path in ((found, subtypes), (tested, components), (driving, separations), (grid, agreement)):
        write_table(frame, path, "%.4g")
    print(f"{clusters} subtype{'s' * (clusters > 1)} in {len(matrix.patients)} patients; p = {p_values[0]:.3g}")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            features=Path(snakemake.input.features),
            dictionary=Path(snakemake.input.dictionary),
            settings=snakemake.params.settings,
            seed=snakemake.params.seed,
            subtypes=Path(snakemake.output.subtypes),
            components=Path(snakemake.output.components),
            separations=Path(snakemake.output.separations),
            agreement=Path(snakemake.output.agreement),
        )
