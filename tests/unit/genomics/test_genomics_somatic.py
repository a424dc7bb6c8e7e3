"""Somatic decisions on counts whose answer is clear."""

import math

import pytest
import yaml

from kimedlib.genomics_consequences import changed_genes
from kimedlib.genomics_evidence import Vote
from kimedlib.genomics_qc import coverage_summary, estimate_sex, quality_problems, transition_ratio
from kimedlib.genomics_somatic import (
    BASE_ERROR,
    AlleleCounts,
    Candidate,
    at_ends,
    base_log_odds,
    counted,
    genotype_log_odds,
    indel_error,
    judge,
    repeat_units,
    tumour_log_odds,
)
from kimedlib.variant_comparison import CalledVariant


@pytest.fixture(scope="module")
def settings(repository):
    return yaml.safe_load((repository / "config" / "genomics.yaml").read_text())["somatic"]


def reads(reference, other, forward_share=0.5):
    forward = round(reference * forward_share), round(other * forward_share)
    return AlleleCounts(forward, (reference - forward[0], other - forward[1]), reference + other)


def failed(tumour, normal, settings, error=BASE_ERROR, *, indel=False, misplaced=False):
    candidate = Candidate(
        tumour=tumour,
        normal=normal,
        tumour_odds=tumour_log_odds(tumour, error),
        normal_odds=genotype_log_odds({0: normal.total - normal.other, 1: normal.other}, 1, error),
        minimum_odds=settings["minimum_indel_log_odds" if indel else "minimum_tumour_log_odds"],
        minimum_normal_odds=settings["minimum_normal_indel_log_odds" if indel else "minimum_normal_log_odds"],
        minimum_depth=settings["minimum_spanning_reads" if indel else "minimum_depth"],
        minimum_reads=settings["minimum_alternative_reads"],
        misplaced=misplaced,
    )
    return judge(candidate, settings)


def test_clear_somatic_variant_passes(settings):
    assert failed(reads(45, 15), reads(40, 0), settings) == []


def test_heterozygous_germline_is_in_normal(settings):
    assert "in_normal" in failed(reads(30, 30), reads(20, 20), settings)


def test_thin_normal_cannot_exclude_germline(settings):
    assert "in_normal" in failed(reads(30, 30), reads(7, 0), settings)


def test_two_reads_are_too_few(settings):
    assert "few_reads" in failed(reads(40, 2), reads(40, 0), settings)


def test_one_strand_only_is_bias(settings):
    tumour = AlleleCounts((30, 0), (15, 15), 60)
    assert failed(tumour, reads(40, 0), settings) == ["strand_bias"]


def test_ends_of_reads_are_bias(settings):
    assert failed(reads(45, 15), reads(40, 0), settings, misplaced=True) == ["position_bias"]
    assert at_ends([5, 7, 9], settings)
    assert not at_ends([5, 7, 40], settings | {"minimum_end_spread": 1})
    assert not at_ends([30, 31], settings)
    assert not at_ends([], settings)


def test_short_length_change_in_a_long_repeat_is_error(settings):
    tumour, normal = reads(26, 6), reads(30, 0)
    assert failed(tumour, normal, settings, error=indel_error(settings, "GCATGC"), indel=True) == []
    assert "low_fraction" in failed(tumour, normal, settings, error=indel_error(settings, "A" * 25), indel=True)


@pytest.mark.parametrize(
    ("bases", "units"),
    [("AAAAAC", (5, 1)), ("GACACACG", (3, 2)), ("CGATAGATAGATAGC", (3.25, 4)), ("ACGT", (1, 1)), ("", (1, 1))],
)
def test_repeat_units(bases, units):
    assert repeat_units(bases) == units


def test_long_units_are_misread_less_than_short_ones(settings):
    lengths = [indel_error(settings, bases) for bases in ("A" * 20, "AC" * 10, "GATA" * 5)]
    assert lengths == sorted(lengths, reverse=True)


def test_log_odds_against_the_formula():
    counts = reads(8, 2)
    expected = 2 * math.log10(0.2 * 0.999 + 0.8 * 0.001) + 8 * math.log10(1 - (0.2 * 0.999 + 0.8 * 0.001))
    expected -= 2 * math.log10(0.001) + 8 * math.log10(0.999)
    assert tumour_log_odds(counts, 0.001) == pytest.approx(expected)


