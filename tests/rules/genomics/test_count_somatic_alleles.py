import pysam
import pytest


@pytest.fixture(scope="module")
def counts(snakemake_run, one_patient_config, genomics_run):
    target = genomics_run / "somatic" / "counts" / "P003_tumour.bcf"
    snakemake_run("genomics", genomics_run.parent, str(target), "--notemp", config=one_patient_config)
    with pysam.VariantFile(str(target)) as records:
        return list(records.header.samples), list(records)


def test_normal_comes_first_and_every_record_has_one_allele(counts):
    samples, records = counts
    assert samples == ["P003_normal", "P003_tumour"]
    assert all(len(record.alts) == 1 for record in records)


def test_every_record_has_counts_of_both_samples(counts):
    for record in counts[1]:
        assert all(len(sample["AD"]) == 2 for sample in record.samples.values())
    assert any(sample["AD"][1] > 0 for record in counts[1] for sample in record.samples.values())


def test_indels_are_counted_too(counts):
    assert any(len(record.ref) != len(record.alts[0]) and record.alts[0][0] != "<" for record in counts[1])
