"""Small simulated samples for the tests of single-cell rules."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from kimedlib.cells_writing import write_h5
from kimedlib.singlecell_annotation import marker_types
from kimedlib.singlecell_simulation import SHARES, droplets, programmes

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Sample:
    """Counts (10x H5) and truth (index barcode) of one sample."""

    counts: Path
    truth: pd.DataFrame


def simulated_sample(folder: Path, cells: int, seed: int = 5, effect: float = 0.0) -> Sample:
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
    chosen = {**settings["droplets"], "cells": cells}
    counts, truth = droplets(np.random.default_rng(seed), expression, shares / shares.sum(), base.genes, chosen)
    features = pd.DataFrame({"gene_id": [f"G{number}" for number in range(600)], "symbol": base.genes})
    path = folder / f"sample{seed}.h5"
    write_h5(path, counts, list(truth["barcode"]), features)
    return Sample(path, truth.rename(columns={"doublet": "is_doublet", "cell_type": "true_type"}).set_index("barcode"))
