"""Quality limits, doublet scores, embedding, annotation, composition and design on small inputs with known answers."""

import numpy as np
import pandas as pd
import pytest
import yaml
from anndata import AnnData
from scipy import sparse, stats
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, roc_auc_score

from kimedlib import singlecell_embedding as embedding
from kimedlib.singlecell_annotation import (
    UNASSIGNED,
    annotate_clusters,
    cluster_evidence,
    cluster_sums,
    slug,
    type_scores,
)
from kimedlib.singlecell_composition import adjusted, compare, composition
from kimedlib.singlecell_design import Design, choose_design, permuted_conditions
from kimedlib.singlecell_doublets import (
    called,
    coexpression_score,
    doublet_scores,
    expected_rate,
    simulated_neighbour_score,
)
from kimedlib.singlecell_genes import GeneMoments, batch_codes, variable_genes
from kimedlib.singlecell_informative import chance_variance, informative_components
from kimedlib.singlecell_quality import QualityLimits, cell_metrics, failures, mitochondrial, thresholds
from kimedlib.singlecell_scores import annotation_accuracy, coarse_label, doublet_agreement, doublet_truth, silhouettes
from kimedlib.singlecell_threads import one_thread

LIMITS = QualityLimits(20, 5, 5, 3, 5, 20)


@pytest.fixture(scope="module")
def three_types():
    """300 cells of three types with 40 own genes each, and 20 doublets of two types at the end."""
    random = np.random.default_rng(3)
    rates = np.full((3, 150), 0.3)
    for kind in range(3):
        rates[kind, kind * 40 : kind * 40 + 40] = 3.0
    labels = np.repeat([0, 1, 2], 100)
    mixed = [rates[0] + rates[1] if number % 2 else rates[1] + rates[2] for number in range(20)]
    counts = sparse.csr_matrix(random.poisson(np.vstack([rates[labels], *mixed])).astype(np.float32))
    return counts, labels


def test_quality_removes_what_stands_out():
    random = np.random.default_rng(1)
    counts = random.poisson(1, (200, 200)).astype(np.float32)
    counts[0] = 0
    counts[1, :190] = 0
    counts[2, :5] = 20
    data = AnnData(
        sparse.csr_matrix(counts),
        var=pd.DataFrame({"gene_id": "x"}, index=[f"MT-{i}" if i < 5 else f"G{i}" for i in range(200)]),
    )
    metrics = cell_metrics(data, mitochondrial(data, set(), "MT-"))
    reason = failures(metrics, thresholds(metrics, LIMITS))
    assert list(reason[:3]) == ["low_counts", "low_counts", "high_mitochondrial"]
    assert (reason[3:] == "").mean() > 0.98
    assert metrics["counts"].iloc[5] == counts[5].sum()


def test_mitochondrial_genes_are_found_by_identifier():
    data = AnnData(np.ones((1, 2)), var=pd.DataFrame({"gene_id": ["ENSG00000198888.2", "ENSG1"]}, index=["a", "b"]))
    assert list(mitochondrial(data, {"ENSG00000198888"}, "MT-")) == [True, False]


def test_doublet_scores_find_mixed_cells(three_types):
    counts, labels = three_types
    truth = np.arange(counts.shape[0]) >= len(labels)
    assert roc_auc_score(truth, coexpression_score(counts)) > 0.9
    assert roc_auc_score(truth, simulated_neighbour_score(counts, np.random.default_rng(0))) > 0.85
    combined = doublet_scores(counts, np.random.default_rng(0), 100, 2)[0]
    assert roc_auc_score(truth, combined) > 0.9
    assert np.array_equal(combined, doublet_scores(counts, np.random.default_rng(0), 100, 2)[0])
    assert called(combined, 0.1).sum() == 32 and expected_rate(5000) == pytest.approx(0.04)


