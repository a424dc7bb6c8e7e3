"""Write the study on one page for clinical readers."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml

from kimedlib import cohort_summary
from kimedlib.atomic import atomic_path
from kimedlib.cohort_figures import MODALITY_NAMES
from kimedlib.logs import log_to

TABLES = ("features", "dictionary", "missing", "subtypes", "components", "comparisons", "outcome")


def embedded(texts: Path, pictures: Mapping[str, Path]) -> list[dict[str, str]]:
    """Pictures as base64 with their title, alternative text and caption, in the order of `texts`."""
    described: dict[str, dict[str, str]] = yaml.safe_load(texts.read_text(encoding="utf-8"))
    return [
        {"data": base64.b64encode(pictures[name].read_bytes()).decode("ascii"), **words}
        for name, words in described.items()
        if name in pictures
    ]


def source_rows(dictionary: pd.DataFrame) -> list[dict[str, Any]]:
    """Provenance per modality."""
    return [
        {
            "name": MODALITY_NAMES[str(modality)],
            "used": int((part["used"] == "yes").sum()),
            "known": len(part),
            "patients": int(part["patients"].max()),
            "source": part["source"].iloc[0],
            "digest": part["source_sha256"].iloc[0][:16],
        }
        for modality, part in dictionary.groupby("modality", sort=False)
    ]


def main(
    *,
    features: Path,
    dictionary: Path,
    missing: Path,
    subtypes: Path,
    components: Path,
    comparisons: Path,
    outcome: Path,
    scores: Sequence[Path],
    template: Path,
    texts: Path,
    pictures: Mapping[str, Path],
    adjust_for: Sequence[str],
    level: float,
    page: Path,
) -> None:
    """Fill the template; the page holds its pictures and needs no network and no script.

    Parameters
    ----------
    features, dictionary, missing
        Outputs of `join_features`.
    subtypes, components
        Outputs of `discover_subtypes`.
    comparisons, outcome
        Outputs of `compare_groups` and `analyse_outcome`.
    scores
        Output of `score_cohort`, or nothing where the truth is not known.
    template
        Jinja2 template.
    texts
        Title, alternative text and caption per picture (YAML), in the order of the page.
    pictures
        PNG files by name.
    adjust_for, level
        Of the search and of the intervals, to be told.
    page
        HTML file to write.
    """
    people = pd.read_csv(features, sep="\t", dtype={"patient_id": str})
    described = pd.read_csv(dictionary, sep="\t", keep_default_na=False)
    lacking = pd.read_csv(missing, sep="\t", dtype={"patient_id": str}, keep_default_na=False)
    found = pd.read_csv(subtypes, sep="\t", dtype={"patient_id": str}, keep_default_na=False)
    test = pd.read_csv(components, sep="\t")
    results = pd.read_csv(outcome, sep="\t")
    planted = None
    if scores:
        values = pd.read_csv(scores[0], sep="\t").set_index("metric")["value"]
        planted = {
            "ari": f"{values['subtype_ari']:.2f}",
            "p": cohort_summary.probability(values["subtype_ari_p"]),
        }
    gapless = lacking.groupby("patient_id")["state"].apply(lambda states: (states == "complete").all())
    text = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True).from_string(
        template.read_text(encoding="utf-8")
    ).render(
        patients=len(people),
        complete=int(gapless.sum()),
        clusters=int(test["clusters"].iloc[0]),
        deaths=int(people["event"].sum()),
        responders=f"{int(people['response'].sum())} of {int(people['response'].count())}",
        structure=cohort_summary.about_structure(test, found),
        differences=cohort_summary.about_differences(pd.read_csv(comparisons, sep="\t")),
        by_subtype=cohort_summary.about_outcome(results, "subtype"),
        by_treatment=cohort_summary.about_outcome(results, "treatment"),
        planted=planted,
        used=int((described["used"] == "yes").sum()),
        adjusted=" and ".join(adjust_for),
        pictures=embedded(texts, pictures),
        level=f"{level:.0%}".replace("%", " %"),
        outcome=cohort_summary.outcome_rows(results),
        rows=cohort_summary.patient_rows(people, found, lacking),
        gaps=cohort_summary.about_gaps(lacking),
        sources=source_rows(described),
    )  # fmt: skip
    with atomic_path(page) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            **{name: Path(snakemake.input[name]) for name in TABLES},
            scores=[Path(path) for path in snakemake.input.scores],
            template=Path(snakemake.input.template),
            texts=Path(snakemake.input.texts),
            pictures={
                name: Path(path)
                for name, path in snakemake.input.items()
                if isinstance(path, str) and path.endswith(".png")
            },
            adjust_for=snakemake.params.adjust_for,
            level=snakemake.params.level,
            page=Path(snakemake.output.page),
        )
