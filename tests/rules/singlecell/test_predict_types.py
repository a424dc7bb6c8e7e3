"""predict_types: what CellTypist and scikit-learn say, from a file that is read and never run."""

import hashlib
import os
import pickle
import warnings
from importlib.util import find_spec
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse, special
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from kimedlib.problems import InputProblems
from kimedlib.singlecell_celltypist import predicted, read_model
from kimedlib.singlecell_embedding import log_normalised


def trained(values: np.ndarray, genes: list[str], labels: np.ndarray, path: Path):
    """A model file as CellTypist's `train` writes it, and scikit-learn's two objects."""
    scaler = StandardScaler().fit(values)
    scaled = np.minimum(scaler.transform(values), 10)
    model = LogisticRegression(C=1.0, max_iter=500).fit(scaled, labels)
    if len(model.classes_) > 2:
        # One type against the rest, as CellTypist asks for.
        parts = [LogisticRegression(C=0.01, max_iter=500).fit(scaled, labels == name) for name in model.classes_]
        model.coef_ = np.vstack([part.coef_ for part in parts])
        model.intercept_ = np.concatenate([part.intercept_ for part in parts])
    model.features = np.array(genes, dtype=object)
    content = {"Model": model, "Scaler_": scaler, "description": {"date": "", "details": ""}}
    path.write_bytes(pickle.dumps(content))
    return model, scaler


def run(step, out, cells, model, **changes):
    settings = {
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(), "minimum_shared_genes": 0.5,
        "minimum_probability": 0.5, "minimum_share": 0.5, **changes,
    }  # fmt: skip
    step("singlecell/predict_types").main(
        cells=cells, model=model, table=out / "t.tsv.gz", clusters=out / "c.tsv", agreed=out / "a.tsv",
        figure=out / "f.png", settings=settings,
    )  # fmt: skip
    return tuple(pd.read_csv(out / name, sep="\t", keep_default_na=False) for name in ("t.tsv.gz", "c.tsv", "a.tsv"))


def test_half_of_the_donors_teaches_the_other_half(study, step, tmp_path):
    """Truth: the planted types; the model is trained on three donors, without NK cells."""
    data = ad.read_h5ad(study.folder / "cells.h5ad")
    truth = study.labels.set_index(["sample", "barcode"])["cell_type"]
    planted = truth.reindex(pd.MultiIndex.from_frame(data.obs[["sample", "barcode"]].astype(str))).to_numpy()
    logs = log_normalised(sparse.csr_matrix(data.layers["counts"], dtype=float)).toarray()
    half = data.obs["sample"].isin(["s0", "s1", "s2"]).to_numpy()
    learnt = half & pd.notna(planted) & (planted != "NK")
    model, scaler = trained(logs[learnt], list(data.var_names), planted[learnt], tmp_path / "m.pkl")
    cells, clusters, agreed = run(step, tmp_path, study.folder / "cells.h5ad", tmp_path / "m.pkl")
    scores = special.expit(model.decision_function(np.minimum(scaler.transform(logs), 10)))
    assert np.abs(cells["probability"].to_numpy() - scores.max(axis=1)).max() < 1e-6
    assert (cells["label"].to_numpy() == model.classes_[scores.argmax(axis=1)]).all()
    known = ~half & pd.notna(planted) & (planted != "NK")
    assert (cells["label"].to_numpy() == planted)[known].mean() > 0.9
    # No type reaches one half for what was never seen more often than for what was.
    unknown = (cells["called"] == "unknown").to_numpy()
    assert (unknown == (cells["probability"] < 0.5)).all() and not (cells["label"] == "NK").any()
    assert unknown[planted == "NK"].mean() > 2 * unknown[known].mean()
    assert agreed.groupby("cell_type")["share"].sum().to_numpy() == pytest.approx(1)
    assert set(clusters["majority"]) <= {*model.classes_, "unknown"}
    assert len(cells[["cluster", "majority"]].drop_duplicates()) == cells["cluster"].nunique()


