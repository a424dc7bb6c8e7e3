"""Small simulated samples for the tests of single-cell rules."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from scipy import sparse

from kimedlib.cells_reading import read_cells
from kimedlib.cells_writing import write_h5
from kimedlib.singlecell_annotation import marker_types
from kimedlib.singlecell_simulation import SHARES, droplets, programmes

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Sample:
    """Counts (10x H5) and truth (index barcode) of one sample."""

    counts: Path
    truth: pd.DataFrame


def simulated_sample(folder: Path, cells: int, seed: int = 5, effect: float = 0.0, **changes: float) -> Sample:
    """One sample of healthy blood; with `effect`, CD4 T, NK and CD14 monocytes respond to treatment."""
    settings = yaml.safe_load((REPOSITORY / "config/synthetic.yaml").read_text())["singlecell"]
    types = marker_types(yaml.safe_load((REPOSITORY / "config/markers/pbmc.yaml").read_text()))
    interferon = yaml.safe_load((REPOSITORY / "config/markers/gene_sets.yaml").read_text())["interferon"][:20]
    base = programmes(1, 600, types, interferon, {**settings["treatment"], "genes_per_type": 10, "effect": 1.0})
    expression = base.expression.copy()
    for row in base.responses.itertuples():
        expression.loc[row.cell_type, row.gene] *= 2.0 ** (effect * row.log2_fold_change)
    expression = expression.div(expression.sum(axis=1), axis=0)
    shares = np.array([SHARES[name] for name in types])
    chosen = {**settings["droplets"], "cells": cells, **changes}
    counts, truth = droplets(np.random.default_rng(seed), expression, shares / shares.sum(), base.genes, chosen)
    features = pd.DataFrame({"gene_id": [f"G{number}" for number in range(600)], "symbol": base.genes})
    path = folder / f"sample{seed}.h5"
    write_h5(path, counts, list(truth["barcode"]), features)
    return Sample(path, truth.rename(columns={"doublet": "is_doublet", "cell_type": "true_type"}).set_index("barcode"))


# Antibodies and who shows them, by place in the panel.
PANEL = [f"{name}_TotalSeqB" for name in ("CD3", "CD4", "CD8a", "CD14", "CD16", "CD19", "CD56", "IgG1")]
SHOWN = {
    "CD4 T": (0, 1), "CD8 T": (0, 2), "NK": (4, 6), "B": (5,), "CD14 monocyte": (3,), "FCGR3A monocyte": (4,),
}  # fmt: skip


def stained_sample(counts: Path, types: pd.Series, target: Path, seed: int) -> None:
    """The same cells as 10x H5 with eight antibodies: background 8 counts, 150 where a type shows the protein.

    Parameters
    ----------
    types
        Planted type by barcode; "" for empty droplets.
    """
    random, genes = np.random.default_rng(seed), read_cells(counts)
    rates = np.full((genes.n_obs, len(PANEL)), 8.0)
    for place, name in enumerate(types.loc[genes.obs_names]):
        rates[place, list(SHOWN.get(name, ()))] = 150
    stain = random.poisson(rates * random.gamma(4, 0.25, (genes.n_obs, 1)))
    features = pd.DataFrame(
        {
            "gene_id": [*genes.var["gene_id"], *PANEL],
            "symbol": [*genes.var_names, *PANEL],
            "kind": ["Gene Expression"] * genes.n_vars + ["Antibody Capture"] * len(PANEL),
        }
    )
    write_h5(target, sparse.hstack([genes.X, sparse.csr_matrix(stain)]).tocsr(), list(genes.obs_names), features)
