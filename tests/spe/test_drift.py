"""What changed between two certificates is told in full; what is not known is said to be not known."""

import copy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from spe.test_certificate import output, predicate

from kimed_spe import bisection, calibration, factors
from kimed_spe.bisection import NotAtHand, Worlds
from kimed_spe.calibration import Way
from kimed_spe.drift import between
from kimed_spe.workspace import WorkspaceError


def states() -> tuple[dict[str, Any], dict[str, Any]]:
    old = predicate(output("results/tiny/a.tsv"), output("results/tiny/b.tsv"))
    return old, copy.deepcopy(old)


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], Any], str, str]] = {
    "code": (lambda p: p["workflow"]["files"].update({"scripts/tiny/means.py": "1"}), "code", "means.py was changed"),
    "new file": (lambda p: p["workflow"]["files"].update({"rules/x.smk": "1"}), "code", "rules/x.smk was added"),
    "gone file": (lambda p: p["workflow"]["files"].pop("scripts/tiny/means.py"), "code", "means.py was removed"),
    "value": (lambda p: p["parameters"].update({"config/tiny.yaml: factor": 2}), "parameter", "changed: 1.5 -> 2"),
    "sheet": (lambda p: p["workflow"]["files"].update({"config/s.tsv": "1"}), "parameter", "config/s.tsv was added"),
    "package": (lambda p: p["environment"]["packages"].update(numpy="2.5"), "environment", "numpy: 2.4.6 -> 2.5"),
    "python": (lambda p: p["environment"].update(python="3.12.0"), "environment", "python: 3.11.7 -> 3.12.0"),
    "mode": (lambda p: p["environment"].update(software="conda"), "environment", "software: host -> conda"),
    "lock": (lambda p: p["environment"]["locks"].update({"requirements/dev.lock": "1"}), "environment", "dev.lock was"),
    "data": (lambda p: p["inputs"][0].update(manifest="1"), "input", "data set d was changed"),
    "new data": (lambda p: p["inputs"].append({"id": "e", "version": "1", "manifest": "1"}), "input", "e was added"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_told_with_its_factor(name: str):
    change, factor, told = CHANGES[name]
    old, new = states()
    change(new)
    drift = between(old, new)
    assert drift.changed == [factor]
    [changes] = [item.changes for item in drift.factors if item.changes]
    assert len(changes) == 1 and told in changes[0]
    assert drift.outputs == () and drift.same == 2


def test_expected_results_and_descriptions_change_no_result():
    old, new = states()
    new["workflow"]["files"] |= {"workflows/tiny/expected/x.json": "1", "workflows/tiny/README.md": "1"}
    assert between(old, new).changed == []


def test_same_verdict_on_other_content_is_a_change():
    old, new = states()
    new["outputs"][0]["found"]["fingerprint"] = "exact:other"
    [change] = between(old, new).outputs
    assert change.name == "results/tiny/a.tsv" and change.content and change.cause == "not known"


def test_other_verdict_on_the_same_content_is_no_bisection():
    old, new = states()
    new["outputs"][0]["verdict"] = "differs"
    new["reference"]["sha256"] = "1"
    drift = between(old, new)
    assert drift.outputs[0].cause == "the content is the same"
    assert any("compared with are not the same" in line for line in drift.lines())


def test_lost_and_new_outputs_are_told():
    old, new = states()
    new["outputs"][1]["name"] = "results/tiny/c.tsv"
    assert {(item.name, item.before, item.after) for item in between(old, new).outputs} == {
        ("results/tiny/c.tsv", "not there", "identical"), ("results/tiny/b.tsv", "identical", "not there"),
    }  # fmt: skip


def test_machine_is_told_and_is_no_factor():
    old, new = states()
    new["hardware"]["vector_unit"] = "avx512f"
    drift = between(old, new)
    assert drift.changed == [] and "vector_unit avx2 -> avx512f" in drift.lines()[2]


def test_certificates_of_two_workflows_are_not_compared():
    old, new = states()
    new["reproduced"]["workflow"] = "other"
    with pytest.raises(ValueError, match="of the workflow tiny"):
        between(old, new)


def cause(returned: dict[str, set[str]], together: set[str] | None, left: list[str]) -> str:
    return bisection._cause("a", returned, together, list(returned), left)


def test_causes_in_words():
    assert cause({"code": {"a"}, "parameter": set()}, None, []) == "code"
    assert cause({"code": {"a"}, "parameter": {"a"}}, None, []) == "code or parameter (either is enough)"
    assert cause({"code": set(), "parameter": set()}, {"a"}, []) == "code and parameter together"
    assert cause({"code": set()}, set(), []).startswith("not known: not code; what is left is hardware")
    assert cause({"code": set()}, set(), ["environment"]) == "not known: not code; not run again: environment"
    assert cause({}, None, ["environment"]) == "not known; not run again: environment"


def test_state_that_cannot_be_had_is_said(tmp_path: Path):
    with pytest.raises(NotAtHand, match="names no commit"):
        bisection._check_out(tmp_path, None, ["a"], tmp_path / "then")
    with pytest.raises(NotAtHand, match="is not in this clone"):
        bisection._check_out(tmp_path, "c" * 40, ["a"], tmp_path / "then")
    with pytest.raises(NotAtHand, match="no environment of then was named"):
        bisection._old_python(None, {"packages": {}})
    with pytest.raises(NotAtHand, match="no environment with this package"):
        bisection._old_python(tmp_path, {"packages": {}})


def test_another_environment_is_not_taken_for_that_of_then():
    import sys

    with pytest.raises(NotAtHand, match="is not the environment of then: numpy"):
        bisection._old_python(Path(sys.prefix), {"packages": {"numpy": "0.0.1"}})
    assert bisection._old_python(Path(sys.prefix), {"packages": {}}) == Path(sys.prefix) / "bin" / "python"


def test_nothing_to_bisect_runs_nothing():
    old, new = states()
    nothing = Worlds(SimpleNamespace(), None, None, None, Path())
    assert bisection.explain(between(old, new), old, nothing, SimpleNamespace()).notes == (
        "Nothing to bisect: no content changed.",
    )


@pytest.mark.parametrize(
    ("path", "factor"),
    [
        ("scripts/a/b.py", "code"), ("rules/a.smk", "code"), ("config/a.yaml", "parameter"),
        ("config/schemas/a.yaml", "parameter"), ("config.yaml", "parameter"), ("envs/x.yaml", "environment"),
        ("workflow/envs/x.yaml", "environment"), ("workflows/a/expected/e.json", None),
        ("workflows/a/outputs.yaml", None),
    ],
)  # fmt: skip
def test_files_have_factors(path: str, factor: str | None):
    assert factors.factor(path) == factor


def test_values_that_are_paths_are_told_by_digest_only(tmp_path: Path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/a.yaml").write_text("x: /data/patients/p1\ny: [1, 2]\nz: {w: .inf}\nu: https://host/x\n")
    found = factors.flat_parameters(tmp_path, ["config/a.yaml"])
    assert found["config/a.yaml: x"].startswith("sha256:") and found["config/a.yaml: u"].startswith("sha256:")
    assert found["config/a.yaml: y"] == "[1, 2]" and found["config/a.yaml: z.w"] == "inf"


def test_calibration_goes_other_ways():
    assert calibration.ways(Way(2, "host"), 3, conda=True) == [Way(2, "conda"), Way(1, "host"), Way(4, "host")]
    assert calibration.ways(Way(1, "host"), 2, conda=False) == [Way(2, "host"), Way(4, "host")]
    assert calibration.ways(Way(4, "conda"), 1, conda=False) == [Way(4, "host")]


def test_calibration_refuses_what_it_cannot_measure():
    done = SimpleNamespace(task=SimpleNamespace(reference=SimpleNamespace(kind="crate")), run=None)
    with pytest.raises(ValueError, match="at least 1"):
        calibration.calibrate(done, SimpleNamespace(), 0)
    with pytest.raises(ValueError, match="not for crates"):
        calibration.calibrate(done, SimpleNamespace(), 1)
    failed = SimpleNamespace(
        task=SimpleNamespace(reference=SimpleNamespace(kind="expected")), run=SimpleNamespace(complete=False)
    )
    with pytest.raises(WorkspaceError, match="did not finish"):
        calibration.calibrate(failed, SimpleNamespace(), 1)
