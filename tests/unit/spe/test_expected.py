"""Expected results: what is kept of a finished run, and what is never believed."""

import json
from pathlib import Path

import pytest

from kimed_spe import expected
from kimed_spe.expected import ExpectedError

OUTPUTS = """outputs:
  - {path: "results/w/persons/{who}.tsv", meaning: One row per person there is, egress: never, comparator: table}
  - {path: results/w/sum.tsv, meaning: Sums over all of the persons, egress: check, comparator: table}
  - {path: results/w/raw, meaning: A folder of files as they are, egress: never, comparator: exact}
"""


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    folder = tmp_path / "workflows/w"
    folder.mkdir(parents=True)
    (folder / "outputs.yaml").write_text(OUTPUTS)
    results = tmp_path / "results/w"
    (results / "raw").mkdir(parents=True)
    (results / "persons").mkdir()
    (results / "persons/P1.tsv").write_text("name\tvalue\nP1\t2\n")
    (results / "sum.tsv").write_text("sum\n2\n")
    (results / "raw/x").write_text("x")
    return folder


def write(workflow: Path, **options) -> expected.Expected:
    return expected.write(workflow, workflow.parents[1] / "results", **options)


def test_content_about_persons_stays_unless_there_are_none(workflow):
    kept = {output.path: output.reference for output in write(workflow).outputs}
    assert set(kept) == {"results/w/persons/P1.tsv", "results/w/raw", "results/w/sum.tsv"}
    assert [path for path, reference in kept.items() if reference] == ["results/w/sum.tsv"]
    assert "P1\t2" not in "".join(path.read_text() for path in (workflow / "expected").rglob("*") if path.is_file())
    kept = {output.path: output.reference for output in write(workflow, synthetic=True).outputs}
    assert kept["results/w/persons/P1.tsv"].read_text() == "name\tvalue\nP1\t2\n"


def test_large_results_are_known_by_digest(workflow):
    table = workflow.parents[1] / "results/w/sum.tsv"
    table.write_text("sum\n" + "1\n" * expected.LARGEST)
    output = next(output for output in write(workflow).outputs if output.path.endswith("sum.tsv"))
    assert output.reference is None
    assert output.fingerprint.startswith("table:")


def test_other_files_of_the_folder_stay(workflow):
    write(workflow)
    (workflow / "expected/spread.json").write_text("{}")
    (workflow / "expected/files/w/old.tsv").write_text("x")
    write(workflow)
    assert (workflow / "expected/spread.json").exists()
    assert not (workflow / "expected/files/w/old.tsv").exists()


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (lambda results: (results / "persons/P1.tsv").unlink(), r"results/w/persons/\{who\}\.tsv: no rule made it"),
        (lambda results: (results / "sum.tsv").write_text("a\ta\n1\t2\n"), r"sum\.tsv: .*a column is there twice"),
        (lambda results: (results / "raw/link").symlink_to("/etc/passwd"), "results/w/raw"),
    ],
)
def test_what_cannot_be_relied_on_is_not_written(workflow, problem, words):
    problem(workflow.parents[1] / "results/w")
    with pytest.raises(ExpectedError, match=words):
        write(workflow)
    assert [path.name for path in workflow.iterdir()] == ["outputs.yaml"]


def test_outputs_of_other_configurations_may_be_absent(workflow):
    (workflow / "outputs.yaml").write_text(
        OUTPUTS.replace("per person there is,", "per person there is, only_if: persons asked,")
    )
    (workflow.parents[1] / "results/w/persons/P1.tsv").unlink()
    assert {output.path for output in write(workflow).outputs} == {"results/w/raw", "results/w/sum.tsv"}


def change(workflow: Path, **changes) -> None:
    path = workflow / "expected/expected.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda w: change(w, type="kimed-expected/0"), "is of version 'kimed-expected/0'"),
        (lambda w: change(w, outputs={}), r"\$\.outputs"),
        (lambda w: change(w, more=1), "more"),
        (lambda w: (w / "expected/files/w/sum.tsv").write_text("sum\n3\n"), "was changed"),
        (lambda w: (w / "expected/files/w/sum.tsv").unlink(), "cannot be read"),
        (lambda w: (w / "expected/expected.json").write_text("{"), "cannot be read"),
    ],
)
def test_damage_is_named(workflow, damage, words):
    write(workflow)
    damage(workflow)
    with pytest.raises(ExpectedError, match=words):
        expected.read(workflow / "expected")
