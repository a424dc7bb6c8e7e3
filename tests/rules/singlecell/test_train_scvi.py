"""train_scvi: the right counts go to scvi-tools, its components come back to the right cells.

A stand-in for the Python with scvi-tools tests the wiring; the slow test runs scvi-tools where it is installed.
"""

import os
import sys
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import yaml

from kimedlib.check_singlecell_scvi import tool_problems
from kimedlib.singlecell_integration import read_latent

REPOSITORY = Path(__file__).resolve().parents[3]
SETTINGS = yaml.safe_load((REPOSITORY / "config/scvi/singlecell.yaml").read_text())["scvi"]
# Components that tell what was handed over: counts of the cell, genes that it shows, its batch.
STAND_IN = """#!{python}
import json, os, sys
import numpy as np
from scipy import sparse
assert "SLURM_NTASKS" not in os.environ and os.environ["OMP_NUM_THREADS"] == "1"
assert os.getcwd() == os.environ["HOME"] == sys.argv[-1] and sys.argv[1] == "-I"
counts, batches = sparse.load_npz("counts.npz"), np.load("batches.npy")
told = json.load(open("settings.json"))
assert told["seed"] == 1 and told["latent"] == 10 and told["gpus"] == 0
{extra}
latent = np.column_stack([counts.sum(axis=1), (counts > 0).sum(axis=1), batches]).astype(float)
np.save("latent.npy", latent / {divisor})
open("curve.tsv", "w").write("epoch\\telbo_train\\n1\\t5.0\\n")
"""


def stand_in(folder, extra="", divisor=1):
    path = folder / "python"
    path.write_text(STAND_IN.format(python=sys.executable, extra=extra, divisor=divisor))
    path.chmod(0o755)
    return SETTINGS | {"python": str(path)}


def trained(step, study, folder, settings, **changes):
    options = {
        "samples": study.kept, "seed": 1, "source": study.config["input"], "batch": "batch", "variable_genes": 2000,
        "normalisation": "log1p", "latent": folder / "latent.tsv.gz", "training": folder / "training.tsv",
        "settings": settings,
    }  # fmt: skip
    step("singlecell/train_scvi").main(**options | changes)
    return pd.read_csv(folder / "latent.tsv.gz", sep="\t")


