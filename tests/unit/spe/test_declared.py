"""Declared results: the published schema knows every comparator and its tolerances."""

import json
from pathlib import Path

import pytest

from kimed_compare import COMPARATORS
from kimed_spe import declared

OUTPUT = {"path": "results/a/b.tsv", "meaning": "Something to look at", "egress": "open", "comparator": "table"}


def load(folder: Path, **changes: object) -> list[declared.DeclaredOutput]:
    path = folder / "outputs.yaml"
    path.write_text(json.dumps({"outputs": [OUTPUT | changes]}))
    return declared.load(path)


def test_schema_says_of_each_comparator_what_the_comparator_says():
    item = declared.schema()["properties"]["outputs"]["items"]
    assert set(item["properties"]["comparator"]["enum"]) == set(COMPARATORS)
    parts = [(part["if"]["properties"]["comparator"]["const"], part["then"]["properties"]) for part in item["allOf"]]
    told = {name: properties["tolerance"] for name, properties in parts}
    assert told == {name: tool.schema() for name, tool in COMPARATORS.items()}


def test_mark_of_snakemake_in_a_folder_is_no_result(tmp_path: Path):
    folder = tmp_path / "a" / "reads"
    folder.mkdir(parents=True)
    for name in ("x.txt", ".snakemake_timestamp"):
        (folder / name).touch()
    (item,) = load(tmp_path, path="results/a/reads/{name}")
    assert item.files(tmp_path) == [folder / "x.txt"]


@pytest.mark.parametrize(
    ("comparator", "tolerance"),
    [
        ("table", {"relative": 0.001, "keys": ["id"], "columns": {"x": {"absolute": 1}}}),
        ("nifti", {"dice_loss": 0.01}),
        ("h5ad", {"clusters": ["leiden"], "ari_loss": 0.1}),
        ("exact", {}),
    ],
)
def test_what_a_comparator_has_is_taken(tmp_path, comparator, tolerance):
    assert load(tmp_path, comparator=comparator, tolerance=tolerance)[0].tolerance == tolerance


@pytest.mark.parametrize(
    ("comparator", "tolerance"),
    [
        ("table", {"relatve": 0.001}),
        ("table", {"relative": -1}),
        ("table", {"columns": {"x": {"percent": 1}}}),
        ("nifti", {"dice": 0.99}),
        ("exact", {"relative": 1}),
        ("guess", {}),
    ],
)
def test_what_it_has_not_is_an_error(tmp_path, comparator, tolerance):
    with pytest.raises(declared.DeclarationError, match=r"outputs\.yaml: \$\.outputs\[0\]"):
        load(tmp_path, comparator=comparator, tolerance=tolerance)
