"""Clusters that one cloud explains are merged; planted types, and what no batch can compare, stay apart."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from kimedlib.singlecell_embedding import leiden, nearest, shared_neighbour_graph
from kimedlib.singlecell_significance import COLUMNS, LEVEL, significant_clusters
from kimedlib.singlecell_threads import one_thread


@pytest.fixture(autouse=True)
def few_threads():
    """As in the workflow."""
    with one_thread():
        yield


def one_batch(cells: int) -> pd.Series:
    return pd.Series(["one"] * cells)


@pytest.fixture(scope="module")
def types():
    """600 cells of three types, five standard deviations apart, ten dimensions; the smallest has 40 cells."""
    random = np.random.default_rng(3)
    labels = np.repeat([0, 1, 2], [360, 200, 40])
    return 3.6 * np.eye(10)[labels] + random.normal(size=(600, 10)), labels


@pytest.mark.parametrize("spread", [np.ones(6), np.r_[4.0, 2.0, np.ones(6)]], ids=["round", "long"])
def test_one_cloud_that_was_cut_is_one_cluster(spread):
    positions = np.random.default_rng(2).normal(size=(500, len(spread))) * spread
    cut = leiden(shared_neighbour_graph(nearest(positions, 20)[0]), 1.0, 1)
    assert cut.max() + 1 >= 4
    found, table = significant_clusters(positions, cut, one_batch(500), 1)
    assert found.max() == 0 and table["merged"].sum() == cut.max()


def test_planted_types_stay_and_a_cut_through_one_goes(types):
    positions, labels = types
    cut = np.where((labels == 0) & (positions[:, 5] > 0.3), 3, labels)
    found, table = significant_clusters(positions, cut, one_batch(600), 1)
    assert adjusted_rand_score(labels, found) == 1.0
    assert list(table.columns) == COLUMNS
    assert table.loc[table["merged"], ["first", "second"]].to_numpy().tolist() == [[0, 3]]
    assert (table.loc[~table["merged"], "p_value"] <= LEVEL).all()
    # Numbered by size again.
    assert [int(np.sum(found == number)) for number in range(3)] == [360, 200, 40]


def test_a_shift_between_batches_is_no_evidence(types):
    """Halves of one type, more of one in each batch: what is left of a batch effect looks like a gap between them."""
    random = np.random.default_rng(5)
    positions = random.normal(size=(400, 8))
    half = (positions[:, 0] > 0).astype(int)
    batches = np.where(random.random(400) < np.where(half == 1, 0.9, 0.1), "a", "b")
    positions[batches == "a", 0] += 3
    assert significant_clusters(positions, half, one_batch(400), 1)[0].max() == 1
    assert significant_clusters(positions, half, pd.Series(batches), 1)[0].max() == 0


def test_clusters_without_a_common_batch_stay(types):
    positions = np.random.default_rng(6).normal(size=(100, 4))
    halves = np.repeat([0, 1], 50)
    found, table = significant_clusters(positions, halves, pd.Series(halves.astype(str)), 1)
    assert found.max() == 1 and table["cells"].tolist() == [0] and table["p_value"].tolist() == [0.0]
