"""Reading and writing of count matrices, and what is said about damaged ones."""

import gzip

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import singlecell_formats
from scipy import sparse

from kimedlib.cells_reading import content_problems, located, read_cells, read_obs
from kimedlib.problems import InputProblems

COUNTS = sparse.csr_matrix(np.array([[0, 2, 1], [3, 0, 0], [0, 0, 7], [1, 1, 1]], dtype=np.int32))
BARCODES = ["AAAC-1", "AAAG-1", "AAAT-1", "AACA-1"]
FEATURES = pd.DataFrame({"gene_id": ["ENSG1", "ENSG2", "ENSG3"], "symbol": ["CD3D", "LYZ", "MT-CO1"]})


def written(kind, folder):
    return singlecell_formats.written(kind, folder, COUNTS, BARCODES, FEATURES)


@pytest.mark.parametrize("kind", singlecell_formats.FORMATS)
def test_every_format_gives_the_same_counts(kind, tmp_path):
    data = read_cells(written(kind, tmp_path / "cells"))
    assert np.array_equal(data.X.toarray(), COUNTS.toarray())
    assert list(data.obs_names) == BARCODES and list(data.var_names) == list(FEATURES["symbol"])
    if kind != "csv.gz":
        assert list(data.var["gene_id"]) == list(FEATURES["gene_id"])


@pytest.mark.parametrize("kind", ["mtx", "h5", "h5ad"])
def test_writing_twice_gives_the_same_bytes(kind, tmp_path):
    first, second = written(kind, tmp_path / "one"), written(kind, tmp_path / "two")
    files = (
        [first / name for name in ("matrix.mtx.gz", "features.tsv.gz", "barcodes.tsv.gz")] if kind == "mtx" else [first]
    )
    for file in files:
        other = second / file.name if kind == "mtx" else second
        assert file.read_bytes() == other.read_bytes()


def test_antibody_rows_are_left_out_and_repeated_symbols_are_told_apart(tmp_path):
    folder = written("mtx", tmp_path / "cells")
    rows = "E1\tCD4\tGene Expression\nE2\tCD4\tGene Expression\nE3\tCD4\tAntibody Capture\n"
    (folder / "features.tsv.gz").write_bytes(gzip.compress(rows.encode()))
    assert list(read_cells(folder).var_names) == ["CD4", "CD4_E2"]


@pytest.mark.parametrize("kind", singlecell_formats.FORMATS)
def test_truncated_files_are_named(kind, tmp_path):
    path = written(kind, tmp_path / "cells")
    victim = path / "matrix.mtx.gz" if kind == "mtx" else path
    victim.write_bytes(victim.read_bytes()[: victim.stat().st_size // 2])
    with pytest.raises(InputProblems, match="cannot be read"):
        read_cells(path)


def test_disagreeing_dimensions_are_named(tmp_path):
    folder = written("mtx", tmp_path / "cells")
    (folder / "barcodes.tsv.gz").write_bytes(gzip.compress(b"AAAC-1\n"))
    with pytest.raises(InputProblems, match=r"barcodes\.tsv\.gz.*1 lines.*4 barcodes"):
        read_cells(folder)


@pytest.mark.parametrize(
    ("values", "names", "genes", "said"),
    [
        ([[0.5, 1.0]], ["a"], ["G1", "G2"], "not whole numbers"),
        ([[-1.0, 1.0]], ["a"], ["G1", "G2"], "negative"),
        ([[np.nan, 1.0]], ["a"], ["G1", "G2"], "NaN"),
        ([[1.0, 1.0], [2.0, 0.0]], ["a", "a"], ["G1", "G2"], "repeated"),
        ([[1.0, 1.0]], ["a"], ["", "G2"], "gene symbols"),
    ],
)
def test_bad_content_is_described(values, names, genes, said, tmp_path):
    data = ad.AnnData(sparse.csr_matrix(np.array(values)), obs=pd.DataFrame(index=names), var=pd.DataFrame(index=genes))
    assert said in " ".join(map(str, content_problems(data, tmp_path, "counts")))


def test_lognormalised_values_are_welcome_where_announced(tmp_path):
    data = ad.AnnData(
        sparse.csr_matrix([[0.5, 1.0]]), obs=pd.DataFrame(index=["a"]), var=pd.DataFrame(index=["A", "B"])
    )
    assert content_problems(data, tmp_path, "lognormalised") == []


def test_subset_and_obs(tmp_path):
    path = tmp_path / "cells.h5ad"
    obs = pd.DataFrame({"sample": ["x", "x", "y", "y"]}, index=BARCODES)
    ad.AnnData(COUNTS.astype(np.float32), obs=obs, var=pd.DataFrame(index=["A", "B", "C"])).write_h5ad(path)
    assert list(read_cells(path, subset="sample=y").obs_names) == BARCODES[2:]
    assert list(read_obs(path, "sample=y").index) == BARCODES[2:]
    with pytest.raises(InputProblems, match="no such column"):
        read_cells(path, subset="donor=y")
    with pytest.raises(InputProblems, match="no cell has 'z'"):
        read_cells(path, subset="sample=z")
    with pytest.raises(InputProblems, match="no such matrix"):
        read_cells(path, matrix="raw")


def test_packaged_files_are_found_and_unknown_packages_named():
    assert located("package:scanpy/datasets/toggleswitch.txt").endswith("scanpy/datasets/toggleswitch.txt")
    assert located("some/path.h5") == "some/path.h5"
    with pytest.raises(InputProblems, match="not installed"):
        located("package:no_such_package/file")
