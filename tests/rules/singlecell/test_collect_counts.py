"""`collect_counts`: outputs of the engines in their full form become the same matrix."""

import json
from pathlib import Path

import pandas as pd
import pytest

from kimedlib.cells_reading import read_h5

# Barcodes x genes: AAAC has 2 of G1 and 1 of G2, CCCA has 3 of G2.
EXPECTED = pd.DataFrame([[2, 1], [0, 3]], index=["AAAC", "CCCA"], columns=["G1", "G2"])


def mtx(rows, columns, entries):
    head = f"%%MatrixMarket matrix coordinate real general\n%\n{rows} {columns} {len(entries)}\n"
    return head + "".join(f"{row} {column} {value}\n" for row, column, value in entries)


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def kb(folder: Path) -> Path:
    report = {"numReads": 10}
    return write(
        folder,
        {
            "counts.mtx": mtx(2, 2, [(1, 2, 3), (2, 1, 2), (2, 2, 1)]),
            "counts.barcodes.txt": "CCCA\nAAAC\n",
            "counts.genes.txt": "G1\nG2\n",
            "reads.mtx": mtx(2, 2, [(1, 1, 4), (1, 2, 1), (2, 2, 5)]),
            "reads.barcodes.txt": "AAAC\nCCCA\n",
            "histogram.tsv": "reads\tmolecules\n1\t4\n3\t2\n",
            "run_info.json": json.dumps({"n_processed": 20, "n_pseudoaligned": 10}),
            "mapped.json": json.dumps(report),
            "corrected.json": json.dumps({"numReads": 9}),
        },
    )


def starsolo(folder: Path) -> Path:
    summary = {
        "Number of Reads": "20", "Reads With Valid Barcodes": "0.9", "Sequencing Saturation": "0.4",
        "Reads Mapped to Genome: Unique+Multiple": "0.5", "Estimated Number of Cells": "2",
    }  # fmt: skip
    return write(
        folder,
        {
            "raw/matrix.mtx": mtx(2, 3, [(1, 1, 2), (2, 1, 1), (2, 3, 3)]),
            "raw/barcodes.tsv": "AAAC\nACGT\nCCCA\n",
            "raw/features.tsv": "G1\tone\tGene Expression\nG2\ttwo\tGene Expression\n",
            "Summary.csv": "".join(f"{name},{value}\n" for name, value in summary.items()),
        },
    )


def simpleaf(folder: Path) -> Path:
    head = "CB\tCorrectedReads\tMappedReads\tDeduplicatedReads\tMappingRate\tDedupRate\tMeanByMax\tNumGenesExpressed\n"
    return write(
        folder,
        {
            "af_quant/alevin/quants_mat.mtx": mtx(2, 2, [(1, 2, 3), (2, 1, 2), (2, 2, 1)]),
            "af_quant/alevin/quants_mat_rows.txt": "CCCA\nAAAC\n",
            "af_quant/alevin/quants_mat_cols.txt": "G1\nG2\n",
            "af_quant/featureDump.txt": head + "CCCA\t4\t5\t3\t1\t0.4\t1\t1\nAAAC\t5\t5\t3\t1\t0.4\t0.5\t2\n",
            "af_map/map_info.json": json.dumps({"num_reads": 20, "num_mapped": 10, "percent_mapped": 50.0}),
        },
    )


@pytest.mark.parametrize("engine", [kb, starsolo, simpleaf])
def test_engines_give_the_same_matrix(step, tmp_path, engine):
    folder = engine(tmp_path / "in")
    t2g = write(tmp_path, {"t2g.tsv": "T1\tG1\tone\nT2\tG2\ttwo\n"}) / "t2g.tsv"
    deep = engine is kb
    step("singlecell/collect_counts").main(
        engine=engine.__name__, sample="s", folder=folder, t2g=None if engine is starsolo else t2g,
        counts=tmp_path / "s.h5", statistics=tmp_path / "s.tsv",
        reads=tmp_path / "reads.h5" if deep else None, histogram=tmp_path / "h.tsv" if deep else None,
    )  # fmt: skip
    data = read_h5(tmp_path / "s.h5")
    found = pd.DataFrame(data.X.toarray().astype(int), index=data.obs_names, columns=data.var["gene_id"])
    assert found.to_numpy().tolist() == EXPECTED.to_numpy().tolist()
    assert list(found.index) == list(EXPECTED.index) and list(data.var_names) == ["one", "two"]
    told = pd.read_csv(tmp_path / "s.tsv", sep="\t").iloc[0]
    assert (told["reads"], told["mapped_percent"], told["barcodes"], told["molecules"]) == (20, 50, 2, 6)
    assert told["valid_barcode_percent"] == pytest.approx(90) and told["saturation_percent"] == pytest.approx(40)
    if deep:
        assert read_h5(tmp_path / "reads.h5").X.toarray().tolist() == [[4, 1], [0, 5]]


def test_nothing_counted_is_an_error(step, tmp_path):
    folder = write(starsolo(tmp_path / "in"), {"raw/matrix.mtx": mtx(2, 3, [])})
    with pytest.raises(ValueError, match="not one molecule"):
        step("singlecell/collect_counts").main(
            engine="starsolo", sample="s", folder=folder, t2g=None, counts=tmp_path / "s.h5",
            statistics=tmp_path / "s.tsv", reads=None, histogram=None,
        )  # fmt: skip
