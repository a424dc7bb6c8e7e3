"""qc_cells: keeps intact single cells, says why others are left out, and refuses samples without cells."""

from pathlib import Path

import anndata as ad
import pandas as pd
import pytest
import yaml
from singlecell_samples import simulated_sample

from kimedlib.cells_reading import read_cells
from kimedlib.problems import InputProblems

REPOSITORY = Path(__file__).resolve().parents[3]


def run(folder: Path, counts: Path, module, *, handed_on: bool = False, **changes) -> Path:
    config = yaml.safe_load((REPOSITORY / "config/singlecell.yaml").read_text())
    quality = {**config["quality"], **changes}
    folder.mkdir(exist_ok=True)
    module.main(
        counts=counts, gene_sets=REPOSITORY / config["gene_sets"], cells=folder / "s.h5ad", table=folder / "s.tsv",
        limits=folder / "l.tsv",
        sample={"sample": "s", "patient_id": "p", "condition": "c", "batch": "b", "subset": ""}, seed=1,
        source=config["input"] | {"handed_on": handed_on}, quality=quality, doublets=config["doublets"],
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return simulated_sample(tmp_path_factory.mktemp("sample"), cells=150)


def test_intact_single_cells_are_kept(sample, tmp_path, step):
    folder = run(tmp_path / "one", sample.counts, step("singlecell/qc_cells"))
    table = pd.read_csv(folder / "s.tsv", sep="\t", keep_default_na=False).set_index("barcode").join(sample.truth)
    assert (table.loc[table["empty"] == "yes", "removed"] == "low_counts").all()
    assert (table.loc[table["dying"] == "yes", "removed"] != "").mean() > 0.9
    good = (table["empty"] == "no") & (table["dying"] == "no") & (table["is_doublet"] == "no")
    assert (table.loc[good, "removed"] == "").mean() > 0.9
    kept = ad.read_h5ad(folder / "s.h5ad")
    assert kept.n_obs == (table["removed"] == "").sum() and {"sample", "patient_id", "doublet_score"} <= set(kept.obs)


def test_same_bytes_twice(sample, tmp_path, step):
    first, second = (run(tmp_path / name, sample.counts, step("singlecell/qc_cells")) for name in ("one", "two"))
    for name in ("s.tsv", "s.h5ad"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_a_sample_without_cells_is_named_with_its_limits(sample, tmp_path, step):
    with pytest.raises(
        InputProblems, match=r"sample s: 0 of .*intact cells, 20 are needed \(limits: minimum_counts 1e\+06"
    ):
        run(tmp_path / "none", sample.counts, step("singlecell/qc_cells"), minimum_counts=1_000_000, on_failure="stop")
    assert not list((tmp_path / "none").iterdir())


def test_in_quarantine_it_hands_on_no_cells_and_its_table_says_why(sample, tmp_path, step, caplog):
    folder = run(tmp_path / "held", sample.counts, step("singlecell/qc_cells"), minimum_cells=10_000)
    assert ad.read_h5ad(folder / "s.h5ad").n_obs == 0
    reasons = pd.read_csv(folder / "s.tsv", sep="\t")["removed"]
    limits = pd.read_csv(folder / "l.tsv", sep="\t").set_index("limit")
    assert (reasons == "quarantined").sum() == limits.loc["minimum_cells", "barcodes"] > 100
    assert "QUARANTINE" in caplog.text and "10000 are needed" in caplog.text


def test_each_cut_off_is_told_in_words_with_what_it_took(sample, tmp_path, step):
    folder = run(tmp_path / "one", sample.counts, step("singlecell/qc_cells"))
    table = pd.read_csv(folder / "s.tsv", sep="\t", keep_default_na=False)
    limits = pd.read_csv(folder / "l.tsv", sep="\t").set_index("limit")
    assert limits["barcodes"].sum() == (table["removed"] != "").sum()
    low = table[table["removed"] == "low_counts"]
    assert len(low) == limits.loc["minimum_counts", "barcodes"]
    assert low["counts"].max() < float(limits.loc["minimum_counts", "value"])
    assert limits.loc["maximum_mitochondrial_percent", "rule"] == "3 MAD above the median, 5 to 20 %"


def test_two_methods_vote_on_doublets(sample, tmp_path, step):
    folder = run(tmp_path / "one", sample.counts, step("singlecell/qc_cells"))
    table = pd.read_csv(folder / "s.tsv", sep="\t", keep_default_na=False).set_index("barcode").join(sample.truth)
    assert {0, 1} <= set(table["doublet_votes"]) <= {0, 1, 2}
    voted = table["doublet_votes"] > 0
    planted = table["is_doublet"] == "yes"
    assert planted[voted].mean() > 3 * planted.mean()
    assert voted[table["doublet"].astype(str) == "True"].mean() > 0.5


def test_cut_offs_that_were_not_applied_are_not_claimed(sample, tmp_path, step):
    folder = run(tmp_path / "none", sample.counts, step("singlecell/qc_cells"), minimum_cells=10_000)
    limits = pd.read_csv(folder / "l.tsv", sep="\t").set_index("limit")
    assert limits.loc["doublet_share", "rule"] == "not sought" and pd.isna(limits.loc["doublet_share", "value"])


def test_of_no_cells_it_hands_on_none(sample, tmp_path, step, caplog):
    read_cells(sample.counts)[:0].copy().write_h5ad(tmp_path / "none.h5ad")
    module = step("singlecell/qc_cells")
    folder = run(tmp_path / "out", tmp_path / "none.h5ad", module, handed_on=True)
    assert ad.read_h5ad(folder / "s.h5ad").n_obs == 0 and pd.read_csv(folder / "s.tsv", sep="\t").empty
    assert (pd.read_csv(folder / "l.tsv", sep="\t")["barcodes"] == 0).all()
    assert "sample s: no cell was handed on, 20 are needed" in caplog.text
    with pytest.raises(InputProblems, match="has 0 cells"):
        run(tmp_path / "refused", tmp_path / "none.h5ad", module)
