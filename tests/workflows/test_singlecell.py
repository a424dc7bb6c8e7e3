"""The single-cell demonstrator on test_data: what was planted is found, and the result opens in scanpy."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import yaml
from singlecell_samples import simulated_sample, stained_sample

from kimedlib.cells_reading import read_cells

TRUTH = Path(__file__).resolve().parents[2] / "test_data" / "truth"
RESPONDING = ("CD4 T", "NK", "CD14 monocyte")


@pytest.fixture(scope="module")
def results(cohort_run: Path) -> Path:
    return cohort_run / "singlecell"


def table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t")


def test_planted_types_are_found(results):
    cells = table(results / "cells.tsv.gz").merge(
        table(TRUTH / "cells.tsv.gz"), on=["sample", "barcode"], suffixes=("", "_true")
    )
    single = cells[cells["doublet_true"] == "no"]
    assert (single["cell_type"] == single["cell_type_true"]).mean() >= 0.95
    assert not (single["empty"] == "yes").any()


def test_planted_genes_are_found(results):
    truth = table(TRUTH / "de_genes.tsv")
    found = table(results / "expression.tsv")
    found = found[(found["p_adjusted"] < 0.05) & found["cell_type"].isin(RESPONDING)]
    called, planted = (set(zip(part["cell_type"], part["gene"], strict=True)) for part in (found, truth))
    assert len(called & planted) / len(called) >= 0.9
    assert len(called & planted) / len(planted) >= 0.8
    both = found.merge(truth, on=["cell_type", "gene"], suffixes=("", "_true"))
    assert (np.sign(both["log2_fold_change"]) == np.sign(both["log2_fold_change_true"])).all()


def test_planted_shift_of_composition_is_found(results):
    test = table(results / "composition_test.tsv").set_index("cell_type").sort_values("p_value")
    assert set(test.index[:2]) == {"NK", "B"} and (test["p_value"].iloc[:2] < 0.05).all()
    assert test.loc["NK", "effect"] > 0 > test.loc["B", "effect"]


def test_features_follow_the_plan(results):
    features = table(results / "singlecell_features.tsv").set_index("patient_id")
    plan = table(TRUTH / "patients.tsv").set_index("patient_id").loc[features.index]
    assert features["clr_cd8_t"].corr(plan["cd8_log_ratio"]) > 0.8
    assert features["interferon_score"].corr(plan["interferon_log2fc"]) > 0.8


def test_dying_cells_empty_droplets_and_doublets_are_recognised(results):
    quality = pd.concat(
        [pd.read_csv(path, sep="\t", keep_default_na=False) for path in sorted(results.glob("samples/*.quality.tsv"))]
    )
    both = quality.merge(table(TRUTH / "cells.tsv.gz"), on=["sample", "barcode"], suffixes=("", "_true"))
    assert (both.loc[both["empty"] == "yes", "removed"] != "").all()
    assert (both.loc[both["dying"] == "yes", "removed"] != "").mean() > 0.9
    scores = table(results / "scores.tsv").set_index("metric")["value"]
    assert scores["doublet_auroc"] > 0.8 and scores["annotation_accuracy"] >= 0.95


def test_result_opens_in_scanpy(results):
    import scanpy as sc

    data = ad.read_h5ad(results / "cells.h5ad")
    assert data.layers["counts"].data.min() >= 1 and (data.layers["counts"].data % 1 == 0).all()
    assert {"sample", "patient_id", "condition", "batch", "cell_type", "doublet_score", "mitochondrial_percent"} <= set(
        data.obs
    )
    assert {"X_pca", "X_umap"} <= set(data.obsm)
    sc.tl.leiden(data, resolution=0.3, flavor="igraph", n_iterations=2, directed=False)
    assert data.obs["leiden"].nunique() > 3
    assert str(results) not in str(data.uns)


def test_workflow_runs_alone_on_bad_input_and_says_all_at_once(snakemake_run, tmp_path):
    (tmp_path / "broken.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 100)
    (tmp_path / "empty").mkdir()
    sheet = tmp_path / "samples.tsv"
    rows = [
        ("s1", "p1", "absent.h5ad"),
        ("s2", "p2", str(tmp_path / "broken.h5")),
        ("s3", "p3", str(tmp_path / "empty")),
    ]
    lines = ["sample\tpatient_id\tcondition\tbatch\tcounts", *(f"{s}\t{p}\ttreated\tb\t{c}" for s, p, c in rows)]
    sheet.write_text("\n".join(lines) + "\n")
    run = snakemake_run("singlecell", tmp_path / "out", config={"samples": str(sheet)}, check=False)
    assert run.returncode != 0
    for said in (
        "5 problems",
        "'absent.h5ad' does not exist",
        "truncated or no HDF5 file",
        "no matrix file",
        "no barcodes file",
    ):
        assert said in run.stdout
    assert not (tmp_path / "out" / "singlecell" / "cells.h5ad").exists()


@pytest.mark.slow
def test_all_analyses_on_request_together(snakemake_run, repository, tmp_path):
    """CITE-seq of three donors a side, with every section that is off by default."""
    config, rows = {}, []
    for name in ("analyses", "citeseq"):
        config |= yaml.safe_load((repository / f"config/{name}/singlecell.yaml").read_text())
    for number in range(6):
        sample = simulated_sample(tmp_path, cells=130, seed=number, effect=float(number % 2))
        target = tmp_path / f"stained{number}.h5"
        stained_sample(sample.counts, sample.truth["true_type"], target, seed=number)
        condition = ("untreated", "treated")[number % 2]
        rows.append(f"s{number}\tp{number}\t{condition}\tb{number // 2 % 2}\t{target}")
    (tmp_path / "sheet.tsv").write_text("\n".join(["sample\tpatient_id\tcondition\tbatch\tcounts", *rows]) + "\n")
    config["samples"] = str(tmp_path / "sheet.tsv")
    # Other programmes made the shipped samples: only genes with names are the same.
    config["transfer"] |= {"minimum_shared_genes": 0.05}
    snakemake_run("singlecell", tmp_path / "out", config=config)
    results = tmp_path / "out" / "singlecell"
    for name in ("transferred_labels.tsv.gz", "activity.tsv", "cells.h5mu", "pseudotime.tsv.gz", "communication.tsv"):
        assert (results / name).is_file(), name
    assert table(results / "protein_agreement.tsv").set_index("cell_type").loc["all", "recall"] > 0.85
    composition = table(results / "composition_test.tsv")
    assert {"permutation_p", "null_rate", "propeller_p_adjusted"} <= set(composition)
    assert ad.read_zarr(results / "cells.zarr").n_obs == ad.read_h5ad(results / "cells.h5ad").n_obs


@pytest.mark.slow
def test_unfiltered_matrices_go_through(snakemake_run, repository, tmp_path):
    """Two libraries with 1,200 empty droplets each: planted cells are called, and 5 % planted soup is found."""
    rows, cells = [], 0
    for number in range(2):
        sample = simulated_sample(tmp_path, cells=200, seed=number + 30, empty_share=6.0)
        cells += int((sample.truth["empty"] == "no").sum())
        rows.append(f"s{number}\tp{number}\tuntreated\tb\t{sample.counts}")
    (tmp_path / "sheet.tsv").write_text("\n".join(["sample\tpatient_id\tcondition\tbatch\tcounts", *rows]) + "\n")
    config = yaml.safe_load((repository / "config/droplets/singlecell.yaml").read_text())
    config["droplets"] |= {"lower": 70}
    snakemake_run("singlecell", tmp_path / "out", config=config | {"samples": str(tmp_path / "sheet.tsv")})
    results = tmp_path / "out" / "singlecell"
    calls = pd.concat(table(results / f"samples/s{number}.droplets.tsv.gz") for number in range(2))
    assert 0.9 * cells < (calls["call"] == "cell").sum() <= cells
    for number in range(2):
        row = table(results / f"samples/s{number}.contamination.tsv").iloc[0]
        assert row["low"] <= 0.05 <= row["high"] and row["counts_after"] < row["counts_before"]
    assert ad.read_h5ad(results / "cells.h5ad").n_obs > 0.8 * cells


@pytest.mark.slow
def test_libraries_without_cells_are_quarantined(snakemake_run, repository, tmp_path):
    """Of three unfiltered libraries one has empty droplets only, one eight cells: the third goes on, all is told."""
    rows = []
    for number, cells in enumerate((200, 200, 8)):
        sample = simulated_sample(tmp_path, cells=cells, seed=number + 30, empty_share=1200 / cells)
        counts = tmp_path / f"s{number}.h5ad"
        data = read_cells(sample.counts)
        planted = sample.truth.loc[data.obs_names, "empty"].to_numpy()
        data[planted == "yes" if number == 1 else slice(None)].copy().write_h5ad(counts)
        rows.append(f"s{number}\tp{number}\tuntreated\tb\t{counts}")
    (tmp_path / "sheet.tsv").write_text("\n".join(["sample\tpatient_id\tcondition\tbatch\tcounts", *rows]) + "\n")
    config = yaml.safe_load((repository / "config/droplets/singlecell.yaml").read_text())
    config["droplets"] |= {"lower": 70}
    config |= {"samples": str(tmp_path / "sheet.tsv")}
    run = snakemake_run("singlecell", tmp_path / "out", config=config)
    results = tmp_path / "out" / "singlecell"
    samples = table(results / "samples.tsv").set_index("sample")
    assert samples["status"].tolist() == ["used", "quarantined", "quarantined"]
    assert samples.loc["s1", "problem"] == f"no cell among {samples.loc['s1', 'droplets']:,} barcodes"
    assert samples.loc["s2", "problem"].startswith("too few cells to estimate ambient RNA from")
    assert set(ad.read_h5ad(results / "cells.h5ad").obs["sample"]) == {"s0"}
    features = table(results / "singlecell_features.tsv").set_index("patient_id")
    assert features.index.tolist() == ["p0", "p1", "p2"] and features.loc[["p1", "p2"]].isna().all(axis=None)
    for name in ("s1", "s2"):
        assert (results / f"figures/samples/{name}.png").is_file()
        assert f"    {name}: {samples.loc[name, 'problem']}" in run.stdout
    snakemake_run("singlecell", tmp_path / "out", "--report", str(tmp_path / "report.html"), config=config)
    page = (tmp_path / "report.html").read_text()
    assert page.count("In quarantine, left out") == 2 and samples.loc["s1", "problem"] in page
    assert "curve of ranks is drawn from samples/&lt;sample&gt;.ranks.tsv" in page
    config["quality"] = {"on_failure": "stop"}
    target = str(tmp_path / "stop/singlecell/samples.tsv")
    run = snakemake_run("singlecell", tmp_path / "stop", target, "--keep-going", config=config, check=False)
    assert run.returncode != 0
    assert "sample s1: no cell: none of" in run.stdout and "QUARANTINE: " not in run.stdout


@pytest.mark.slow
def test_a_sample_that_fails_is_quarantined_and_the_others_go_on(snakemake_run, tmp_path):
    """Six donors and one library of a dozen cells: the others are compared without it, and tables say where it is."""
    rows = []
    for number in range(7):
        cells = 12 if number == 6 else 130
        sample = simulated_sample(tmp_path, cells=cells, seed=number + 50, effect=float(number % 2))
        condition = ("untreated", "treated")[number % 2]
        rows.append(f"s{number}\tp{number}\t{condition}\tb\t{sample.counts}")
    (tmp_path / "sheet.tsv").write_text("\n".join(["sample\tpatient_id\tcondition\tbatch\tcounts", *rows]) + "\n")
    snakemake_run("singlecell", tmp_path / "out", config={"samples": str(tmp_path / "sheet.tsv")})
    results = tmp_path / "out" / "singlecell"
    samples = table(results / "samples.tsv").set_index("sample")
    assert samples["status"].tolist() == ["used"] * 6 + ["quarantined"]
    assert set(ad.read_h5ad(results / "cells.h5ad").obs["sample"]) == {f"s{number}" for number in range(6)}
    features = table(results / "singlecell_features.tsv").set_index("patient_id")
    assert len(features) == 7 and features.loc["p6"].isna().all() and features.iloc[:6]["cells"].notna().all()
    assert (table(results / "composition_test.tsv")["status"] == "tested").all()
