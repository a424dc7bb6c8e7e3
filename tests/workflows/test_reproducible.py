"""Two runs of the same study give the same bytes wherever `exact` is promised, also with another number of cores."""

import hashlib
import re
from pathlib import Path

import pytest
import yaml

WORKFLOWS = ("genomics", "singlecell", "imaging", "cohort")


def exact_outputs(repository: Path, root: Path) -> dict[str, str]:
    """Digest of every file below `root` that an outputs.yaml declares with the comparator `exact`."""
    digests = {}
    for workflow in WORKFLOWS:
        declared = yaml.safe_load((repository / "workflows" / workflow / "outputs.yaml").read_text(encoding="utf-8"))
        for output in declared["outputs"]:
            if output["comparator"] != "exact":
                continue
            pattern = re.sub(r"\{[^}]*\}", "*", output["path"].removeprefix("results/"))
            found = [path for path in root.glob(pattern) if path.is_file()]
            found += [path for folder in root.glob(pattern) if folder.is_dir() for path in folder.rglob("*")]
            files = [path for path in found if path.is_file()]
            assert files, f"{workflow}/outputs.yaml declares {output['path']}, of which there is nothing"
            for path in files:
                digests[str(path.relative_to(root))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return digests


def test_declared_outputs_exist(repository: Path, cohort_run: Path):
    for workflow in WORKFLOWS:
        declared = yaml.safe_load((repository / "workflows" / workflow / "outputs.yaml").read_text(encoding="utf-8"))
        for output in (output for output in declared["outputs"] if "only_if" not in output):
            pattern = re.sub(r"\{[^}]*\}", "*", output["path"].removeprefix("results/"))
            assert any(cohort_run.glob(pattern)), f"{workflow}/outputs.yaml declares {output['path']}, which is absent"


@pytest.mark.slow
def test_second_run_on_one_core_gives_the_same_bytes(repository: Path, cohort_run: Path, snakemake_run, tmp_path: Path):
    snakemake_run("cohort", tmp_path, "cohort", cores=1)
    first, second = exact_outputs(repository, cohort_run), exact_outputs(repository, tmp_path)
    assert len(first) > 20
    assert {path for path in first.keys() | second.keys() if first.get(path) != second.get(path)} == set()