def test_components_equal_those_of_scikit_learn(three_types):
    counts, _ = three_types
    values = embedding.log_normalised(counts)
    dense = values.toarray()
    z = np.minimum((dense - dense.mean(0)) / dense.std(0, ddof=1), 10)
    scores, loadings, variances = embedding.principal_components(values, 5)
    reference = PCA(5, svd_solver="full").fit(z)
    assert np.allclose(variances, reference.explained_variance_, rtol=1e-5)
    assert np.allclose(np.abs(np.corrcoef(scores[:, 0], reference.transform(z)[:, 0])[0, 1]), 1)
    assert loadings.shape == (150, 5)


def test_number_of_components_is_that_of_the_planted_structure(three_types):
    counts, labels = three_types
    values = embedding.log_normalised(counts[: len(labels)])
    variances = embedding.principal_components(values, 20)[2]
    assert informative_components(variances, chance_variance(values, np.random.default_rng(0)), (1, 20)) == 2


def test_clusters_are_found_and_do_not_depend_on_threads(three_types):
    counts, labels = three_types

    def clusters():
        values = embedding.log_normalised(counts[: len(labels)])
        positions = embedding.principal_components(values, 5)[0]
        return embedding.leiden(embedding.shared_neighbour_graph(embedding.nearest(positions, 15)[0]), 0.5, 1)

    many = clusters()
    with one_thread():
        assert np.array_equal(many, clusters())
    assert adjusted_rand_score(labels, many) > 0.98


