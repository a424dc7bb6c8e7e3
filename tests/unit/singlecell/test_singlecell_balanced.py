"""Batch-balanced neighbours against plain searches in each batch, and what the rule of integration makes of them."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import NearestNeighbors

from kimedlib import singlecell_embedding
from kimedlib.singlecell_balanced import balanced, linked_mixing, neighbours_of, without_batches
from kimedlib.singlecell_embedding import shared_neighbour_graph
from kimedlib.singlecell_integration import choose_integration, harmony
from kimedlib.singlecell_resolution import stable_clusters
from kimedlib.singlecell_significance import significant_clusters
from kimedlib.singlecell_threads import one_thread


def planted(sizes, shift, seed=0):
    """Four types in 8 dimensions; `sizes` are the cells of each type in each batch, batches lie `shift` apart."""
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.repeat(np.arange(4), row) for row in sizes])
    batches = np.repeat(np.arange(len(sizes)), np.sum(sizes, axis=1))
    positions = 8 * np.eye(8)[labels] + random.normal(size=(len(labels), 8)) + shift * np.eye(8)[7 - batches]
    return positions.round(6), labels, pd.Series(batches.astype(str))


@pytest.mark.parametrize("lists", [10_000, 40])
def test_neighbours_are_those_of_a_search_in_each_batch(monkeypatch, lists):
    """Also where batches are larger than what is searched whole; a batch of two cells gives both."""
    monkeypatch.setattr(singlecell_embedding, "LIST_CELLS", lists)
    monkeypatch.setattr(singlecell_embedding, "LISTS", 5)
    positions, _, batches = planted([[60] * 4, [40] * 4, [2, 0, 0, 0]], 12)
    found, distances = balanced(positions, batches, 15)
    assert found.shape == (402, 5 + 5 + 2)
    hits = []
    for batch, each in (("0", 5), ("1", 5), ("2", 2)):
        members = np.flatnonzero(batches == batch)
        tree = NearestNeighbors(n_neighbors=each).fit(positions[members])
        wanted = members[tree.kneighbors(positions)[1]]
        hits += [set(row) <= set(list_) for row, list_ in zip(wanted, found, strict=True)]
    assert np.mean(hits) == 1 if lists == 10_000 else np.mean(hits) > 0.95
    assert np.array_equal(found[:, 0], np.arange(402)) and (np.diff(distances[:, 1:]) >= 0).all()
    expected = np.linalg.norm(positions[found] - positions[:, None], axis=2)
    assert distances == pytest.approx(expected, abs=1e-9)
    with one_thread():
        assert np.array_equal(found, balanced(positions, batches, 15, threads=3)[0])


def test_cells_of_one_type_meet_in_one_cluster_though_batches_are_apart():
    positions, labels, batches = planted([[60] * 4, [50] * 4], 5)
    found = []
    for apart, resolution in ((None, 0.5), (batches, "auto")):
        indices = neighbours_of(positions, apart, 15)[0]
        clusters, _, _, table = stable_clusters(positions, indices, resolution, 15, 1, batches=apart)
        found.append(adjusted_rand_score(labels, clusters))
    # Subsamples show the same clusters, as their neighbours are balanced too.
    assert found[1] > 0.98 > 0.8 > found[0] and table.loc[table["chosen"], "lowest_overlap"].iloc[0] > 0.95
    comparable = without_batches(positions, clusters, batches)
    merged, tested = significant_clusters(comparable, clusters, batches, 1)
    assert np.array_equal(merged, clusters) and (tested["p_value"] < 0.01).all() and len(tested) >= 2


def test_effects_of_batches_are_taken_off_whatever_the_batches_hold():
    """A batch without one of the types: its mean would be off by more than the noise."""
    positions, labels, batches = planted([[100, 100, 100, 0], [10, 10, 10, 200]], 12)
    found = without_batches(positions, labels, batches)
    centres = [found[(batches == name).to_numpy() & (labels == 0)].mean(axis=0) for name in ("0", "1")]
    assert np.abs(centres[0] - centres[1]).max() < 1
    means = [(found - positions)[(batches == name).to_numpy()] for name in ("0", "1")]
    assert all(np.ptp(part, axis=0).max() < 1e-9 for part in means)


def linked(positions, batches, by_batch):
    return shared_neighbour_graph(neighbours_of(positions, batches if by_batch else None, 20)[0])


@pytest.mark.parametrize("sizes", [[[100] * 4, [100] * 4], [[240] * 4, [60] * 4], [[60] * 4] * 6])
def test_batches_without_effect_are_mixed_by_either_list(sizes):
    """Neither uneven batches, nor many, nor balance by construction may show."""
    positions, _, batches = planted(sizes, 0)
    scores = [linked_mixing(linked(positions, batches, by_batch), batches) for by_batch in (False, True)]
    assert min(scores) > 0.9 and abs(scores[0] - scores[1]) < 0.06


def test_mixing_of_links_is_zero_apart_and_that_of_pairs_by_hand():
    positions, _, batches = planted([[60] * 4, [60] * 4], 50)
    assert linked_mixing(linked(positions, batches, False), batches) == 0
    graph = sparse.csr_matrix(np.array([[0, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0]], dtype=float))
    # Two batches of two: of three links one leads to the own batch, two to the other; one pair of three is alike.
    assert linked_mixing(graph, pd.Series(["a", "a", "b", "b"])) == 1.0
    three = sparse.csr_matrix(np.array([[0, 2, 1], [2, 0, 1], [1, 1, 0]], dtype=float))
    # Links of weight 2 and 1: alike if they lead to one batch. By chance: 6 of 8 to a, 2 of 8 to b.
    assert linked_mixing(three, pd.Series(["a", "a", "b"])) == 1.0


def chosen(positions, batches, **others):
    candidates = {"none": positions, "harmony": harmony(positions, batches, 1), "bbknn": positions, **others}
    return choose_integration(candidates, batches, 15, 1)


@pytest.mark.parametrize("sizes", [[[100] * 4, [100] * 4], [[150] * 4, [40] * 4]])
def test_batches_that_do_not_differ_are_left_alone(sizes):
    positions, _, batches = planted(sizes, 0)
    assert chosen(positions, batches)[0] == "none"


def test_graphs_are_judged_by_what_all_methods_have():
    positions, _, batches = planted([[100] * 4, [80] * 4], 5)
    method, table = chosen(positions, batches)
    scores = table.set_index("method")
    assert method == "harmony" and list(scores.index) == ["none", "harmony", "bbknn"]
    none, harmonised, balanced_graph = scores.loc[["none", "harmony", "bbknn"], "mixing"]
    assert none < 0.05 < 0.1 < balanced_graph < 0.8 < harmonised
    assert np.array_equal(scores["conservation"], scores["conservation_nmi"])
    assert list(scores["conservation_asw"].isna()) == [False, False, True]
    without = choose_integration({"none": positions, "harmony": harmony(positions, batches, 1)}, batches, 15, 1)[1]
    assert not np.array_equal(without["conservation"], without["conservation_nmi"])


def test_bbknn_is_chosen_where_harmony_fails():
    positions, _, batches = planted([[100] * 4, [80] * 4], 5)
    noise = np.random.default_rng(2).normal(size=positions.shape)
    assert chosen(positions, batches, harmony=noise)[0] == "bbknn"


def test_types_that_only_one_batch_holds_stay_apart():
    """Neighbours are forced upon every cell; the graph's weights must undo what does not fit."""
    positions, labels, batches = planted([[100, 100, 0, 0], [0, 0, 100, 100]], 0)
    clusters = stable_clusters(positions, balanced(positions, batches, 15)[0], 0.3, 15, 1, batches=batches)[0]
    assert adjusted_rand_score(labels, clusters) > 0.95
