"""Strata of variants on sequences made by hand; intervals against published ones."""

import pytest

from kimedlib.statistics_intervals import exact_interval, poisson_interval
from kimedlib.variant_comparison import CalledVariant, Comparison, Regions, compare
from kimedlib.variant_strata import (
    Stratified,
    change_of,
    context_of,
    count_strata,
    curve,
    levels,
    size_of,
)

#         0         1         2         3         4         5
#         012345678901234567890123456789012345678901234567890123456789
BASES = "GATCGTACCTGATTTTTTTCGATGCCTAGATACACACACACAGGTCATTGCAGGCTAACTGACTGATCAGTCAGGATCC"


def fetch(contig, start, end):
    return BASES[start:end]


def variant(position, reference, *others, genotype=(0, 1), quality=None):
    assert BASES[position : position + len(reference)] == reference
    return CalledVariant("c", position, reference, others, genotype, quality)


@pytest.mark.parametrize(
    ("reference", "others", "genotype", "change", "size"),
    [
        ("G", ("A",), (0, 1), "substitution", 0),
        ("GA", ("TC",), (0, 1), "several bases", 0),
        ("G", ("GTT",), (0, 1), "insertion", 2),
        ("GAT", ("G",), (1, 1), "deletion", 2),
        ("GAT", ("TC",), (0, 1), "complex", 1),
        ("GAT", ("G", "GATT"), (1, 2), "complex", 2),
    ],
)
def test_change_and_size(reference, others, genotype, change, size):
    one = variant(0, reference, *others, genotype=genotype)
    assert (change_of(one), size_of(one)) == (change, size)


@pytest.mark.parametrize(
    ("position", "context"),
    [
        (12, "homopolymer"),
        (7, "homopolymer"),
        (6, "elsewhere"),
        (30, "short repeat"),
        (44, "short repeat"),
        (52, "elsewhere"),
    ],
)
def test_context_is_the_repeat_within_five_bases(position, context):
    other = "A" if BASES[position] != "A" else "C"
    assert context_of(variant(position, BASES[position], other), fetch) == context


def test_levels_hold_what_applies():
    found = levels(variant(12, "TT", "T", genotype=(1, 1)), fetch, lambda _: 12, genotypes=True)
    assert found == {
        "all": "all", "change": "deletion", "context": "homopolymer", "size": "1", "zygosity": "homozygous",
        "coverage": "10-19",
    }  # fmt: skip
    somatic = levels(variant(52, BASES[52], "T"), fetch, lambda _: 40, genotypes=False)
    assert "zygosity" not in somatic and "size" not in somatic and somatic["coverage"] == "40 and more"


def test_counts_add_up_in_every_stratum():
    truths = [variant(4, "G", "A"), variant(24, "C", "T"), variant(12, "TT", "T")]
    calls = [variant(4, "G", "A"), variant(13, "TT", "T"), variant(60, "G", "C")]
    counts = {}
    outcome = compare(truths, calls, Regions([]), fetch)
    count_strata(counts, outcome, lambda one: levels(one, fetch, lambda _: 5, genotypes=True))
    assert counts["snv", "all", "all"] == [2, 1, 2, 1]
    assert counts["indel", "context", "homopolymer"] == [1, 1, 1, 1]
    for stratum in ("change", "context", "zygosity", "coverage"):
        cells = [row for (kind, name, _), row in counts.items() if (kind, name) == ("snv", stratum)]
        assert [sum(column) for column in zip(*cells, strict=True)] == [2, 1, 2, 1]


def test_a_ratio_without_cases_is_empty():
    row = Stratified(0, 0, 2, 1).row()
    assert row["recall"] == row["recall_low"] == row["f1"] == ""
    assert row["precision"] == 0.5


def test_curve_falls_in_recall_and_counts_by_the_weakest_call():
    outcome = Comparison(
        agreements=[
            ([variant(4, "G", "A")], [variant(4, "G", "A", quality=50.0)]),
            # a two-base change and its two single calls: lost when the weaker one is
            ([variant(8, "CT", "GA")], [variant(8, "C", "G", quality=30.0), variant(9, "T", "A", quality=10.0)]),
        ],
        missed=[variant(20, BASES[20], "T")],
        wrong=[variant(52, BASES[52], "T", quality=20.0)],
    )  # fmt: skip
    points = {one.minimum_quality: one for one in curve([outcome], "snv")}
    assert sorted(points) == [10, 20, 50]
    assert [(points[q].found, points[q].wrong, points[q].calls) for q in (10, 20, 50)] == [
        (2, 1, 4),
        (1, 1, 2),
        (1, 0, 1),
    ]
    assert {one.truths for one in points.values()} == {3}


def test_a_call_without_quality_is_an_error():
    with pytest.raises(ValueError, match="without QUAL"):
        curve([Comparison(wrong=[variant(4, "G", "A")])], "snv")


# Clopper and Pearson 1934 by tables: 0 of 10, 5 of 10, 10 of 10; Garwood 1936, table of 95 % limits
@pytest.mark.parametrize(
    ("hits", "total", "low", "high"), [(0, 10, 0, 0.3085), (5, 10, 0.1871, 0.8129), (10, 10, 0.6915, 1)]
)
def test_proportions(hits, total, low, high):
    assert exact_interval(hits, total) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.39)])
def test_counts(count, low, high):
    assert poisson_interval(count) == pytest.approx((low, high), abs=5e-3)


def test_no_negative_counts():
    with pytest.raises(ValueError, match="no count"):
        poisson_interval(-1)