def test_variable_genes_ignore_differences_between_batches(three_types):
    counts, labels = three_types
    shifted = counts[: len(labels)].toarray()
    batches = pd.Series(np.tile(["a", "b"], len(labels) // 2))
    shifted[(batches == "a").to_numpy(), 149] += 40
    values = sparse.csr_matrix(shifted)

    def blocks():
        return [(slice(start, start + 50), values[start : start + 50]) for start in range(0, len(labels), 50)]

    chosen = variable_genes([blocks], batches, GeneMoments([blocks], batch_codes(batches), values.shape[1]), 75)
    assert chosen.sum() == 75 and not chosen[149]


def test_annotation_names_assigns_and_rejects():
    clusters = pd.Series(["0"] * 10 + ["1"] * 10 + ["2"] * 10)
    values = np.zeros((30, 5))
    values[:10, :2], values[10:20, 2:4], values[20:21, 2:4] = 2, 2, 2
    blocks = [(slice(first, first + 15), sparse.csr_matrix(values[first : first + 15])) for first in (0, 15)]
    sums = cluster_sums(blocks, clusters.astype(int).to_numpy(), 3, 5)
    evidence = cluster_evidence(sums, pd.Index(list("abcde")), clusters)
    scores = type_scores(
        evidence, {"A": {"present": ["a", "b"]}, "B": {"present": ["c", "d"]}, "C": {"present": ["e", "x"]}}
    )
    assert scores["C"].isna().all()
    found = annotate_clusters(scores, 0.2, 0.05)
    assert list(found["cell_type"]) == ["A", "B", UNASSIGNED]
    assert list(annotate_clusters(scores.iloc[:, :0], 0.2, 0.05)["cell_type"]) == [UNASSIGNED] * 3
    assert slug("CD14+ monocyte") == "cd14_monocyte"


def test_published_names_are_matched(repository):
    table = yaml.safe_load((repository / "config/markers/pbmc.yaml").read_text())
    for name in ("CD14+ Mono", "CD14+ Monocytes", "cd14 mono", "CD14_Mono"):
        assert coarse_label(name, table) == {"CD14 monocyte"}
    assert coarse_label("Naive CD4 T", table) == coarse_label("CD4 T cells", table) == {"CD4 T"}
    assert coarse_label("T cells", table) == {"CD4 T", "CD8 T"}
    assert coarse_label("H1975", table) == frozenset()
    accuracy, cells = annotation_accuracy(
        pd.Series(["CD4 T", "B", UNASSIGNED, "B"]), pd.Series(["T cells", "B cells", "NK", "H1975"]), table
    )
    assert (accuracy, cells) == (pytest.approx(2 / 3), 3)


def test_doublet_words_and_agreement():
    truth = doublet_truth(pd.Series(["Doublet", "Singlet", "Negative", "DBL", "SNG"]))
    assert list(truth.fillna(-1)) == [1, 0, -1, 1, 0]
    found = doublet_agreement(
        pd.Series([0.9, 0.1, 0.5, 0.8, 0.3]), pd.Series([True, False, False, False, False]), truth
    )
    assert found == {"doublet_auroc": 1.0, "doublet_precision": 1.0, "doublet_recall": 0.5}


def test_silhouettes_tell_mixed_from_separate_batches():
    random = np.random.default_rng(0)
    labels, batches = pd.Series(["a", "b"] * 100), pd.Series(["x"] * 100 + ["y"] * 100)
    mixed = random.normal(size=(200, 3)) + (labels == "a").to_numpy()[:, None] * 8
    apart = mixed + (batches == "x").to_numpy()[:, None] * 30
    widths = [silhouettes(places, labels, {"batch": batches})["batch_asw_scib"] for places in (mixed, apart)]
    assert widths[0] > 0.9 > widths[1]


def samples(conditions, donors, batches):
    names = [f"s{number}" for number in range(len(conditions))]
    return pd.DataFrame({"condition": conditions, "patient_id": donors, "batch": batches}, index=names)


def test_design_pairs_adjusts_or_says_why_not():
    paired = samples(["u", "t"] * 3, ["a", "a", "b", "b", "c", "c"], ["x"] * 6)
    assert choose_design(paired, "u", "t").terms == ("patient_id",)
    batched = samples(["u", "t"] * 3, list("abcdef"), ["x", "x", "y", "y", "x", "y"])
    assert choose_design(batched, "u", "t").formula == "~ batch + condition"
    unpaired = samples(["u", "u", "t", "t"], list("abcd"), ["w", "x", "y", "z"])
    assert choose_design(unpaired, "u", "t") == Design(())
    assert "1 donor," in choose_design(samples(["u", "t", "t"], list("abc"), ["x"] * 3), "u", "t").skipped
    swapped = permuted_conditions(paired, Design(("patient_id",)), "u", "t")
    assert (swapped["condition"] != paired.loc[swapped.index, "condition"]).sum() == 4


@pytest.mark.parametrize(
    ("batches", "donors"), [(["x", "x", "y", "y"], list("abcd")), (["x", "x", "y", "z"], list("abcd")),
                            (["x", "x", "y", "y"], list("abab"))]
)  # fmt: skip
def test_condition_that_is_a_batch_is_refused(batches, donors):
    assert "spread the conditions" in choose_design(samples(["u", "u", "t", "t"], donors, batches), "u", "t").skipped


def test_shared_batches_are_no_reason_to_refuse():
    design = choose_design(samples(["u", "u", "t", "t", "t"], list("abcde"), ["x", "x", "y", "y", "x"]), "u", "t")
    assert design == Design(("batch",))


def test_composition_is_tested_like_a_t_test():
    cells = pd.DataFrame({"group": np.repeat([f"s{n}" for n in range(8)], 100), "cell_type": "A"})
    for number in range(8):
        cells.loc[100 * number : 100 * number + 20 + 3 * number + 25 * (number >= 4), "cell_type"] = "B"
    table = composition(cells, ["A", "B"])
    frame = samples(["u"] * 4 + ["t"] * 4, list("abcdefgh"), ["x"] * 8)
    found = compare(table, frame, Design(()), "u", "t").set_index("cell_type")
    clr = table[table["cell_type"] == "B"].set_index("group")["clr"]
    reference = stats.ttest_ind(clr.iloc[4:], clr.iloc[:4])
    assert found.loc["B", "p_value"] == pytest.approx(reference.pvalue)
    assert found.loc["B", "ci_low"] == pytest.approx(reference.confidence_interval().low)
    assert found.loc["A", "effect"] == pytest.approx(-found.loc["B", "effect"])
    assert table.groupby("group")["clr"].sum().abs().max() < 1e-9


def test_adjustment_skips_what_was_not_tested():
    assert list(adjusted(pd.Series([0.01, np.nan, 0.04])).round(3).fillna(-1)) == [0.02, -1, 0.04]
