"""annotate_cells: types by markers, "unassigned" without a marker table, markers of clusters."""

import anndata as ad
import pandas as pd
import pytest

from kimedlib import singlecell_blocks


def test_types_are_the_planted_ones(study):
    cells = pd.read_csv(study.folder / "cells.tsv.gz", sep="\t").merge(study.labels, on=["sample", "barcode"])
    cells = cells[cells["doublet_y"] == "no"]
    assert (cells["cell_type_x"] == cells["cell_type_y"]).mean() > 0.95


def test_packed_table_holds_neither_time_nor_name(study):
    # RFC 1952: byte 3 holds the flags (FNAME is 8), bytes 4 to 7 the time.
    assert (study.folder / "cells.tsv.gz").read_bytes()[3:8] == bytes(5)


def test_markers_of_the_b_cells_are_those_of_b_cells(study):
    types = pd.read_csv(study.folder / "types.tsv", sep="\t").set_index("cell_type")
    markers = pd.read_csv(study.folder / "markers.tsv", sep="\t")
    found = markers[markers["cluster"] == types.loc["B", "cluster"]].head(8)["gene"]
    assert len(set(found) & {"MS4A1", "CD79A", "CD79B", "TCL1A", "BANK1", "TNFRSF13C", "CD74", "HLA-DQA1"}) >= 5


def test_without_markers_all_cells_stay_unassigned(study, step, tmp_path):
    step("singlecell/annotate_cells").main(
        clustered=study.folder / "clustered.h5ad", marker_table=None, cells=tmp_path / "c.h5ad",
        table=tmp_path / "c.tsv.gz", types=tmp_path / "t.tsv", markers=tmp_path / "m.tsv",
        settings=study.config["annotation"], seed=1,
    )  # fmt: skip
    assert set(ad.read_h5ad(tmp_path / "c.h5ad").obs["cell_type"]) == {"unassigned"}


@pytest.mark.parametrize("threads", [1, 3])
def test_runs_of_blocks_and_processes_change_nothing(study, step, tmp_path, monkeypatch, threads):
    # 400 cells in 11 blocks, so that a run holds two.
    monkeypatch.setattr(singlecell_blocks, "BLOCK_CELLS", 40)
    names = {"table": "cells.tsv.gz", "types": "types.tsv", "markers": "markers.tsv"}
    step("singlecell/annotate_cells").main(
        clustered=study.folder / "clustered.h5ad", marker_table=study.markers, cells=tmp_path / "c.h5ad",
        settings=study.config["annotation"], seed=1, threads=threads,
        **{name: tmp_path / file for name, file in names.items()},
    )  # fmt: skip
    for file in names.values():
        pd.testing.assert_frame_equal(
            pd.read_csv(tmp_path / file, sep="\t"), pd.read_csv(study.folder / file, sep="\t"), rtol=1e-5
        )
