"""Draw the figures of the cohort study."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from kimedlib import cohort_figures
from kimedlib.cohort_features import search_matrix, strata
from kimedlib.cohort_subtypes import scale_features
from kimedlib.figure_style import save_figure, use_style
from kimedlib.logs import log_to


def survival_note(outcome: pd.DataFrame, grouping: str) -> str:
    """Test and hazard ratio of one grouping, with numbers."""
    rows = outcome[(outcome["outcome"] == "survival") & (outcome["grouping"] == grouping)]
    test = rows[rows["measure"] == "log_rank"]
    if test.empty:
        return "one group only"
    first = test.iloc[0]
    lines = [f"log-rank p = {first['p_value']:.2g} (n = {first['n']}, {first['events']} deaths)"]
    for row in rows[rows["measure"] == "hazard_ratio"].to_dict("records"):
        high = "∞" if row["ci_high"] == float("inf") else f"{row['ci_high']:.2g}"
        lines.append(f"HR {row['comparison']}: {row['estimate']:.2g} ({row['ci_low']:.2g} to {high})")
    return "\n".join(lines)


def main(
    *,
    features: Path,
    dictionary: Path,
    missing: Path,
    subtypes: Path,
    components: Path,
    comparisons: Path,
    curves: Path,
    outcome: Path,
    adjust_for: Sequence[str],
    heat_map: Path,
    patient_map: Path,
    survival: Path,
    effects: Path,
    missingness: Path,
) -> None:
    """Draw five figures from the tables of the steps before.

    Parameters
    ----------
    features, dictionary, missing
        Outputs of `join_features`.
    subtypes, components
        Outputs of `discover_subtypes`.
    comparisons
        Output of `compare_groups`.
    curves, outcome
        Outputs of `analyse_outcome`.
    adjust_for
        Clinical columns whose means were taken out before the search.
    heat_map, patient_map, survival, effects, missingness
        PNG files to write.
    """
    people = pd.read_csv(features, sep="\t", dtype={"patient_id": str})
    described = pd.read_csv(dictionary, sep="\t", keep_default_na=False)
    found = pd.read_csv(subtypes, sep="\t", dtype={"patient_id": str}, keep_default_na=False)
    matrix = search_matrix(people, described)
    scores = pd.DataFrame(
        scale_features(matrix.numbers, strata(people, matrix.patients, adjust_for)),
        index=matrix.patients,
        columns=matrix.features,
    )
    clinical = people.set_index("patient_id").join(
        found.set_index("patient_id")[["subtype", "confidence"]], how="inner"
    )
    clinical["response"] = clinical["response"].map({1: "1", 0: "0"}).fillna("")
    order = clinical.sort_values(["subtype", "confidence"], ascending=[True, False], kind="stable").index
    effect_rows = pd.read_csv(comparisons, sep="\t")
    results = pd.read_csv(outcome, sep="\t")
    use_style()
    save_figure(cohort_figures.heat_map(scores.loc[order], matrix.modalities, clinical.loc[order]), heat_map)
    test = pd.read_csv(components, sep="\t")
    save_figure(cohort_figures.patient_map(found, test, people.set_index("patient_id")["treatment"]), patient_map)
    notes = {grouping: survival_note(results, grouping) for grouping in ("subtype", "treatment")}
    save_figure(cohort_figures.survival_figure(pd.read_csv(curves, sep="\t"), notes), survival)
    save_figure(cohort_figures.forest_plot(effect_rows), effects)
    lacking = pd.read_csv(missing, sep="\t", dtype={"patient_id": str}, keep_default_na=False)
    save_figure(cohort_figures.missingness_figure(lacking), missingness)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            **{name: Path(path) for name, path in snakemake.input.items()},
            **{name: Path(path) for name, path in snakemake.output.items()},
            adjust_for=snakemake.params.adjust_for,
        )
