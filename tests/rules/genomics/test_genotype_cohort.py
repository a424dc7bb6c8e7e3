"""Normals called together: planted genotypes of all, and what tells "no variant" from "no data"."""

import pysam
import pytest
from genomics_steps import REPOSITORY, faulty_tool, indexed_reference, run_step, shipped_config

from kimedlib.genomics_files import read_bed, read_variants
from kimedlib.variant_comparison import Regions, compare

TARGETS = REPOSITORY / "test_data" / "genomics" / "targets.bed"
READS = REPOSITORY / "test_data" / "genomics" / "reads"
SAMPLES = ("P003_normal", "P009_normal")


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return indexed_reference(tmp_path_factory.mktemp("reference"))


@pytest.fixture(scope="module")
def likelihoods(reference, tmp_path_factory):
    """Likelihoods of two samples, each made without the other."""
    shipped = shipped_config()
    places = {"reference": reference, "fai": f"{reference}.fai", "dictionary": reference.with_suffix(".dict")}
    made = []
    for sample in SAMPLES:
        folder = tmp_path_factory.mktemp(sample)
        run = run_step(
            "align_reads", folder, sample=sample,
            inputs={
                "reads_1": READS / f"{sample}_R1.fastq.gz", "reads_2": READS / f"{sample}_R2.fastq.gz",
                "alignments": "", **places,
            },
            outputs={"alignments": "s.cram", "alignments_index": "s.cram.crai", "trimming": "t", "statistics": "st"},
            params={**shipped["trimming"], "lanes": [], "umi": "none", "umi_lengths": [0, 0]},
        )  # fmt: skip
        assert run.returncode == 0, run.stdout
        run = run_step(
            "call_germline", folder, sample=sample,
            inputs={"targets": TARGETS, "alignments": folder / "s.cram", **places},
            outputs={
                "variants": "s.vcf.gz", "variants_index": "i", "statistics": "s", "likelihoods": "s.bcf",
                "likelihoods_index": "s.bcf.csi",
            },
            params={"region": "", "known_sites": [], "filters": "", "settings": [1, 2000, 10_000_000]},
        )  # fmt: skip
        assert run.returncode == 0, run.stdout
        made.append(folder / "s.bcf")
    return made


@pytest.fixture
def joined(reference, likelihoods, tmp_path):
    def run(tools=None):
        return run_step(
            "genotype_cohort", tmp_path / "joint", inputs={"likelihoods": likelihoods, "reference": reference},
            outputs={"variants": "c.vcf.gz"}, tools=tools,
            params={"filters": "low_quality\tQUAL<20\tevidence\nlow_depth\tMAX(FORMAT/DP)<4\tevidence"},
        ), tmp_path / "joint" / "c.vcf.gz"  # fmt: skip

    return run


def test_planted_genotypes_of_all_are_found(joined, reference):
    run, variants = joined()
    assert run.returncode == 0, run.stdout
    regions = Regions(read_bed(TARGETS))
    with pysam.FastaFile(str(reference)) as fasta:
        for sample in SAMPLES:
            truth = read_variants(REPOSITORY / f"test_data/truth/genomics/{sample}.vcf.gz")
            outcome = compare(truth, list(read_variants(variants, sample)), regions, fasta.fetch)
            assert outcome.tallies["snv"].true_found >= 10
            assert outcome.missed == outcome.wrong == []
    with pysam.VariantFile(str(variants)) as records:
        assert list(records.header.samples) == list(SAMPLES)
        absent = [one for one in records if one.samples["P003_normal"]["GT"] == (0, 0)]
    # where only the other has a variant it is known, not assumed, that this one has none
    assert len(absent) >= 5
    assert all(one.samples["P003_normal"]["DP"] >= 8 for one in absent)


def test_a_lost_allele_or_sample_stops_the_step(joined, tmp_path):
    losing = '  "$real" "$@" && "$real" view -e "TYPE=\\"indel\\"" -Ob -o x.bcf "${@: -2:1}" && mv x.bcf "${@: -2:1}"'
    run, variants = joined(faulty_tool(tmp_path / "tools", "bcftools", "norm", losing))
    assert run.returncode != 0 and "alleles were called" in run.stdout
    one_only = '  "$real" "$@" | "$real" view -s P003_normal -Ou -'
    run, variants = joined(faulty_tool(tmp_path / "tools", "bcftools", "merge", one_only))
    assert run.returncode != 0 and "not every sample has its column" in run.stdout
    assert not variants.exists()
