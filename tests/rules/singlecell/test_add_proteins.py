"""add_proteins: planted surface proteins name the planted types, MuData opens, panels that do not fit are refused."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from kimedlib.cells_proteins import gated, panel_names, positive, read_proteins
from kimedlib.cells_reading import read_cells
from kimedlib.cells_writing import write_h5
from kimedlib.problems import InputProblems

GATES = Path(__file__).resolve().parents[3] / "config/markers/pbmc_proteins.yaml"
PANEL = ["CD3_TotalSeqB", "CD4_TotalSeqB", "CD8a_TotalSeqB", "CD14_TotalSeqB", "CD16_TotalSeqB", "CD19_TotalSeqB"]
PANEL += ["CD56_TotalSeqB", "IgG1_control_TotalSeqB"]
SHOWN = {
    "CD4 T": (0, 1), "CD8 T": (0, 2), "NK": (4, 6), "B": (5,), "CD14 monocyte": (3,), "FCGR3A monocyte": (4,),
}  # fmt: skip


@pytest.fixture(scope="module")
def stained(study, tmp_path_factory):
    """The study's samples as 10x H5 with eight antibodies: background 8 counts, 150 where a type shows one."""
    folder, random = tmp_path_factory.mktemp("stained"), np.random.default_rng(11)
    rows = []
    for row in study.sheet:
        genes = read_cells(row["counts"])
        truth = study.labels[study.labels["sample"] == row["sample"]].set_index("barcode").loc[genes.obs_names]
        rates = np.full((genes.n_obs, len(PANEL)), 8.0)
        for place, name in enumerate(truth["cell_type"]):
            rates[place, list(SHOWN.get(name, ()))] = 150
        stain = random.poisson(rates * random.gamma(4, 0.25, (genes.n_obs, 1)))
        features = pd.DataFrame(
            {
                "gene_id": [*genes.var["gene_id"], *PANEL],
                "symbol": [*genes.var_names, *PANEL],
                "kind": ["Gene Expression"] * genes.n_vars + ["Antibody Capture"] * len(PANEL),
            }
        )
        path = folder / f"{row['sample']}.h5"
        write_h5(path, sparse.hstack([genes.X, sparse.csr_matrix(stain)]).tocsr(), list(genes.obs_names), features)
        rows.append({**row, "counts": str(path)})
    return rows


def run(study, step, out, rows):
    step("singlecell/add_proteins").main(
        cells=study.folder / "cells.h5ad", rows=rows, gates=GATES, both=out / "cells.h5mu", table=out / "p.tsv",
        scores=out / "s.tsv", figure=out / "f.png", seed=1,
    )  # fmt: skip
    return pd.read_csv(out / "p.tsv", sep="\t"), pd.read_csv(out / "s.tsv", sep="\t").set_index("cell_type")


def test_gates_name_the_planted_types_and_judge_the_annotation(study, stained, step, tmp_path):
    import mudata

    table, scores = run(study, step, tmp_path, stained)
    both = mudata.read_h5mu(tmp_path / "cells.h5mu")
    truth = study.labels.set_index(study.labels["sample"] + "_" + study.labels["barcode"])
    planted = truth.loc[both["prot"].obs_names]
    single = (planted["doublet"] == "no").to_numpy() & planted["cell_type"].isin(SHOWN).to_numpy()
    found = both["prot"].obs["protein_type"].astype(str).to_numpy()
    assert (found == planted["cell_type"])[single].mean() > 0.9
    # The annotation by RNA against planted truth and against gates must tell the same.
    by_truth = (both["rna"].obs["cell_type"].astype(str) == planted["cell_type"])[single].mean()
    assert scores.loc["all", "recall"] == pytest.approx(by_truth, abs=0.05)
    assert (both["prot"].X.shape, both["rna"].n_obs) == ((both.n_obs, 8), both.n_obs)
    assert both["prot"].layers["counts"].dtype == np.float32
    positive_b = table[(table["cell_type"] == "B") & (table["protein"] == "CD19_TotalSeqB")]["positive_share"].item()
    assert positive_b > 0.9 and (tmp_path / "f.png").read_bytes()[:4] == b"\x89PNG"
    control = table[table["protein"] == "IgG1_control_TotalSeqB"]["positive_share"]
    assert control.max() < 0.5


def test_genes_are_read_without_the_proteins(stained, study):
    assert read_cells(stained[0]["counts"]).n_vars == read_cells(study.sheet[0]["counts"]).n_vars
    assert list(read_proteins(Path(stained[0]["counts"])).var_names) == PANEL


def test_samples_without_proteins_are_refused(study, step, tmp_path):
    with pytest.raises(InputProblems, match="has no features of type 'Antibody Capture'"):
        run(study, step, tmp_path, study.sheet)
    with pytest.raises(InputProblems, match="holds no proteins: only 10x"):
        run(study, step, tmp_path, [{**row, "counts": "cells.h5ad"} for row in study.sheet])
    assert not list(tmp_path.glob("*.tsv"))


def test_gates():
    assert positive(np.random.default_rng(1).normal(size=300), 1).sum() == 0
    split = positive(np.concatenate([np.full(270, 1.0), np.full(30, 4.0)]) + np.linspace(0, 0.5, 300), 1)
    assert split[270:].all() and not split[:270].any()
    assert panel_names(pd.Index(["CD3E_TotalSeqB", "CD8a (SK1)"]), {"CD3": ["CD3E"], "CD8": ["CD8a"]}) == {
        "CD3": "CD3E_TotalSeqB", "CD8": "CD8a (SK1)",
    }  # fmt: skip
    signs = pd.DataFrame({"CD3": [True, True, False], "CD4": [True, True, False], "CD8": [False, True, False]})
    types = {
        "CD4 T": {"present": ["CD3", "CD4"], "absent": ["CD8"]},
        "CD8 T": {"present": ["CD3", "CD8"], "absent": ["CD4"]},
        "B": {"present": ["CD19"], "absent": ["CD3"]},
    }
    assert list(gated(signs, types)) == ["CD4 T", "", ""]


def test_a_missing_cell_is_said(study, stained, step, tmp_path):
    data = ad.read_h5ad(study.folder / "cells.h5ad")
    kept = data.obs.loc[data.obs["sample"] == "s0", "barcode"].astype(str).tolist()[1:]
    path = tmp_path / "short.h5"
    features = pd.DataFrame({"gene_id": PANEL, "symbol": PANEL, "kind": "Antibody Capture"})
    write_h5(path, sparse.csr_matrix(np.ones((len(kept), 8), dtype=np.int32)), kept, features)
    rows = [{**stained[0], "counts": str(path)}, *stained[1:]]
    with pytest.raises(InputProblems, match="lacks 1 of the sample's cells"):
        run(study, step, tmp_path, rows)
