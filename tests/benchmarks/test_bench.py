"""The bench judges by floors, and real data stay above them."""

import importlib.util
import sys
from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).parent
FLOORS = yaml.safe_load((FOLDER / "floors.yaml").read_text())


def load_bench():
    spec = importlib.util.spec_from_file_location("kimed_bench", FOLDER / "bench.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["kimed_bench"] = module
    spec.loader.exec_module(module)
    return module


bench = load_bench()


def test_floors_and_ceilings():
    results = {"a.snv.f1": 0.98, "a.snv.fp": 3, "a.calls": 0, "_meta": {}}
    assert bench.below_floors(results, {"a.snv.f1": 0.98, "a.snv.fp": 3, "a.calls": 0, "absent_case.snv.f1": 1.0}) == []
    assert bench.below_floors({"a.peak_mb": 501, "a.wall_ratio": 1.1}, {"a.peak_mb": 500, "a.wall_ratio": 1.15}) == [
        "a.peak_mb: 501 is worse than 500"
    ]
    wrong = bench.below_floors(results, {"a.snv.f1": 0.99, "a.snv.fp": 2, "a.indel.f1": 0.5})
    assert [line.split(":")[0] for line in wrong] == ["a.snv.f1", "a.snv.fp", "a.indel.f1"]


def test_unknown_workflow_names_the_known():
    with pytest.raises(SystemExit, match="clinical_text, genomics, imaging, singlecell"):
        bench.adapter("astrology")


def test_missing_manifest_is_explained(tmp_path):
    with pytest.raises(SystemExit, match=r"docs/data\.md"):
        bench.bench("genomics", tmp_path, tmp_path / "work", 1)


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ({"kind": "integration"}, "integration"),
        ({"kind": "citeseq"}, "proteins"),
        ({"kind": "annotate", "labels": {}}, "labels"),
        ({"kind": "treatment", "obs": {"label": "type", "condition": "stim"}}, "condition"),
        ({"kind": "hashing", "obs": {"doublet": "call"}}, "doublets"),
        ({"kind": "protocols", "parts": []}, "integration"),
    ],
)
def test_single_cell_cases_of_other_words_are_measured_by_their_fields(case: dict, kind: str):
    assert bench.adapter("singlecell").kind_of(case) == kind


def test_a_case_that_says_nothing_is_named():
    with pytest.raises(SystemExit, match="odd: unknown kind 'strange'"):
        bench.adapter("singlecell").prepare({"cases": [{"id": "odd", "kind": "strange"}]}, Path(), Path())


@pytest.mark.real_data
@pytest.mark.parametrize("workflow", sorted(set(FLOORS) - {"clinical_text"}))
def test_real_data_stay_above_the_floors(workflow: str, kimed_data: Path, tmp_path: Path, monkeypatch):
    """Cases that train a network for minutes run in `make test-all` and `make bench` only."""
    monkeypatch.setattr(
        bench,
        "SKIPPED_KINDS",
        dict.fromkeys(("segmentation_train_test", "cardiac_cine"), "trains for minutes: make bench WORKFLOW=imaging"),
    )
    monkeypatch.setenv("KIMED_BENCH_TIMING", "0")  # other tests run beside it: times would say nothing
    results = bench.bench(workflow, kimed_data, tmp_path, 2)
    assert bench.below_floors(results, FLOORS[workflow]) == []


@pytest.mark.slow
@pytest.mark.real_data
def test_network_trained_on_real_images_stays_above_the_floors(kimed_data: Path, tmp_path: Path):
    results = bench.bench("imaging", kimed_data, tmp_path, 2)
    assert bench.below_floors(results, FLOORS["imaging"]) == []


@pytest.mark.slow
@pytest.mark.real_data
def test_models_cross_validated_on_real_letters_stay_above_the_floors(kimed_data: Path, tmp_path: Path):
    results = bench.bench("clinical_text", kimed_data, tmp_path, 2)
    assert bench.below_floors(results, FLOORS["clinical_text"]) == []
