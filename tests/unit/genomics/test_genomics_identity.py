"""Kinship on simulated genotypes with planted relations, and what is said of identities."""

import numpy as np
import pytest

from kimedlib.genomics_identity import genotypes, identity_problems, likeness, other_frequencies

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


def test_frequencies_leave_the_sample_itself_out():
    shown = {f"p{number}": np.array([0, 2, -1]) for number in range(6)}
    shown["me"] = np.array([2, 0, 0])
    assert other_frequencies(shown, "me") == pytest.approx([0.5 / 13, 12.5 / 13, 0.5])
    assert other_frequencies({"me": shown["me"], "p1": shown["p1"]}, "me") is None


def test_genotypes_need_reads():
    assert list(genotypes(np.array([[7, 0], [8, 0], [20, 1], [5, 5], [1, 20]]))) == [-1, 0, 0, 1, 2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, None),
        ({"role": "tumour", "own_normal": "same person"}, None),
        ({"role": "tumour", "own_normal": "other person"}, "not of the person of its normal"),
        ({"same_person": ["P2_normal"]}, "P2_normal"),
        (
            {
                "contamination": 0.05,
                "contamination_low": 0.03,
                "contamination_high": 0.08,
                "certain": True,
                "source": "P2_normal",
            },
            "5.0 % (3.0 to 8.0) of its reads are of somebody else, like P2_normal",
        ),
        ({"contamination": 0.05, "contamination_high": 0.08, "certain": False}, None),
        ({"contamination": 0.005, "contamination_low": 0.002, "contamination_high": 0.009, "certain": True}, None),
        ({"contamination": 0.009, "contamination_low": 0.003, "contamination_high": 0.02, "certain": True}, "0.9 %"),
    ],
)
def test_problems_in_words(change, words):
    row = {"role": "normal", "own_normal": "", "same_person": [], "contamination": None, "certain": False, "source": ""}
    problems = identity_problems(row | change, {"maximum_contamination": 0.01})
    assert len(problems) == (words is not None)
    assert all(words in one for one in problems)
