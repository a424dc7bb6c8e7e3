"""Swaps and foreign reads planted in the alignments of the cohort are found, and nothing else."""

import csv
import json
import random

import numpy as np
import pysam
import pytest
import yaml

from genomics import check_identity
from kimedlib.genomics_files import read_variants
from kimedlib.genomics_identity import allele_counts, genotypes, polymorphic_sites

SOURCES = {"P003": "P009", "P005": "P010", "P007": "P001", "P008": "P006", "P011": "P005", "P012": "P009"}


@pytest.fixture(scope="module")
def results(cohort_run):
    return cohort_run / "genomics"


@pytest.fixture(scope="module")
def sheet(repository):
    with (repository / "config" / "genomics.samples.tsv").open(newline="") as handle:
        return [
            {key: row[key] for key in ("sample", "patient_id", "role", "family_id")}
            | {"father_id": "", "mother_id": ""}
            for row in csv.DictReader(handle, delimiter="\t")
        ]


@pytest.fixture
def checked(results, repository, tmp_path):
    settings = yaml.safe_load((repository / "config" / "genomics.yaml").read_text())["qc"]

    def check(samples, replaced=None):
        """Result per sample, alignments of some taken from elsewhere."""
        replaced = replaced or {}
        files = {one["sample"]: results / "alignments" / f"{one['sample']}.cram" for one in samples} | replaced
        check_identity.main(
            alignments=[files[one["sample"]] for one in samples],
            germline=[results / "germline" / f"{one['sample']}.vcf.gz" for one in samples if one["role"] == "normal"],
            reference=results / "reference" / "reference.fa", samples=samples, identity=tmp_path / "identity.json",
            pairs=tmp_path / "pairs.tsv", settings=settings,
        )  # fmt: skip
        return {one["sample"]: one for one in json.loads((tmp_path / "identity.json").read_text())}

    return check


def mixture(results, own, foreign, share, path):
    """Alignments of `own` with a share of reads of `foreign`."""
    rng = random.Random(f"{own}{foreign}{share}")
    reference = str(results / "reference" / "reference.fa")

    def reads(sample):
        with pysam.AlignmentFile(
            str(results / "alignments" / f"{sample}.cram"), reference_filename=reference
        ) as source:
            return source.header, [read for read in source if read.reference_id >= 0]

    header, mine = reads(own)
    _, theirs = reads(foreign)
    wanted = round(share / (1 - share) * len(mine))
    mixed = [*mine, *rng.sample(theirs, wanted)]
    mixed.sort(key=lambda read: (read.reference_id, read.reference_start))
    with pysam.AlignmentFile(str(path), "wb", header=header) as sink:
        for read in mixed:
            sink.write(read)
    pysam.index(str(path))
    return path


def test_nothing_is_found_where_nothing_is_planted(checked, sheet, tmp_path):
    found = checked(sheet)
    assert [one["problems"] for one in found.values()] == [[]] * len(sheet)
    assert {one["own_normal"] for one in found.values() if one["role"] == "tumour"} == {"same person"}
    with (tmp_path / "pairs.tsv").open(newline="") as handle:
        pairs = list(csv.DictReader(handle, delimiter="\t"))
    assert len(pairs) == len(sheet) * (len(sheet) - 1) // 2
    own = [row for row in pairs if row["patient_1"] == row["patient_2"]]
    assert {row["relation"] for row in own} == {"same person"}


@pytest.mark.parametrize(("one", "two"), [("P005", "P009"), ("P008", "P011"), ("P006", "P010")])
@pytest.mark.parametrize("role", ["normal", "tumour"])
def test_every_swap_is_found(checked, sheet, results, one, two, role):
    files = {
        f"{name}_{role}": results / "alignments" / f"{other}_{role}.cram" for name, other in ((one, two), (two, one))
    }
    found = checked(sheet, files)
    for name in (one, two):
        assert "not of the person of its normal" in found[f"{name}_tumour"]["problems"][0]
        assert any("same person as" in problem for problem in found[f"{name}_tumour"]["problems"])
    touched = {f"{name}_{kind}" for name in (one, two) for kind in ("normal", "tumour")}
    assert all(not about["problems"] for sample, about in found.items() if sample not in touched)


