"""Letters of the cohort name their patients, come in all formats, and are the same for a seed."""

import pandas as pd
import text_steps


def test_letters_name_the_patients_of_the_plan(tmp_path):
    text_steps.simulate(tmp_path)
    truth = pd.read_csv(tmp_path / "truth.tsv", sep="\t", dtype=str)
    for patient, name in (("P001", "Erlenfurtner"), ("P002", "Özgür")):
        mine = truth[truth["document"].str.startswith(patient) & (truth["label"] == "NAME_PATIENT")]
        assert mine["original"].str.contains(name, case=False).any()
    assert not truth[truth["document"].str.startswith("T")]["original"].str.contains("Erlenfurtner").any()


def test_same_seed_same_bytes(tmp_path):
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        text_steps.simulate(tmp_path / name)
        made.append({path.name: path.read_bytes() for path in (tmp_path / name / "letters").iterdir()})
    assert made[0] == made[1]
    assert {name.rsplit(".", 1)[1] for name in made[0]} == {"txt", "ann", "json", "xmi"}
