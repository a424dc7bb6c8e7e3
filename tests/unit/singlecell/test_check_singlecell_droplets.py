"""What is refused of the sections droplets, ambient and quality before any job."""

import copy
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import sparse

from kimedlib.cells_writing import write_h5
from kimedlib.check_singlecell_droplets import matrix_problems, settings_problems

REPOSITORY = Path(__file__).resolve().parents[3]
DROPLETS = yaml.safe_load((REPOSITORY / "config/droplets/singlecell.yaml").read_text())
SETTINGS = yaml.safe_load((REPOSITORY / "config/singlecell.yaml").read_text())


def settings(**sections) -> dict:
    merged = copy.deepcopy(SETTINGS)
    for name, values in sections.items():
        merged[name] = {**merged.get(name, {}), **values}
    return merged


def said(problems) -> str:
    return "\n".join(map(str, problems))


def test_the_shipped_sections_pass():
    assert settings_problems(settings(**DROPLETS)) == [] == settings_problems(SETTINGS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ambient": {"profile": "droplets"}}, "no droplets are called"),
        ({"ambient": {"profile": "absent.tsv"}}, "'absent.tsv' does not exist"),
        (
            {"droplets": DROPLETS["droplets"], "ambient": {"profile": "var/soup"}},
            "is var/soup, and droplets are called",
        ),
        ({"droplets": {"lower": 100, "simulations": 1000, "false_discovery_rate": 1e-4}}, "give at least 10000"),
        ({"quality": {"mitochondrial_floor_percent": 30}}, r"is 30, above mitochondrial_ceiling_percent \(20\)"),
        ({**DROPLETS, "input": {"state": "lognormalised"}}, r"(?s)section droplets: needs raw.*section ambient: needs"),
    ],
)
def test_settings_that_do_not_go_together(changes, message):
    problems = settings_problems(settings(**changes))
    assert problems
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(said(problems))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gene,share\nA,1\n", "has no column gene, share"),
        ("gene\tshare\nA\t0.5\nB\tmuch\n", "line 3, column share: 'much' is no number"),
        ("gene\tshare\nA\t50\nB\t50\n", "shares add up to 100"),
        ("gene\tshare\nA\t1.5\nB\t-0.5\n", "the least is -0.5"),
        ("gene\tshare\nA\t0.5\nA\t0.5\n", "gene 'A' stands twice"),
        ("", "cannot be read as a table"),
    ],
)
def test_profiles_that_are_none(tmp_path, text, message):
    (tmp_path / "soup.tsv").write_text(text)
    assert message in said(settings_problems(settings(ambient={"profile": str(tmp_path / "soup.tsv")})))


def saved(folder: Path, kind: str, counts: sparse.csr_matrix) -> Path:
    names = [f"G{number}" for number in range(counts.shape[1])]
    barcodes = [f"b{number}" for number in range(counts.shape[0])]
    path = folder / f"counts.{kind}"
    if kind == "h5":
        write_h5(path, counts, barcodes, pd.DataFrame({"gene_id": names, "symbol": names}))
    else:
        data = ad.AnnData(counts, obs=pd.DataFrame(index=barcodes), var=pd.DataFrame({"soup": 0.0}, index=names))
        data.write_h5ad(path)
    return path


@pytest.mark.parametrize("kind", ["h5", "h5ad"])
@pytest.mark.parametrize(("empty", "refused"), [(0, True), (49, True), (50, False)])
def test_matrices_with_too_few_empty_droplets(tmp_path, kind, empty, refused):
    cells = np.ones((60, 300))
    droplets = np.zeros((empty, 300))
    droplets[:, :100] = 1
    path = saved(tmp_path, kind, sparse.csr_matrix(np.vstack([cells, droplets]), dtype=np.float32))
    found = said(matrix_problems(path, "", settings(**DROPLETS)))
    expected = f"at most {empty} of {60 + empty} barcodes have 1 to 100 counts, 50 are needed: it is filtered already"
    assert (expected in found) if refused else not found
    assert matrix_problems(path, "", SETTINGS) == []


def test_a_dead_library_is_no_filtered_one(tmp_path):
    path = saved(tmp_path, "h5ad", sparse.csr_matrix(np.ones((10, 30), dtype=np.float32)))
    assert matrix_problems(path, "", settings(**DROPLETS)) == []


def test_columns_of_var(tmp_path):
    path = saved(tmp_path, "h5ad", sparse.csr_matrix(np.ones((60, 30), dtype=np.float32)))
    assert matrix_problems(path, "", settings(ambient={"profile": "var/soup"})) == []
    found = said(matrix_problems(path, "", settings(ambient={"profile": "var/broth"})))
    assert "var has no column 'broth'" in found and "one of: soup" in found
    other = saved(tmp_path, "h5", sparse.csr_matrix(np.ones((60, 30), dtype=np.float32)))
    assert "only H5AD files" in said(matrix_problems(other, "", settings(ambient={"profile": "var/soup"})))
