"""Analytic Pearson residuals against scanpy's, and the components that come from them."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse
from sklearn.decomposition import PCA

from kimedlib import singlecell_embedding, singlecell_residuals
from kimedlib.singlecell_embedding import principal_components
from kimedlib.singlecell_genes import GeneMoments, batch_codes
from kimedlib.singlecell_informative import informative_residuals
from kimedlib.singlecell_integration import combat
from kimedlib.singlecell_residuals import Residuals, residual_genes, residual_variance
from kimedlib.singlecell_threads import compiled_code_cache


@pytest.fixture(scope="module")
def cells():
    """240 cells of three types, 150 genes, two equal batches; two genes are silent in one, one value is cut."""
    random = np.random.default_rng(6)
    rates = (random.gamma(0.6, 1.0, (1, 150)) + 0.05) * np.ones((3, 1))
    for kind in range(3):
        rates[kind, kind * 12 : kind * 12 + 12] += 3.0
    labels = np.tile([0, 1, 2], 80)
    counts = random.poisson(rates[labels] * random.gamma(4, 0.25, (240, 1)))
    batches = pd.Series(np.repeat(["a", "b"], 120))
    counts[:120, 148:] = 0
    counts[7, 140] = 900
    return sparse.csr_matrix(counts.astype(np.float32)), labels, batches


def all_residuals(counts):
    depth, genes = (np.asarray(counts.sum(axis=axis), dtype=float).ravel() for axis in (1, 0))
    return Residuals(counts.astype(float), depth, genes / genes.sum())


def annotated(counts, batches):
    names = [f"c{number}" for number in range(len(batches))]
    return AnnData(counts.copy(), obs=pd.DataFrame({"batch": pd.Categorical(batches)}, index=names))


@pytest.fixture(scope="module")
def published(cells):
    """scanpy's residuals of all cells, and of each batch alone those of the genes that it shows, else 0."""
    with compiled_code_cache():
        import scanpy as sc

        def residuals(counts):
            shown = np.flatnonzero(np.asarray(counts.sum(axis=0)).ravel())
            data = annotated(counts[:, shown], np.zeros(counts.shape[0]))
            found = np.zeros(counts.shape)
            found[:, shown] = sc.experimental.pp.normalize_pearson_residuals(data, inplace=False)["X"]
            return found

        return residuals(cells[0]), [residuals(cells[0][:120]), residuals(cells[0][120:])]


def test_residuals_are_those_of_scanpy(cells, published, monkeypatch):
    monkeypatch.setattr(singlecell_residuals, "BLOCK", 100)
    found = all_residuals(cells[0])
    whole = np.vstack([found.block(start) for start in range(0, 240, 100)])
    # Its sums are those of float32 counts.
    assert whole == pytest.approx(published[0], abs=1e-5)
    assert whole.max() == np.sqrt(240) and found.centre == pytest.approx(whole.mean(axis=0), abs=1e-12)


def in_blocks(counts):
    return lambda: ((slice(start, start + 50), counts[start : start + 50]) for start in range(0, 240, 50))


def test_residual_variance_is_that_of_scanpys_residuals(cells, published, monkeypatch):
    monkeypatch.setattr(singlecell_residuals, "DEPTHS", 16)
    codes = batch_codes(cells[2])
    moments = GeneMoments([in_blocks(cells[0])], codes, 150)
    expected = np.array([part.var(axis=0) for part in published[1]])
    assert residual_variance(in_blocks(cells[0]), codes, moments) == pytest.approx(expected, rel=1e-5, abs=1e-9)


@pytest.mark.slow  # for numba, which compiles scanpy's ranking
@pytest.mark.parametrize("number", [20, 40, 149])
def test_variable_genes_are_those_of_scanpy(cells, number):
    counts, _, batches = cells
    with compiled_code_cache():
        import scanpy as sc

        table = sc.experimental.pp.highly_variable_genes(
            annotated(counts, batches), flavor="pearson_residuals", n_top_genes=number, batch_key="batch", inplace=False
        )
    moments = GeneMoments([in_blocks(counts)], batch_codes(batches), 150)
    chosen = residual_genes(in_blocks(counts), batches, moments, number)
    assert np.array_equal(chosen, table["highly_variable"].to_numpy())


def test_genes_of_the_types_are_chosen_and_those_that_only_differ_between_batches_are_not(cells):
    apart = cells[0].toarray()
    apart[:, 60:100] = np.random.default_rng(0).poisson(np.where(np.arange(240) < 120, 0.2, 5)[:, None], (240, 40))
    counts = sparse.csr_matrix(apart)
    chosen = residual_genes(
        in_blocks(counts), cells[2], GeneMoments([in_blocks(counts)], batch_codes(cells[2]), 150), 40
    )
    assert chosen.sum() == 40 and chosen[:36].sum() > 30 and chosen[60:100].sum() < 5


def test_components_are_those_of_scikit_learn_without_scaling(cells, published, monkeypatch):
    for module in (singlecell_embedding, singlecell_residuals):
        monkeypatch.setattr(module, "BLOCK", 64)
    residuals = all_residuals(cells[0])
    scores, _, variances = principal_components(residuals, 5)
    expected = PCA(5, svd_solver="full").fit(published[0])
    assert variances == pytest.approx(expected.explained_variance_, rel=1e-4)
    assert np.abs(scores) == pytest.approx(np.abs(expected.transform(published[0])), abs=2e-3)
    assert np.array_equal(scores, principal_components(residuals, 5, threads=3)[0])


def test_as_many_components_are_informative_as_types_differ_in(cells):
    """Three types span two dimensions; with every gene shuffled nothing is left, whatever its variance."""
    counts = cells[0][:, :140]
    assert informative_residuals(all_residuals(counts), np.random.default_rng(0), (0, 20)) == 2
    random = np.random.default_rng(1)
    alone = sparse.csr_matrix(random.poisson(random.gamma(0.6, 4.0, (1, 140)) * np.ones((240, 1))).astype(np.float32))
    assert informative_residuals(all_residuals(alone), np.random.default_rng(0), (0, 20)) <= 1


def test_combat_takes_residuals(cells):
    counts, _, batches = cells
    shifted = counts.toarray()
    shifted[:120, 60:100] *= 3
    residuals = all_residuals(sparse.csr_matrix(shifted))
    between = [
        np.abs(scores[:120].mean(axis=0) - scores[120:].mean(axis=0)).max() / scores.std()
        for scores in (principal_components(residuals, 3)[0], combat(residuals, batches, 3))
    ]
    assert between[1] < 0.2 < 1 < between[0]
