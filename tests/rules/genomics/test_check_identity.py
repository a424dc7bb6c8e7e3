"""Swaps and foreign reads planted in the alignments of the cohort are found, and nothing else."""

import csv
import json
import random

import pysam
import pytest
import yaml

from genomics import check_identity

SOURCES = {"P003": "P009", "P005": "P010", "P007": "P001", "P008": "P006", "P011": "P005", "P012": "P009"}


@pytest.fixture(scope="module")
def results(cohort_run):
    return cohort_run / "genomics"


@pytest.fixture(scope="module")
def sheet(repository):
    with (repository / "config" / "genomics.samples.tsv").open(newline="") as handle:
        return [
            {key: row[key] for key in ("sample", "patient_id", "role", "family_id")}
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
