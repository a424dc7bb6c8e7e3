"""Somatic decisions on counts whose answer is clear."""

import math

import pytest
import yaml

from kimedlib.genomics_consequences import changed_genes
from kimedlib.genomics_qc import coverage_summary, estimate_sex, quality_problems, transition_ratio
from kimedlib.genomics_somatic import (
    BASE_ERROR,
    AlleleCounts,
    indel_error,
    judge,
    normal_log_odds,
    position_bias,
    repeat_length,
    tumour_log_odds,
)
from kimedlib.variant_comparison import CalledVariant


@pytest.fixture(scope="module")
def settings(repository):
    return yaml.safe_load((repository / "config" / "genomics.yaml").read_text())["somatic"]


def reads(reference, other, forward_share=0.5):
    forward = round(reference * forward_share), round(other * forward_share)
    return AlleleCounts(forward, (reference - forward[0], other - forward[1]), reference + other)


def failed(tumour, normal, settings, error=BASE_ERROR, z=0.0):
    return judge(tumour, normal, error, z, settings)[1]


def test_clear_somatic_variant_passes(settings):
    assert failed(reads(45, 15), reads(40, 0), settings) == []


def test_heterozygous_germline_is_in_normal(settings):
    assert "in_normal" in failed(reads(30, 30), reads(20, 20), settings)


def test_thin_normal_cannot_exclude_germline(settings):
    assert "in_normal" in failed(reads(30, 30), reads(9, 0), settings)


def test_two_reads_are_too_few(settings):
    assert "few_reads" in failed(reads(40, 2), reads(40, 0), settings)


def test_one_strand_only_is_bias(settings):
    tumour = AlleleCounts((30, 0), (15, 15), 60)
    assert failed(tumour, reads(40, 0), settings) == ["strand_bias"]


def test_ends_of_reads_are_bias(settings):
    assert failed(reads(45, 15), reads(40, 0), settings, z=position_bias(-2.9, 2.8)) == ["position_bias"]
    assert position_bias(1.0, -5.0) == 1.0


def test_short_length_change_in_a_long_repeat_is_error(settings):
    tumour, normal = reads(26, 6), reads(30, 0)
    assert failed(tumour, normal, settings, error=indel_error(settings, repeat_length("GCATGC"))) == []
    assert "low_fraction" in failed(tumour, normal, settings, error=indel_error(settings, repeat_length("A" * 25)))


@pytest.mark.parametrize(("bases", "length"), [("AAAAAC", 5), ("ACACACG", 6), ("GATAGATAGATAC", 12), ("ACGT", 1)])
def test_repeat_length(bases, length):
    assert repeat_length(bases) == length


def test_log_odds_against_the_formula():
    counts = reads(8, 2)
    expected = 2 * math.log10(0.2 * 0.999 + 0.8 * 0.001) + 8 * math.log10(1 - (0.2 * 0.999 + 0.8 * 0.001))
    expected -= 2 * math.log10(0.001) + 8 * math.log10(0.999)
    assert tumour_log_odds(counts, 0.001) == pytest.approx(expected)
    assert normal_log_odds(reads(10, 0), 0.001) == pytest.approx(10 * math.log10(0.999 / 0.5))


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
    assert estimate_sex(20, 40, []) == "male"
    assert estimate_sex(39, 40, heterozygous) == "female"
    assert estimate_sex(20, 40, heterozygous) == "unclear"
    assert estimate_sex(None, 40, []) == "not determinable"


def test_transition_ratio():
    changes = [CalledVariant("c", place, "A", (other,), (0, 1)) for place, other in enumerate("GGGC")]
    assert transition_ratio(changes) == 3
    assert transition_ratio(changes[:3]) is None


def test_coverage_summary():
    import numpy as np

    summary = coverage_summary(np.array([1, 0, 3]))
    assert (summary["bases"], summary["mean"], summary["median"], summary["share_1x"]) == (4, 1.5, 2, 0.75)


def test_doubts_are_put_in_words():
    quality = {
        "coverage": {"mean": 3.0}, "expected_sex": "female", "estimated_sex": "male", "identity": {"concordance": 0.4},
    }  # fmt: skip
    problems = quality_problems(quality, {"minimum_mean_coverage": 10, "minimum_identity": 0.9})
    assert len(problems) == 3
