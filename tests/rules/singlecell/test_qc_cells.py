"""qc_cells: keeps intact single cells, says why others are left out, and refuses samples without cells."""

from pathlib import Path

import anndata as ad
import pandas as pd
import pytest
import yaml
from singlecell_samples import simulated_sample

from kimedlib.problems import InputProblems

REPOSITORY = Path(__file__).resolve().parents[3]


def run(folder: Path, counts: Path, module, **changes) -> Path:
    config = yaml.safe_load((REPOSITORY / "config/singlecell.yaml").read_text())
    quality = {**config["quality"], **changes}
    folder.mkdir(exist_ok=True)
    module.main(
        counts=counts, gene_sets=REPOSITORY / config["gene_sets"], cells=folder / "s.h5ad", table=folder / "s.tsv",
        sample={"sample": "s", "patient_id": "p", "condition": "c", "batch": "b", "subset": ""}, seed=1,
        source=config["input"], quality=quality, doublets=config["doublets"],
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
        run(tmp_path / "none", sample.counts, step("singlecell/qc_cells"), minimum_counts=1_000_000)
    assert not list((tmp_path / "none").iterdir())
