from pathlib import Path

import cohort_steps
import pandas as pd
import yaml
from conftest import REPOSITORY

SETTINGS = yaml.safe_load((REPOSITORY / "config/synthetic.yaml").read_text())["cohort"]
# What the simulators rely on (workflows/synthetic/README.md).
COLUMNS = [
    "patient_id", "family_id", "subtype", "treatment", "sex", "age_years", "birth_date", "family_name", "given_name",
    "medical_record_number", "has_tumour_reads", "has_cells", "has_images", "driver_mutated", "somatic_count",
    "cd8_log_ratio", "interferon_log2fc", "lesion_volume_ml", "lesion_heterogeneity_hu", "brain_volume_ml",
    "survival_days", "event", "response",
]  # fmt: skip


def plan(path: Path, patients: int, seed: int = 7) -> bytes:
    main = cohort_steps.load_script("synthetic/plan_cohort").main
    main(path, seed=seed, patients=patients, effect_size=1.0, settings=SETTINGS)
    return path.read_bytes()


def test_columns_are_those_agreed(tmp_path: Path):
    plan(tmp_path / "plan.tsv", 12)
    frame = pd.read_csv(tmp_path / "plan.tsv", sep="\t")
    assert frame.columns.tolist() == COLUMNS
    assert len(frame) == 12 and frame.notna().all().all()


def test_same_seed_same_bytes_and_other_seed_other_people(tmp_path: Path):
    first = plan(tmp_path / "a.tsv", 12)
    assert plan(tmp_path / "b.tsv", 12) == first
    assert plan(tmp_path / "c.tsv", 12, seed=8) != first


def test_a_large_cohort_begins_with_the_small_one(tmp_path: Path):
    small, large = plan(tmp_path / "a.tsv", 12), plan(tmp_path / "b.tsv", 500)
    assert large.startswith(small)
    assert large.count(b"\n") == 501
