"""`call_mutect2` with a stand-in for GATK that notes its commands."""

import os
import subprocess

import pytest
from genomics_steps import REPOSITORY, declared, jobs_of

GATK = """#!/usr/bin/env bash
set -eu
echo "$*" >>"$NOTES"
while [ $# -gt 0 ]; do
  case $1 in
    -O | --f1r2-tar-gz) echo made >"$2" ;;
    -I) [ -e "$2" ] ;;
  esac
  shift
done
"""


@pytest.fixture
def mutect2(tmp_path):
    """Run the step with a stand-in; its commands, one a line."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gatk").write_text(GATK)
    (tmp_path / "bin" / "gatk").chmod(0o755)
    (tmp_path / "panel.vcf").write_text("panel")
    (tmp_path / "t.cram").write_text("t")
    (tmp_path / "n.cram").write_text("n")

    def run(normal="n.cram", panel="", where=()):
        inputs = {"tumour": "t.cram", "normal": normal, "reference": "r.fa", "panel": panel, "frequencies": ""}
        params = {"where": where, "normal": "N" if normal else "", "minimum_mapping_quality": 20}
        lines = [
            declared("snakemake_input", inputs),
            declared("snakemake_output", {"variants": "out.vcf"}),
            declared("snakemake_params", params),
            declared("snakemake_resources", {"mem_mb": 5000}),
            declared("snakemake_log", {"0": "log.txt"}),
            (REPOSITORY / "scripts" / "genomics" / "call_mutect2.sh").read_text(),
        ]
        (tmp_path / "step.sh").write_text("\n".join(lines))
        variables = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "NOTES": str(tmp_path / "notes")}
        done = subprocess.run(["bash", "step.sh"], cwd=tmp_path, env={**os.environ, **variables}, check=False)
        return done.returncode, (tmp_path / "notes").read_text().splitlines()

    return run


def test_with_a_normal_and_a_panel(mutect2, tmp_path):
    code, notes = mutect2(panel="panel.vcf", where=["-L", "chr1"])
    assert code == 0
    index, call, learn, filters = notes
    assert "IndexFeatureFile" in index and "-Xmx4000m" in index
    assert "Mutect2 -R r.fa -I t.cram -I n.cram -normal N --panel-of-normals " in call
    assert "-L chr1 --interval-set-rule INTERSECTION" in call and "--max-mnp-distance 0" in call
    assert "LearnReadOrientationModel" in learn
    assert "FilterMutectCalls" in filters and "--ob-priors" in filters
    assert (tmp_path / "out.vcf").read_text() == "made\n"
    assert sorted(one.name for one in tmp_path.glob("panel*")) == ["panel.vcf"]  # nothing beside the user's file


def test_without_a_normal_there_is_no_normal_in_the_command(mutect2):
    code, notes = mutect2(normal="")
    assert code == 0
    assert "-normal" not in notes[0] and "-I t.cram" in notes[0]


def test_a_command_that_fails_leaves_no_calls(mutect2, tmp_path):
    (tmp_path / "t.cram").unlink()
    assert mutect2()[0] != 0
    assert not (tmp_path / "out.vcf").exists()


def test_its_calls_go_the_way_of_all_calls(planned_somatic):
    jobs = set(jobs_of(planned_somatic("mutect2")))
    assert {"call_mutect2", "convert_somatic_calls", "annotate_somatic"} <= jobs
    assert not {"call_somatic", "count_somatic_alleles"} & jobs
