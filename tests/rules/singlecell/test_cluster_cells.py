"""cluster_cells: one AnnData that scanpy opens, the same for any number of threads."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from processors import last_line
from scipy import sparse
from sklearn.metrics import homogeneity_score, silhouette_score

from kimedlib.problems import InputProblems


def test_clusters_follow_the_planted_types(study):
    data = ad.read_h5ad(study.folder / "clustered.h5ad")
    truth = study.labels.assign(name=study.labels["sample"] + "_" + study.labels["barcode"]).set_index("name")
    alone = (truth.loc[data.obs_names, "doublet"] == "no").to_numpy()
    # Treatment may split a type; no cluster may mix types.
    assert homogeneity_score(truth.loc[data.obs_names[alone], "cell_type"], data.obs["cluster"][alone]) > 0.95
    assert np.array_equal(data.layers["counts"].data % 1, np.zeros(data.layers["counts"].nnz))
    assert data.obsm["X_umap"].shape == (data.n_obs, 2) and "connectivities" in data.obsp


def test_result_does_not_depend_on_the_run(study, step, tmp_path):
    step("singlecell/cluster_cells").main(
        samples=study.kept, cells=tmp_path / "again.h5ad", seed=1, source=study.config["input"],
        embedding=study.config["embedding"], integration=tmp_path / "i.tsv", resolutions=tmp_path / "r.tsv",
        splits=tmp_path / "s.tsv", threads=3,
    )  # fmt: skip
    assert (tmp_path / "again.h5ad").read_bytes() == (study.folder / "clustered.h5ad").read_bytes()


def test_cells_that_umap_did_not_lay_out_stand_among_their_kind(study, step, tmp_path):
    for name, limit in (("some", 150), ("none", 0)):
        step("singlecell/cluster_cells").main(
            samples=study.kept, cells=tmp_path / f"{name}.h5ad", seed=1, source=study.config["input"],
            embedding=study.config["embedding"] | {"umap_cells": limit}, integration=tmp_path / "i.tsv",
            resolutions=tmp_path / "r.tsv", splits=tmp_path / "s.tsv", threads=3,
        )  # fmt: skip
    whole, some = (ad.read_h5ad(path) for path in (study.folder / "clustered.h5ad", tmp_path / "some.h5ad"))
    assert list(some.obs["cluster"]) == list(whole.obs["cluster"]) and np.isfinite(some.obsm["X_umap"]).all()
    # Two dimensions cannot show all neighbours, but what stands apart in components must not stand together.
    assert silhouette_score(some.obsm["X_umap"], some.obs["cluster"]) > 0.3
    none = ad.read_h5ad(tmp_path / "none.h5ad")
    assert np.array_equal(none.obsm["X_umap"], none.obsm["X_pca"][:, :2])


@pytest.mark.parametrize("normalisation", ["pflog1ppf", "pearson"])
def test_another_normalisation_finds_the_types_and_leaves_x_alone(study, step, tmp_path, normalisation):
    step("singlecell/cluster_cells").main(
        samples=study.kept, cells=tmp_path / "p.h5ad", seed=1, source=study.config["input"],
        embedding=study.config["embedding"] | {"umap_cells": 0, "normalisation": normalisation},
        integration=tmp_path / "i.tsv", resolutions=tmp_path / "r.tsv", splits=tmp_path / "s.tsv",
    )  # fmt: skip
    found, usual = ad.read_h5ad(tmp_path / "p.h5ad"), ad.read_h5ad(study.folder / "clustered.h5ad")
    assert (found.X != usual.X).nnz == 0 and not np.array_equal(found.obsm["X_pca"], usual.obsm["X_pca"])
    truth = study.labels.assign(name=study.labels["sample"] + "_" + study.labels["barcode"]).set_index("name")
    alone = (truth.loc[found.obs_names, "doublet"] == "no").to_numpy()
    assert homogeneity_score(truth.loc[found.obs_names[alone], "cell_type"], found.obs["cluster"][alone]) > 0.9


def test_graph_that_bbknn_balances_is_clustered_and_drawn(study, step, tmp_path):
    """Components stay what they were; the graph, and all that comes of it, joins the batches."""
    digests = set()
    for threads in (1, 2):
        step("singlecell/cluster_cells").main(
            samples=study.kept, cells=tmp_path / "b.h5ad", seed=1, source=study.config["input"], threads=threads,
            embedding=study.config["embedding"] | {"umap_cells": 200, "integration": ["bbknn"], "resolution": 0.4},
            integration=tmp_path / "i.tsv", resolutions=tmp_path / "r.tsv", splits=tmp_path / "s.tsv",
        )  # fmt: skip
        digests.add(hashlib.sha256((tmp_path / "b.h5ad").read_bytes()).hexdigest())
    assert len(digests) == 1
    data, usual = ad.read_h5ad(tmp_path / "b.h5ad"), ad.read_h5ad(study.folder / "clustered.h5ad")
    assert np.array_equal(data.obsm["X_pca"], usual.obsm["X_pca_unintegrated"])
    batch = (data.obs["batch"] == "b0").to_numpy()
    # Half of the twenty neighbours are of the other batch, itself is stored as 0 and counts for its own.
    assert (np.diff(data.obsp["distances"][:, batch].indptr) == 10).all()
    truth = study.labels.assign(name=study.labels["sample"] + "_" + study.labels["barcode"]).set_index("name")
    alone = (truth.loc[data.obs_names, "doublet"] == "no").to_numpy()
    assert homogeneity_score(truth.loc[data.obs_names[alone], "cell_type"], data.obs["cluster"][alone]) > 0.9
    assert silhouette_score(data.obsm["X_umap"], data.obs["cluster"]) > 0.3


def test_samples_in_quarantine_are_left_out_and_not_all_may_be(study, step, tmp_path):
    ad.read_h5ad(study.kept[0])[:0].write_h5ad(tmp_path / "held.h5ad")
    options = {
        "seed": 1, "source": study.config["input"], "embedding": study.config["embedding"] | {"umap_cells": 0},
        "integration": tmp_path / "i.tsv", "resolutions": tmp_path / "r.tsv", "splits": tmp_path / "s.tsv",
    }  # fmt: skip
    main = step("singlecell/cluster_cells").main
    main(samples=[tmp_path / "held.h5ad", *study.kept[1:]], cells=tmp_path / "c.h5ad", **options)
    assert set(ad.read_h5ad(tmp_path / "c.h5ad").obs["sample"]) == {f"s{number}" for number in range(1, 6)}
    with pytest.raises(InputProblems, match="all 1 samples are in quarantine"):
        main(samples=[tmp_path / "held.h5ad"], cells=tmp_path / "none.h5ad", **options)


def test_samples_without_common_genes_are_refused(study, step, tmp_path):
    data = ad.read_h5ad(study.kept[1])
    data.var_names = [f"other{number}" for number in range(data.n_vars)]
    data.write_h5ad(tmp_path / "other.h5ad")
    with pytest.raises(InputProblems, match="0 genes in common"):
        step("singlecell/cluster_cells").main(
            samples=[study.kept[0], tmp_path / "other.h5ad"], cells=tmp_path / "x.h5ad", seed=1,
            source=study.config["input"], embedding=study.config["embedding"], integration=tmp_path / "i.tsv",
            resolutions=tmp_path / "r.tsv", splits=tmp_path / "s.tsv", threads=3,
        )  # fmt: skip


def test_components_of_scvi_are_used_as_they_are_and_one_batch_has_none(study, step, tmp_path):
    names = ad.read_h5ad(study.folder / "clustered.h5ad").obs_names
    table = pd.DataFrame(np.random.default_rng(1).normal(size=(len(names), 4)).round(6), names).rename_axis("cell")
    options = {
        "seed": 1, "source": study.config["input"], "embedding": study.config["embedding"] | {"umap_cells": 0},
        "integration": tmp_path / "i.tsv", "resolutions": tmp_path / "r.tsv", "splits": tmp_path / "s.tsv",
    }  # fmt: skip
    options["embedding"] |= {"integration": ["scvi"], "resolution": 0.5}
    table.to_csv(tmp_path / "latent.tsv", sep="\t")
    main = step("singlecell/cluster_cells").main
    main(samples=study.kept, cells=tmp_path / "c.h5ad", latent=tmp_path / "latent.tsv", **options)
    data = ad.read_h5ad(tmp_path / "c.h5ad")
    assert data.uns["integration"]["method"] == "scvi"
    assert np.array_equal(data.obsm["X_pca"], table.to_numpy().astype(np.float32))
    assert data.obsm["X_pca_unintegrated"].shape[1] == data.varm["PCs"].shape[1] != 4
    table[:0].reset_index()[["cell"]].to_csv(tmp_path / "latent.tsv", sep="\t", index=False)
    main(samples=study.kept[:1], cells=tmp_path / "c.h5ad", latent=tmp_path / "latent.tsv", **options)
    assert pd.read_csv(tmp_path / "i.tsv", sep="\t")["method"].tolist() == ["none"]


RUN = """
import importlib.util, json, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("step", sys.argv[1] + "/scripts/singlecell/cluster_cells.py")
step = importlib.util.module_from_spec(spec)
spec.loader.exec_module(step)
out = Path(sys.argv[3])
step.main(samples=[Path(sys.argv[2])], cells=out / "cells.h5ad", integration=out / "i.tsv", resolutions=out / "r.tsv",
          splits=out / "s.tsv", seed=1, source={"state": "counts", "genes": "intersection"},
          embedding=json.loads(sys.argv[4]), threads=int(sys.argv[5]))
