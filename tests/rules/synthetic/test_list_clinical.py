from pathlib import Path

import cohort_steps
from cohort_simulation import planned

from kimedlib.sheet import read_sheet


def test_study_table_holds_no_identity_and_no_truth(tmp_path: Path, repository: Path):
    plan = planned(7, 1.0)
    plan.to_csv(tmp_path / "plan.tsv", sep="\t", index=False)
    cohort_steps.load_script("synthetic/list_clinical").main(tmp_path / "plan.tsv", tmp_path / "clinical.tsv")
    text = (tmp_path / "clinical.tsv").read_text()
    assert text.splitlines()[0].split("\t") == cohort_steps.CLINICAL
    for column in ("family_name", "given_name", "medical_record_number", "birth_date", "family_id"):
        assert not any(value in text for value in plan[column])
    frame = read_sheet(tmp_path / "clinical.tsv", repository / "config/schemas/cohort.samples.schema.yaml")
    assert frame["patient_id"].tolist() == plan["patient_id"].tolist()
    assert frame["survival_days"].astype(int).tolist() == plan["survival_days"].tolist()
