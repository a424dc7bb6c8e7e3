"""add_proteins: planted surface proteins name the planted types, MuData opens, panels that do not fit are refused."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from singlecell_samples import PANEL, SHOWN, stained_sample

from kimedlib.cells_proteins import gated, panel_names, positive, read_proteins
from kimedlib.cells_reading import format_of, read_cells
from kimedlib.cells_writing import write_h5
from kimedlib.check_genes import protein_problems
from kimedlib.problems import InputProblems

GATES = Path(__file__).resolve().parents[3] / "config/markers/pbmc_proteins.yaml"


@pytest.fixture(scope="module")
def stained(study, tmp_path_factory):
    """The study's samples with eight antibodies."""
    folder, rows = tmp_path_factory.mktemp("stained"), []
    for number, row in enumerate(study.sheet):
        truth = study.labels[study.labels["sample"] == row["sample"]].set_index("barcode")["cell_type"]
        rows.append({**row, "counts": str(folder / f"{row['sample']}.h5")})
        stained_sample(Path(row["counts"]), truth, Path(rows[-1]["counts"]), seed=number)
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
    control = table[table["protein"] == "IgG1_TotalSeqB"]["positive_share"]
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
    names = [
        "Hu.CD4_RPA.T4",
        "CD14-M5E2",
        "anti-human CD19",
        "HLA-DR_TotalSeqB",
        "PD-1_TotalSeqB",
        "IgG1_control_TotalSeqB",
    ]
    assert list(panel_names(pd.Index(names), {})) == ["CD4", "CD14", "CD19", "HLA-DR", "PD-1", "IGG1"]
    assert panel_names(pd.Index(["CD4_control", "CD45RA_TotalSeqB"]), {}) == {
        "CD4": "CD4_control", "CD45RA": "CD45RA_TotalSeqB",
    }  # fmt: skip
    signs = pd.DataFrame({"CD3": [True, True, False], "CD4": [True, True, False], "CD8": [False, True, False]})
    types = {
        "CD4 T": {"present": ["CD3", "CD4"], "absent": ["CD8"]},
        "CD8 T": {"present": ["CD3", "CD8"], "absent": ["CD4"]},
        "B": {"present": ["CD19"], "absent": ["CD3"]},
    }
    assert list(gated(signs, types)) == ["CD4 T", "", ""]


def test_files_without_proteins_are_seen_before_the_run(study, stained):
    path = Path(study.sheet[0]["counts"])
    assert "has no features of type" in str(protein_problems(path, format_of(path))[0])
    assert "only 10x folders" in str(protein_problems(study.folder / "cells.h5ad", "h5ad")[0])
    assert not protein_problems(Path(stained[0]["counts"]), "h5")


def test_a_missing_cell_is_said(study, stained, step, tmp_path):
    data = ad.read_h5ad(study.folder / "cells.h5ad")
    kept = data.obs.loc[data.obs["sample"] == "s0", "barcode"].astype(str).tolist()[1:]
    path = tmp_path / "short.h5"
    features = pd.DataFrame({"gene_id": PANEL, "symbol": PANEL, "kind": "Antibody Capture"})
    write_h5(path, sparse.csr_matrix(np.ones((len(kept), 8), dtype=np.int32)), kept, features)
    rows = [{**stained[0], "counts": str(path)}, *stained[1:]]
    with pytest.raises(InputProblems, match="lacks 1 of the sample's cells"):
        run(study, step, tmp_path, rows)
