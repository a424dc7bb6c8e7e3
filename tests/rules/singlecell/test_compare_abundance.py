"""compare_abundance: one row per neighbourhood with its type; one row that says why where nothing can be compared."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import yaml

CONFIG = Path(__file__).resolve().parents[3] / "config/singlecell.yaml"
SETTINGS = {"neighbours": "auto", "sampled_share": 0.2}


def run(folder: Path, module, donors: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cells of two types; the treated donors have three times as many of one half of type T."""
    random, folder = np.random.default_rng(0), folder / f"of{donors}"
    folder.mkdir()
    sheet, positions, obs = [], [], []
    for number in range(2 * donors):
        condition = ("untreated", "treated")[number % 2]
        sheet.append({"sample": f"s{number}", "patient_id": f"p{number}", "condition": condition, "batch": "b"})
        groups = {"B": (20, 0, 80), "T": (0, 0, 60), "T end": (4, 0, 180 if number % 2 else 60)}
        for name, (*middle, cells) in groups.items():
            positions.append(random.normal(0, 1, (cells, 2)) + middle)
            obs += [{"sample": f"s{number}", "cell_type": name.split()[0]}] * cells
    index = [f"c{number}" for number in range(len(obs))]
    data = ad.AnnData(obs=pd.DataFrame(obs, index=index), obsm={"X_pca": np.vstack(positions)})
    data.write_h5ad(folder / "cells.h5ad")
    comparison = yaml.safe_load(CONFIG.read_text())["comparison"]
    module.main(
        cells=folder / "cells.h5ad", sheet=sheet, table=folder / "a.tsv", summary=folder / "s.tsv",
        figure=folder / "f.png", seed=1, settings=SETTINGS, comparison=comparison,
    )  # fmt: skip
    assert (folder / "f.png").stat().st_size > 1000
    return pd.read_csv(folder / "a.tsv", sep="\t"), pd.read_csv(folder / "s.tsv", sep="\t")


def test_a_shift_within_a_type_is_seen(tmp_path, step):
    table, summary = run(tmp_path, step("singlecell/compare_abundance"), donors=3)
    assert set(table["cell_type"]) == {"B", "T"} and (table["status"] == "tested").all()
    assert (table["cells"] == 30).all() and table["type_share"].between(0.5, 1).all()
    rows = summary.set_index("cell_type")
    assert rows.loc["T", "more"] > 5 and rows.loc["T", "less"] > 5 and rows["neighbourhoods"].sum() == len(table)
    assert rows.loc["B", "more"] == 0


def test_one_donor_per_condition_is_said_and_not_tested(tmp_path, step):
    table, summary = run(tmp_path, step("singlecell/compare_abundance"), donors=1)
    assert table["status"].tolist() == ["skipped: condition 'untreated' has 1 donor, 2 are needed"]
    assert summary.empty


def test_same_bytes_twice(tmp_path, step):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        run(tmp_path / name, step("singlecell/compare_abundance"), donors=2)
    for name in ("a.tsv", "s.tsv", "f.png"):
        assert (tmp_path / "one/of2" / name).read_bytes() == (tmp_path / "two/of2" / name).read_bytes()
