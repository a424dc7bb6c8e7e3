"""Verdicts: what is not proven to be the published result never passes, and nothing individual-level is told."""

import dataclasses
import hashlib
import os
from pathlib import Path

import pytest

import kimed_compare
from kimed_spe import evidence, judgement
from kimed_spe.certificate_page import details_of, evidence_of
from kimed_spe.declared import DeclaredOutput
from kimed_spe.judgement import Known

MEANING = "What it is, for people"


def declared(path: str = "results/tiny/a.txt", egress: str = "open", comparator: str = "exact", **tolerance: float):
    return DeclaredOutput(path, MEANING, egress, comparator, tolerance)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    (tmp_path / "results" / "tiny").mkdir(parents=True)
    return tmp_path / "results"


def write(results: Path, name: str, text: str = "x\n") -> tuple[str, dict[str, str]]:
    """A file as a job left it; its digest, and what the register says of it."""
    path = results / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return digest, {f"results/{name}": digest}


def known(text: str, comparator: str = "exact") -> Known:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Known(digest, fingerprint(text) if comparator == "exact" else None)


def fingerprint(text: str) -> str:
    import tempfile

    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        return kimed_compare.fingerprint("exact", Path(file.name))


def verdicts(*arguments: object) -> dict[str, tuple[str, str]]:
    return {one.path: (one.verdict.status.value, one.reason) for one in judgement.judge(*arguments)}


def test_same_bytes_are_identical(results: Path):
    _, made = write(results, "tiny/a.txt")
    assert verdicts([declared()], {"tiny/a.txt": known("x\n")}, results, made) == {"tiny/a.txt": ("identical", "")}


def test_one_other_byte_differs(results: Path):
    _, made = write(results, "tiny/a.txt", "y\n")
    status, reason = verdicts([declared()], {"tiny/a.txt": known("x\n")}, results, made)["tiny/a.txt"]
    assert status == "differs" and "differs" in reason


def test_published_content_is_measured(results: Path, tmp_path: Path):
    (tmp_path / "published.txt").write_text("x\n")
    _, made = write(results, "tiny/a.txt", "y\n")
    reference = Known(known("x\n").sha256, None, tmp_path / "published.txt")
    [one] = judgement.judge([declared()], {"tiny/a.txt": reference}, results, made)
    assert one.verdict.status == "differs" and one.verdict.distance == {"bytes": 1.0}


def test_missing_file_is_missing(results: Path):
    found = verdicts([declared()], {"tiny/a.txt": known("x\n")}, results, {})
    assert found["tiny/a.txt"][0] == "missing"


def test_output_that_no_rule_makes_is_missing(results: Path):
    found = verdicts([declared("results/tiny/typo_{n}.txt")], {}, results, {})
    assert found == {"tiny/typo_{n}.txt": ("missing", "declared, but no rule of this run makes it")}


def test_output_of_another_configuration_is_missing_only_if_it_was_published(results: Path):
    optional = dataclasses.replace(declared(), only_if="the config asks for it")
    assert verdicts([optional], {}, results, {}) == {}
    assert verdicts([optional], {"tiny/a.txt": known("x\n")}, results, {})["tiny/a.txt"][0] == "missing"


def test_file_that_no_job_made_is_no_pass(results: Path):
    """Put there by hand, with the right content."""
    write(results, "tiny/a.txt")
    found = verdicts([declared()], {"tiny/a.txt": known("x\n")}, results, {})
    assert found["tiny/a.txt"] == ("not comparable", "no job of this run made it, by the register")


def test_file_changed_after_its_job_is_no_pass(results: Path):
    _, made = write(results, "tiny/a.txt", "wrong\n")
    (results / "tiny/a.txt").write_text("x\n")
    found = verdicts([declared()], {"tiny/a.txt": known("x\n")}, results, made)
    assert found["tiny/a.txt"] == ("not comparable", "the file was changed after the job that made it")


@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_no_plain_file_is_no_pass(results: Path, kind: str):
    path = results / "tiny" / "a.txt"
    (results / "tiny/b").write_text("x\n")
    path.symlink_to(results / "tiny/b") if kind == "link" else os.mkfifo(path)
    made = {"results/tiny/a.txt": known("x\n").sha256}
    found = verdicts([declared()], {"tiny/a.txt": known("x\n")}, results, made)
    assert found["tiny/a.txt"][0] == "not comparable"


def test_nothing_known_is_not_comparable(results: Path):
    _, made = write(results, "tiny/a.txt")
    found = verdicts([declared()], {}, results, made)
    assert found["tiny/a.txt"] == ("not comparable", "nothing is known about the published one")


def test_known_output_that_is_no_longer_declared_is_not_forgotten(results: Path):
    _, made = write(results, "tiny/a.txt")
    found = verdicts([declared()], {"tiny/a.txt": known("x\n"), "tiny/gone.txt": known("x\n")}, results, made)
    assert found["tiny/gone.txt"] == ("not comparable", "no entry of outputs.yaml says how to compare it")


def test_unknown_comparator_is_not_comparable(results: Path):
    _, made = write(results, "tiny/a.txt")
    found = verdicts([declared(comparator="guess")], {"tiny/a.txt": known("x\n")}, results, made)
    assert found["tiny/a.txt"][0] == "not comparable"


def test_each_file_of_a_pattern_counts(results: Path):
    made = write(results, "tiny/1.txt")[1] | write(results, "tiny/2.txt", "y\n")[1]
    published = {f"tiny/{n}.txt": known("x\n") for n in (1, 2, 3)}
    found = verdicts([declared("results/tiny/{n}.txt")], published, results, made)
    assert [found[name][0] for name in sorted(found)] == ["identical", "differs", "missing"]


