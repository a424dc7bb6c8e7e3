"""Optional germline steps in a run of the workflow: together, and added to later."""

import pysam
import pytest
from genomics_steps import jobs_of


@pytest.mark.slow
def test_a_sample_added_later_costs_its_own_jobs_and_the_merge(snakemake_run, genomics_settings, normals, tmp_path):
    germline = {**genomics_settings["germline"], "joint": True, "homozygosity": True}
    known = [{"name": "planted", "path": "test_data/truth/genomics/P003_normal.vcf.gz", "fields": ["ID"]}]
    config = {**genomics_settings, "germline": germline, "known_sites": known, "samples": normals("P003")}
    config["references_manifest"] = ""  # it does not declare these known sites
    target = [str(tmp_path / "out" / "genomics" / name) for name in ("cohort/variants.vcf.gz", "homozygosity.tsv")]
    first = snakemake_run("genomics", tmp_path / "out", *target, config=config)
    assert {"prepare_known_sites", "genotype_cohort", "find_homozygosity"} <= set(jobs_of(first))
    kept = tmp_path / "out" / "genomics" / "germline" / "likelihoods" / "P003_normal.bcf"
    before = kept.stat().st_mtime_ns
    config["samples"] = normals("P003", "P009")
    second = snakemake_run("genomics", tmp_path / "out", *target, config=config)
    assert sorted(jobs_of(second)) == ["align_reads", "call_germline", "find_homozygosity", "genotype_cohort"]
    assert kept.stat().st_mtime_ns == before
    with pysam.VariantFile(target[0]) as records:
        assert list(records.header.samples) == ["P003_normal", "P009_normal"]
