"""A real demonstrator, reproduced from a copy of this checkout: what `test_data/` holds is what it published."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from spe import studies

import kimed_compare
from kimed_spe import canonical, declared


@pytest.mark.slow
def test_synthetic_cohort_is_reproduced_from_a_clean_copy(tmp_path: Path):
    """`make test-data` wrote it once; only the sample sheets name another folder."""
    root = tmp_path / "clone"
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=studies.REPOSITORY, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    for name in filter(None, tracked):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(studies.REPOSITORY / name, root / name, follow_symlinks=False)
    published = {}
    for item in declared.load(root / "workflows/synthetic/outputs.yaml"):
        for file in sorted(root.glob("test_data/**/*")):
            name = f"synthetic/{file.relative_to(root / 'test_data').as_posix()}"
            if file.is_file() and "sheets" not in file.parts and item.pattern().fullmatch(name):
                mark = kimed_compare.fingerprint(item.comparator, file, item.tolerance)
                published[f"results/{name}"] = {
                    "sha256": canonical.sha256_file(file), "size": file.stat().st_size, "comparator": item.comparator,
                    "fingerprint": mark, "reference": None,
                }  # fmt: skip
    assert len(published) > 20
    study = studies.Study(root, {})
    content = {"type": "kimed-expected/1", "workflow": "synthetic", "outputs": published}
    study.write("workflows/synthetic/expected/expected.json", json.dumps(content))
    assert study.spe("permit", "demo", "-s", "workflows/synthetic/Snakefile").returncode == 0
    run = study.spe("reproduce", "synthetic", "--output", str(tmp_path / "out"), timeout=3000)
    verdicts = {output["name"]: output for output in study.predicate(tmp_path / "out/certificate.json")["outputs"]}
    unlike = {name: output["reason"] for name, output in verdicts.items() if output["verdict"] != "identical"}
    assert unlike and all("/sheets/" in name for name in unlike), run.stdout
    assert set(unlike.values()) == {"nothing is known about the published one"}
    assert len(verdicts) - len(unlike) == len(published)
    assert run.returncode == 3
