"""Choices without labels: the integration method and the resolution follow what was planted."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.metrics import adjusted_rand_score, silhouette_samples

from kimedlib.singlecell_embedding import leiden, nearest, proportionally_fitted, shared_neighbour_graph
from kimedlib.singlecell_integration import choose_integration, harmony, mixing, read_latent
from kimedlib.singlecell_resolution import STABLE, best_overlaps, stable_resolution
from kimedlib.singlecell_scores import explained_by, graph_connectivity, regression_comparison, silhouettes
from kimedlib.singlecell_threads import one_thread


def groups(random, centres, sizes, spread=1.0):
    labels = np.repeat(np.arange(len(centres)), sizes)
    return np.asarray(centres)[labels] + random.normal(0, spread, (len(labels), len(centres[0]))), labels


@pytest.fixture(scope="module")
def types():
    """400 cells of four types in two batches without any difference between the batches, 8 dimensions."""
    random = np.random.default_rng(5)
    positions, labels = groups(random, 8 * np.eye(8)[:4], [100] * 4)
    return positions, labels, pd.Series(np.tile(["a", "b"], 200))


def test_batches_that_differ_are_integrated(types):
    positions, labels, batches = types
    shifted = positions + np.where((batches == "a").to_numpy()[:, None], np.eye(8)[7] * 12, 0)
    corrected = harmony(shifted, batches, 1)
    method, table = choose_integration({"none": shifted, "harmony": corrected}, batches, 15, 1)
    scores = table.set_index("method")
    assert method == "harmony" and scores.loc["harmony", "chosen"] and not scores.loc["none", "chosen"]
    assert scores.loc["none", "mixing"] < 0.05 < 0.7 < scores.loc["harmony", "mixing"]
    found = leiden(shared_neighbour_graph(nearest(corrected, 15)[0]), 0.3, 1)
    assert adjusted_rand_score(labels, found) > 0.98


def test_batches_that_do_not_differ_are_left_alone(types):
    positions, _, batches = types
    method, table = choose_integration({"none": positions, "harmony": harmony(positions, batches, 1)}, batches, 15, 1)
    assert method == "none" and table["chosen"].sum() == 1


def test_integration_that_destroys_types_is_not_chosen(types):
    positions, _, batches = types
    shifted = positions + np.where((batches == "a").to_numpy()[:, None], np.eye(8)[7] * 12, 0)
    everything_mixed = np.random.default_rng(2).normal(size=positions.shape)
    method, table = choose_integration({"none": shifted, "harmony": everything_mixed}, batches, 15, 1)
    assert method == "none" and table.set_index("method").loc["harmony", "mixing"] > 0.8


def test_scvi_changes_most_and_must_be_better_by_more_than_the_margin(types):
    positions, _, batches = types
    shifted = positions + np.where((batches == "a").to_numpy()[:, None], np.eye(8)[7] * 12, 0)
    corrected = harmony(shifted, batches, 1)
    offered = {"scvi": corrected, "harmony": corrected, "none": shifted}
    assert choose_integration(offered, batches, 15, 1)[0] == "harmony"
    method, table = choose_integration(offered | {"harmony": shifted}, batches, 15, 1)
    assert method == "scvi" and list(table["method"]) == ["none", "harmony", "scvi"]


def test_latent_components_are_those_of_the_cells(tmp_path):
    table = pd.DataFrame({"cell": ["007", "NA", "c"], "latent_1": [1.0000004, 2, 3], "latent_2": [4.0, 5, 6]})
    table.to_csv(tmp_path / "latent.tsv", sep="\t", index=False)
    found = read_latent(tmp_path / "latent.tsv", pd.Index(["007", "NA", "c"]))
    assert found.dtype == np.float64 and found.tolist() == [[1, 4], [2, 5], [3, 6]]
    for others in (["c", "NA", "007"], ["007", "NA"], ["007", "NA", "d"]):
        with pytest.raises(ValueError, match="not the cells to be clustered, or in another order"):
            read_latent(tmp_path / "latent.tsv", pd.Index(others))


def test_one_candidate_or_one_batch_is_not_judged(types):
    positions, _, batches = types
    assert choose_integration({"harmony": positions}, batches, 15, 1)[0] == "harmony"
    method, table = choose_integration({"none": positions}, pd.Series(["a"] * 400), 15, 1)
    assert method == "none" and table["total"].isna().all()


def test_mixing_is_zero_apart_and_one_together(types):
    positions, _, batches = types
    apart = positions + np.where((batches == "a").to_numpy()[:, None], 100.0, 0)
    assert mixing(apart, batches) < 0.01 and mixing(positions, batches) > 0.9


def test_overlaps_equal_those_of_sets():
    random = np.random.default_rng(1)
    first, second = random.integers(0, 5, 60), random.integers(0, 3, 60)
    first[first == 3] = 4
    expected = [
        max(
            len(set(np.flatnonzero(first == one)) & set(np.flatnonzero(second == two)))
            / len(set(np.flatnonzero(first == one)) | set(np.flatnonzero(second == two)))
            for two in range(3)
        )
        for one in (0, 1, 2, 4)
    ]
    found = best_overlaps(first, second)
    assert np.isnan(found[3]) and np.allclose(found[[0, 1, 2, 4]], expected)


def test_resolution_gives_the_planted_clusters(types):
    positions, labels, _ = types
    resolution, table, _ = stable_resolution(positions, 15, 1)
    found = leiden(shared_neighbour_graph(nearest(positions, 15)[0]), resolution, 1)
    assert adjusted_rand_score(labels, found) > 0.98
    chosen = table[table["chosen"]]
    assert list(chosen["clusters"]) == [4] and chosen["lowest_overlap"].iloc[0] >= STABLE
    with one_thread():
        assert table.equals(stable_resolution(positions, 15, 1, threads=3)[1])


def test_one_cloud_is_not_cut_into_unstable_clusters():
    positions = np.random.default_rng(4).normal(size=(300, 6))
    resolution, table, _ = stable_resolution(positions, 15, 1)
    finest = table.iloc[-1]
    assert resolution < finest["resolution"] and table.loc[table["chosen"], "clusters"].iloc[0] < finest["clusters"]


def test_ceiling_of_batch_silhouette_is_that_of_random_batches():
    random = np.random.default_rng(0)
    positions, labels = groups(random, 9 * np.eye(6)[:2], [150, 150])
    batches = pd.Series(random.permutation(np.tile(["a", "b", "c"], 100)))
    names = pd.Series(labels.astype(str))
    found = silhouettes(positions, names, {"batch": batches, "condition": pd.Series(["one"] * 300)})
    assert found["batch_asw_scib"] == pytest.approx(found["batch_asw_scib_ceiling"], abs=0.01)
    assert not any(name.startswith("condition") for name in found)
    # Both definitions, spelled out.
    widths = [silhouette_samples(positions[labels == one], batches[labels == one]) for one in (0, 1)]
    assert found["batch_asw_scib"] == pytest.approx(np.mean([np.mean(1 - np.abs(one)) for one in widths]))
    assert found["batch_asw"] == pytest.approx(np.mean([1 - abs(np.mean(one)) for one in widths]))
    apart = positions + np.where((batches == "a").to_numpy()[:, None], 5.0, 0)
    worse = silhouettes(apart, names, {"batch": batches})
    assert worse["batch_asw_scib"] < worse["batch_asw_scib_ceiling"] - 0.2
    assert worse["batch_asw"] < found["batch_asw"] - 0.2


def test_proportional_fitting_takes_the_depth_out():
    """PFlog1pPF against its formula, cell by cell."""
    random = np.random.default_rng(0)
    counts = random.poisson(random.gamma(2, 2, (30, 50)))
    depth = float(counts.sum(axis=1).mean())
    found = proportionally_fitted(sparse.csr_matrix(counts), depth).toarray()
    for cell, values in zip(counts, found, strict=True):
        logs = np.log1p(cell / cell.sum() * depth)
        assert values == pytest.approx(logs / logs.sum() * 1e4)


def test_regression_of_components_is_that_of_scib(types):
    """R2 of each principal component on the batches, weighted by its variance, spelled out."""
    positions, batches = types[0], pd.Series(np.where(np.arange(400) % 5 == 0, "a", "b"))
    shifted = positions + np.where((batches == "a").to_numpy()[:, None], np.eye(8)[7] * 8, 0)
    components = PCA(8).fit_transform(shifted)
    dummies = pd.get_dummies(batches).to_numpy(dtype=float)
    fits = [LinearRegression().fit(dummies, column).score(dummies, column) for column in components.T]
    expected = np.average(fits, weights=components.var(axis=0))
    assert explained_by(components, batches) == pytest.approx(expected) == explained_by(shifted, batches)
    assert regression_comparison(expected, explained_by(positions, batches)) > 0.95
    assert regression_comparison(0.1, 0.2) == 0 == regression_comparison(0.0, 0.0)


def test_connectivity_counts_cells_that_hang_together_without_others():
    """Label a: three of five cells in one piece, the fourth joined by a cell of b only. Label b: all."""
    graph = np.zeros((7, 7))
    for one, two in ((0, 1), (1, 2), (2, 5), (5, 3), (5, 6)):
        graph[one, two] = graph[two, one] = 0.5
    labels = pd.Series(list("aaaaabb"))
    assert graph_connectivity(sparse.csr_matrix(graph), labels) == pytest.approx((3 / 5 + 1) / 2)
