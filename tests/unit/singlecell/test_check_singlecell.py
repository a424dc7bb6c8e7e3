"""Every problem with a sheet's files is found at once, with file, place and remedy."""

import gzip
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import yaml
from scipy import sparse
from snakemake.utils import update_config

from kimedlib.cells_writing import write_h5, write_h5ad, write_mtx
from kimedlib.check_singlecell import check_files, has_truth

REPOSITORY = Path(__file__).resolve().parents[3]
COUNTS = sparse.csr_matrix(np.eye(3, dtype=np.int32))
BARCODES = ["AA-1", "AC-1", "AG-1"]
FEATURES = pd.DataFrame({"gene_id": ["E1", "E2", "E3"], "symbol": ["A", "B", "C"]})


def settings(**labels):
    config = yaml.safe_load((REPOSITORY / "config/singlecell.yaml").read_text())
    config["labels"] |= labels
    return config


def sheet(*counts, **columns):
    rows = [
        {
            "sample": f"s{n}",
            "patient_id": f"p{n}",
            "condition": "treated",
            "batch": "b",
            "counts": str(path),
            "subset": "",
            "labels": "",
        }
        for n, path in enumerate(counts)
    ]
    return pd.DataFrame(rows).assign(**columns)


def folder(path):
    path.mkdir()
    write_mtx(path, COUNTS, BARCODES, FEATURES)
    return path


def found(frame, **labels):
    return [str(problem) for problem in check_files(frame, "sheet.tsv", settings(**labels))]


def test_good_files_have_no_problems(tmp_path):
    write_h5(tmp_path / "a.h5", COUNTS, BARCODES, FEATURES)
    write_h5ad(tmp_path / "a.h5ad", COUNTS, BARCODES, FEATURES)
    assert found(sheet(folder(tmp_path / "mtx"), tmp_path / "a.h5", tmp_path / "a.h5ad")) == []


def test_all_problems_are_listed_together(tmp_path):
    cut = folder(tmp_path / "cut")
    (cut / "matrix.mtx.gz").write_bytes((cut / "matrix.mtx.gz").read_bytes()[:40])
    short = folder(tmp_path / "short")
    (short / "barcodes.tsv.gz").write_bytes(gzip.compress(b"AA-1\nAA-1\n"))
    nameless = folder(tmp_path / "nameless")
    (nameless / "features.tsv.gz").write_bytes(gzip.compress(b"E1\tA\nE2\t\nE3\tC\n"))
    (tmp_path / "empty.h5").touch()
    (tmp_path / "foreign.h5").write_text("text")
    (tmp_path / "notes.txt").write_text("text")
    paths = [cut, short, nameless, *(tmp_path / name for name in ("empty.h5", "foreign.h5", "notes.txt", "absent.h5"))]
    problems = found(sheet(*paths))
    said = (
        "matrix.mtx.gz: is truncated",
        "2 lines",
        "stands twice",
        "1 genes have no symbol",
        "is empty",
        "no HDF5 file",
        "unknown format",
    )
    for text in (*said, "does not exist"):
        assert sum(text in problem for problem in problems) == 1, (text, problems)
    assert len(problems) == 8


def test_columns_and_matrices_that_are_not_there(tmp_path):
    path = tmp_path / "a.h5ad"
    ad.AnnData(COUNTS, obs=pd.DataFrame({"donor": ["x"] * 3}, index=BARCODES)).write_h5ad(path)
    problems = found(sheet(path, subset="sample=x"), obs_column="cell_type")
    assert len(problems) == 2 and all("use one of: donor" in problem for problem in problems)
    wrong = settings()
    wrong["input"]["h5ad_matrix"] = "layers/counts"
    assert "no such matrix" in str(check_files(sheet(path), "sheet.tsv", wrong)[0])


def test_a_condition_with_one_donor_is_a_warning_only(tmp_path, caplog):
    assert found(sheet(folder(tmp_path / "mtx"))) == []
    assert "condition 'untreated' has 0 donor(s)" in caplog.text


def test_condition_that_is_a_batch_is_announced_before_any_job(tmp_path, caplog):
    frame = pd.concat([sheet(folder(tmp_path / f"mtx{number}")) for number in range(4)], ignore_index=True)
    frame["condition"] = ["untreated", "untreated", "treated", "treated"]
    frame["patient_id"], frame["batch"] = list("abcd"), list("xxyy")
    assert found(frame) == []
    assert "condition 'untreated' are of batch 'x'" in caplog.text


def test_truth_is_known_by_sheet_or_config(tmp_path):
    frame = sheet(tmp_path)
    assert not has_truth(frame, settings())
    assert has_truth(frame, settings(obs_column="x")) and has_truth(frame.assign(labels="file"), settings())


def test_absent_files_of_analyses_on_request_are_named(tmp_path):
    folder(tmp_path / "mtx")
    config = settings()
    update_config(config, yaml.safe_load((REPOSITORY / "config/analyses/singlecell.yaml").read_text()))
    config["transfer"]["reference"] = config["activity"]["sets"] = config["communication"]["pairs"] = "absent"
    config["proteins"] = {"gates": "absent"}
    said = [str(problem) for problem in check_files(sheet(tmp_path / "mtx"), "sheet.tsv", config)]
    for key in ("transfer.reference", "activity.sets", "proteins.gates", "communication.pairs"):
        assert any(f"key {key}: 'absent' does not exist" in text for text in said), key


def test_residuals_of_values_that_are_no_counts_are_refused(tmp_path):
    config = settings()
    config["input"]["state"], config["embedding"]["normalisation"] = "lognormalised", "pearson"
    said = [str(problem) for problem in check_files(sheet(folder(tmp_path / "mtx")), "sheet.tsv", config)]
    assert len(said) == 1 and "embedding.normalisation: pearson needs raw counts" in said[0]
    config["input"]["state"] = "counts"
    assert check_files(sheet(tmp_path / "mtx"), "sheet.tsv", config) == []
