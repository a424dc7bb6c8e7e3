"""plot_cells: draws every figure, the same twice, also where nothing could be compared."""

import pandas as pd

NAMES = ("umap_types", "umap_samples", "umap_quality", "quality", "composition", "volcano", "marker_dots")


def draw(study, step, folder, comparable):
    sheet = study.sheet if comparable else [{**row, "condition": "one"} for row in study.sheet]
    folder.mkdir()
    step("singlecell/compare_composition").main(
        cells=study.folder / "cells.tsv.gz", sheet=sheet, marker_table=study.markers, table=folder / "c.tsv",
        test=folder / "t.tsv", settings=study.config["comparison"], seed=1,
    )  # fmt: skip
    genes = pd.DataFrame({"cell_type": ["B"] * 3, "gene": ["X", "Y", "Z"], "log2_fold_change": [2.0, -2.0, 0.1]})
    genes = genes.assign(p_value=[1e-9, 1e-5, 0.5], p_adjusted=[1e-8, 1e-4, 0.6])
    (genes if comparable else genes.head(0)).to_csv(folder / "e.tsv", sep="\t", index=False)
    outputs = {name: folder / f"{name}.png" for name in NAMES}
    step("singlecell/plot_cells").main(
        cells=study.folder / "cells.h5ad", tables=study.tables, composition=folder / "c.tsv",
        composition_test=folder / "t.tsv", expression=folder / "e.tsv",
        marker_table=study.markers if comparable else None, markers=study.folder / "markers.tsv",
        outputs=outputs, settings=study.config["comparison"],
    )  # fmt: skip
    return {name: path.read_bytes() for name, path in outputs.items()}


def test_same_pictures_twice(study, step, tmp_path):
    first = draw(study, step, tmp_path / "a", comparable=True)
    assert first == draw(study, step, tmp_path / "b", comparable=True)
    assert all(content.startswith(b"\x89PNG") and len(content) > 5000 for content in first.values())


def test_nothing_compared_still_gives_all_figures(study, step, tmp_path):
    assert set(draw(study, step, tmp_path / "c", comparable=False)) == set(NAMES)