def test_one_person_under_two_names_is_found_outside_families(checked, sheet, results):
    files = {f"P010_{role}": results / "alignments" / f"P006_{role}.cram" for role in ("normal", "tumour")}
    found = checked(sheet, files)
    assert "same person as P010_normal" in found["P006_normal"]["problems"][0]
    family = [{**one, "family_id": "F"} if one["patient_id"] in {"P006", "P010"} else one for one in sheet]
    assert all(not about["problems"] for about in checked(family, files).values())


def test_five_percent_of_foreign_reads_are_found_in_every_normal(checked, sheet, results, tmp_path):
    for patient, source in SOURCES.items():
        sample = f"{patient}_normal"
        path = mixture(results, sample, f"{source}_normal", 0.05, tmp_path / f"{patient}.bam")
        found = checked(sheet, {sample: path})
        assert "% of its reads are of somebody else" in found[sample]["problems"][0]
        assert found[sample]["contamination"] < 0.1  # 23 sites of a panel: found, but not measured
        assert [name for name, about in found.items() if about["problems"]] == [sample]


@pytest.fixture(scope="module")
def cohort_counts(results, sheet):
    """Reads per allele of every sample at the sites of the cohort."""
    names = [one["sample"] for one in sheet]
    normals = [one["sample"] for one in sheet if one["role"] == "normal"]
    sites = polymorphic_sites(read_variants(results / "germline" / f"{name}.vcf.gz") for name in normals)
    counts = {}
    for name in names:
        with pysam.AlignmentFile(
            str(results / "alignments" / f"{name}.cram"),
            reference_filename=str(results / "reference" / "reference.fa"),
        ) as reads:
            counts[name] = allele_counts(reads, sites)
    return counts


@pytest.mark.slow
def test_two_percent_are_found_wherever_enough_foreign_reads_differ(cohort_counts, sheet, repository):
    """All 253 mixtures of the cohort; docs/benchmarks.md tells their number."""
    settings = yaml.safe_load((repository / "config" / "genomics.yaml").read_text())["qc"]
    share, rng = 0.02, np.random.default_rng(20)
    shown = {name: genotypes(one) for name, one in cohort_counts.items()}
    normals = {one["patient_id"]: one["sample"] for one in sheet if one["role"] == "normal"}
    found, telling = {}, {}
    for sample in sheet:
        for patient, source in normals.items():
            if patient == sample["patient_id"]:
                continue
            mine, theirs = cohort_counts[sample["sample"]], cohort_counts[source]
            extra = rng.binomial(mine.sum(axis=1), share / (1 - share))
            other = rng.binomial(extra, theirs[:, 1] / np.maximum(1, theirs.sum(axis=1)))
            mixed = mine + np.stack([extra - other, other], axis=1)
            counts = {**cohort_counts, sample["sample"]: mixed}
            genotype = {**shown, sample["sample"]: genotypes(mixed)}
            estimate, _, certain = check_identity.mixed_reads(sample, counts, genotype, normals)
            pair = sample["sample"], source
            found[pair] = bool(certain and estimate.share > settings["maximum_contamination"])
            # foreign reads that the sample's own homozygous genotypes cannot explain
            own = shown[sample["sample"]]
            telling[pair] = int(np.where(own == 0, other, np.where(own == 2, extra - other, 0)).sum())
    assert len(found) == 253
    print(
        f"{sum(found.values())} of 253 found; of {sum(one >= 8 for one in telling.values())} with eight such reads all"
    )
    assert all(found[pair] for pair, reads in telling.items() if reads >= 8)
    assert sum(found.values()) > 174  # by frequencies of the cohort alone


# Parents: a family whose genotypes are drawn by Mendel's rules, in small alignment files

