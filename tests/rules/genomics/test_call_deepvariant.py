"""`call_deepvariant`: its command, and where the tool is installed its calls against what was planted."""

import shutil

import pysam
import pytest
from genomics_steps import jobs_of

from kimedlib.genomics_files import read_bed, read_variants
from kimedlib.variant_comparison import Regions, compare


def test_its_calls_go_the_way_of_all_calls(snakemake_run, genomics_settings, normals, tmp_path):
    """The job is planned, with the settings of the config in its command."""
    germline = {**genomics_settings["germline"], "caller": "deepvariant"}
    config = {**genomics_settings, "germline": germline, "samples": normals("P003"), "region": "chr1:1-90000"}
    target = tmp_path / "out" / "genomics" / "germline" / "P003_normal.vcf.gz"
    run = snakemake_run("genomics", tmp_path / "out", str(target), "--dry-run", config=config)
    assert {"call_deepvariant", "call_germline"} <= set(jobs_of(run))
    for words in ("dv_make_examples.py", "where=chr1:1-90000", "--model wes"):
        assert words in run.stdout


@pytest.mark.slow
@pytest.mark.skipif(
    not shutil.which("dv_make_examples.py"),
    reason="DeepVariant is not on PATH: its calls are not compared",
)
def test_its_calls_keep_the_contract(snakemake_run, genomics_settings, normals, repository, tmp_path):
    germline = {**genomics_settings["germline"], "caller": "deepvariant"}
    config = {**genomics_settings, "germline": germline, "samples": normals("P003")}
    target = tmp_path / "out" / "genomics" / "germline" / "P003_normal.vcf.gz"
    run = snakemake_run("genomics", tmp_path / "out", str(target), config=config)
    assert "call_deepvariant" in jobs_of(run)
    truth = read_variants(repository / "test_data/truth/genomics/P003_normal.vcf.gz")
    regions = Regions(read_bed(repository / "test_data/genomics/targets.bed"))
    with pysam.FastaFile(str(tmp_path / "out" / "genomics" / "reference" / "reference.fa")) as fasta:
        outcome = compare(truth, read_variants(target), regions, fasta.fetch)
    assert outcome.tallies["snv"].metrics()["f1"] >= 0.95
    with pysam.VariantFile(str(target)) as records:
        assert list(records.header.samples) == ["P003_normal"]
        found = list(records)
    assert all(len(one.alts) == 1 for one in found) and any("BCSQ" in one.info for one in found)
