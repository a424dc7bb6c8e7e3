"""The scale benchmark of single cells: its cells are what they claim, and the workflow finds the planted types."""

import importlib.util
import sys
from pathlib import Path

import anndata as ad
import numpy as np
import pytest

PATH = Path(__file__).with_name("singlecell_scale.py")


@pytest.fixture
def scale():
    spec = importlib.util.spec_from_file_location("singlecell_scale", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules["singlecell_scale"] = module
    spec.loader.exec_module(module)
    return module


def test_larger_sets_begin_with_the_cells_of_smaller_ones(scale, tmp_path, monkeypatch):
    monkeypatch.setattr(scale, "SAMPLE_CELLS", 40)
    for cells in (40, 100):
        (tmp_path / str(cells)).mkdir()
        truth = scale.make_cells(cells, tmp_path / str(cells))
        assert len(truth) == cells and truth.index.is_unique
    small, large = (ad.read_h5ad(tmp_path / name / "s000.h5ad") for name in ("40", "100"))
    assert np.array_equal(small.X.toarray(), large.X.toarray()) and small.shape == (40, scale.GENES)
    assert (small.X.data % 1 == 0).all() and 800 < small.X.sum(axis=1).mean() < 3000


def test_floors_are_judged_in_their_direction(scale):
    lines = scale.missed_floors(300_000, {"peak_mb": 9000.0, "ari": 0.99})
    assert len(lines) == 1 and "peak_mb" in lines[0]
    assert "ari" in scale.missed_floors(1_000_000, {"peak_mb": 100.0, "ari": 0.9})[0]
    assert scale.missed_floors(3000, {"peak_mb": 9e9}) == []


@pytest.mark.slow
def test_planted_types_of_3000_cells_are_found(scale, tmp_path):
    found = scale.figures(3000, tmp_path, beside_scanpy=False, cores=2)
    assert found["ari"] > 0.95 and found["peak_mb"] < 2000 and found["cells_kept"] > 2900
