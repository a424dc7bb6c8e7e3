"""list_cells: the sheet names what exists, the truth is joined in the patients' order."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


def load():
    spec = importlib.util.spec_from_file_location("list_cells", REPOSITORY / "scripts/synthetic/list_cells.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(folder: Path, with_counts: bool = True):
    patients = ["P001", "P002"]
    for number, patient in enumerate(patients):
        (folder / patient).mkdir()
        if with_counts:
            (folder / patient / ("matrix.mtx.gz" if number == 0 else "cells.h5ad")).write_bytes(b"x")
        cells = pd.DataFrame({"sample": f"{patient}_cells", "barcode": ["AA-1"], "cell_type": "B"})
        cells.to_csv(folder / f"{patient}_cells.tsv", sep="\t", index=False)
        pd.DataFrame({"cell_type": ["B"], "gene": ["X"]}).to_csv(folder / f"{patient}_genes.tsv", sep="\t", index=False)
        shares = pd.DataFrame({"patient_id": patient, "treatment": ["treated"], "batch": "batch1", "cell_type": "B"})
        shares.to_csv(folder / f"{patient}_shares.tsv", sep="\t", index=False)
    outputs = {name: folder / name for name in ("sheet", "cells", "genes", "composition")}
    load().main(
        patients=patients, folders=[folder / patient for patient in patients],
        truths=[folder / f"{patient}_cells.tsv" for patient in patients],
        responses=[folder / f"{patient}_genes.tsv" for patient in patients],
        shares=[folder / f"{patient}_shares.tsv" for patient in patients], **outputs,
    )  # fmt: skip
    return outputs


def test_sheet_and_truth(tmp_path):
    outputs = run(tmp_path)
    sheet = pd.read_csv(outputs["sheet"], sep="\t")
    assert list(sheet["sample"]) == ["P001_cells", "P002_cells"]
    assert list(sheet["counts"]) == [str(tmp_path / "P001"), str(tmp_path / "P002" / "cells.h5ad")]
    truth = pd.read_csv(outputs["cells"], sep="\t", compression="gzip")
    assert list(truth["sample"]) == ["P001_cells", "P002_cells"]
    assert len(pd.read_csv(outputs["genes"], sep="\t")) == 1


def test_a_folder_without_counts_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="P001 holds no counts"):
        run(tmp_path, with_counts=False)
