"""Kinship and contamination on simulated genotypes and reads with planted relations and shares."""

import numpy as np
import pytest

from kimedlib.genomics_identity import (
    allele_counts,
    certain_prior,
    contamination,
    genotype_prior,
    genotypes,
    identity_problems,
    likeness,
    other_frequencies,
    polymorphic_sites,
)
from kimedlib.variant_comparison import CalledVariant

SITES = 400


@pytest.fixture(scope="module")
def rng():
    return np.random.default_rng(11)


@pytest.fixture(scope="module")
def frequencies(rng):
    return rng.uniform(0.05, 0.6, SITES)


def haplotype(rng, frequencies):
    return (rng.random(len(frequencies)) < frequencies).astype(int)


def child(rng, mother, father):
    """Sites are inherited independently of each other."""
    pick = rng.integers(0, 2, (2, len(mother[0])))
    return np.where(pick[0], *mother) + np.where(pick[1], *father)


def reads(rng, one, two, share, depth=40, error=0.0001):
    """Reads of a mixture of two people, shape (sites, 2)."""
    total = rng.poisson(depth, len(one))
    expected = (1 - share) * one / 2 + share * two / 2
    other = rng.binomial(total, expected * (1 - error) + (1 - expected) * error)
    return np.stack([total - other, other], axis=1)


def test_relations_of_a_simulated_family(rng):
    frequencies = rng.uniform(0.05, 0.6, 4000)
    mother = haplotype(rng, frequencies), haplotype(rng, frequencies)
    father = haplotype(rng, frequencies), haplotype(rng, frequencies)
    first, second = child(rng, mother, father), child(rng, mother, father)
    assert likeness(first, second).relation == "first degree"
    assert likeness(sum(mother), first).relation == "first degree"
    assert likeness(sum(mother), sum(father)).relation == "unrelated"
    assert likeness(first, first).relation == "same person"
    assert likeness(first, first).kinship == pytest.approx(0.5)


def test_losses_of_a_tumour_do_not_make_it_another_person(rng, frequencies):
    normal = haplotype(rng, frequencies) + haplotype(rng, frequencies)
    lost = (normal == 1) & (rng.random(SITES) < 0.35)
    tumour = np.where(lost, 2 * rng.integers(0, 2, SITES), normal)
    assert likeness(normal, tumour).relation == "same person"


def test_few_sites_tell_less(rng, frequencies):
    one, two = (haplotype(rng, frequencies) + haplotype(rng, frequencies) for _ in range(2))
    assert likeness(one[:30], two[:30]).relation == "other person"
    assert likeness(one[:10], one[:10]).relation == "not determinable"
    assert likeness(np.zeros(30, dtype=int), np.zeros(30, dtype=int)).relation == "not determinable"
    assert likeness(np.full(30, -1), one[:30]).sites == 0


@pytest.mark.parametrize("planted", [0.0, 0.02, 0.05, 0.2])
@pytest.mark.parametrize("known", [False, True])
def test_planted_contamination_is_measured(rng, frequencies, planted, known):
    one, two = (haplotype(rng, frequencies) + haplotype(rng, frequencies) for _ in range(2))
    prior = genotype_prior(frequencies)
    found = contamination(reads(rng, one, two, planted), certain_prior(one) if known else prior, prior)
    assert found.share == pytest.approx(planted, abs=0.005 + 0.15 * planted)
    assert found.certain == (planted > 0)


def test_too_few_sites_say_nothing(rng):
    one = np.array([0, 1, 2])
    assert contamination(reads(rng, one, one, 0.0), certain_prior(one), certain_prior(one)) is None


def test_frequencies_leave_the_sample_itself_out():
    shown = {f"p{number}": np.array([0, 2, -1]) for number in range(6)}
    shown["me"] = np.array([2, 0, 0])
    assert other_frequencies(shown, "me") == pytest.approx([0.5 / 13, 12.5 / 13, 0.5])
    assert other_frequencies({"me": shown["me"], "p1": shown["p1"]}, "me") is None


def test_genotypes_need_reads():
    assert list(genotypes(np.array([[7, 0], [8, 0], [20, 1], [5, 5], [1, 20]]))) == [-1, 0, 0, 1, 2]


def test_sites_are_single_bases_of_autosomes_with_one_other_allele():
    def variant(contig, position, reference, other):
        return CalledVariant(contig, position, reference, (other,), (0, 1))

    people = [
        [variant("chr1", 5, "A", "C"), variant("chrX", 5, "A", "C"), variant("chr1", 9, "AT", "A")],
        [variant("chr1", 5, "A", "C"), variant("chr1", 20, "G", "T")],
        [variant("chr1", 20, "G", "A")],
    ]
    assert polymorphic_sites(people) == [("chr1", 5, "A", "C")]


def test_many_sites_are_thinned():
    people = [[CalledVariant("c", position, "A", ("C",), (0, 1)) for position in range(5001)]]
    sites = polymorphic_sites(people)
    assert 1600 < len(sites) <= 2000
    assert sites[-1][1] > 4990


def test_bases_are_counted_at_the_right_place():
    class Alignments:
        def count_coverage(self, contig, start, end, quality_threshold):
            width = range(start, end)
            return tuple([place * 10 + number for place in width] for number in range(4))

    sites = [("c", 5, "A", "G"), ("c", 300, "C", "T"), ("c", 900, "T", "A"), ("d", 900, "G", "C")]
    expected = [[50, 52], [3001, 3003], [9003, 9000], [9002, 9001]]
    assert allele_counts(Alignments(), sites).tolist() == expected


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, None),
        ({"role": "tumour", "own_normal": "same person"}, None),
        ({"role": "tumour", "own_normal": "other person"}, "not of the person of its normal"),
        ({"same_person": ["P2_normal"]}, "P2_normal"),
        ({"contamination": 0.05, "certain": True, "source": "P2_normal"}, "5.0 % of its reads"),
        ({"contamination": 0.05, "certain": False}, None),
        ({"contamination": 0.005, "certain": True}, None),
    ],
)
def test_problems_in_words(change, words):
    row = {"role": "normal", "own_normal": "", "same_person": [], "contamination": None, "certain": False, "source": ""}
    problems = identity_problems(row | change, {"maximum_contamination": 0.01})
    assert len(problems) == (words is not None)
    assert all(words in one for one in problems)
