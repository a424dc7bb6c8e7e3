"""Names and first values that cannot be right are told before any job: file, field and remedy."""

import gzip
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
import singlecell_formats
import yaml
from scipy import sparse

from kimedlib.cells_reading import content_problems, read_cells
from kimedlib.check_singlecell import check_files
from kimedlib.problems import InputProblems
from kimedlib.sheet import read_sheet

REPOSITORY = Path(__file__).resolve().parents[3]
BARCODES = [f"ACGTACGTACGTAC{first}{second}-1" for first in "ACGT" for second in "ACGT"]
# Symbols and identifiers of HGNC and Ensembl for a few markers, and invented loci.
SYMBOLS = ["CD3D", "CD8A", "NKG7", "MS4A1", "LYZ", *(f"LOC{number}" for number in range(35))]
IDS = [f"ENSG{number:011d}" for number in range(40)]
COUNTS = np.random.default_rng(1).poisson(2.0, (16, 40))


def features(symbols=SYMBOLS, ids=IDS):
    return pd.DataFrame({"gene_id": list(ids), "symbol": list(symbols)})


def found(*paths, **annotation):
    settings = yaml.safe_load((REPOSITORY / "config/singlecell.yaml").read_text())
    settings["annotation"] |= annotation
    columns = {"condition": "treated", "batch": "b", "subset": "", "labels": ""}
    rows = [{"sample": f"s{n}", "patient_id": f"p{n}", "counts": str(path)} | columns for n, path in enumerate(paths)]
    return [str(problem) for problem in check_files(pd.DataFrame(rows), "sheet.tsv", settings)]


def written(kind, path, table, counts=COUNTS, barcodes=BARCODES):
    return singlecell_formats.written(kind, path, sparse.csr_matrix(counts), barcodes, table)


KINDS = pytest.mark.parametrize("kind", singlecell_formats.FORMATS)


@KINDS
def test_good_names_are_silent(kind, tmp_path):
    assert found(written(kind, tmp_path / "a", features()), written(kind, tmp_path / "b", features())) == []


@KINDS
def test_identifiers_where_markers_are_symbols(kind, tmp_path):
    path = written(kind, tmp_path / "a", features(IDS))
    (said,) = found(path)
    assert str(path) in said and "gene names: are Ensembl identifiers" in said and "annotation.markers" in said
    assert found(path, markers="") == []


def test_one_sample_with_identifiers_among_others_with_symbols(tmp_path):
    paths = [written("h5", tmp_path / name, features()) for name in "ab"]
    paths.append(written("h5", tmp_path / "c", features(IDS)))
    (said,) = found(*paths, markers="")
    assert said.startswith(str(paths[2])) and "0 of 40 genes are also in" in said and "one naming" in said


def test_cellxgene_files_keep_symbols_in_a_column(tmp_path):
    path = tmp_path / "a.h5ad"
    var = pd.DataFrame({"feature_name": pd.Categorical(SYMBOLS)}, index=IDS)
    ad.AnnData(sparse.csr_matrix(COUNTS.astype(np.float32)), pd.DataFrame(index=BARCODES), var).write_h5ad(path)
    assert found(path) == []
    data = read_cells(path)
    assert list(data.var_names) == SYMBOLS and list(data.var["gene_id"]) == IDS


@KINDS
def test_repeated_genes(kind, tmp_path):
    table = features([*SYMBOLS[:-1], "CD3D"], [*IDS[:-1], IDS[0]])
    (said,) = found(written(kind, tmp_path / "a", table))
    assert "1 genes stand more than once" in said and "add up or rename" in said


def test_repeated_symbols_of_different_genes_are_usual(tmp_path):
    assert found(written("h5", tmp_path / "a", features([*SYMBOLS[:-1], "CD3D"]))) == []


@KINDS
def test_transposed_matrix(kind, tmp_path):
    table = features([*BARCODES, *(f"TTTTACGTACGTACG{number}-1" for number in "ACGT")][:16], BARCODES)
    (said,) = found(written(kind, tmp_path / "a", table, COUNTS.T, SYMBOLS))
    assert "the matrix is transposed" in said and "give genes in rows" in said


