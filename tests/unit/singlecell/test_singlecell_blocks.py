"""Reading and computing in blocks gives what the whole matrix gives, for any number of threads."""

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import NearestNeighbors

from kimedlib import singlecell_blocks, singlecell_embedding, singlecell_informative, singlecell_resolution
from kimedlib.singlecell_blocks import CellMatrices, complete_file, opened, read_genes
from kimedlib.singlecell_expression import pseudobulk
from kimedlib.singlecell_genes import GeneMoments
from kimedlib.singlecell_threads import one_thread


@pytest.fixture
def samples(tmp_path, monkeypatch):
    """Two files of 70 and 50 cells whose genes differ in order and in part, read in blocks of 32 cells."""
    monkeypatch.setattr(singlecell_blocks, "BLOCK_CELLS", 32)
    random = np.random.default_rng(3)
    paths = []
    for number, genes in enumerate((list("abcdefgh"), list("hgfzab"))):
        counts = sparse.csr_matrix(random.poisson(0.8, (70 - 20 * number, len(genes))).astype(np.float32))
        data = ad.AnnData(counts)
        data.obs_names = [f"s{number}c{cell}" for cell in range(data.n_obs)]
        data.obs["sample"] = f"s{number}"
        data.var_names = genes
        paths.append(tmp_path / f"s{number}.h5ad")
        data.write_h5ad(paths[-1], compression="lzf")
    return paths


@pytest.mark.parametrize(("genes", "join"), [("intersection", "inner"), ("union", "outer")])
def test_blocks_are_the_concatenation_of_anndata(samples, genes, join):
    expected = ad.concat([ad.read_h5ad(path) for path in samples], join=join, fill_value=0)
    cells = opened(samples, genes)
    parts = list(cells.blocks())
    assert len(parts) == 5 and [rows.start for rows, _ in parts] == [0, 32, 64, 70, 102]
    found = sparse.vstack([block for _, block in parts]).toarray()
    assert list(cells.var.index) == list(expected.var_names)
    assert np.array_equal(found, expected.X.toarray()) and list(cells.obs["sample"]) == list(expected.obs["sample"])
    chosen = np.arange(expected.n_vars) % 3 != 1
    cells.keep_genes(chosen)
    found = sparse.vstack([block for _, block in cells.blocks()]).toarray()
    assert np.array_equal(found, expected.X.toarray()[:, chosen])


