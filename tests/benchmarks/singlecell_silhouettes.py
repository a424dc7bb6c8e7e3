"""What "batch ASW 0.704 before and 0.980 after Harmony" on Kang et al. means: `python <this file> KIMED_DATA`.

Plain scanpy (log-normalised, all genes, not scaled), Harmony by sample; both definitions of the batch silhouette over
samples and over conditions, by number of components. docs/decisions/0024-batch-silhouettes.md draws the conclusion.
"""

import sys
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc
from harmonypy import compute_lisi

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "scripts"))

from kimedlib.singlecell_integration import harmony  # noqa: E402
from kimedlib.singlecell_scores import silhouettes  # noqa: E402


def main(data: Path) -> None:
    """Print one row per number of components and stage."""
    cells = ad.read_h5ad(data / "singlecell/kang2018_muscat_example.h5ad")
    labels, samples, conditions = (cells.obs[name].astype(str) for name in ("cluster_id", "sample_id", "group_id"))
    sc.pp.normalize_total(cells, target_sum=1e4)
    sc.pp.log1p(cells)
    rows = []
    for number in (15, 20, 24, 25, 30, 50):
        positions = sc.pp.pca(cells.X, n_comps=number, random_state=0).astype(np.float64)
        for stage, places in (("before", positions), ("after", harmony(positions, samples, 0))):
            found = silhouettes(places, labels, {"sample": samples, "condition": conditions})
            lisi = compute_lisi(places, pd.DataFrame({"condition": conditions}), ["condition"])
            rows.append({"components": number, "stage": stage, **found, "ilisi_condition": float(np.median(lisi))})
    print(pd.DataFrame(rows).to_csv(sep="\t", index=False, float_format="%.3f"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