"""


@pytest.mark.slow
def test_threads_change_no_bit_of_20500_cells(study, tmp_path):
    """Above 20,000 cells: all blocks, and all approximations of ours and of the libraries, would show."""
    random = np.random.default_rng(8)
    rates = np.full((10, 600), 0.4)
    for kind in range(10):
        rates[kind, kind * 50 : kind * 50 + 50] = 2.0
    labels = random.integers(0, 10, 20_500)
    obs = pd.DataFrame(index=[f"c{number}" for number in range(len(labels))])
    for name in ("sample", "patient_id", "condition"):
        obs[name] = "s1"
    obs["batch"] = np.where(np.arange(len(labels)) % 2, "b1", "b2")
    data = ad.AnnData(sparse.csr_matrix(random.poisson(rates[labels]).astype(np.float32)), obs=obs)
    data.var_names = [f"G{number}" for number in range(600)]
    data.write_h5ad(tmp_path / "in.h5ad")
    settings = json.dumps(study.config["embedding"] | {"integration": ["none", "harmony"]})
    digests = set()
    for run, threads in enumerate(("1", "2", "4", "2")):
        folder = tmp_path / str(run)
        folder.mkdir()
        names = ("OMP", "OPENBLAS", "MKL", "NUMBA")
        environment = os.environ | {f"{name}_NUM_THREADS": threads for name in names}
        environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[3] / "scripts")
        arguments = [
            str(Path(__file__).resolve().parents[3]),
            str(tmp_path / "in.h5ad"),
            str(folder),
            settings,
            threads,
        ]
        subprocess.run([sys.executable, "-c", RUN, *arguments], env=environment, check=True)
        digests.add(hashlib.sha256((folder / "cells.h5ad").read_bytes()).hexdigest())
    # The whole file: counts, normalised values, genes, components, neighbours, clusters, UMAP.
    assert len(digests) == 1
    assert homogeneity_score(labels, ad.read_h5ad(tmp_path / "0/cells.h5ad").obs["cluster"]) > 0.99


LAYOUT = """
import hashlib
import numpy as np
from cluster_cells import umap_layout
from kimedlib.singlecell_embedding import nearest
positions = np.vstack([np.random.default_rng(4).normal(5 * kind, 1, (120, 6)) for kind in range(3)]).round(6)
layout = umap_layout(positions, nearest(positions, 15), 0.3, "plane", 1)
apart = np.linalg.norm(layout[:120].mean(axis=0) - layout[240:].mean(axis=0)) > layout[:120].std()
print(hashlib.sha256(layout.tobytes()).hexdigest(), apart)
"""


@pytest.mark.slow  # compiles UMAP twice
def test_layout_is_the_same_on_an_old_processor():
    here, old = (last_line(LAYOUT, old=old, rooms=("singlecell",)) for old in (False, True))
    assert here == old
    assert here.endswith("True")
