"""Representation cases made by hand: the same haplotypes must agree however they are written."""

import pytest

from kimedlib.variant_comparison import CalledVariant, Regions, Tally, compare, pooled

#            0         1         2         3
#            0123456789012345678901234567890123456789
REFERENCE = "ACGTTTTTTGACATACACACACGGTCATTGCAGGCTAACT" + "ACGGT" * 40
EVERYWHERE = Regions([])


def fetch(contig, start, end):
    return REFERENCE[start:end]


def variant(position, reference, *others, genotype=(0, 1)):
    assert REFERENCE[position : position + len(reference)] == reference
    return CalledVariant("c", position, reference, others, genotype)


def counts(truths, calls, kind=None, regions=EVERYWHERE, **options):
    outcome = compare(truths, calls, regions, fetch, **options)
    tallies = [outcome.tallies[kind]] if kind else outcome.tallies.values()
    return [
        sum(getattr(tally, name) for tally in tallies)
        for name in ("true_found", "true_missed", "calls_right", "calls_wrong")
    ]


def test_the_same_record_agrees():
    assert counts([variant(9, "G", "A")], [variant(9, "G", "A")]) == [1, 0, 1, 0]


def test_another_base_is_missed_and_wrong():
    assert counts([variant(9, "G", "A")], [variant(9, "G", "C")]) == [0, 1, 0, 1]


def test_genotype_must_agree_for_germline():
    truth, call = [variant(9, "G", "A", genotype=(1, 1))], [variant(9, "G", "A")]
    assert counts(truth, call) == [0, 1, 0, 1]
    assert counts(truth, call, genotypes=False) == [1, 0, 1, 0]


def test_haploid_genotype_equals_homozygous():
    assert counts([variant(9, "G", "A", genotype=(1,))], [variant(9, "G", "A", genotype=(1, 1))]) == [1, 0, 1, 0]


def test_phase_does_not_matter():
    assert counts([variant(9, "G", "A", genotype=(1, 0))], [variant(9, "G", "A")]) == [1, 0, 1, 0]


def test_multi_base_variant_equals_its_single_bases():
    truth = [variant(9, "GAC", "TAG")]
    calls = [variant(9, "G", "T"), variant(11, "C", "G")]
    assert counts(truth, calls) == [1, 0, 2, 0]


def test_multi_base_variant_differs_from_one_of_its_bases():
    assert counts([variant(9, "GAC", "TAG")], [variant(9, "G", "T")]) == [0, 1, 0, 1]


@pytest.mark.parametrize("place", [3, 4, 5, 6, 7])
def test_deletion_anywhere_in_a_homopolymer(place):
    assert counts([variant(2, "GT", "G")], [variant(place, "TT", "T")], "indel") == [1, 0, 1, 0]


def test_insertion_left_and_right_in_a_dinucleotide_repeat():
    # ...AT ACACACAC GG...: one AC more, before the first or behind the last
    truth, call = [variant(13, "T", "TAC")], [variant(21, "C", "CAC")]
    assert counts(truth, call, "indel") == [1, 0, 1, 0]


def test_insertions_of_different_length_differ():
    assert counts([variant(13, "T", "TAC")], [variant(13, "T", "TACAC")], "indel") == [0, 1, 0, 1]


def test_deletion_and_base_change_written_as_one():
    truth = [variant(26, "AT", "G")]
    calls = [variant(25, "CA", "C"), variant(27, "T", "G")]
    assert counts(truth, calls)[:2] == [1, 0]


def test_two_alleles_at_one_site_joined_or_split():
    truth = [variant(9, "G", "A", "C", genotype=(1, 2))]
    calls = [variant(9, "G", "A", genotype=(1, 0)), variant(9, "G", "C", genotype=(0, 1))]
    assert counts(truth, calls) == [1, 0, 2, 0]


def test_two_alleles_are_not_one_homozygous():
    truth = [variant(9, "G", "A", "C", genotype=(1, 2))]
    assert counts(truth, [variant(9, "G", "A", genotype=(1, 1))]) == [0, 1, 0, 1]


def test_a_false_call_beside_does_not_take_others_along():
    truth = [variant(9, "GAC", "TAG")]
    calls = [variant(9, "G", "T"), variant(11, "C", "G"), variant(27, "T", "A")]
    assert counts(truth, calls) == [1, 0, 2, 1]


def test_a_missed_truth_beside_does_not_take_others_along():
    truth = [variant(2, "GT", "G"), variant(27, "T", "A")]
    assert counts(truth, [variant(6, "TT", "T")]) == [1, 1, 1, 0]


def test_only_what_lies_in_the_regions_counts():
    regions = Regions([("c", 0, 12), ("c", 10, 20)])
    truth = [variant(9, "G", "A"), variant(32, "G", "C")]
    assert counts(truth, [variant(9, "G", "A"), variant(38, "C", "A")], regions=regions) == [1, 0, 1, 0]


def test_reference_genotypes_are_no_variants():
    assert counts([variant(9, "G", "A", genotype=(0, 0))], []) == [0, 0, 0, 0]


def test_metrics():
    tally = Tally(true_found=8, true_missed=2, calls_right=9, calls_wrong=1)
    assert tally.metrics() == pytest.approx(
        {"tp": 8, "fp": 1, "fn": 2, "precision": 0.9, "recall": 0.8, "f1": 1.44 / 1.7}
    )
    assert Tally(0, 3, 0, 0).metrics()["f1"] == 0
    assert pooled([{"snv": tally, "indel": Tally()}] * 2)["snv"].true_found == 16
