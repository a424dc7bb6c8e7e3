"""Shrunken fold changes: nearer to what was planted than plain ones, and nothing else changes."""

import numpy as np
import pandas as pd
import pytest

from kimedlib.singlecell_design import Design
from kimedlib.singlecell_expression import COLUMNS, SHRUNKEN, deseq


@pytest.fixture(scope="module")
def planted():
    """Counts of 60 genes in ten samples, every tenth changed eightfold; and the true log2 fold changes."""
    random = np.random.default_rng(8)
    means, truth = random.lognormal(3, 1.2, 60), np.where(np.arange(60) % 10 == 0, 3.0, 0.0)
    treated = np.arange(10) % 2
    expected = means * 2 ** (treated[:, None] * truth)
    counts = random.negative_binomial(4, 4 / (4 + expected))
    names = [f"s{place}" for place in range(10)]
    genes = pd.Index([f"G{place:03d}" for place in range(60)])
    return pd.DataFrame(counts, names, genes), pd.Series(treated, names), pd.Series(truth, genes)


def fitted(planted, reference, contrast, **options):
    counts, treated, _ = planted
    samples = pd.DataFrame({"condition": treated.map({0: reference, 1: contrast})})
    return deseq(counts, samples, Design(()), reference, contrast, **options).set_index("gene").loc[counts.columns]


@pytest.fixture(scope="module")
def shrunken(planted):
    return fitted(planted, "a", "b", shrink=True)


def test_shrinkage_nears_the_truth_and_changes_nothing_else(planted, shrunken):
    truth, plain, found = planted[2], fitted(planted, "a", "b"), shrunken
    pd.testing.assert_frame_equal(found[COLUMNS[1:]], plain)
    error = {name: (found[name] - truth).to_numpy() for name in ("log2_fold_change", SHRUNKEN)}
    silent = (truth == 0).to_numpy()
    assert (error[SHRUNKEN][silent] ** 2).mean() < 0.6 * (error["log2_fold_change"][silent] ** 2).mean()
    # The heavy tail leaves large effects nearly alone (Zhu et al. 2019).
    assert (found[SHRUNKEN] / found["log2_fold_change"])[~silent].min() > 0.85
    assert (found[SHRUNKEN].abs() <= found["log2_fold_change"].abs() + 1e-3).all()


def test_names_of_the_conditions_do_not_turn_the_sign(planted, shrunken):
    renamed = fitted(planted, "z", "b", shrink=True)
    assert renamed[SHRUNKEN].to_numpy() == pytest.approx(shrunken[SHRUNKEN].to_numpy(), abs=0.02)
