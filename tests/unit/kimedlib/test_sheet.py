"""Sheets and configs: every wrong cell is named, with its remedy, in one report."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from kimedlib.problems import InputProblems
from kimedlib.sheet import check_config, expand_variables, numbered, read_rows, read_sheet

ROW_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["sample_id", "sex", "reads"],
    "x-unique": ["sample_id"],
    "properties": {
        "sample_id": {"type": "string", "pattern": "^[A-Za-z0-9-]+$", "description": "letters, digits, hyphens"},
        "sex": {"enum": ["female", "male"], "description": "sex of the patient"},
        "reads": {"type": "string", "description": "path of the FASTQ file"},
        "note": {"type": "string", "description": "free text"},
    },
}


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "rows.schema.yaml"
    path.write_text(yaml.safe_dump(ROW_SCHEMA))
    return path


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "samples.tsv"
    path.write_text(text)
    return path


def complaints(path: Path, schema: Path) -> list[tuple[str, str]]:
    with pytest.raises(InputProblems) as caught:
        read_sheet(path, schema)
    assert all(problem.remedy for problem in caught.value.problems)
    assert all(problem.file == str(path) for problem in caught.value.problems)
    return [(problem.place, problem.found) for problem in caught.value.problems]


def test_good_sheet_is_read_with_absent_values_empty(tmp_path, schema):
    path = write(tmp_path, "sample_id\tsex\treads\nS-1\tfemale\ta.fq\n\nS2\tmale\t b.fq \n")
    frame = read_sheet(path, schema)
    assert frame.to_dict("records") == [
        {"sample_id": "S-1", "sex": "female", "reads": "a.fq", "note": ""},
        {"sample_id": "S2", "sex": "male", "reads": "b.fq", "note": ""},
    ]


def test_lines_are_told_as_the_file_has_them(tmp_path, schema):
    path = write(tmp_path, 'sample_id\tsex\treads \n\n \t\nS1\tmale\t"a\nb"\nS2\tmale\tc\n')
    assert [line for line, _ in numbered(read_rows(path, schema))] == [4, 6]
    frame = read_sheet(path, schema)
    assert [(line, row["sample_id"]) for line, row in numbered(frame)] == [(4, "S1"), (6, "S2")]
    assert [line for line, _ in numbered(pd.DataFrame(frame.to_dict("records")))] == [2, 3]


@pytest.mark.parametrize("separator", [";", ","])
def test_other_separators_are_one_problem(tmp_path, schema, separator):
    path = write(tmp_path, "sample_id\tsex\treads\nS1\tmale\ta.fq\n".replace("\t", separator))
    assert complaints(path, schema) == [("line 1", f"its columns are separated by '{separator}', not by tabs")]


def test_all_problems_come_at_once_with_their_lines(tmp_path, schema):
    path = write(
        tmp_path, "sample_id\tsex\treads\tcolour\nS 1\tfemal\ta.fq\tred\nS2\t\ta.fq\t\nS2\tmale\tb.fq\t\nS3\tmale\n"
    )
    assert complaints(path, schema) == [
        ("line 1", "unknown column 'colour'"),
        ("line 2, column sample_id", "'S 1' is not allowed"),
        ("line 2, column sex", "'femal' is not allowed"),
        ("line 3, column sex", "is empty"),
        ("line 5", "has 2 cells, the header has 4"),
        ("line 4", "sample_id 'S2' stands already in line 3"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "has no samples"),
        ("sample_id\tsex\treads\n", "has no samples"),
        ("sample_id\tsex\nS1\tmale\n", "column 'reads' is missing"),
        ("sample_id\tsex\tsex\treads\nS1\tmale\tmale\ta\n", "column 'sex' stands twice"),
    ],
)
def test_wrong_table(tmp_path, schema, text, found):
    assert found in [said for _, said in complaints(write(tmp_path, text), schema)]


def test_missing_file_and_binary_file(tmp_path, schema):
    assert complaints(tmp_path / "absent.tsv", schema) == [("", "No such file or directory")]
    binary = tmp_path / "binary.tsv"
    binary.write_bytes(b"\xff\xfe\x00\x01sample")
    assert complaints(binary, schema) == [("", "is not UTF-8 text")]


def test_variables_in_cells(tmp_path, schema, monkeypatch):
    monkeypatch.setenv("KIMED_TEST_DATA", "/there")
    monkeypatch.delenv("KIMED_TEST_ABSENT", raising=False)
    path = write(tmp_path, "sample_id\tsex\treads\nS1\tmale\t$KIMED_TEST_DATA/a.fq\n")
    assert read_sheet(path, schema)["reads"].tolist() == ["/there/a.fq"]
    path = write(tmp_path, "sample_id\tsex\treads\nS1\tmale\t${KIMED_TEST_ABSENT}/a.fq\n")
    assert complaints(path, schema) == [("line 2", "the variable KIMED_TEST_ABSENT is not set")]


def test_config_names_each_wrong_key(tmp_path):
    schema = tmp_path / "config.schema.yaml"
    schema.write_text(
        yaml.safe_dump(
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["samples"],
                "properties": {
                    "samples": {"type": "string", "description": "path of the sample sheet"},
                    "quality": {"type": "number", "minimum": 0, "description": "Phred-scaled quality, 0 or more"},
                },
            }
        )
    )
    check_config({"samples": "a.tsv", "quality": 3}, schema, "config/x.yaml")
    with pytest.raises(InputProblems) as caught:
        check_config({"quality": -1, "qualiti": 3}, schema, "config/x.yaml")
    text = str(caught.value)
    assert text.startswith("3 problems")
    for part in (
        "'samples' is a required property",
        "'qualiti' was unexpected",
        "$.quality",
        "Phred-scaled",
        "known: quality, samples",
    ):
        assert part in text


def test_variables_in_config(monkeypatch):
    monkeypatch.setenv("KIMED_TEST_DATA", "/there")
    monkeypatch.delenv("KIMED_TEST_ABSENT", raising=False)
    assert expand_variables({"a": ["$KIMED_TEST_DATA/x", 3]}, "c.yaml") == {"a": ["/there/x", 3]}
    with pytest.raises(InputProblems, match=r"c\.yaml: key \$\.a\[0\].*KIMED_TEST_ABSENT"):
        expand_variables({"a": ["$KIMED_TEST_ABSENT/x"]}, "c.yaml")