def test_two_types_and_genes_that_were_not_measured(tmp_path):
    random = np.random.default_rng(1)
    labels = np.array(["a", "b"], dtype=object)[np.arange(200) % 2]
    values = random.gamma(1, 1, (200, 30)) + (labels == "b")[:, None] * np.linspace(0, 1, 30)
    model, scaler = trained(values, [f"G{n}" for n in range(30)], labels, tmp_path / "m.pkl")
    measured = [*range(29, 4, -1)]
    genes = pd.Index([*(f"G{n}" for n in measured), "other"])
    query = np.column_stack([values[:, measured], np.ones(200)])
    scaled = np.minimum((values[:, measured] - scaler.mean_[measured]) / scaler.scale_[measured], 10)
    score = scaled @ model.coef_[0, measured] + model.intercept_[0]
    found, probability = predicted(
        read_model(tmp_path / "m.pkl"), [(slice(0, 200), sparse.csr_matrix(query))], genes, 200, lambda block: block
    )
    assert (found == np.where(score > 0, "b", "a")).all()
    assert probability == pytest.approx(special.expit(np.abs(score)), abs=1e-12)


class Attack:
    """What a pickle of a stranger may do."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


def test_a_model_that_runs_code_is_refused_and_nothing_runs(tmp_path):
    content = {"Model": LogisticRegression(), "Scaler_": StandardScaler(), "x": Attack(tmp_path / "done")}
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(InputProblems, match=r"wants to run (posix|os)\.mkdir"):
        read_model(tmp_path / "m.pkl")
    assert not (tmp_path / "done").exists()
    pickle.loads((tmp_path / "m.pkl").read_bytes())
    assert (tmp_path / "done").exists(), "the attack is real"


@pytest.mark.parametrize(
    "content",
    [b"", b"no pickle", pickle.dumps({"a": 1}), pickle.dumps([1]), pickle.dumps({"Model": 1, "Scaler_": 2}),
     pickle.dumps({"Model": LogisticRegression(), "Scaler_": StandardScaler()})],
    ids=["empty", "text", "other keys", "list", "numbers", "untrained"],
)  # fmt: skip
def test_what_is_no_model_is_refused(tmp_path, content):
    (tmp_path / "m.pkl").write_bytes(content)
    with pytest.raises(InputProblems, match="is no CellTypist model"):
        read_model(tmp_path / "m.pkl")


def test_another_file_and_other_genes_are_refused(study, step, tmp_path):
    values = np.random.default_rng(1).gamma(1, 1, (60, 5))
    trained(values, [f"ENSG{n}" for n in range(5)], np.array(["a", "b", "c"] * 20, dtype=object), tmp_path / "m.pkl")
    with pytest.raises(InputProblems, match="0 of its 5 genes were measured"):
        run(step, tmp_path, study.folder / "cells.h5ad", tmp_path / "m.pkl")
    with pytest.raises(InputProblems, match=r"`celltypist\.sha256` says 00"):
        run(step, tmp_path, study.folder / "cells.h5ad", tmp_path / "m.pkl", sha256="0" * 64)


@pytest.mark.skipif(not find_spec("celltypist"), reason="CellTypist 1.7.1 with scikit-learn 1.7.2 is not installed")
def test_as_the_package_says(tmp_path, monkeypatch):
    """Trained and asked without a network."""
    monkeypatch.setattr("socket.socket.connect", lambda *_: (_ for _ in ()).throw(OSError("no network")))
    random = np.random.default_rng(0)
    labels = np.array(["B", "CD4 T", "CD8 T", "NK"])[np.arange(400) % 4]
    counts = random.poisson(np.exp(random.normal(0, 1, (4, 200)))[np.arange(400) % 4]).astype(float)
    data = ad.AnnData(np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4))
    data.var_names, data.obs["label"] = [f"G{n}" for n in range(200)], labels
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import celltypist

        celltypist.train(data[:200].copy(), labels="label", n_jobs=1).write(str(tmp_path / "m.pkl"))
        asked = celltypist.annotate(data[200:].copy(), model=str(tmp_path / "m.pkl"))
    found, probability = predicted(
        read_model(tmp_path / "m.pkl"), [(slice(0, 200), sparse.csr_matrix(data.X[200:]))], data.var_names, 200,
        lambda block: block,
    )  # fmt: skip
    assert (found == asked.predicted_labels["predicted_labels"].astype(object).to_numpy()).all()
    assert probability == pytest.approx(asked.probability_matrix.max(axis=1).to_numpy(), abs=1e-6)
