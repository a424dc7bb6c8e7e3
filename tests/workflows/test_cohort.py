"""The whole chain on test_data finds what was planted, and finds nothing where nothing was planted."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from sklearn.metrics import adjusted_rand_score


def scores(root: Path) -> dict[str, float]:
    return pd.read_csv(root / "cohort/scores.tsv", sep="\t").set_index("metric")["value"].to_dict()


def test_planted_subtypes_are_recovered(cohort_run: Path, repository: Path):
    planted = pd.read_csv(repository / "test_data/truth/patients.tsv", sep="\t").set_index("patient_id")["subtype"]
    found = pd.read_csv(cohort_run / "cohort/subtypes.tsv", sep="\t").set_index("patient_id")["subtype"]
    assert set(found.index) == set(planted.index)
    assert adjusted_rand_score(planted[found.index], found) >= 0.8
    assert scores(cohort_run)["subtype_ari"] >= 0.8 and scores(cohort_run)["subtype_ari_p"] <= 0.01


def test_features_of_all_modalities_reach_the_table(cohort_run: Path):
    features = pd.read_csv(cohort_run / "cohort/features.tsv", sep="\t").set_index("patient_id")
    dictionary = pd.read_csv(cohort_run / "cohort/feature_dictionary.tsv", sep="\t")
    used = dictionary[dictionary["used"] == "yes"]
    assert set(used["modality"]) == {"genomics", "singlecell", "imaging"}
    assert set(dictionary["feature"]) <= set(features.columns)
    assert dictionary["source_sha256"].str.fullmatch("[0-9a-f]{64}").all()
    assert (used["patients"] >= 11).all()


def test_measured_features_follow_what_was_planted(cohort_run: Path, repository: Path):
    plan = pd.read_csv(repository / "test_data/truth/patients.tsv", sep="\t").set_index("patient_id")
    features = pd.read_csv(cohort_run / "cohort/features.tsv", sep="\t").set_index("patient_id")
    pairs = {
        "genomics.somatic_snv_count": "somatic_count",
        "singlecell.interferon_score": "interferon_log2fc",
        "imaging.lesion_volume_ml": "lesion_volume_ml",
        "imaging.lesion_heterogeneity_hu": "lesion_heterogeneity_hu",
    }
    for measured, planted in pairs.items():
        assert features[measured].corr(plan[planted], method="spearman") > 0.6, measured


def test_gaps_are_those_planted(cohort_run: Path, repository: Path):
    plan = pd.read_csv(repository / "test_data/truth/patients.tsv", sep="\t").set_index("patient_id")
    missing = pd.read_csv(cohort_run / "cohort/missingness.tsv", sep="\t", keep_default_na=False)
    gaps = {(row["patient_id"], row["modality"]) for row in missing.to_dict("records") if row["state"] != "complete"}
    expected = {(patient, "imaging") for patient in plan.index[plan["has_images"] == "no"]}
    expected |= {(patient, "genomics") for patient in plan.index[plan["has_tumour_reads"] == "no"]}
    assert gaps == expected


def test_outcome_is_in_line_with_the_planted_hazard(cohort_run: Path):
    rows = pd.read_csv(cohort_run / "cohort/outcome.tsv", sep="\t")
    hazard = rows[(rows["measure"] == "hazard_ratio") & (rows["grouping"] == "subtype")].iloc[0]
    planted = 2.718281828**1.4  # cohort.survival.log_hazard_subtype; S1 and S2 may be A and B or the reverse
    assert any(hazard["ci_low"] < ratio < hazard["ci_high"] for ratio in (planted, 1 / planted))


def test_page_shows_every_modality_and_needs_nothing_else(cohort_run: Path):
    page = (cohort_run / "cohort/summary.html").read_text(encoding="utf-8")
    assert page.count('src="data:image/png;base64,') == 8
    bare = re.sub(r"base64,[A-Za-z0-9+/=]+", "", page)
    assert "http" not in bare and "<script" not in bare
    for part in ("Genomes:", "Single cells:", "Images:", "Survival", "Glossary"):
        assert part in bare


def test_nothing_in_the_results_names_a_patient(cohort_run: Path, repository: Path):
    plan = pd.read_csv(repository / "test_data/truth/patients.tsv", sep="\t", dtype=str)
    secrets = {*plan["family_name"], *plan["medical_record_number"], *plan["birth_date"]}
    for path in sorted((cohort_run / "cohort").glob("*.*")):
        text = path.read_text(encoding="utf-8")
        assert not [secret for secret in secrets if secret in text], path.name


def test_all_problems_of_the_tables_are_listed_before_any_job(snakemake_run, repository: Path, tmp_path: Path):
    lines = (repository / "test_data/cohort/clinical.tsv").read_text().splitlines()
    strange = [lines[0], lines[1].replace("P001", "P901"), *lines[2:]]
    (tmp_path / "clinical.tsv").write_text("\n".join(strange) + "\n")
    run = snakemake_run(
        "cohort", tmp_path, "--dry-run", config={"clinical": str(tmp_path / "clinical.tsv")}, check=False
    )
    assert run.returncode != 0
    assert "patient_id P001: is not in" in run.stdout and "patient_id P901: has no sample" in run.stdout
    assert not (tmp_path / "cohort").exists()


@pytest.mark.slow
def test_without_links_nothing_is_found_end_to_end(snakemake_run, repository: Path, tmp_path: Path):
    """Synthetic cohort with effect size 0, the three workflows on it, then the cohort step."""
    snakemake_run("synthetic", tmp_path, config={"effect_size": 0})
    made = tmp_path / "synthetic"
    modules = {}
    for name in ("genomics", "singlecell", "imaging"):
        settings = yaml.safe_load((repository / f"config/{name}.yaml").read_text())
        settings["samples"] = str(made / f"sheets/{name}.samples.tsv")
        text = yaml.safe_dump(settings).replace("test_data/", f"{made}/")
        modules[name] = str(tmp_path / f"{name}.yaml")
        Path(modules[name]).write_text(text)
    config = {
        "clinical": str(made / "cohort/clinical.tsv"),
        "truth": str(made / "truth/patients.tsv"),
        "modules": modules,
    }
    snakemake_run("cohort", tmp_path, str(tmp_path / "cohort/scores.tsv"), config={**config, "modules": modules})
    values = scores(tmp_path)
    assert abs(values["subtype_ari"]) < 0.3 and values["subtype_ari_p"] > 0.05