SITES, SPACE = 150, 40


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """Alignments and variants of eight people; `child` is of `father` and `mother`, `sibling` too."""
    folder, rng = tmp_path_factory.mktemp("family"), np.random.default_rng(3)
    frequencies = rng.uniform(0.1, 0.5, SITES)

    def founder():
        return rng.random((2, SITES)) < frequencies

    def child_of(one, two):
        rows = np.arange(SITES)
        return np.stack([one[rng.integers(2, size=SITES), rows], two[rng.integers(2, size=SITES), rows]])

    people = {name: founder() for name in ("father", "mother", "a", "b", "c", "d", "e", "f")}
    people["child"] = child_of(people["father"], people["mother"])
    people["sibling"] = child_of(people["father"], people["mother"])
    length = SPACE * (SITES + 1)
    (folder / "reference.fa").write_text(f">c1\n{'A' * length}\n")
    pysam.faidx(str(folder / "reference.fa"))
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "c1", "LN": length}]}
    for name, haplotypes in people.items():
        with pysam.AlignmentFile(str(folder / f"{name}.bam"), "wb", header=header) as sink:
            for site in range(SITES):
                for number in range(24):
                    read = pysam.AlignedSegment(sink.header)
                    read.query_name, read.reference_id = f"{site}.{number}", 0
                    read.reference_start, read.cigarstring, read.mapping_quality = SPACE * (site + 1) - 5, "10M", 60
                    read.query_sequence = f"AAAAA{'AC'[int(haplotypes[number % 2][site])]}AAAA"
                    read.query_qualities = pysam.qualitystring_to_array("I" * 10)
                    sink.write(read)
        pysam.index(str(folder / f"{name}.bam"))
        header_vcf = pysam.VariantHeader()
        header_vcf.contigs.add("c1", length=length)
        header_vcf.add_line('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">')
        header_vcf.add_sample(name)
        with pysam.VariantFile(str(folder / f"{name}.vcf"), "w", header=header_vcf) as sink:
            for site in range(SITES):
                genotype = tuple(int(one[site]) for one in haplotypes)
                if any(genotype):
                    record = sink.new_record(contig="c1", start=SPACE * (site + 1), alleles=("A", "C"))
                    record.samples[0]["GT"] = genotype
                    sink.write(record)
    return folder, list(people)


@pytest.fixture
def of_family(family, repository, tmp_path):
    folder, people = family
    settings = yaml.safe_load((repository / "config" / "genomics.yaml").read_text())["qc"]

    def problems(child="child", **parents):
        samples = [
            {"sample": name, "patient_id": name, "role": "normal", "family_id": "", "father_id": "", "mother_id": ""}
            | (parents if name == child else {})
            for name in people
        ]
        check_identity.main(
            alignments=[folder / f"{name}.bam" for name in people],
            germline=[folder / f"{name}.vcf" for name in people],
            reference=folder / "reference.fa", samples=samples, identity=tmp_path / "identity.json",
            pairs=tmp_path / "pairs.tsv", settings=settings,
        )  # fmt: skip
        rows = {one["sample"]: one for one in json.loads((tmp_path / "identity.json").read_text())}
        return rows[child]

    return problems


def test_true_parents_are_confirmed_and_others_refused(of_family):
    row = of_family(father_id="father", mother_id="mother")
    assert row["parents"] == {"father": ["father", "parent"], "mother": ["mother", "parent"]}
    assert row["problems"] == []
    for stranger in ("a", "b", "c"):
        row = of_family(father_id=stranger, mother_id="mother")
        assert row["problems"] == [f"{stranger} is not the father that the sheet says"]


def test_parents_are_not_judged_on_few_people(family, of_family, monkeypatch):
    monkeypatch.setattr("kimedlib.genomics_identity.MINIMUM_OTHERS", 50)
    row = of_family(father_id="a")
    assert row["parents"]["father"] == ["a", "not determinable"] and row["problems"] == []
