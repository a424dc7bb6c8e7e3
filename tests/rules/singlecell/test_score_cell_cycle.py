"""score_cell_cycle: planted phases come back; genes of another species are refused."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import sparse

from kimedlib.problems import InputProblems
from kimedlib.singlecell_embedding import log_normalised

SETS = Path(__file__).resolve().parents[3] / "config/markers/cell_cycle.yaml"
PHASES = ["G1", "S", "G2M"]


def cells_with_phases(path: Path, renamed: bool) -> list[str]:
    """300 cells in thirds; genes of the phase of a cell are expressed eightfold. One gene bears its present name."""
    known, random = yaml.safe_load(SETS.read_text()), np.random.default_rng(0)
    names = [*known["s"], *known["g2m"], *(f"X{number}" for number in range(600))]
    rate = random.lognormal(-1.2, 0.6, len(names))
    truth = PHASES * 100
    lifted = np.ones((300, len(names)))
    lifted[1::3, : len(known["s"])] = 8
    lifted[2::3, len(known["s"]) : len(known["s"]) + len(known["g2m"])] = 8
    counts = sparse.csr_matrix(random.poisson(rate * lifted).astype(np.float32))
    shown = [known["renamed"].get(name, name) if renamed else f"mm-{name.lower()}" for name in names]
    obs = {"sample": "s", "barcode": [f"b{n}" for n in range(300)], "patient_id": "p", "condition": "c"}
    obs |= {"cluster": "0", "cell_type": "T"}
    data = ad.AnnData(
        log_normalised(counts), obs=pd.DataFrame(obs, index=obs["barcode"]), var=pd.DataFrame(index=shown)
    )
    data.write_h5ad(path)
    return truth


def run(folder: Path, module, renamed: bool = True) -> list[str]:
    truth = cells_with_phases(folder / "cells.h5ad", renamed)
    module.main(
        cells=folder / "cells.h5ad", sets=SETS, table=folder / "c.tsv.gz", shares=folder / "s.tsv",
        figure=folder / "f.png", seed=1, settings={"minimum_genes": 10},
    )  # fmt: skip
    return truth


def test_lists_are_those_published():
    known = yaml.safe_load(SETS.read_text())
    assert (len(set(known["s"])), len(set(known["g2m"]))) == (43, 54) and not set(known["s"]) & set(known["g2m"])
    assert set(known["renamed"]) <= {*known["s"], *known["g2m"]}


def test_planted_phases_come_back(tmp_path, step):
    truth = run(tmp_path, step("singlecell/score_cell_cycle"))
    table = pd.read_csv(tmp_path / "c.tsv.gz", sep="\t")
    assert (table["phase"] == truth).mean() > 0.85
    assert (table["phase"][np.array(truth) != "G1"] == np.array(truth)[np.array(truth) != "G1"]).mean() > 0.95
    row = pd.read_csv(tmp_path / "s.tsv", sep="\t").iloc[0]
    assert row["cells"] == 300 and row[PHASES].sum() == pytest.approx(1) and abs(row["S"] - 1 / 3) < 0.1


def test_genes_of_another_species_are_refused(tmp_path, step):
    with pytest.raises(InputProblems, match="0 of the 43 genes of phase s were measured, 10 are needed"):
        run(tmp_path, step("singlecell/score_cell_cycle"), renamed=False)
    assert not (tmp_path / "c.tsv.gz").exists()
