"""Planted instability of repeats: found where it is, not where it is not."""

from collections import Counter

import numpy as np
import pytest

from kimedlib.genomics_msi import Locus, differs, instability, pooled_lengths, repeats

SETTINGS = {
    "minimum_homopolymer": 8, "minimum_copies": 5, "minimum_spanning": 20, "maximum_q": 0.05, "minimum_loci": 20,
    "unstable_share": 0.1,
}  # fmt: skip


def test_repeats_are_found_with_their_shortest_unit():
    bases = "GCATTTTTTTTGCACACACACACGGATGATGATGATGATCCCTTTTTTTC" + "ACACAC"
    assert list(repeats("c", 100, bases, SETTINGS)) == [
        Locus("c", 103, 111, "T"), Locus("c", 112, 122, "CA"), Locus("c", 124, 139, "GAT"),
    ]  # fmt: skip


def lengths(rng, depth, stutter, shifted=0.0, shift=-3):
    """Fragments per length: stutter of one base, and a share whose length is another."""
    values = rng.choice([-1, 0, 1], depth, p=[stutter * 0.7, 1 - stutter, stutter * 0.3])
    return Counter((values + shift * (rng.random(depth) < shifted)).tolist())


def sample(seed, unstable, loci=60):
    rng = np.random.default_rng(seed)
    return [(lengths(rng, 60, 0.2, 0.35 if number < unstable else 0), lengths(rng, 40, 0.2)) for number in range(loci)]


@pytest.mark.parametrize("unstable", [12, 30])
def test_planted_instability_is_found(unstable):
    found = instability(sample(unstable, unstable), SETTINGS)
    assert found.loci == 60 and abs(found.unstable - unstable) <= 0.15 * unstable + 1
    assert found.status == "MSI-H" and found.low <= unstable / 60 <= found.high


def test_stable_tumours_are_stable():
    shares = [instability(sample(seed, 0), SETTINGS) for seed in range(25)]
    assert all(one.status == "stable" for one in shares)
    assert np.mean([one.unstable for one in shares]) < 0.3  # false discoveries


def test_too_few_repeats_or_reads_are_not_judged():
    assert instability(sample(1, 10, loci=15), SETTINGS).status == "not determinable"
    thin = [(Counter({0: 10}), Counter({0: 40}))] * 50
    assert instability(thin, SETTINGS) == (0, 0, None, None, None, "not determinable")


def test_rare_lengths_are_joined():
    table = pooled_lengths(Counter({-5: 2, -4: 1, 0: 30, 1: 1}), Counter({0: 30}))
    assert table.sum(axis=1).tolist() == [34, 30] and table.shape[1] == 2
    assert differs(Counter({0: 30}), Counter({0: 20})) == 1.0
