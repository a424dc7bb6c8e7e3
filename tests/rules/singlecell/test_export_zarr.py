"""export_zarr: the store holds what the H5AD holds, the same bytes twice, and nothing after a failure."""

import hashlib

import anndata as ad
import numpy as np
import pytest


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(str(path.relative_to(folder)), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]


def test_store_reads_back_and_is_the_same_twice(study, step, tmp_path):
    for name in ("one.zarr", "two.zarr"):
        step("singlecell/export_zarr").main(cells=study.folder / "cells.h5ad", store=tmp_path / name)
    assert digest(tmp_path / "one.zarr") == digest(tmp_path / "two.zarr")
    data, found = ad.read_h5ad(study.folder / "cells.h5ad"), ad.read_zarr(tmp_path / "one.zarr")
    assert np.array_equal(found.layers["counts"].toarray(), data.layers["counts"].toarray())
    assert np.array_equal(found.obsm["X_umap"], data.obsm["X_umap"])
    assert list(found.obs["cell_type"].astype(str)) == list(data.obs["cell_type"].astype(str))


def test_what_reads_back_different_is_no_result(study, step, tmp_path, monkeypatch):
    module = step("singlecell/export_zarr")
    monkeypatch.setattr(module, "same_values", lambda first, second: False)
    with pytest.raises(AssertionError, match="reads back different"):
        module.main(cells=study.folder / "cells.h5ad", store=tmp_path / "cells.zarr")
    assert not list(tmp_path.iterdir())