def test_odds_by_quality_against_the_formula():
    votes = [Vote("A", 1e-3, True, True)] * 3 + [Vote("G", 1e-2, False, True), Vote("T", 1e-2, False, True)]
    other = 1e-2 / 3
    reference = 1e-3 / 3
    expected = math.log10((0.2 * (1 - 1e-2) + 0.8 * other) / other)
    expected += 3 * math.log10((0.2 * reference + 0.8 * (1 - 1e-3)) / (1 - 1e-3))
    assert base_log_odds(votes, "A", "G") == pytest.approx(expected)
    assert base_log_odds([], "A", "G") == 0
    better = [Vote("A", 1e-3, True, True)] * 3 + [Vote("G", 1e-3, False, True), Vote("T", 1e-2, False, True)]
    assert base_log_odds(better, "A", "G") > base_log_odds(votes, "A", "G")


def test_homozygous_normal_gains_a_factor_of_two_per_read():
    assert genotype_log_odds({"A": 10}, "G", 1e-6) == pytest.approx(10 * math.log10(2), abs=1e-4)


def test_two_known_alleles_exclude_a_third():
    """With two alleles seen, a third could only be there if the reads of one of them were errors."""
    assert genotype_log_odds({8: 3, -11: 3}, 4, 0.01) > 5 > genotype_log_odds({8: 6}, 4, 0.01)
    assert genotype_log_odds({0: 5, 1: 5}, 1, 0.01) < 0
    assert genotype_log_odds({}, 1, 0.01) == genotype_log_odds({1: 3}, 1, 0.01) == 0


def test_counts_by_strand():
    votes = [Vote("A", 0, True, True), Vote("G", 0, False, True), Vote("G", 0, True, True), Vote("T", 0, True, True)]
    assert counted(votes, ["A"], ["G"]) == AlleleCounts((1, 1), (0, 1), 4)


def test_genes_that_change():
    notes = {
        10: ["missense|KMD1|t|protein_coding"],
        12: ["@10"],
        14: ["synonymous|KMA1|t"],
        16: ["*stop_gained&x|KMB2|t"],
    }
    assert changed_genes(notes, 10) == changed_genes(notes, 12) == {"KMD1"}
    assert changed_genes(notes, 14) == set()
    assert changed_genes(notes, 16) == {"KMB2"}


def test_sex_from_x():
    heterozygous = [CalledVariant("chrX", place, "A", ("C",), (0, 1)) for place in range(20)]
    assert estimate_sex(20, 40, [], 0.7, 0.8) == "male"
    assert estimate_sex(39, 40, heterozygous, 0.7, 0.8) == "female"
    assert estimate_sex(20, 40, heterozygous, 0.7, 0.8) == "unclear"
    assert estimate_sex(None, 40, [], 0.7, 0.8) == "not determinable"


def test_transition_ratio():
    changes = [CalledVariant("c", place, "A", (other,), (0, 1)) for place, other in enumerate("GGGC")]
    assert transition_ratio(changes) == 3
    assert transition_ratio(changes[:3]) is None


def test_coverage_summary():
    import numpy as np

    summary = coverage_summary(np.array([1, 0, 3]))
    assert (summary["bases"], summary["mean"], summary["median"], summary["share_1x"]) == (4, 1.5, 2, 0.75)


GOOD = {
    "coverage": {"mean": 30.0}, "callable_share": 0.99, "duplicate_share": 0.1, "expected_sex": "female",
    "estimated_sex": "female", "identity": {"concordance": 0.99}, "germline_ts_tv": 2.1,
    "zygosity": {"heterozygous": 300, "homozygous": 200},
    "alignments": {"reads": 1000, "mapped": 990, "mismatch_rate": 0.004, "insert_size_mean": 300},
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, None),
        ({"coverage": {"mean": 3.0}}, "mean coverage"),
        ({"callable_share": 0.5}, "50.0 % of bases"),
        ({"duplicate_share": 0.6}, "duplicates"),
        ({"alignments": GOOD["alignments"] | {"mapped": 500}}, "species or build"),
        ({"alignments": GOOD["alignments"] | {"mismatch_rate": 0.06}}, "species or build"),
        ({"alignments": GOOD["alignments"] | {"insert_size_mean": 40}}, "insert size"),
        ({"germline_ts_tv": 0.5}, "Ts/Tv"),
        ({"zygosity": {"heterozygous": 480, "homozygous": 20}}, "het/hom"),
        ({"zygosity": {"heterozygous": 48, "homozygous": 2}, "germline_ts_tv": 0.5}, None),
        ({"estimated_sex": "male"}, "sex male, expected female"),
        ({"identity": {"concordance": 0.4}}, "different people"),
    ],
)
def test_each_doubt_is_put_in_words(change, words, repository):
    settings = yaml.safe_load((repository / "config" / "genomics.yaml").read_text())["qc"]
    problems = quality_problems(GOOD | change, settings)
    assert len(problems) == (words is not None)
    assert all(words in problem for problem in problems)
