"""plot_cells: draws every figure, the same twice, also where nothing could be compared, and says from which table."""

import re
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import yaml

from kimedlib.figure_style import save_figure, use_style
from kimedlib.singlecell_figures import marker_dots, umap_types

WORKFLOW = Path(__file__).resolve().parents[3] / "workflows/singlecell"

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
    outputs = {name: folder / f"{name}.png" for name in NAMES} | {"marker_table": folder / "marker_dots.tsv"}
    step("singlecell/plot_cells").main(
        cells=study.folder / "cells.h5ad", tables=study.tables, composition=folder / "c.tsv",
        composition_test=folder / "t.tsv", expression=folder / "e.tsv",
        marker_table=study.markers if comparable else None, markers=study.folder / "markers.tsv",
        outputs=outputs, settings=study.config["comparison"], samples=[row["sample"] for row in study.sheet],
    )  # fmt: skip
    return {name: outputs[name].read_bytes() for name in NAMES}


def test_same_pictures_twice(study, step, tmp_path):
    first = draw(study, step, tmp_path / "a", comparable=True)
    assert first == draw(study, step, tmp_path / "b", comparable=True)
    assert all(content.startswith(b"\x89PNG") and len(content) > 5000 for content in first.values())


def test_nothing_compared_still_gives_all_figures(study, step, tmp_path):
    assert set(draw(study, step, tmp_path / "c", comparable=False)) == set(NAMES)


def test_the_figure_of_markers_is_drawn_from_its_table(study, step, tmp_path):
    drawn = draw(study, step, tmp_path / "d", comparable=True)
    use_style()
    save_figure(marker_dots(pd.read_csv(tmp_path / "d/marker_dots.tsv", sep="\t")), tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == drawn["marker_dots"]


def test_every_caption_names_the_tables_that_the_figure_is_drawn_from():
    outputs = [entry["path"] for entry in yaml.safe_load((WORKFLOW / "outputs.yaml").read_text())["outputs"]]
    tables = {path.removeprefix("results/singlecell/").replace("{", "<").replace("}", ">") for path in outputs}
    figures = [Path(path) for path in outputs if path.endswith((".png", "cells.html"))]
    assert len(figures) >= 13
    for figure in figures:
        stem = figure.parent.name if "{" in figure.stem else figure.stem
        text = " ".join((WORKFLOW / f"report/{stem}.rst").read_text().split())
        text = text.replace("{{ snakemake.wildcards.sample }}", "<sample>")
        named = re.search(r"[Dd]rawn from ((?:[^ ]+ and )*[^ ;]+?)[;.]?(?: |$)", text)
        assert named and set(named[1].split(" and ")) <= tables, f"report/{stem}.rst"


def test_a_name_does_not_hide_a_small_group():
    random = np.random.default_rng(2)
    layout = np.vstack([random.normal(size=(400, 2)), random.normal((4, 4), 0.02, (39, 2)), [[-3, 4]]])
    layout = layout.astype(np.float32)
    kinds = pd.Categorical(["Common"] * 400 + ["Rare and of a long name"] * 40)
    data = ad.AnnData(obs=pd.DataFrame({"cell_type": kinds}, index=[f"c{number}" for number in range(440)]))
    data.obsm["X_umap"] = layout
    use_style()
    figure = umap_types(data)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    common, rare = (next(text for text in axes.texts if text.get_text().startswith(name)) for name in ("Com", "Rare"))
    area, places = rare.get_window_extent(), axes.transData.transform(layout[400:439])
    assert not ((places >= area.min) & (places <= area.max)).all(axis=1).any()
    # Beside the group, not beside its one cell far away; a large group keeps its name in its middle.
    assert np.hypot(*(places - np.clip(places, area.min, area.max)).T).max() < 30
    assert np.allclose(common.xy, np.median(layout[:400], axis=0), atol=1e-6) and common.get_ha() == "center"
