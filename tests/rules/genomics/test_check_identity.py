"""Swaps and foreign reads planted in the alignments of the cohort are found, and nothing else."""

import csv
import json
import random

import numpy as np
import pysam
import pytest
import yaml

from genomics import check_identity
from genomics.check_identity import Cohort, mixed_reads
from kimedlib import genomics_sites
from kimedlib.genomics_files import read_bed, read_variants
from kimedlib.genomics_sites import SampleReads, polymorphic_sites, sample_reads, sites_beside_targets

TARGETS = "test_data/genomics/targets.bed"
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


@pytest.fixture(scope="module")
def counted():
    """`sample_reads` and `covering`, which count a file once for all tests."""
    known = {}

    def once(function):
        def count(alignments, *where):
            key = (
                function.__name__,
                alignments.filename,
                *[str(one) for one in where if not isinstance(one, pysam.FastaFile)],
            )
            if key not in known:
                known[key] = function(alignments, *where)
            return known[key]

        return count

    return once(sample_reads), once(genomics_sites.covering)


@pytest.fixture
def checked(results, repository, tmp_path, counted, monkeypatch):
    monkeypatch.setattr(check_identity, "sample_reads", counted[0])
    monkeypatch.setattr(genomics_sites, "covering", counted[1])
    settings = yaml.safe_load((repository / "config" / "genomics.yaml").read_text())["qc"]

    def check(samples, replaced=None):
        """Result per sample, alignments of some taken from elsewhere."""
        replaced = replaced or {}
        files = {one["sample"]: results / "alignments" / f"{one['sample']}.cram" for one in samples} | replaced
        check_identity.main(
            alignments=[files[one["sample"]] for one in samples],
            germline=[results / "germline" / f"{one['sample']}.vcf.gz" for one in samples if one["role"] == "normal"],
            reference=results / "reference" / "reference.fa", targets=repository / TARGETS, samples=samples,
            identity=tmp_path / "identity.json", pairs=tmp_path / "pairs.tsv", settings=settings,
        )  # fmt: skip
        return {one["sample"]: one for one in json.loads((tmp_path / "identity.json").read_text())}

    return check


def mixture(results, own, foreign, share, path):
    """Alignments of `own` with a share of fragments of `foreign`."""
    rng = random.Random(f"{own}{foreign}{share}")
    reference = str(results / "reference" / "reference.fa")

    def reads(sample):
        with pysam.AlignmentFile(
            str(results / "alignments" / f"{sample}.cram"), reference_filename=reference
        ) as source:
            return source.header, [read for read in source if read.reference_id >= 0]

    header, mine = reads(own)
    _, theirs = reads(foreign)
    names = sorted({read.query_name for read in theirs})
    wanted = set(rng.sample(names, round(share / (1 - share) * len({read.query_name for read in mine}))))
    mixed = [*mine, *(read for read in theirs if read.query_name in wanted)]
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


@pytest.mark.parametrize("share", [0.05, 0.02])
def test_foreign_reads_are_found_in_every_normal(checked, sheet, results, tmp_path, share):
    for patient, source in SOURCES.items():
        sample = f"{patient}_normal"
        path = mixture(results, sample, f"{source}_normal", share, tmp_path / f"{patient}.bam")
        found = checked(sheet, {sample: path})
        assert "of its reads are of somebody else" in found[sample]["problems"][0]
        assert found[sample]["contamination_low"] < share < found[sample]["contamination_high"]
        assert [name for name, about in found.items() if about["problems"]] == [sample]


@pytest.fixture(scope="module")
def cohort(results, sheet, repository, counted):
    """Alleles of every sample at the sites of the cohort."""
    normals = {one["patient_id"]: one["sample"] for one in sheet if one["role"] == "normal"}
    reference = str(results / "reference" / "reference.fa")
    files = {
        one["sample"]: pysam.AlignmentFile(
            str(results / "alignments" / f"{one['sample']}.cram"), reference_filename=reference
        )
        for one in sheet
    }
    with pysam.FastaFile(reference) as fasta:
        sites = polymorphic_sites(read_variants(results / "germline" / f"{name}.vcf.gz") for name in normals.values())
        people = [files[name] for name in normals.values()]
        sites = sorted(sites + sites_beside_targets(people, fasta, read_bed(repository / TARGETS), sites))
        return Cohort(sites, {name: counted[0](one, fasta, sites) for name, one in files.items()}, normals)


def with_counts(cohort, sample, counts):
    """The cohort with other reads of one sample."""
    return Cohort(
        cohort.sites, {**cohort.reads, sample: SampleReads(counts, cohort.reads[sample].errors)}, cohort.normals
    )


def alarmed(cohort, sample, settings):
    found = mixed_reads(cohort, sample)
    return found.certain and found.found.high > settings["maximum_contamination"]


# The level of the test and what counts as a site were chosen with seed 1.
@pytest.mark.slow
@pytest.mark.parametrize("seed", [20, 21])
def test_two_percent_are_found_wherever_foreign_reads_differ(cohort, sheet, genomics_settings, seed):
    """All 253 mixtures of the cohort; docs/benchmarks.md tells their number."""
    share, rng = 0.02, np.random.default_rng(seed)
    found, telling = {}, {}
    for sample in sheet:
        name = sample["sample"]
        for patient, source in cohort.normals.items():
            if patient == sample["patient_id"]:
                continue
            mine, theirs = cohort.reads[name].counts, cohort.reads[source].counts
            extra = rng.poisson(mine.sum(axis=1) * share / (1 - share) * cohort.copies(name, source))
            other = rng.binomial(extra, theirs[:, 1] / np.maximum(1, theirs.sum(axis=1)))
            mixed = mine + np.stack([extra - other, other], axis=1)
            found[name, source] = alarmed(with_counts(cohort, name, mixed), sample, genomics_settings["qc"])
            # foreign reads that the sample's own homozygous genotypes cannot explain
            own = cohort.shown[name]
            telling[name, source] = int(np.where(own == 0, other, np.where(own == 2, extra - other, 0)).sum())
    assert len(found) == 253
    enough = [pair for pair, reads in telling.items() if reads >= 3]
    print(
        f"{sum(found.values())} of 253 found; {sum(found[pair] for pair in enough)} of {len(enough)} with 3 such reads"
    )
    assert sum(found[pair] for pair in enough) >= len(enough) - 2
    assert sum(found.values()) > 230


@pytest.mark.slow
def test_clean_samples_drawn_again_are_clean(cohort, sheet, genomics_settings):
    """690 samples with the genotypes of the cohort, and errors as often as the simulator makes them."""
    rng, alarms = np.random.default_rng(22), 0
    for sample in sheet * 30:
        name = sample["sample"]
        mine, own = cohort.reads[name].counts, cohort.shown[name]
        depth = rng.poisson(mine.sum(axis=1))
        share = np.where(own < 0, mine[:, 1] / np.maximum(1, mine.sum(axis=1)), np.clip(own / 2, 7e-5, 1 - 7e-5))
        other = rng.binomial(depth, share)
        drawn = with_counts(cohort, name, np.stack([depth - other, other], axis=1))
        alarms += alarmed(drawn, sample, genomics_settings["qc"])
    print(f"{alarms} of {len(sheet) * 30} clean samples alarmed")
    assert alarms <= 7  # 1 %


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
            reference=folder / "reference.fa", targets=None, samples=samples,
            identity=tmp_path / "identity.json", pairs=tmp_path / "pairs.tsv", settings=settings,
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