def test_first_entry_that_speaks_of_a_file_decides(results: Path):
    _, made = write(results, "tiny/a.txt")
    items = [declared(egress="never"), declared("results/tiny/{n}.txt")]
    judged = judgement.judge(items, {"tiny/a.txt": known("x\n")}, results, made)
    assert [(one.path, one.declared.egress) for one in judged] == [("tiny/a.txt", "never")]


SECRET = "P-4711"


@pytest.mark.parametrize(("egress", "told"), [("open", True), ("check", False), ("never", False)])
def test_certificate_tells_no_content_of_what_is_not_open(results: Path, tmp_path: Path, egress: str, told: bool):
    """Words of comparators name rows and values."""
    _, made = write(results, f"tiny/per/{SECRET}.txt", f"{SECRET}\t2\n")
    (tmp_path / "published.txt").write_text(f"{SECRET}\t1\n")
    reference = Known(None, None, tmp_path / "published.txt")
    item = declared("results/tiny/per/{person}.txt", egress)
    [one] = judgement.judge([item], {f"tiny/per/{SECRET}.txt": reference}, results, made)
    one = judgement.replace(one, verdict=judgement.replace(one.verdict, details=(f"row {SECRET}: 1 became 2",)))
    [entry] = judgement.entries([one])
    assert entry["details"] == ([f"row {SECRET}: 1 became 2"] if told else [])
    assert (SECRET in str(entry)) == (egress != "never")
    assert entry["distance"] == {"bytes": 1.0}
    assert ("#1" in entry["name"]) == (egress == "never")


@pytest.mark.parametrize(
    ("egress", "release", "review"), [("open", True, True), ("check", False, True), ("never", False, False)]
)
def test_pages_show_what_their_readers_may_see(results: Path, tmp_path: Path, egress: str, release: bool, review: bool):
    (tmp_path / "published.tsv").write_text("gene\tcount\nTP53\t1\n")
    _, made = write(results, "tiny/a.tsv", "gene\tcount\nTP53\t2\n")
    item = declared("results/tiny/a.tsv", egress)
    judged = judgement.judge([item], {"tiny/a.tsv": Known(None, None, tmp_path / "published.tsv")}, results, made)
    for kind, seen in (("release", release), ("review", review)):
        assert bool(evidence_of(judged, kind)) == seen
        assert bool(details_of(judged, kind)) == seen


def table(tmp_path: Path, before: str, after: str, **tolerance: object) -> evidence.Evidence:
    (tmp_path / "published.tsv").write_text(before)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "a.tsv").write_text(after)
    item = DeclaredOutput("results/a.tsv", MEANING, "open", "exact", {})
    [one] = judgement.judge([item], {"a.tsv": Known(None, None, tmp_path / "published.tsv")}, tmp_path / "results", {})
    return evidence.of(judgement.replace(one, declared=judgement.replace(item, tolerance=tolerance)))


def test_table_shows_the_cell_that_differs(tmp_path: Path):
    shown = table(tmp_path, "gene\tn\tp\nA\t1\t.5\nB\t2\t.5\n", "gene\tn\tp\nA\t1\t.5\nB\t3\t.5\n")
    assert shown.columns == ("n",)
    assert shown.rows == (("row 2", (evidence.Cell("2", "3"),)),)


def test_keyed_table_pairs_rows_by_key(tmp_path: Path):
    shown = table(tmp_path, "gene\tn\nA\t1\nB\t2\n", "gene\tn\nB\t2\nA\t1\nC\t4\n", key=["gene"])
    assert shown.rows == (("C", (evidence.Cell("—", "C"), evidence.Cell("—", "4"))),)


@pytest.mark.parametrize("after", ["gene\tm\nA\t1\n", "n\tgene\n1\tA\n"])
def test_other_columns_are_told(tmp_path: Path, after: str):
    assert "column" in table(tmp_path, "gene\tn\nA\t1\n", after).note


@pytest.mark.parametrize(
    ("value", "status"), [("2.0", "identical"), ("2.0000001", "within tolerance"), ("2.1", "differs")]
)
def test_tolerance_decides_where_the_content_is_here(results: Path, tmp_path: Path, value: str, status: str):
    (tmp_path / "published.tsv").write_text("group\tmean\nall\t2.0\n")
    _, made = write(results, "tiny/a.tsv", f"group\tmean\nall\t{value}\n")
    item = declared("results/tiny/a.tsv", comparator="table", relative=1e-6)
    [one] = judgement.judge([item], {"tiny/a.tsv": Known(None, None, tmp_path / "published.tsv")}, results, made)
    assert one.verdict.status.value == status


def test_fingerprint_alone_never_says_within_tolerance(results: Path, tmp_path: Path):
    """The published content is not here: how far apart they are cannot be known."""
    (tmp_path / "published.tsv").write_text("group\tmean\nall\t2.0\n")
    item = declared("results/tiny/a.tsv", comparator="table", relative=1e-6)
    mark = kimed_compare.fingerprint("table", tmp_path / "published.tsv", item.tolerance)
    _, made = write(results, "tiny/a.tsv", "group\tmean\nall\t2.0000001\n")
    [one] = judgement.judge([item], {"tiny/a.tsv": Known(None, mark)}, results, made)
    assert one.verdict.status.value == "not comparable" and "how far" in one.reason
