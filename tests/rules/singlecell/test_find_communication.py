"""find_communication: a planted pair is found in its two types only, with its change between conditions."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from kimedlib.problems import InputProblems
from kimedlib.singlecell_communication import read_pairs
from kimedlib.singlecell_embedding import log_normalised

SHIPPED = Path(__file__).resolve().parents[3] / "config/markers/ligand_receptor.tsv"
COMPARISON = {
    "reference": "u", "contrast": "t", "minimum_donors": 2, "minimum_cells": 10, "false_discovery_rate": 0.05,
}  # fmt: skip


@pytest.fixture(scope="module")
def talking(tmp_path_factory):
    """Ten donors, 30 cells of A, B and C each. L1 in A (three times as much under t), R1+R2 in B; the rest everywhere.

    R3 is in B too, but its partner R4 in no cell: that complex must not be found. L5 is high in all cells of one donor.
    """
    folder, random = tmp_path_factory.mktemp("talking"), np.random.default_rng(6)
    genes = ["L1", "R1", "R2", "R3", "R4", "L5", *(f"G{number}" for number in range(94))]
    counts, obs, sheet = [], [], []
    for number in range(10):
        condition = "ut"[number % 2]
        sheet.append({"sample": f"s{number}", "patient_id": f"p{number}", "condition": condition, "batch": "b"})
        for name in "ABC":
            rate = np.full(100, 2.0) * np.exp(random.normal(0, 0.1, 100))
            rate[:6] = [0.1, 0.1, 0.1, 0.1, 0.0, 30.0 if number == 0 else 1.0]
            if name == "A":
                rate[0] = 4.5 if condition == "t" else 1.5
            if name == "B":
                rate[1:4] = 3.0
            counts.append(random.poisson(rate, (30, 100)))
            obs += [(f"s{number}", name)] * 30
    values = log_normalised(sparse.csr_matrix(np.vstack(counts)), 200)
    table = pd.DataFrame(obs, columns=["sample", "cell_type"], index=[str(place) for place in range(len(obs))])
    table["cell_type"] = table["cell_type"].astype("category")
    data = ad.AnnData(values.astype(np.float32), obs=table)
    data.var_names = genes
    data.write_h5ad(folder / "cells.h5ad")
    pairs = ["ligand\treceptor", "L1\tR1+R2", "L1\tR3+R4", "L5\tG0", "ABSENT\tR1"]
    pairs += [f"G{number}\tG{number + 1}" for number in range(1, 21)]
    (folder / "pairs.tsv").write_text("\n".join(pairs) + "\n")
    return folder, sheet


def run(step, out, folder, sheet):
    step("singlecell/find_communication").main(
        cells=folder / "cells.h5ad", pairs=folder / "pairs.tsv", sheet=sheet, table=out / "c.tsv",
        figure=out / "f.png", settings={"minimum_share": 0.1, "permutations": 499}, comparison=COMPARISON, seed=1,
    )  # fmt: skip
    return pd.read_csv(out / "c.tsv", sep="\t")


def test_planted_pair_is_found_and_nothing_else(talking, step, tmp_path):
    found = run(step, tmp_path, *talking)
    sure = found[found["p_adjusted"] < 0.05]
    assert sure[["sender", "receiver", "ligand", "receptor"]].to_numpy().tolist() == [["A", "B", "L1", "R1+R2"]]
    row = sure.iloc[0]
    assert row["units"] == 10 and row["effect"] > 0 and row["effect_p_adjusted"] < 0.05 and row["permutation_p"] < 0.02
    assert set(found["status"]) == {"tested"}
    # Shuffled types make the p-values of the other pairs uniform: 22 pairs in nine combinations.
    others = found[found["ligand"] != "L1"]["p_value"]
    assert len(others) == 21 * 9 and (others < 0.05).mean() < 0.11 and 0.35 < others.mean() < 0.65
    assert found["null_rate"].mean() == pytest.approx(0.05, abs=0.03)
    assert (tmp_path / "f.png").read_bytes()[:4] == b"\x89PNG"


def test_one_donor_per_condition_is_scored_but_not_compared(talking, step, tmp_path):
    folder, sheet = talking
    one = [{**row, "patient_id": row["condition"]} for row in sheet]
    found = run(step, tmp_path, folder, one)
    assert found["status"].str.startswith("skipped: condition 'u' has 1 donor").all() and found["effect"].isna().all()
    assert set(found["units"]) == {2}


def test_list_of_pairs():
    pairs = read_pairs(SHIPPED)
    assert len(pairs) == 59 and pairs["source"].str.startswith("doi:10.").all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ligand\tother\nA\tB\n", "column receptor: is absent"),
        ("ligand\treceptor\nA\tB+\n", "line 2, column receptor: is empty"),
        ("ligand\treceptor\nA\tB\nA\tB\n", "line 3: stands twice"),
    ],
)
def test_wrong_lists_are_refused(tmp_path, text, said):
    (tmp_path / "p.tsv").write_text(text)
    with pytest.raises(InputProblems, match=said):
        read_pairs(tmp_path / "p.tsv")


def test_nothing_measured_is_an_empty_table(talking, step, tmp_path):
    (tmp_path / "pairs.tsv").write_text("ligand\treceptor\nNONE\tOTHER\n")
    (tmp_path / "cells.h5ad").symlink_to(talking[0] / "cells.h5ad")
    found = run(step, tmp_path, tmp_path, talking[1])
    assert found.empty and "p_adjusted" in found
