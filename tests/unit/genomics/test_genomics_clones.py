"""Planted clones are recovered by number, fraction and members."""

import numpy as np
import pytest

from kimedlib.genomics_clones import clones


def mutations(seed, planted, depth=100):
    """(fraction, count) per clone."""
    rng = np.random.default_rng(seed)
    totals = rng.poisson(depth, sum(count for _, count in planted))
    fractions = np.repeat([fraction for fraction, _ in planted], [count for _, count in planted])
    return rng.binomial(totals, fractions).tolist(), totals.tolist()


def test_one_clone_is_not_split():
    single = [len(clones(*mutations(seed, [(0.35, 30)])).fractions) for seed in range(20)]
    assert sum(count == 1 for count in single) >= 19


def test_clone_and_subclone_are_told_apart():
    for seed in range(10):
        found = clones(*mutations(seed, [(0.42, 40), (0.15, 25)]))
        assert found.fractions == pytest.approx([0.42, 0.15], abs=0.03)
        assert found.weights == pytest.approx([40 / 65, 25 / 65], abs=0.08)
        assert np.mean(np.array(found.member) == np.repeat([0, 1], [40, 25])) > 0.95
        assert found.purity == pytest.approx(0.84, abs=0.06)


def test_few_mutations_tell_nothing():
    assert clones([10, 12], [40, 40]) is None
