"""Planted mixtures of signatures are recovered; the 96 kinds are those of COSMIC."""

import numpy as np
import pandas as pd
import pytest

from kimedlib.genomics_contexts import CONTEXTS, catalogue, context_of, trinucleotides
from kimedlib.genomics_signatures import cosine, exposures, opportunity, read_signatures

EQUAL = np.ones(96)


def signatures(seed=0, count=4):
    """Invented signatures: few kinds each, as the real ones of one process are."""
    rng = np.random.default_rng(seed)
    values = rng.dirichlet(np.full(96, 0.15), count).T
    return pd.DataFrame(values, index=list(CONTEXTS), columns=[f"S{number}" for number in range(count)])


@pytest.mark.parametrize(
    ("three", "other", "kind"),
    [
        ("ACG", "T", "A[C>T]G"),
        ("CGT", "A", "A[C>T]G"),
        ("TTA", "G", "T[T>G]A"),
        ("TAA", "C", "T[T>G]A"),
        ("NCG", "T", None),
    ],
)
def test_both_strands_have_the_same_kind(three, other, kind):
    assert context_of(*three, other) == kind


def test_there_are_96_kinds_in_cosmic_s_order():
    assert len(set(CONTEXTS)) == 96
    assert (CONTEXTS[0], CONTEXTS[1], CONTEXTS[16], CONTEXTS[-1]) == ("A[C>A]A", "A[C>A]C", "A[C>G]A", "T[T>G]T")


def test_contexts_of_sequences_count_both_strands():
    assert trinucleotides(["ACGNTTA"]) == {"ACG": 1, "TTA": 1}
    assert trinucleotides(["CGT"]) == {"ACG": 1}


@pytest.mark.parametrize("planted", [[0.6, 0.4, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 1, 0]])
def test_a_planted_mixture_is_recovered(planted):
    table, rng = signatures(), np.random.default_rng(5)
    counts = rng.multinomial(400, table.to_numpy() @ planted)
    found, similarity = exposures(counts, table, EQUAL, rng, 200)
    assert np.abs(np.array([one.share for one in found]) - planted).max() < 0.1
    assert all(one.low - 0.02 <= share <= one.high + 0.02 for one, share in zip(found, planted, strict=True))
    assert similarity > 0.95


def test_a_panel_s_other_contexts_do_not_change_the_answer():
    table, rng = signatures(3), np.random.default_rng(1)
    planted, factors = np.array([0.7, 0.3, 0, 0]), rng.uniform(0.2, 4, 96)
    seen = table.to_numpy() * factors[:, None]
    # of each process what a panel sees, in the shares that its mutations then have
    seen /= seen.sum(axis=0)
    counts = rng.multinomial(2000, seen @ planted)
    adapted, _ = exposures(counts, table, factors, rng, 20)
    naive, similarity = exposures(counts, table, EQUAL, rng, 20)
    assert np.abs([one.share - share for one, share in zip(adapted, planted, strict=True)]).max() < 0.05
    assert (
        similarity < 0.95 or np.abs([one.share - share for one, share in zip(naive, planted, strict=True)]).max() > 0.05
    )


def test_opportunity_is_the_ratio_of_frequencies():
    factors = opportunity({"ACG": 2, "TTA": 2}, {"ACG": 1, "TTA": 3})
    assert factors[CONTEXTS.index("A[C>T]G")] == pytest.approx(2.0)
    assert factors[CONTEXTS.index("T[T>G]A")] == pytest.approx(2 / 3)
    assert factors[CONTEXTS.index("A[C>T]A")] == 0


def test_the_table_is_checked(tmp_path):
    def written(frame):
        frame.rename_axis("Type").reset_index().to_csv(tmp_path / "s.tsv", sep="\t", index=False)
        return tmp_path / "s.tsv"

    table = signatures()
    shuffled = table.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(read_signatures(written(shuffled)), table, check_names=False)
    with pytest.raises(ValueError, match=r"row A\[C>A\]A is missing"):
        read_signatures(written(table.iloc[1:]))
    with pytest.raises(ValueError, match="column S1 must hold 96 shares"):
        read_signatures(written(table * [1, 2, 1, 1]))
    (tmp_path / "k.tsv").write_text("Kind\tS1\nA[C>A]A\t1\n")
    with pytest.raises(ValueError, match="columns must be"):
        read_signatures(tmp_path / "k.tsv")


def test_no_mutations_have_no_signatures():
    assert catalogue([None, "A[C>A]A", "A[C>A]A"]).tolist()[:2] == [2, 0]
    assert cosine(np.zeros(96), EQUAL) == 0
    rng, none = np.random.default_rng(1), np.zeros(96, dtype=int)
    with pytest.raises(ValueError, match="without mutations"):
        exposures(none, signatures(), EQUAL, rng, 5)
