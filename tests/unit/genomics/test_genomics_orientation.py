"""Planted damage in one orientation of read pairs, beside real alleles of both."""

import random

from kimedlib.genomics_orientation import Oriented, orientation_artefacts, told

MAXIMUM = 0.5


def real(rng, reference, other, depth=60, fraction=0.25):
    """An allele that both orientations show."""
    shown = [rng.random() < 0.5 for _ in range(max(3, sum(rng.random() < fraction for _ in range(depth))))]
    return Oriented(reference, other, (sum(shown), len(shown) - sum(shown)), (depth // 2, depth // 2))


def oxidised(rng, reference, depth=60):
    """8-oxoguanine: G>T in the one, C>A in the other orientation, few reads."""
    count = rng.choice([3, 4, 5, 6])
    return Oriented(
        reference,
        {"G": "T", "C": "A"}[reference],
        (count, 0) if reference == "G" else (0, count),
        (depth // 2, depth // 2),
    )


def test_many_artefacts_are_found_and_real_alleles_of_the_same_kind_stay():
    rng = random.Random(1)
    artefacts = [oxidised(rng, rng.choice("GC")) for _ in range(60)]
    same_kind = [real(rng, "G", "T") for _ in range(40)] + [real(rng, "C", "A") for _ in range(40)]
    probabilities, shares = orientation_artefacts([*artefacts, *same_kind])
    assert sum(one > MAXIMUM for one in probabilities[:60]) >= 57
    assert sum(one > MAXIMUM for one in probabilities[60:]) <= 2
    assert 0.3 < shares["C>A"] < 60 / 140  # the pseudo-counts of real alleles pull it down


def test_without_artefacts_hardly_anything_is_lost():
    lost = total = 0
    for seed in range(20):
        rng = random.Random(seed)
        alleles = [
            real(rng, *rng.choice([("C", "T"), ("G", "A"), ("A", "G"), ("C", "A")]), fraction=0.08) for _ in range(15)
        ]
        lost += sum(one > MAXIMUM for one in orientation_artefacts(alleles)[0])
        total += len(alleles)
    assert lost <= 0.02 * total  # of three to six reads each, the hardest there are


def test_few_artefacts_among_few_alleles_are_not_told():
    # three reads of one orientation happen to one real allele in four
    assert orientation_artefacts([Oriented("G", "T", (3, 0), (30, 30))])[0][0] < MAXIMUM


def test_both_strands_are_one_kind_with_orientations_swapped():
    probabilities, shares = orientation_artefacts(
        [Oriented("G", "T", (5, 0), (30, 30))] * 20 + [Oriented("C", "A", (0, 5), (30, 30))] * 20
    )
    assert set(shares) == {"C>A"} and min(probabilities) > 0.9
    mixed, _ = orientation_artefacts(
        [Oriented("G", "T", (3, 2), (30, 30))] * 20 + [Oriented("C", "A", (2, 3), (30, 30))] * 20
    )
    assert max(mixed) < 0.1


def test_reads_of_one_orientation_only_accuse_nobody():
    probabilities, _ = orientation_artefacts([Oriented("C", "T", (6, 0), (60, 0))] * 10)
    assert max(probabilities) < MAXIMUM


def test_nothing_gives_nothing():
    assert orientation_artefacts([]) == ([], {})
    assert "no candidates" in told({}) and "C>A 12.0 %" in told({"C>A": 0.12})
