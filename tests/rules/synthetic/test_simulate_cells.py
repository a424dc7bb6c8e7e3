"""simulate_cells and its truth: same seed, same bytes; planted numbers are in the counts."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from kimedlib.cells_reading import read_cells

REPOSITORY = Path(__file__).resolve().parents[3]


def load():
    spec = importlib.util.spec_from_file_location("simulate_cells", REPOSITORY / "scripts/synthetic/simulate_cells.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def simulate(folder: Path, patient: str = "P001", effect_size: float = 1.0, **plan) -> Path:
    folder.mkdir(exist_ok=True)
    people = pd.DataFrame({"patient_id": ["P001", "P002", "P003", "P004"], "treatment": ["treated", "untreated"] * 2})
    people["cd8_log_ratio"], people["interferon_log2fc"] = plan.get("cd8", 0.0), plan.get("interferon", 0.0)
    people.to_csv(folder / "plan.tsv", sep="\t", index=False)
    settings = yaml.safe_load((REPOSITORY / "config/synthetic.yaml").read_text())["singlecell"]
    settings["genes"], settings["droplets"]["cells"] = 600, plan.get("cells", 60)
    settings["formats"] = ["mtx", "h5", "h5ad", "mtx"]
    load().main(
        plan=folder / "plan.tsv", markers=REPOSITORY / "config/markers/pbmc.yaml",
        gene_sets=REPOSITORY / "config/markers/gene_sets.yaml", folder=folder / patient, truth=folder / "cells.tsv",
        responses=folder / "genes.tsv", shares=folder / "shares.tsv", patient=patient, seed=7,
        effect_size=effect_size, settings=settings,
    )  # fmt: skip
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("patient", ["P001", "P002", "P003"])
def test_same_seed_same_bytes_in_every_format(patient, tmp_path):
    assert contents(simulate(tmp_path / "a", patient)) == contents(simulate(tmp_path / "b", patient))


def test_truth_fits_the_counts(tmp_path):
    folder = simulate(tmp_path / "a", cells=150)
    data = read_cells(folder / "P001")
    truth = pd.read_csv(folder / "cells.tsv", sep="\t", keep_default_na=False)
    assert list(data.obs_names) == list(truth["barcode"]) and set(truth["sample"]) == {"P001_cells"}
    totals = np.asarray(data.X.sum(axis=1)).ravel()
    empty, doublet = (truth[name] == "yes" for name in ("empty", "doublet"))
    assert (
        totals[empty].max() < totals[~empty].min() * 1.5
        and totals[doublet].mean() > 1.4 * totals[~doublet & ~empty].mean()
    )
    b_cells = ((truth["cell_type"] == "B") & ~doublet).to_numpy()
    marker = np.asarray(data[:, "MS4A1"].X.todense()).ravel()
    assert marker[b_cells].mean() > 5 * marker[~b_cells].mean()


def test_plan_moves_composition_and_interferon_response(tmp_path):
    low = simulate(tmp_path / "low", cells=200, cd8=-1.0, interferon=0.0)
    high = simulate(tmp_path / "high", cells=200, cd8=1.0, interferon=3.0)
    share = [
        pd.read_csv(folder / "shares.tsv", sep="\t").set_index("cell_type")["share"]["CD8 T"] for folder in (low, high)
    ]
    assert share[1] > 3 * share[0]

    def interferon(folder):
        data, truth = read_cells(folder / "P001"), pd.read_csv(folder / "cells.tsv", sep="\t")
        inside = data[(truth["cell_type"] == "CD14 monocyte").to_numpy()]
        return float(inside[:, ["ISG15", "IFI6", "IFI44L"]].X.sum() / inside.X.sum())

    assert interferon(high) > 3 * interferon(low)


def test_no_effect_plants_nothing(tmp_path):
    simulate(tmp_path / "none", effect_size=0.0)
    assert len(pd.read_csv(tmp_path / "none" / "genes.tsv", sep="\t")) == 0
