"""`summarise_counting`: curves that are computed agree with reads that are really drawn."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from kimedlib.cells_writing import write_h5
from kimedlib.singlecell_counting import genes_at, saturation


def test_computed_curves_agree_with_drawn_reads():
    random = np.random.default_rng(4)
    copies = random.geometric(0.3, 20000)  # reads of each molecule
    sizes, numbers = np.unique(copies, return_counts=True)
    histogram = pd.DataFrame({"reads": sizes, "molecules": numbers})
    for fraction in (0.1, 0.5, 1.0):
        drawn = random.binomial(copies, fraction)
        expected = 1 - (drawn > 0).sum() / drawn.sum()
        assert saturation(histogram, fraction) == pytest.approx(expected, abs=0.01)
    reads = random.negative_binomial(0.4, 0.1, (50, 400))
    drawn = np.mean([(random.binomial(reads, 0.3) > 0).sum(axis=1) for _ in range(200)], axis=0)
    assert genes_at(sparse.csr_matrix(reads), 0.3) == pytest.approx(drawn, rel=0.03)


def test_saturation_by_hand():
    # Four molecules read once, two read three times: 10 reads, 6 molecules.
    assert saturation(pd.DataFrame({"reads": [1, 3], "molecules": [4, 2]})) == pytest.approx(0.4)


def summarised(step, tmp_path, chosen=slice(None)):
    """Row and curve of three barcodes, of which two are cells, or of those `chosen` that quality control saw."""
    counts = sparse.csr_matrix(np.array([[5, 3, 1], [1, 0, 1], [4, 4, 0]], dtype=np.int32))
    features = pd.DataFrame({"gene_id": ["G1", "G2", "G3"], "symbol": ["A", "B", "C"]})
    write_h5(tmp_path / "r.h5", sparse.csr_matrix(counts * 2), ["AA", "CC", "GG"], features)
    quality = {"sample": "s", "barcode": ["AA", "CC", "GG"], "counts": [9, 2, 8], "genes": [3, 2, 2]}
    table = pd.DataFrame({**quality, "removed": ["", "low_counts", ""]})
    table[chosen].to_csv(tmp_path / "q.tsv", sep="\t", index=False)
    told = {"sample": "s", "engine": "kb", "reads": 50, "mapped_percent": 90.0, "valid_barcode_percent": 99.0}
    pd.DataFrame([{**told, "saturation_percent": 50.0, "barcodes": 3, "molecules": 19}]).to_csv(
        tmp_path / "s.tsv", sep="\t", index=False
    )
    (tmp_path / "h.tsv").write_text("reads\tmolecules\n2\t19\n")
    outputs = {"table": tmp_path / "t.tsv", "saturations": tmp_path / "c.tsv", "figure": tmp_path / "f.png"}
    step("singlecell/summarise_counting").main(
        statistics=[tmp_path / "s.tsv"], quality=[tmp_path / "q.tsv"], reads=[tmp_path / "r.h5"],
        histograms=[tmp_path / "h.tsv"], chemistries={"s": "10xv3"}, **outputs,
    )  # fmt: skip
    return pd.read_csv(tmp_path / "t.tsv", sep="\t").iloc[0], pd.read_csv(tmp_path / "c.tsv", sep="\t")


def test_only_cells_count_for_medians(step, tmp_path):
    row, curve = summarised(step, tmp_path)
    assert (row["cells"], row["reads_per_cell"], row["median_molecules"], row["median_genes"]) == (2, 25, 8.5, 2.5)
    assert row["molecules_in_cells_percent"] == pytest.approx(100 * 17 / 19, abs=0.001)
    assert curve["median_genes"].iloc[-1] == 2.5 and curve["saturation_percent"].iloc[-1] == 50
    assert (tmp_path / "f.png").stat().st_size > 5000


def test_a_library_without_cells_has_its_row(step, tmp_path):
    row, curve = summarised(step, tmp_path, slice(0))
    assert row["cells"] == 0 and row["molecules_in_cells_percent"] == 0 and pd.isna(row["median_genes"])
    assert curve["median_genes"].isna().all() and curve["saturation_percent"].iloc[-1] == 50
