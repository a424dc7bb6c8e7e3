"""Workflows of others run unchanged: same results in boxes as without."""

from pathlib import Path

import pytest
from spe import foreign, runs


def results(root: Path) -> dict[str, bytes]:
    """What the workflow made; benchmarks differ by nature."""
    skipped = {".snakemake", "benchmarks", "data", "workflow", "config", "wordfreq"}
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not skipped & set(path.relative_to(root).parts)
    }


@pytest.mark.parametrize("name", foreign.WORKFLOWS)
def test_runs_unchanged(name: str, tmp_path: Path):
    made = {}
    # The module's own results are compared where it runs alone; a second plain run would only cost time.
    for boxed in (False, True) if name == "wordfreq" else (True,):
        project = runs.project(tmp_path / ("boxed" if boxed else "plain"))
        foreign.lay_out(name, project)
        before = {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}
        run = project.run("-s", foreign.WORKFLOWS[name][0], sandboxed=boxed, snakefile=foreign.WORKFLOWS[name][0])
        assert run.returncode == 0, run.stdout
        assert all(path.read_bytes() == content for path, content in before.items())
        made[boxed] = results(project.root)
    if name == "wordfreq":
        assert made[True] == made[False]
    else:
        assert (
            made[True]["report.html"]
            == b"<pre>\nage.tsv\nmood.tsv\n20s\t2\n30s\t1\n40s\t1\nfair\t1\ngood\t3\n"
            + (made[True]["words/results/summary.tsv"])
        )
    assert len(made[True]) > 5
    recorded = project.entries("job")
    assert recorded and all(entry["content"]["exit_code"] == 0 for entry in recorded)
    assert not list((project.root / ".snakemake" / "spe").iterdir())
