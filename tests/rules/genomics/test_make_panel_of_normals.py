"""A panel of three normals, and a tumour that is called by it without a normal."""

import csv

import pandas as pd
import pysam
import pytest
import yaml

from kimedlib.genomics_files import read_bed, read_variants
from kimedlib.variant_comparison import Regions, compare

PATIENTS = ("P001", "P005", "P009", "P003")


def sheet_rows(repository):
    with (repository / "config" / "genomics.samples.tsv").open(newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def config_with(repository, folder, rows, **somatic):
    sheet = folder / "samples.tsv"
    with sheet.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0], delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    shipped = yaml.safe_load((repository / "config" / "genomics.yaml").read_text())
    return {**shipped, "samples": str(sheet), "somatic": {**shipped["somatic"], **somatic}}


def alleles(path):
    with pysam.VariantFile(str(path)) as records:
        assert not list(records.header.samples), "a panel holds nobody's genotypes"
        return {(one.contig, one.pos, one.ref, one.alts[0]) for one in records}


def germline_truth(repository, patient):
    """Planted single-base variants of a normal."""
    path = repository / "test_data" / "truth" / "genomics" / f"{patient}_normal.vcf.gz"
    with pysam.VariantFile(str(path)) as records:
        found = {(one.contig, one.pos, one.ref, one.alts[0]) for one in records}
    return {one for one in found if len(one[2]) == len(one[3]) == 1}


def targets(repository):
    return read_bed(repository / "test_data" / "genomics" / "targets.bed")


@pytest.fixture(scope="module")
def panel(snakemake_run, repository, tmp_path_factory):
    """Panel of the normals of three patients; the fourth is not in it."""
    folder = tmp_path_factory.mktemp("panel")
    rows = [one for one in sheet_rows(repository) if one["role"] == "normal" and one["patient_id"] in PATIENTS[:3]]
    snakemake_run("genomics", folder, "panel", config=config_with(repository, folder, rows))
    return folder / "genomics" / "panel_of_normals.vcf.gz"


@pytest.mark.slow
def test_the_panel_holds_what_two_normals_share(panel, repository):
    found = alleles(panel)
    truths = [germline_truth(repository, patient) for patient in PATIENTS[:3]]
    panel_targets = targets(repository)
    inside = {
        one
        for one in set.union(*truths)
        if any(one[0] == contig and start < one[1] <= end for contig, start, end in panel_targets)
    }
    shared = {one for one in inside if sum(one in truth for truth in truths) >= 2}
    assert len(shared) >= 5 and len(shared & found) >= 0.95 * len(shared)
    assert not (inside - shared) & found


@pytest.mark.slow
def test_a_tumour_without_a_normal_is_called_by_the_panel(panel, snakemake_run, repository, tmp_path):
    rows = [one for one in sheet_rows(repository) if one["sample"] == "P003_tumour"]
    rows += [one for one in sheet_rows(repository) if one["sample"] == "P001_normal"]  # somebody else
    population = tmp_path / "population.vcf"
    everybody = set().union(*(germline_truth(repository, f"P{number:03}") for number in range(1, 13)))
    lines = [f"{contig}\t{place}\t.\t{ref}\t{alt}\t.\t.\tAF=0.3" for contig, place, ref, alt in sorted(everybody)]
    population.write_text(
        '##fileformat=VCFv4.2\n##INFO=<ID=AF,Number=A,Type=Float,Description="x">\n##contig=<ID=chr1>\n'
        "##contig=<ID=chrX>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + "\n".join(lines) + "\n"
    )
    config = config_with(
        repository, tmp_path, rows, panel_of_normals=str(panel), population_frequencies=str(population)
    )
    snakemake_run("genomics", tmp_path, config=config)
    results = tmp_path / "genomics"
    truth = repository / "test_data" / "truth" / "genomics" / "P003_tumour.vcf.gz"
    calls = results / "somatic" / "P003_tumour.vcf.gz"
    with pysam.FastaFile(str(results / "reference" / "reference.fa")) as fasta:
        regions = Regions(targets(repository))
        outcome = compare(read_variants(truth), read_variants(calls), regions, fasta.fetch, genotypes=False)
    assert outcome.tallies["snv"].metrics()["recall"] >= 0.8
    assert outcome.tallies["snv"].metrics()["precision"] >= 0.8
    with pysam.VariantFile(str(calls)) as records:
        assert list(records.header.samples) == ["P003_tumour"]
        filters = [key for one in records for key in one.filter]
    assert "panel_of_normals" in filters and "germline" in filters
    tumour = pd.read_csv(results / "tumours.tsv", sep="\t").iloc[0]
    assert tumour["msi_status"] == "not determinable" and tumour["mutations"] > 0
    features = pd.read_csv(results / "genomics_features.tsv", sep="\t").set_index("patient_id")
    assert features.loc["P003", "somatic_snv_count"] > 0


def test_too_few_normals_make_no_panel(snakemake_run, repository, tmp_path, genomics_run, one_patient_config):
    done = snakemake_run("genomics", genomics_run.parent, "panel", config=one_patient_config, check=False)
    assert done.returncode != 0 and "at least 2 normals" in done.stdout