@pytest.mark.parametrize(
    ("symbols", "ids"),
    [
        ([f"GRCh38_{name}" for name in SYMBOLS[:20]] + [f"mm10___Gene{number}" for number in range(20)], IDS),
        (SYMBOLS, [*IDS[:20], *(f"ENSMUSG{number:011d}" for number in range(20))]),
        ([f"GENE{chr(65 + n)}" for n in range(20)] + [f"Gene{chr(97 + n)}" for n in range(20)], map(str, range(40))),
    ],
    ids=["prefix", "identifiers", "spelling"],
)
def test_two_species_in_one_matrix(symbols, ids, tmp_path):
    (said,) = found(written("h5", tmp_path / "a", features(symbols, ids)))
    assert "genes of human and mouse in one matrix" in said and "one species" in said


def test_mouse_genes_with_human_markers(tmp_path):
    table = features([name.capitalize() for name in SYMBOLS], map(str, range(40)))
    (said,) = found(written("mtx", tmp_path / "a", table))
    assert "spelt like those of mice" in said


def test_two_genomes_in_a_version_2_h5(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as handle:
        for genome in ("hg19", "mm10"):
            handle.create_group(genome)["gene_names"] = [b"A"]
    (said,) = found(path)
    assert "several genomes (hg19, mm10)" in said


def test_both_layouts_of_cell_ranger_are_read_alike(tmp_path):
    new, old = written("mtx", tmp_path / "v3", features()), tmp_path / "v2"
    old.mkdir()
    for name, target in {
        "matrix.mtx": "matrix.mtx",
        "features.tsv": "genes.tsv",
        "barcodes.tsv": "barcodes.tsv",
    }.items():
        lines = gzip.decompress((new / f"{name}.gz").read_bytes()).decode()
        (old / target).write_text(lines.replace("\tGene Expression", ""))
    first, second = read_cells(new), read_cells(old)
    assert found(new, old) == [] and (first.X != second.X).nnz == 0 and list(first.var_names) == list(second.var_names)
    with h5py.File(tmp_path / "v2.h5", "w") as handle:
        group, columns = handle.create_group("GRCh38"), sparse.csr_matrix(COUNTS)
        group["shape"], group["barcodes"] = [40, 16], np.array(BARCODES, dtype="S")
        group["genes"], group["gene_names"] = np.array(IDS, dtype="S"), np.array(SYMBOLS, dtype="S")
        for name in ("data", "indices", "indptr"):
            group[name] = getattr(columns, name)
    third = read_cells(tmp_path / "v2.h5")
    assert found(tmp_path / "v2.h5") == [] and (first.X != third.X).nnz == 0
    (old / "features.tsv").write_text((old / "genes.tsv").read_text())
    assert "it is not clear which belongs" in found(old)[0]


@pytest.mark.parametrize("dense", [True, False])
def test_values_that_are_no_counts_are_seen_before_any_job(dense, tmp_path):
    values = np.log1p(COUNTS).astype(np.float32)
    path = tmp_path / "a.h5ad"
    ad.AnnData(values if dense else sparse.csr_matrix(values), var=pd.DataFrame(index=SYMBOLS)).write_h5ad(path)
    (said,) = found(path)
    assert "a.h5ad: X: values are not whole numbers" in said and "input.state" in said


def test_rounded_normalised_values_are_no_counts(tmp_path):
    random = np.random.default_rng(1)
    raw = random.poisson(random.gamma(2, 20, (60, 1)) * random.dirichlet(np.ones(40), 1) * 40).astype(np.float64)
    names = pd.DataFrame(index=[f"c{n}" for n in range(60)]), pd.DataFrame(index=SYMBOLS)
    normalised = np.rint(raw / raw.sum(axis=1, keepdims=True) * 1e4)
    data = ad.AnnData(sparse.csr_matrix(normalised), *names)
    assert "normalised and rounded" in " ".join(map(str, content_problems(data, tmp_path, "counts")))
    assert content_problems(ad.AnnData(sparse.csr_matrix(raw), *names), tmp_path, "counts") == []


@pytest.mark.parametrize("kind", ["mtx", "h5", "h5ad"])
def test_empty_sample(kind, tmp_path):
    path = written(kind, tmp_path / "a", features(), COUNTS[:0], [])
    assert any("empty" in said or "no cells" in said for said in found(path))


def test_missing_donor_is_named_with_its_line(tmp_path):
    sheet = tmp_path / "samples.tsv"
    sheet.write_text("sample\tpatient_id\tcondition\tbatch\tcounts\ns1\tp1\tx\tb\ta\ns2\t\tx\tb\ta\n")
    with pytest.raises(InputProblems, match=r"line 3.*patient_id"):
        read_sheet(sheet, REPOSITORY / "config/schemas/singlecell.samples.schema.yaml")
