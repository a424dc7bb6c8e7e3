"""cluster_cells: one AnnData that scanpy opens, the same for any number of threads."""

import anndata as ad
import numpy as np
import pytest
from sklearn.metrics import homogeneity_score

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
    )  # fmt: skip
    assert (tmp_path / "again.h5ad").read_bytes() == (study.folder / "clustered.h5ad").read_bytes()


def test_samples_without_common_genes_are_refused(study, step, tmp_path):
    data = ad.read_h5ad(study.kept[1])
    data.var_names = [f"other{number}" for number in range(data.n_vars)]
    data.write_h5ad(tmp_path / "other.h5ad")
    with pytest.raises(InputProblems, match="0 genes in common"):
        step("singlecell/cluster_cells").main(
            samples=[study.kept[0], tmp_path / "other.h5ad"], cells=tmp_path / "x.h5ad", seed=1,
            source=study.config["input"], embedding=study.config["embedding"], integration=tmp_path / "i.tsv",
            resolutions=tmp_path / "r.tsv",
        )  # fmt: skip
