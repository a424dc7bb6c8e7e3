"""Optional germline steps in a run of the workflow: together, added to later, and with another caller."""

import csv
import shutil

import pysam
import pytest

from kimedlib.genomics_files import read_bed, read_variants
from kimedlib.variant_comparison import Regions, compare


@pytest.fixture
def normals(repository, tmp_path):
    """A function that writes a sheet with the normals of some patients."""

    def write(*patients):
        with (repository / "config" / "genomics.samples.tsv").open(newline="") as handle:
            rows = [one for one in csv.DictReader(handle, delimiter="\t") if one["role"] == "normal"]
        sheet = tmp_path / "samples.tsv"
        with sheet.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, rows[0], delimiter="\t", lineterminator="\n")
            writer.writeheader()
            writer.writerows(one for one in rows if one["patient_id"] in patients)
        return str(sheet)

    return write


def jobs_of(run):
    """Names of the rules that a run executed, with their samples."""
    lines = run.stdout.splitlines()
    return [line.removeprefix("rule ").rstrip(":") for line in lines if line.startswith("rule ")]


@pytest.mark.slow
def test_a_sample_added_later_costs_its_own_jobs_and_the_merge(snakemake_run, genomics_settings, normals, tmp_path):
    germline = {**genomics_settings["germline"], "joint": True, "homozygosity": True}
    known = [{"name": "planted", "path": "test_data/truth/genomics/P003_normal.vcf.gz", "fields": ["ID"]}]
    config = {**genomics_settings, "germline": germline, "known_sites": known, "samples": normals("P003")}
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


@pytest.mark.slow
@pytest.mark.skipif(
    not shutil.which("freebayes"), reason="freebayes is not on PATH: its calls are not compared with the truth"
)
def test_calls_of_freebayes_keep_the_contract(snakemake_run, genomics_settings, normals, repository, tmp_path):
    germline = {**genomics_settings["germline"], "caller": "freebayes"}
    config = {**genomics_settings, "germline": germline, "samples": normals("P003")}
    target = tmp_path / "out" / "genomics" / "germline" / "P003_normal.vcf.gz"
    run = snakemake_run("genomics", tmp_path / "out", str(target), config=config)
    assert "call_freebayes" in jobs_of(run)
    truth = read_variants(repository / "test_data/truth/genomics/P003_normal.vcf.gz")
    regions = Regions(read_bed(repository / "test_data/genomics/targets.bed"))
    with pysam.FastaFile(str(tmp_path / "out" / "genomics" / "reference" / "reference.fa")) as fasta:
        outcome = compare(truth, read_variants(target), regions, fasta.fetch)
    assert outcome.tallies["snv"].metrics()["f1"] >= 0.95
    with pysam.VariantFile(str(target)) as records:
        assert list(records.header.samples) == ["P003_normal"]
        found = list(records)
    assert all(len(one.alts) == 1 for one in found) and any("BCSQ" in one.info for one in found)
