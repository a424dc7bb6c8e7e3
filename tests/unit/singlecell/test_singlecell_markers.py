"""Rank sums: the same as scanpy's and scipy's, which know nothing of sparse zeros."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse, stats

from kimedlib.singlecell_markers import cluster_markers, donor_support, rank_sums


@pytest.fixture(scope="module")
def cells():
    random = np.random.default_rng(7)
    labels = pd.Series(np.repeat(["0", "1", "10"], [90, 60, 30]))
    rates = np.full((180, 60), 0.4)
    rates[:90, :10] += 2
    rates[90:150, 10:20] += 2
    counts = random.poisson(rates)
    counts[:, 59] = 0
    return sparse.csr_matrix(np.log1p(counts).astype(np.float32)), labels, pd.Index([f"G{n}" for n in range(60)])


def test_equal_to_scanpy(cells):
    import scanpy as sc

    values, labels, genes = cells
    # scanpy divides by zero at the gene that nobody expresses.
    values, genes = values[:, :59], genes[:59]
    obs = pd.DataFrame({"cluster": pd.Categorical(labels)}, index=[str(number) for number in range(len(labels))])
    data = AnnData(values, obs=obs, var=pd.DataFrame(index=genes))
    data.uns["log1p"] = {"base": None}
    sc.tl.rank_genes_groups(data, "cluster", method="wilcoxon", tie_correct=True, pts=True)
    found = cluster_markers(values, genes, labels, ["0", "1", "10"], 60)
    for name in ("0", "1", "10"):
        theirs = sc.get.rank_genes_groups_df(data, name).set_index("names")
        ours = found[found["cluster"] == name].set_index("gene").loc[theirs.index]
        for our, their, scale in (
            ("score", "scores", 1), ("log2_fold_change", "logfoldchanges", 1), ("p_adjusted", "pvals_adj", 1),
            ("percent_inside", "pct_nz_group", 100), ("percent_outside", "pct_nz_reference", 100),
        ):  # fmt: skip
            assert np.allclose(ours[our], scale * theirs[their], rtol=2e-4, atol=1e-6), our


def test_sums_equal_those_of_dense_ranks(cells):
    values, labels, _ = cells
    codes = np.unique(labels, return_inverse=True)[1]
    ranks = stats.rankdata(values.toarray(), axis=0)
    sums, correction = rank_sums(sparse.csc_matrix(values), codes, 3)
    assert np.allclose(sums, [ranks[codes == code].sum(axis=0) for code in range(3)])
    assert np.allclose(correction, [stats.tiecorrect(column) for column in ranks.T])


def test_negative_values_and_single_cells(cells):
    values, labels, genes = cells
    with pytest.raises(ValueError, match="zero or more"):
        rank_sums(sparse.csc_matrix(-values), np.zeros(180, dtype=int), 1)
    alone = labels.copy()
    alone.iloc[0] = "2"
    assert set(cluster_markers(values, genes, alone, ["0", "1", "10", "2"], 5)["cluster"]) == {"0", "1", "10"}
    silent = cluster_markers(values, genes, labels, ["0", "1"], 60).set_index("gene").loc["G59"]
    assert (silent["score"] == 0).all() and (silent["p_adjusted"] == 1).all()
    assert cluster_markers(values, genes, pd.Series(["0"] * 180), ["0"], 5).empty


def test_a_marker_of_one_donor_is_seen_as_such(cells):
    """G0 marks cluster 0 in all three donors; G50 is strong in one donor's cells of it, and so has a small p-value."""
    values, labels, genes = cells
    donors = pd.Series(np.tile(["a", "b", "c"], 60))
    dense = values.toarray()
    dense[(labels == "0") & (donors == "a"), 50] += 5
    dense[(donors == "c").to_numpy() & (labels == "10").to_numpy(), :] = 0
    kept = ~((donors == "c") & (labels == "10")).to_numpy()
    matrix, labels, donors = sparse.csr_matrix(dense[kept]), labels[kept], donors[kept]
    table = cluster_markers(matrix, genes, labels, ["0", "1", "10"], 60)
    found = donor_support(table, matrix, genes, labels, donors)
    assert found.drop(columns=["donors", "donors_up"]).equals(table)
    rows = found.set_index(["cluster", "gene"])
    assert rows.loc[("0", "G0"), ["donors", "donors_up"]].tolist() == [3, 3]
    assert rows.loc[("0", "G50"), "p_adjusted"] < 1e-3 and rows.loc[("0", "G50"), "donors_up"] < 3
    # Donor c has no cell of cluster 10.
    assert set(found.loc[found["cluster"] == "10", "donors"]) == {2}
    inside = (labels == "1").to_numpy()
    for place in (3, 15, 30):
        higher = [
            matrix[inside & own][:, place].mean() > matrix[~inside & own][:, place].mean()
            for own in (donors.to_numpy() == name for name in "abc")
        ]
        assert rows.loc[("1", f"G{place}"), "donors_up"] == sum(higher)
