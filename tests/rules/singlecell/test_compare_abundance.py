"""compare_abundance: a planted shift is found where it is, no difference is quiet, a design without test is said."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

COMPARISON = {
    "reference": "u", "contrast": "t", "minimum_donors": 2, "minimum_cells": 10, "false_discovery_rate": 0.1,
}  # fmt: skip


def donors_of(folder, number=4, gain=1.0, seed=1, paired=False, cells=200):
    """`number` donors a side; half of type B is a state, which `gain` times as many cells have under t."""
    random = np.random.default_rng(seed)
    centres = np.zeros((3, 8))
    centres[1, 0] = centres[2, 0] = 8
    centres[2, 1] = 4
    positions, obs, sheet = [], [], []
    for donor in range(2 * number):
        condition = "ut"[donor % 2]
        shares = random.dirichlet(np.array([0.5, 0.25, 0.25]) * 60)
        shares[2] *= gain if condition == "t" else 1
        codes = random.choice(3, cells, p=shares / shares.sum())
        positions.append(centres[codes] + random.normal(0, 1, (cells, 8)))
        obs += [(f"s{donor}", "ABB"[code], "AB+"[code]) for code in codes]
        name = f"p{donor // 2 if paired else donor}"
        sheet.append({"sample": f"s{donor}", "patient_id": name, "condition": condition, "batch": "b"})
    table = pd.DataFrame(obs, columns=["sample", "cell_type", "state"], index=[str(place) for place in range(len(obs))])
    data = ad.AnnData(sparse.csr_matrix((len(table), 1)), obs=table, obsm={"X_pca": np.vstack(positions).round(6)})
    data.uns["integration"] = {"method": "harmony"}
    data.write_h5ad(folder / "cells.h5ad")
    return folder / "cells.h5ad", sheet


def run(step, out, cells, sheet, **settings):
    step("singlecell/compare_abundance").main(
        cells=cells, table=out / "a.tsv", figure=out / "f.png", sheet=sheet, seed=1,
        settings={"share": 0.1, "neighbours": "auto", **settings}, comparison=COMPARISON,
    )  # fmt: skip
    return pd.read_csv(out / "a.tsv", sep="\t")


@pytest.mark.parametrize("paired", [False, True], ids=["independent", "paired"])
def test_planted_state_is_found(step, tmp_path, paired):
    cells, sheet = donors_of(tmp_path, number=6 if paired else 4, gain=4, paired=paired, cells=150)
    found = run(step, tmp_path, cells, sheet)
    called = found[found["spatial_fdr"] < 0.1]
    risen = called[called["log2_fold_change"] > 0]
    # The type as a whole holds a state that does not grow: only neighbourhoods tell them apart.
    assert len(risen) >= 8 and set(risen["cell_type"]) == {"B"}
    assert 1 < risen["log2_fold_change"].median() < 2.3
    assert (found["design"] == ("~ patient_id + condition" if paired else "~ condition")).all()
    assert found["p_value"].is_monotonic_increasing and (tmp_path / "f.png").read_bytes()[:4] == b"\x89PNG"
    if paired:
        first = (tmp_path / "a.tsv").read_bytes()
        run(step, tmp_path, cells, sheet)
        assert (tmp_path / "a.tsv").read_bytes() == first


def test_donors_without_a_difference_are_quiet(step, tmp_path):
    """Five studies without any shift: at most about 5 % of tests, by their own labels and by exchanged ones."""
    rates, nulls, called = [], [], []
    for seed in range(5):
        found = run(step, tmp_path, *donors_of(tmp_path, seed=10 + seed, cells=100))
        rates.append((found["p_value"] < 0.05).mean())
        nulls.append(found["null_rate"].mean())
        called.append((found["spatial_fdr"] < 0.1).any())
    assert np.mean(nulls) < 0.06 and np.mean(rates) < 0.1 and np.mean(called) <= 0.4
    assert set(found["relabelings"]) == {70}


@pytest.mark.parametrize(
    ("number", "settings", "said"),
    [
        (1, {}, "skipped: condition 'u' has 1 donor, 2 are needed"),
        (2, {"neighbours": 5000}, "skipped: 800 cells are too few"),
    ],
    ids=["one donor", "few cells"],
)
def test_what_cannot_be_compared_is_said(step, tmp_path, number, settings, said):
    found = run(step, tmp_path, *donors_of(tmp_path, number=number), **settings)
    assert len(found) == 1 and found["status"].iloc[0].startswith(said)


def test_cells_without_common_components_are_not_compared(step, tmp_path):
    path, sheet = donors_of(tmp_path, number=2)
    data = ad.read_h5ad(path)
    data.uns["integration"] = {"method": "bbknn"}
    data.write_h5ad(path)
    found = run(step, tmp_path, path, sheet)
    assert len(found) == 1 and "skipped: integration by bbknn leaves no components" in found["status"].iloc[0]
