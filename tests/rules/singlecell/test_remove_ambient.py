"""remove_ambient: planted soup is estimated without the planted types and taken out; foreign profiles are refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from singlecell_droplets import contaminated

from kimedlib.cells_reading import read_cells
from kimedlib.cells_writing import write_h5ad
from kimedlib.problems import InputProblems


def run(
    folder: Path, counts: Path, module, profile: str, contamination: float | str = "auto", *,
    on_failure: str = "quarantine",
) -> Path:  # fmt: skip
    folder.mkdir(exist_ok=True)
    module.main(
        counts=counts, profile=profile, cells=folder / "s.h5ad", table=folder / "s.tsv", genes=folder / "g.tsv",
        sample={"sample": "s", "subset": ""}, seed=1, on_failure=on_failure,
        source={"h5ad_matrix": "X", "state": "counts", "handed_on": True},
        settings={"profile": profile, "contamination": contamination, "reported_genes": 20},
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ambient")
    counts, own, _, soup = contaminated(51, 0.08)
    names = [f"G{number}" for number in range(counts.shape[1])]
    barcodes = [f"b{number}" for number in range(counts.shape[0])]
    write_h5ad(folder / "s.h5ad", counts, barcodes, pd.DataFrame({"gene_id": names, "symbol": names}))
    table = folder / "soup.tsv"
    pd.DataFrame({"gene": names, "share": soup}).to_csv(table, sep="\t", index=False)
    return folder / "s.h5ad", own, table


def test_planted_soup_is_found_and_taken_out(sample, tmp_path, step):
    path, own, table = sample
    module = step("singlecell/remove_ambient")
    first, second = (run(tmp_path / name, path, module, str(table)) for name in ("one", "two"))
    row = pd.read_csv(first / "s.tsv", sep="\t").iloc[0]
    assert row["contamination"] == pytest.approx(0.08, rel=0.15) and row["low"] < 0.08 < row["high"]
    assert 1 - row["counts_after"] / row["counts_before"] == pytest.approx(row["contamination"], abs=0.003)
    before, after = read_cells(path).X.toarray(), read_cells(first / "s.h5ad").X.toarray()
    assert np.abs(after - own).sum() < np.abs(before - own).sum()
    assert len(pd.read_csv(first / "g.tsv", sep="\t")) == 20
    for name in ("s.h5ad", "s.tsv", "g.tsv"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_a_given_share_is_taken_as_it_is(sample, tmp_path, step):
    row = pd.read_csv(
        run(tmp_path / "out", sample[0], step("singlecell/remove_ambient"), str(sample[2]), 0.2) / "s.tsv", sep="\t"
    ).iloc[0]
    assert row["contamination"] == 0.2 and 1 - row["counts_after"] / row["counts_before"] == pytest.approx(
        0.2, abs=0.01
    )


def test_profiles_that_are_none_are_refused(sample, tmp_path, step):
    module, table = step("singlecell/remove_ambient"), pd.read_csv(sample[2], sep="\t")
    wrong = {
        "columns.tsv": (table.rename(columns={"share": "fraction"}), "no column share"),
        "sum.tsv": (table.assign(share=table["share"] * 3), r"add up to 3"),
        "foreign.tsv": (table.assign(gene="M" + table["gene"]), "hold 0 % of the sample's counts"),
    }
    for name, (frame, message) in wrong.items():
        frame.to_csv(tmp_path / name, sep="\t", index=False)
        with pytest.raises(InputProblems, match=message):
            run(tmp_path / "out", sample[0], module, str(tmp_path / name))
    with pytest.raises(InputProblems, match=r"(?s)var has no column 'soup'.*gene_ids"):
        run(tmp_path / "out", sample[0], module, "var/soup")
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("number", "said"), [(0, ""), (19, "too few cells to estimate ambient RNA from (19, 20 are needed)")]
)
def test_too_few_cells_are_quarantined(sample, tmp_path, step, caplog, number, said):
    read_cells(sample[0])[:number].copy().write_h5ad(tmp_path / "few.h5ad")
    folder = run(tmp_path / "out", tmp_path / "few.h5ad", step("singlecell/remove_ambient"), str(sample[2]))
    row = pd.read_csv(folder / "s.tsv", sep="\t").iloc[0]
    assert np.isnan(row["contamination"]) and row["cells"] == number
    assert read_cells(folder / "s.h5ad", handed_on=True).shape == (0, 1500)
    assert (said in caplog.text and "QUARANTINE: " in caplog.text) if said else not caplog.records


def test_too_few_cells_end_the_run_if_asked_to_and_a_given_share_needs_no_more(sample, tmp_path, step):
    read_cells(sample[0])[:19].copy().write_h5ad(tmp_path / "few.h5ad")
    module = step("singlecell/remove_ambient")
    with pytest.raises(InputProblems, match=r"(?s)sample s: too few cells to estimate .*set `ambient.contamination`"):
        run(tmp_path / "out", tmp_path / "few.h5ad", module, str(sample[2]), on_failure="stop")
    folder = run(tmp_path / "out", tmp_path / "few.h5ad", module, str(sample[2]), 0.1, on_failure="stop")
    assert read_cells(folder / "s.h5ad").n_obs == 19


@pytest.mark.parametrize("number", [20, 21, 30])
def test_the_least_cells_are_enough(sample, tmp_path, step, number):
    read_cells(sample[0])[:number].copy().write_h5ad(tmp_path / "few.h5ad")
    folder = run(tmp_path / "out", tmp_path / "few.h5ad", step("singlecell/remove_ambient"), str(sample[2]))
    assert read_cells(folder / "s.h5ad").n_obs == number
