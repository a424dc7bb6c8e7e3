"""Joining of feature tables: provenance, gaps, selection."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kimedlib.cohort_features import describe_features, joined_table, missingness, search_matrix, strata
from kimedlib.problems import InputProblems

SELECTION = {"one": {"use": ["count", "mutated"], "log": ["count"]}, "two": {"use": ["clr_*"], "log": []}}


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    one = pd.DataFrame({"count": [0, 9.0], "mutated": [0, np.nan], "depth": [30, 31]}, index=["P001", "P002"])
    return {"one": one, "two": pd.DataFrame({"clr_a": [0.5], "clr_b": [-0.5]}, index=["P001"])}


@pytest.fixture
def dictionary(tables: dict[str, pd.DataFrame], tmp_path: Path) -> pd.DataFrame:
    sources = {name: tmp_path / f"{name}_features.tsv" for name in tables}
    for path in sources.values():
        path.write_text(path.name)
    return describe_features(tables, sources, SELECTION)


def test_dictionary_tells_use_kind_and_source(dictionary: pd.DataFrame):
    rows = dictionary.set_index("feature")
    assert rows.loc["one.mutated", "kind"] == "binary" and rows.loc["one.count", "kind"] == "number"
    assert rows.loc["one.depth", "used"] == "no" and rows.loc["two.clr_a", "used"] == "yes"
    assert rows.loc["one.count", "transform"] == "log1p"
    assert rows["patients"].to_dict() == {
        "one.count": 2, "one.mutated": 1, "one.depth": 2, "two.clr_a": 1, "two.clr_b": 1
    }  # fmt: skip
    # sha256 of the text "one_features.tsv"
    assert rows.loc["one.count", "source_sha256"] != rows.loc["two.clr_a", "source_sha256"]


def test_pattern_that_fits_nothing_is_a_problem(tables: dict[str, pd.DataFrame], tmp_path: Path):
    (tmp_path / "x").write_text("x")
    wrong = {"one": {"use": ["cuont"], "log": []}, "two": {"use": ["clr_*", "frac*"], "log": []}}
    with pytest.raises(InputProblems, match="2 problems") as caught:
        describe_features(tables, dict.fromkeys(tables, tmp_path / "x"), wrong)
    assert "'cuont' fits no feature" in str(caught.value) and "known: count, mutated, depth" in str(caught.value)


def test_gaps_are_listed_with_their_reason(tables: dict[str, pd.DataFrame], dictionary: pd.DataFrame):
    missing = missingness(tables, dictionary, ["P001", "P002"]).set_index(["patient_id", "modality"])
    assert missing["state"].tolist() == ["complete", "partial", "complete", "absent"]
    assert missing.loc[("P002", "one"), "reason"] == "no value for mutated"
    assert missing.loc[("P002", "two"), "reason"] == "no row in two_features.tsv"


def test_join_keeps_all_patients_and_fills_nothing(tables: dict[str, pd.DataFrame]):
    clinical = pd.DataFrame({"patient_id": ["P002", "P001", "P003"], "treatment": "treated"})
    joined = joined_table(clinical, tables)
    assert joined["patient_id"].tolist() == ["P002", "P001", "P003"]
    assert joined["two.clr_a"].isna().tolist() == [True, False, True]


def test_matrix_is_transformed_and_drops_patients_without_values(tables, dictionary):
    clinical = pd.DataFrame({"patient_id": ["P001", "P002", "P003"], "treatment": ["treated", "untreated", "treated"]})
    joined = joined_table(clinical, tables)
    matrix = search_matrix(joined, dictionary)
    assert matrix.patients == ["P001", "P002"]
    assert matrix.numbers[:, 0] == pytest.approx([0, np.log(10)])
    assert matrix.features == ["one.count", "one.mutated", "two.clr_a", "two.clr_b"]
    assert search_matrix(joined, dictionary, without="one").patients == ["P001"]
    assert strata(joined, matrix.patients, ["treatment"]) == ["treated", "untreated"]
    assert strata(joined, matrix.patients, []) == ["all", "all"]
