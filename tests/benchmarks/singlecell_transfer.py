"""Label transfer against published labels: `python tests/benchmarks/singlecell_transfer.py KIMED_DATA`.

PBMC 3k: a random part is the reference, the rest the query. Kang et al.: one donor is the reference, the other the
query; and control against interferon beta. sc_mixology: one protocol against the other. Each type in turn is left out
of the reference and must become unknown. How groups of cells are judged was chosen on Kang's control cells alone, both
directions; the other cases are for reporting. `cellwise_` is what cells one by one would give.
"""

import sys
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "scripts"))

from kimedlib.singlecell_threads import one_thread  # noqa: E402
from kimedlib.singlecell_transfer import UNKNOWN, Side, called, shared_space, transfer  # noqa: E402

CONFIDENCE, LEVEL, GENES = 0.5, 0.05, 1000  # as config/analyses/singlecell.yaml


def pbmc(data: Path) -> ad.AnnData:
    """PBMC 3k with the published types in obs["label"], one batch."""
    cells = ad.read_h5ad(data / "singlecell/pbmc3k_raw.h5ad")
    labels = pd.read_csv(data / "singlecell/pbmc3k_seurat_labels.csv").set_index("barcode")["cell_type"]
    cells = cells[[name for name in cells.obs_names if name in labels.index]].copy()
    cells.obs["label"], cells.obs["batch"] = labels.loc[cells.obs_names].astype(str), "one"
    return cells[:, np.asarray((cells.X > 0).sum(axis=0)).ravel() >= 3].copy()


def kang(data: Path) -> ad.AnnData:
    """Kang et al. with the published types; batches are samples such as ctrl101."""
    cells = ad.read_h5ad(data / "singlecell/kang2018_muscat_example.h5ad")
    cells.obs["label"], cells.obs["batch"] = cells.obs["cluster_id"].astype(str), cells.obs["sample_id"].astype(str)
    return cells


def mixology(data: Path) -> ad.AnnData:
    """Three cell lines by two protocols, which are the batches."""
    parts = []
    for protocol in ("celseq2", "dropseq"):
        path = data / "singlecell/sc_mixology" / f"sc_{protocol}"
        counts = pd.read_csv(f"{path}.count.csv.gz", index_col=0).T
        lines = pd.read_csv(f"{path}.metadata.csv.gz", index_col=0).loc[counts.index, "cell_line"]
        names = [f"{protocol}_{name}" for name in counts.index]
        obs = pd.DataFrame({"label": lines.astype(str).to_numpy(), "batch": protocol}, index=names)
        values = sparse.csr_matrix(counts.to_numpy(dtype=np.float32))
        parts.append(ad.AnnData(values, obs, pd.DataFrame(index=counts.columns)))
    return ad.concat(parts)


def side(cells: ad.AnnData) -> Side:
    return Side(sparse.csr_matrix(cells.X), cells.obs["batch"].astype(str).reset_index(drop=True))


def calibration_error(confidence: pd.Series, right: np.ndarray) -> float:
    """Expected calibration error over ten bins."""
    bins = pd.cut(confidence, np.linspace(0, 1, 11), include_lowest=True)
    table = pd.DataFrame({"bin": bins.to_numpy(), "stated": confidence.to_numpy(), "right": right})
    grouped = table.groupby("bin", observed=True).agg(
        n=("right", "size"), stated=("stated", "mean"), right=("right", "mean")
    )
    return float(((grouped["stated"] - grouped["right"]).abs() * grouped["n"]).sum() / grouped["n"].sum())


def measured(reference: ad.AnnData, query: ad.AnnData, unseen: str) -> dict[str, object]:
    """One row: what becomes of cells of known types and of the type that the reference lacks."""
    reference = reference[(reference.obs["label"] != unseen).to_numpy()]
    with one_thread():
        space = shared_space(side(reference), side(query), GENES, True, 1)
        found = transfer(space, reference.obs["label"].to_numpy(dtype=object), side(query).batches, 1)
    truth, given = query.obs["label"].to_numpy(dtype=object), called(found, CONFIDENCE, LEVEL).to_numpy()
    single = (found["novelty_p"] <= LEVEL) | (found["confidence"] < CONFIDENCE)
    known = truth != unseen
    right = (found["label"].to_numpy(dtype=object) == truth)[known]
    return {
        "unseen": unseen or "-",
        "batches": space.method,
        "accuracy": right.mean(),
        "unknown": (given == UNKNOWN)[known].mean(),
        "wrong": ((given != truth) & (given != UNKNOWN))[known].mean(),
        "calibration_error": calibration_error(found["confidence"][known], right),
        "unseen_unknown": (given == UNKNOWN)[~known].mean() if unseen else np.nan,
        "unseen_cells": int((~known).sum()),
        "cellwise_unknown": single[known].mean(),
        "cellwise_unseen_unknown": single[~known].mean() if unseen else np.nan,
    }


def main(data: Path) -> None:
    """Print one row per case, each as soon as it is there."""
    cells, other, lines = pbmc(data), kang(data), mixology(data)
    drawn = np.random.default_rng(3).random(cells.n_obs)
    donor, treated = other.obs["batch"].str[4:].to_numpy(), other.obs["batch"].str[:4].to_numpy()
    control = treated == "ctrl"
    first, drop = donor == "101", (lines.obs["batch"] == "dropseq").to_numpy()
    cases = {
        "Kang, ctrl: 101 to 107": (other[control & first], other[control & ~first]),
        "Kang, ctrl: 107 to 101": (other[control & ~first], other[control & first]),
        "Kang, all: 101 to 107": (other[first], other[~first]),
        "Kang, all: 107 to 101": (other[~first], other[first]),
        "Kang: ctrl to stim": (other[control], other[~control]),
        **{f"pbmc3k, {part} to the rest": (cells[drawn < part], cells[drawn >= part]) for part in (0.5, 0.2)},
        "mixology: CEL-seq2 to Drop-seq": (lines[~drop], lines[drop]),
        "mixology: Drop-seq to CEL-seq2": (lines[drop], lines[~drop]),
    }
    header = True
    for name, (reference, query) in cases.items():
        unseen = ["", *sorted(reference.obs["label"].unique())] if name != "Kang: ctrl to stim" else [""]
        for left_out in unseen:
            row = pd.DataFrame([{"case": name, **measured(reference, query, left_out)}])
            print(row.to_csv(sep="\t", index=False, header=header, float_format="%.3f"), end="", flush=True)
            header = False


if __name__ == "__main__":
    main(Path(sys.argv[1]))