def test_components_belong_to_the_cells_and_genes_that_are_clustered(study, step, tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_NTASKS", "2")
    held = ad.read_h5ad(study.kept[0])[:0]
    held.write_h5ad(tmp_path / "held.h5ad")
    files = [tmp_path / "held.h5ad", *study.kept]  # a sample in quarantine
    table = trained(step, study, tmp_path, stand_in(tmp_path), samples=files).set_index("cell")
    clustered = ad.read_h5ad(study.folder / "clustered.h5ad")
    counts = clustered.layers["counts"][:, clustered.var["highly_variable"].to_numpy()]
    assert list(table.index) == list(clustered.obs_names)
    assert np.array_equal(table["latent_1"], np.asarray(counts.sum(axis=1)).ravel())
    assert np.array_equal(table["latent_2"], np.asarray((counts > 0).sum(axis=1)).ravel())
    assert list(table["latent_3"]) == [int(name[1:]) for name in clustered.obs["batch"]]
    assert (tmp_path / "training.tsv").read_text() == "epoch\telbo_train\n1\t5\n"
    assert np.array_equal(read_latent(tmp_path / "latent.tsv.gz", clustered.obs_names), table.to_numpy())


def test_one_batch_is_not_trained_and_nothing_is_offered(study, step, tmp_path, caplog):
    first, *_ = study.kept
    table = trained(step, study, tmp_path, SETTINGS | {"python": "/not/there"}, samples=[first])
    assert table.empty and "one batch" in caplog.text
    assert len(pd.read_csv(tmp_path / "training.tsv", sep="\t")) == 0
    assert read_latent(tmp_path / "latent.tsv.gz", ad.read_h5ad(first).obs_names) is None


@pytest.mark.parametrize(
    ("extra", "divisor", "error", "said"),
    [
        ("raise SystemExit('no memory left')", "1", ChildProcessError, "status 1 and said: no memory left"),
        ("", "np.nan", ValueError, "diverged"),
    ],
)
def test_failed_training_gives_no_result(study, step, tmp_path, extra, divisor, error, said):
    with pytest.raises(error, match=said):
        trained(step, study, tmp_path, stand_in(tmp_path, extra, divisor))
    assert not (tmp_path / "latent.tsv.gz").exists() and not (tmp_path / "training.tsv").exists()


def test_workflow_trains_where_the_config_names_it(tmp_path, snakemake_run):
    config = yaml.safe_load((REPOSITORY / "config/scvi/singlecell.yaml").read_text())
    config["scvi"] = stand_in(tmp_path, "raise SystemExit")  # answers that the package is there, and is never run
    (tmp_path / "python").write_text("#!/bin/sh\nexit 0\n")
    planned = snakemake_run("singlecell", tmp_path, "--dry-run", config=config).stdout
    assert "rule train_scvi:" in planned
    clustering = planned.split("rule cluster_cells:")[1].split("output:")[0]
    assert "scvi_latent.tsv.gz" in clustering


@pytest.fixture(scope="module")
def batched(study, tmp_path_factory):
    """The study with a planted batch effect: a third of the genes lose four fifths of their counts in one batch."""
    folder = tmp_path_factory.mktemp("batched")
    random = np.random.default_rng(3)
    kept = np.where(np.arange(ad.read_h5ad(study.kept[0]).n_vars) % 3 == 0, 0.2, 1.0)
    paths = []
    for path in study.kept:
        data = ad.read_h5ad(path)
        if data.obs["batch"].iloc[0] == "b1":
            data.X.data = random.binomial(data.X.data.astype(int), kept[data.X.indices]).astype(np.float32)
            data.X.eliminate_zeros()
        paths.append(folder / path.name)
        data.write_h5ad(paths[-1])
    return paths


@pytest.mark.slow
def test_scvi_repeats_itself_leaves_nothing_behind_and_is_judged(study, step, batched, tmp_path, monkeypatch):
    settings = SETTINGS | {"python": os.environ.get("KIMED_SCVI_PYTHON", ""), "epochs": 60}
    if tool_problems(settings):
        pytest.skip("scvi-tools is not installed: KIMED_SCVI_PYTHON may name a Python that has it")
    tables = []
    for threads in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        (tmp_path / threads).mkdir()
        monkeypatch.chdir(tmp_path / threads)
        tables.append(trained(step, study, tmp_path / threads, settings, samples=batched).set_index("cell"))
        assert {path.name for path in Path().iterdir()} == {"latent.tsv.gz", "training.tsv"}  # no lightning_logs
    assert tables[0].equals(tables[1])
    step("singlecell/cluster_cells").main(
        samples=batched, cells=tmp_path / "c.h5ad", seed=1, source=study.config["input"],
        embedding=study.config["embedding"] | {"umap_cells": 0, "integration": ["none", "scvi"]},
        latent=tmp_path / "1/latent.tsv.gz", integration=tmp_path / "i.tsv", resolutions=tmp_path / "r.tsv",
        splits=tmp_path / "s.tsv",
    )  # fmt: skip
    # 300 steps do not undo so strong an effect, but must find the types; what 400 epochs do is in docs/benchmarks.md.
    judged = pd.read_csv(tmp_path / "i.tsv", sep="\t").set_index("method")
    assert list(judged.index) == ["none", "scvi"] and judged.loc["scvi", "conservation_nmi"] > 0.7
    curve = pd.read_csv(tmp_path / "1/training.tsv", sep="\t")
    assert len(curve) == 60 and curve["elbo_validation"].iloc[-1] < curve["elbo_validation"].iloc[0]
