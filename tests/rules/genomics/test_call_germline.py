import pysam

from kimedlib.genomics_files import read_bed, read_variants
from kimedlib.variant_comparison import Regions, compare


def test_what_was_planted_is_called(genomics_run, repository):
    truth = read_variants(repository / "test_data/truth/genomics/P003_normal.vcf.gz")
    calls = read_variants(genomics_run / "germline" / "P003_normal.vcf.gz")
    regions = Regions(read_bed(repository / "test_data/genomics/targets.bed"))
    with pysam.FastaFile(str(genomics_run / "reference" / "reference.fa")) as fasta:
        outcome = compare(truth, calls, regions, fasta.fetch)
    assert outcome.tallies["snv"].true_found >= 10
    assert outcome.missed == outcome.wrong == []


def test_variants_are_indexed_and_have_consequences(genomics_run):
    with pysam.VariantFile(str(genomics_run / "germline" / "P003_normal.vcf.gz")) as records:
        found = list(records.fetch("chr1"))
        assert any("BCSQ" in record.info for record in found)
        assert all(len(record.alts) == 1 for record in found)
        assert "low_quality" in records.header.filters


def test_no_variants_stop_the_run(snakemake_run, one_patient_config, tmp_path):
    config = {**one_patient_config, "targets": "", "region": "chr1:1-1000"}
    target = tmp_path / "genomics" / "germline" / "P003_normal.vcf.gz"
    run = snakemake_run("genomics", tmp_path, str(target), config=config, check=False)
    assert run.returncode != 0
    assert "no variants" in run.stdout
    assert not target.exists()