@pytest.mark.parametrize("chunk", [50, 100_000])
def test_file_written_in_blocks_reads_as_a_whole(samples, tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(singlecell_blocks, "CHUNK", chunk)
    monkeypatch.setattr(singlecell_blocks, "WAITING", 2)
    cells = opened(samples, "union")
    target = tmp_path / "out.h5ad"
    with h5py.File(target, "w") as handle:
        matrices = CellMatrices(handle, ["X", "layers/counts"], len(cells.var), threads=2)
        for _, block in cells.blocks():
            matrices.append(block, block.data / 2, block.data)
        matrices.close()
    complete_file(target, ad.AnnData(obs=cells.obs, var=cells.var, uns={"leiden": {"params": {"resolution": 1.0}}}))
    found = ad.read_h5ad(target)
    expected = ad.concat([ad.read_h5ad(path) for path in samples], join="outer", fill_value=0)
    assert np.array_equal(found.X.toarray(), expected.X.toarray() / 2)
    assert np.array_equal(found.layers["counts"].toarray(), expected.X.toarray())
    # HDF5's own filters read what was compressed outside of them.
    with h5py.File(target, "r") as handle:
        assert handle["layers/counts/indices"] == handle["X/indices"] and handle["X/data"].compression == "gzip"
    assert found.uns["leiden"]["params"]["resolution"] == 1.0 and found.obs.equals(cells.obs)


def test_genes_are_read_without_the_others(samples):
    whole = ad.read_h5ad(samples[0])
    whole.obsm["X_umap"] = np.arange(140.0).reshape(70, 2)
    whole.write_h5ad(samples[0])
    found = read_genes(samples[0], ["f", "b", "not there"])
    assert list(found.var_names) == ["b", "f"] and found.obs.equals(whole.obs)
    assert np.array_equal(found.X.toarray(), whole[:, ["b", "f"]].X.toarray())
    assert np.array_equal(found.obsm["X_umap"], whole.obsm["X_umap"])


def test_pseudobulk_is_the_sum_by_pandas(samples):
    whole = ad.read_h5ad(samples[0])
    whole.layers["counts"] = whole.X.copy()
    whole.obs["cell_type"] = ["B", "T", "T"] * 23 + ["rare"]
    whole.obs["sample"] = np.repeat(["s2", "s1"], 35)
    whole.write_h5ad(samples[0])
    found = pseudobulk(samples[0], whole.obs, ["T", "B", "rare", "absent"], 2)
    dense = whole.to_df().groupby([whole.obs["cell_type"], whole.obs["sample"]]).sum()
    for name in ("T", "B"):
        assert np.array_equal(found[name].to_numpy(), dense.loc[name].to_numpy())
        assert list(found[name].index) == ["s1", "s2"] and list(found[name].columns) == list(whole.var_names)
    # One cell is fewer than two.
    assert found["rare"].empty and found["absent"].empty


def test_moments_are_those_of_numpy(samples):
    cells = opened(samples, "intersection")
    whole = sparse.vstack([block for _, block in cells.blocks()]).toarray().astype(np.float64)
    codes = np.tile([0, 1, 2], 40)
    moments = GeneMoments(cells.readers(), codes, whole.shape[1])
    for code in range(3):
        inside = whole[codes == code]
        assert np.array_equal(moments.total[code], inside.sum(axis=0))
        assert np.array_equal(moments.seen[code], (inside > 0).sum(axis=0))
        assert np.allclose(moments.variance()[code], inside.var(axis=0, ddof=1), rtol=1e-12)


def test_components_are_the_same_for_any_threads_and_those_of_scikit_learn(monkeypatch):
    for module in (singlecell_embedding, singlecell_informative):
        monkeypatch.setattr(module, "BLOCK", 64)
    random = np.random.default_rng(2)
    values = sparse.csr_matrix(np.log1p(random.poisson(random.gamma(0.5, 1, (900, 6)) @ random.gamma(0.5, 1, (6, 80)))))
    with one_thread():
        found = [singlecell_embedding.principal_components(values, 10, threads) for threads in (1, 2, 5)]
    for other in found[1:]:
        assert all(np.array_equal(*pair) for pair in zip(found[0], other, strict=True))
    dense = values.toarray()
    z = np.minimum((dense - dense.mean(axis=0)) / dense.std(axis=0, ddof=1), 10)
    reference = PCA(10, svd_solver="full").fit(z)
    assert np.allclose(found[0][2], reference.explained_variance_, rtol=1e-6)
    assert np.allclose(np.abs(found[0][0]), np.abs(reference.transform(z)), atol=1e-5)
    assert singlecell_informative.largest_variance(values) == pytest.approx(reference.explained_variance_[0], rel=1e-6)


def test_many_cells_get_nearly_all_neighbours_that_trees_find(monkeypatch):
    random = np.random.default_rng(6)
    positions = (6 * np.eye(9)[random.integers(0, 5, 6000)] + random.normal(size=(6000, 9))).round(3)
    distances, indices = NearestNeighbors(n_neighbors=15, algorithm="kd_tree").fit(positions).kneighbors(positions)
    monkeypatch.setattr(singlecell_embedding, "TREE_CELLS", 1000)
    monkeypatch.setattr(singlecell_embedding, "LISTS", 12)
    with one_thread():
        found = [singlecell_embedding.nearest(positions, 15, threads) for threads in (1, 3)]
    assert all(np.array_equal(*pair) for pair in zip(*found, strict=True))
    assert np.array_equal(found[0][0][:, 0], np.arange(6000)) and (np.diff(found[0][1], axis=1) >= 0).all()
    same = [len(set(one) & set(two)) / 15 for one, two in zip(found[0][0], indices, strict=True)]
    assert np.mean(same) > 0.97
    exact = np.array(same) == 1
    assert np.allclose(found[0][1][exact], distances[exact], atol=1e-12)


def test_many_equal_cells_are_neighbours_of_each_other(monkeypatch):
    monkeypatch.setattr(singlecell_embedding, "TREE_CELLS", 500)
    positions = np.vstack([np.zeros((900, 4)), np.ones((100, 4))])
    indices, distances = singlecell_embedding.nearest(positions, 10)
    assert np.array_equal(indices[:, 0], np.arange(1000)) and not distances.any()
    assert (indices[:900] < 900).all() and (indices[900:] >= 900).all()


def test_graph_in_blocks_is_the_jaccard_overlap_of_sets(monkeypatch):
    monkeypatch.setattr(singlecell_embedding, "BLOCK", 16)
    indices = singlecell_embedding.nearest(np.random.default_rng(1).normal(size=(60, 3)), 8)[0]
    lists = [set(row) for row in indices]
    expected = np.array([[len(one & two) / len(one | two) for two in lists] for one in lists])
    expected[(expected < 1 / 15) | np.eye(60, dtype=bool)] = 0
    assert np.allclose(singlecell_embedding.shared_neighbour_graph(indices).toarray(), expected)


def test_more_cells_show_the_clusters_of_a_part(monkeypatch):
    monkeypatch.setattr(singlecell_resolution, "CELLS", 300)
    random = np.random.default_rng(4)
    labels = random.integers(0, 4, 2500)
    positions = 7 * np.eye(6)[labels] + random.normal(size=(2500, 6))
    indices = singlecell_embedding.nearest(positions, 15)[0]
    clusters, graph, resolution, table = singlecell_resolution.stable_clusters(positions, indices, "auto", 15, 1)
    assert adjusted_rand_score(labels, clusters) > 0.98 and graph.shape == (2500, 2500)
    chosen = table[table["chosen"]]
    assert list(chosen["cells"]) == [2500] and list(chosen["clusters"]) == [4]
    assert chosen["resolution"].iloc[0] == resolution and set(table["cells"]) == {300, 2500}


def test_given_resolution_is_used_as_it_is():
    positions = np.random.default_rng(4).normal(size=(200, 4))
    indices = singlecell_embedding.nearest(positions, 15)[0]
    clusters, _, resolution, table = singlecell_resolution.stable_clusters(positions, indices, 0.5, 15, 1)
    assert resolution == 0.5 and table.empty and len(clusters) == 200
    assert isinstance(table, pd.DataFrame)


def test_neighbours_in_a_subsample_are_those_that_scikit_learn_finds_there():
    random = np.random.default_rng(5)
    # A tight group outside the subsample fills the lists of its neighbours, which must then be sought anew.
    positions = np.vstack([random.normal(size=(300, 4)), random.normal(scale=0.01, size=(60, 4))])
    chosen = np.sort(np.concatenate([random.choice(300, 200, replace=False), [300]]))
    wide = singlecell_embedding.nearest(positions, 20)[0]
    found = singlecell_embedding.nearest_among(positions, chosen, wide, 10)
    tree = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(positions[chosen])
    assert np.array_equal(found, tree.kneighbors(positions[chosen], return_distance=False))
    assert (np.isin(wide[300], chosen).sum()) < 10


def test_stacked_parts_are_those_of_scipy_and_are_let_go():
    parts = [sparse.random(rows, 9, 0.3, format="csr", random_state=rows) for rows in (5, 1, 8)]
    expected = sparse.vstack(parts).toarray()
    assert np.array_equal(singlecell_blocks.stacked(parts).toarray(), expected) and not parts
