"""compare_activity: Kang's interferon response in every type, planted sets found in donors, exchanged labels quiet."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from kimedlib.problems import InputProblems
from kimedlib.singlecell_activity import read_network

HALLMARK = Path(__file__).resolve().parents[3] / "config/markers/hallmark.gmt"
COMPARISON = {
    "reference": "u", "contrast": "t", "minimum_donors": 2, "minimum_cells": 10, "minimum_counts": 5,
    "false_discovery_rate": 0.05,
}  # fmt: skip


def run(step, out, cells, sheet, network=HALLMARK, **comparison):
    step("singlecell/compare_activity").main(
        cells=cells, network=network, sheet=sheet, table=out / "a.tsv", test=out / "t.tsv", figure=out / "f.png",
        settings={"minimum_genes": 5}, comparison={**COMPARISON, **comparison}, seed=1,
    )  # fmt: skip
    return pd.read_csv(out / "t.tsv", sep="\t"), pd.read_csv(out / "a.tsv", sep="\t")


def planted_cells(folder, donors=6, seed=1):
    """20 cells of two types from each of 2 x 6 donors; under t the 15 genes of set `up` double in type A only."""
    random = np.random.default_rng(seed)
    genes = [f"G{number}" for number in range(300)]
    level = np.exp(random.normal(0.5, 0.8, 300))
    counts, obs, sheet = [], [], []
    for number in range(2 * donors):
        condition, own = "ut"[number % 2], np.exp(random.normal(0, 0.15, 300))
        sheet.append({"sample": f"s{number}", "patient_id": f"p{number}", "condition": condition, "batch": "b"})
        for name in "AB":
            rate = level * own
            rate[:15] *= 2 if condition == "t" and name == "A" else 1
            counts.append(random.poisson(rate, (20, 300)))
            obs += [(f"s{number}", name)] * 20
    table = pd.DataFrame(obs, columns=["sample", "cell_type"], index=[str(place) for place in range(len(obs))])
    data = ad.AnnData(sparse.csr_matrix(np.vstack(counts), dtype=np.float32), obs=table)
    data.var_names, data.layers["counts"] = genes, data.X
    data.obs["cell_type"] = data.obs["cell_type"].astype("category")
    data.write_h5ad(folder / "cells.h5ad")
    lines = ["\t".join(["up", "planted", *genes[:15]])]
    lines += ["\t".join([f"set{n}", "none", *random.choice(genes[15:], 15, replace=False)]) for n in range(10)]
    (folder / "sets.gmt").write_text("\n".join(lines) + "\n")
    return folder / "cells.h5ad", sheet, folder / "sets.gmt"


def test_planted_set_is_found_in_its_type_only(step, tmp_path):
    cells, sheet, sets = planted_cells(tmp_path)
    test, units = run(step, tmp_path, cells, sheet, sets)
    called = test[test["p_adjusted"] < 0.05]
    assert list(zip(called["cell_type"], called["source"], strict=True)) == [("A", "up")]
    row = called.iloc[0]
    assert row["effect"] > 0 and row["permutation_p"] < 0.01 and row["relabelings"] > 900
    assert test["null_rate"].mean() == pytest.approx(0.05, abs=0.02)
    assert len(units) == 2 * 12 * 11 and (tmp_path / "f.png").read_bytes()[:4] == b"\x89PNG"


def test_one_donor_is_said(step, tmp_path):
    cells, sheet, sets = planted_cells(tmp_path, donors=1)
    test, units = run(step, tmp_path, cells, sheet, sets)
    assert test["status"].str.startswith("skipped: condition 'u' has 1 donor").all() and units.empty


def test_interferon_beta_raises_the_interferon_response_in_every_type(kimed_data, step, tmp_path):
    """Truth: Kang et al. (2018) gave interferon beta; the two interferon sets must lead in all five types."""
    data = ad.read_h5ad(kimed_data / "singlecell/kang2018_muscat_example.h5ad")
    data.layers["counts"] = data.X.copy()
    data.obs["cell_type"] = data.obs["cluster_id"].astype("category")
    data.obs["sample"] = data.obs["sample_id"].astype(str)
    data.write_h5ad(tmp_path / "cells.h5ad")
    sheet = [
        {"sample": name, "patient_id": name[4:], "condition": name[:4], "batch": "b"}
        for name in sorted(data.obs["sample"].unique())
    ]
    test, _ = run(step, tmp_path, tmp_path / "cells.h5ad", sheet, reference="ctrl", contrast="stim")
    assert test["cell_type"].nunique() == 5 and set(test["status"]) == {"tested"}
    for _, part in test.groupby("cell_type"):
        best = part.sort_values("effect", ascending=False)["source"].head(2)
        assert set(best) == {"INTERFERON_ALPHA_RESPONSE", "INTERFERON_GAMMA_RESPONSE"}
        assert part["effect"].max() > 2 * part["effect"].nlargest(3).iloc[-1]
    # Two donors: four ways of exchanging, so no p-value by permutation is below one half.
    assert (test["permutation_p"] >= 0.5).all() and set(test["relabelings"]) == {4}


def test_interferon_beta_activates_stat1_and_irf1_in_every_donor(kimed_data, step, tmp_path):
    """Truth as above; twenty other genes, drawn once, are no regulon and must not follow."""
    data = ad.read_h5ad(kimed_data / "singlecell/kang2018_muscat_example.h5ad")
    data.layers["counts"] = data.X.copy()
    data.obs["cell_type"] = data.obs["cluster_id"].astype("category")
    data.obs["sample"] = data.obs["sample_id"].astype(str)
    data.write_h5ad(tmp_path / "cells.h5ad")
    shipped = pd.read_csv(HALLMARK.with_name("regulons.tsv"), sep="\t")
    others = data.var_names[~data.var_names.isin(shipped["target"])]
    drawn = np.random.default_rng(1).choice(others, 20, replace=False)
    control = pd.DataFrame({"source": "drawn", "target": drawn, "weight": 1})
    pd.concat([shipped, control]).to_csv(tmp_path / "n.tsv", sep="\t", index=False)
    sheet = [
        {"sample": name, "patient_id": name[4:], "condition": name[:4], "batch": "b"}
        for name in sorted(data.obs["sample"].unique())
    ]
    test, units = run(
        step, tmp_path, tmp_path / "cells.h5ad", sheet, tmp_path / "n.tsv", reference="ctrl", contrast="stim"
    )
    effects = test.pivot_table(index="cell_type", columns="source", values="effect")
    assert len(effects) == 5 and effects["STAT1"].notna().all()
    assert (effects["STAT1"] > 5).all() and (effects["STAT1"] > 2 * effects["drawn"].abs()).all()
    shown = units[units["source"].isin(["STAT1", "IRF1"])]
    by_donor = shown.pivot_table(index=["cell_type", "source", "patient_id"], columns="condition", values="activity")
    assert (by_donor["stim"] > by_donor["ctrl"]).all()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.gmt", "only_a_name\tdescription\n", "line 1: has no name or no genes"),
        ("x.tsv", "source\ttarget\tvalue\nA\tG1\t1\n", "column weight: is absent"),
        ("x.tsv", "source\ttarget\tweight\nA\tG1\thigh\n", "line 2: weight 'high' is no number"),
        ("x.gmt", "A\td\tG1\tG1\n", "1 pairs stand twice"),
    ],
)
def test_wrong_networks_are_refused(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputProblems, match=said):
        read_network(tmp_path / name)
