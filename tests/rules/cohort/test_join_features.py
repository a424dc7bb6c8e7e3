from pathlib import Path

import cohort_steps
import pandas as pd
import pytest

from kimedlib.problems import InputProblems


def test_table_joins_all_patients_and_leaves_gaps(study: Path):
    features = pd.read_csv(study / "features.tsv", sep="\t").set_index("patient_id")
    assert len(features) == 12
    imaging = pd.read_csv(study / "imaging_features.tsv", sep="\t").set_index("patient_id")
    assert len(imaging) == 11
    joined = features["imaging.lesion_volume_ml"]
    assert joined.dropna().to_dict() == pytest.approx(imaging["lesion_volume_ml"].to_dict(), rel=1e-5)
    assert joined.isna().sum() == 1


def test_missingness_names_patient_modality_and_reason(study: Path):
    plan = pd.read_csv(study / "patients.tsv", sep="\t").set_index("patient_id")
    missing = pd.read_csv(study / "missing.tsv", sep="\t", keep_default_na=False)
    absent = missing[missing["state"] == "absent"]
    assert absent["patient_id"].tolist() == plan.index[plan["has_images"] == "no"].tolist()
    assert absent["reason"].tolist() == ["no row in imaging_features.tsv"]
    partial = missing[missing["state"] == "partial"]
    assert partial["patient_id"].tolist() == plan.index[plan["has_tumour_reads"] == "no"].tolist()
    assert "somatic_snv_count" in partial["reason"].iloc[0]


def test_same_input_same_bytes(study: Path, tmp_path: Path):
    sources = cohort_steps.write_inputs(tmp_path, 201, 1.0)
    for name, path in cohort_steps.join(tmp_path, sources).items():
        assert path.read_bytes() == (study / f"{name}.tsv").read_bytes()


def test_all_that_is_wrong_is_said_at_once_and_nothing_written(tmp_path: Path):
    sources = cohort_steps.write_inputs(tmp_path, 201, 1.0)
    broken = pd.read_csv(sources["imaging"], sep="\t", dtype=str)
    broken.loc[0, "lesion_volume_ml"] = "large"
    broken.loc[1, "patient_id"] = broken.loc[2, "patient_id"]
    broken.to_csv(sources["imaging"], sep="\t", index=False)
    strangers = pd.read_csv(sources["genomics"], sep="\t", dtype=str)
    strangers.loc[3, "patient_id"] = "P999"
    strangers.to_csv(sources["genomics"], sep="\t", index=False)
    with pytest.raises(InputProblems) as caught:
        cohort_steps.join(tmp_path, sources)
    text = str(caught.value)
    assert "3 problems" in text and "P999" in text and "'large'" in text and "stands already" in text
    assert not (tmp_path / "features.tsv").exists()
