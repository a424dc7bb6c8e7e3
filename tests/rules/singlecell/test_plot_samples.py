"""plot_samples: one page and one row per sample; a sample in quarantine is told apart in both."""

import pandas as pd
import pytest
from matplotlib import pyplot as plt

SECTIONS = ("ranks", "contamination", "ambient_genes", "phases", "saturation")


def drawn(study, step, folder, **further):
    # With tables of sections the first and the last sample are enough.
    chosen = slice(None, None, 5) if further else slice(None)
    sheet, tables = study.sheet[chosen], study.tables[chosen]
    limits = [study.folder / f"{row['sample']}.limits.tsv" for row in sheet]
    pages = [folder / f"{row['sample']}.png" for row in sheet]
    # The last sample as `qc_cells` leaves one in quarantine.
    held = pd.read_csv(tables[-1], sep="\t")
    held["removed"] = held["removed"].fillna("quarantined")
    if further:
        held = held[:0]
    tables[-1] = folder / "held.tsv"
    held.to_csv(tables[-1], sep="\t", index=False)
    step("singlecell/plot_samples").main(
        sheet=sheet, tables=tables, limits=limits, summary=folder / "samples.tsv", pages=pages,
        further={name: [] for name in SECTIONS} | further,
    )  # fmt: skip
    return pd.read_csv(folder / "samples.tsv", sep="\t").set_index("sample"), pages


@pytest.fixture
def further(study, tmp_path):
    """Tables of s0 and s5 as the steps of the sections write them: s5 has no cell."""
    names = ["s0", "s5"]
    paths = {name: [] for name in SECTIONS}
    called = {"s0": len(pd.read_csv(study.tables[0], sep="\t")), "s5": 0}
    for name in names:
        alone = {
            "ranks": {"counts": [900, 80, 3], "barcodes": [called[name], 50, 4000], "cells": [called[name], 0, 0],
                      "rank": [100.0, 225.0, 2000.0]},
            "contamination": {"sample": [name], "cells": [called[name]], "contamination": [0.07], "low": [0.05],
                              "high": [0.1]},
            "ambient_genes": {"gene": ["HBB", "S100A9"], "counts_before": [100.0, 60.0], "counts_after": [1.0, 40.0]},
        }  # fmt: skip
        if called[name] < 20:
            alone["contamination"]["contamination"] = [float("nan")]
        for kind, values in alone.items():
            paths[kind].append(tmp_path / f"{name}.{kind}.tsv")
            pd.DataFrame(values).to_csv(paths[kind][-1], sep="\t", index=False)
    together = {
        "phases": {"sample": ["s0"], "cell_type": ["NK"], "cells": [30], "G1": [0.5], "S": [0.3], "G2M": [0.2]},
        "saturation": {"sample": ["s0", "s0"], "reads_per_cell": [500.0, 1000.0], "saturation_percent": [20.0, 35.0],
                       "median_genes": [300, 400]},
    }  # fmt: skip
    for kind, values in together.items():
        paths[kind] = [tmp_path / f"{kind}.tsv"]
        pd.DataFrame(values).to_csv(paths[kind][0], sep="\t", index=False)
    return paths


def test_every_sample_has_a_row_and_a_page(study, step, tmp_path, caplog):
    table, pages = drawn(study, step, tmp_path)
    assert list(table.index) == [row["sample"] for row in study.sheet] and all(page.is_file() for page in pages)
    assert table["status"].tolist() == ["used"] * 5 + ["quarantined"]
    assert table.loc["s5", "problem"].endswith("intact cells, 20 are needed") and table.loc["s5", "kept"] == 0
    first = pd.read_csv(study.tables[0], sep="\t")
    kept = first[first["removed"].isna()]
    assert table.loc["s0", "kept"] == len(kept) and table.loc["s0", "median_genes"] == kept["genes"].median()
    reasons = table.loc["s0", ["kept", "doublet", "high_mitochondrial", "low_genes", "low_counts"]]
    assert reasons.sum() == table.loc["s0", "barcodes"] == len(first)
    assert not {"droplets", "called", "ambient_percent"} & set(table)
    assert "QUARANTINE: sample s5" in caplog.text


@pytest.mark.slow  # half a minute; `make demo` compares the pictures too
def test_same_pictures_twice(study, step, tmp_path):
    pictures = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        pictures.append([page.read_bytes() for page in drawn(study, step, tmp_path / name)[1]])
    assert pictures[0] == pictures[1] and len(set(pictures[0])) == 6


def test_sections_of_the_config_add_their_part_of_the_story(study, step, tmp_path, further, monkeypatch):
    figures = []
    monkeypatch.setattr(plt, "close", figures.append)
    table, _ = drawn(study, step, tmp_path, **further)
    panels = [{axes.get_title(loc="left"): axes for axes in figure.axes} for figure in figures]
    first, last = table.loc["s0"], table.loc["s5"]
    assert first["droplets"] == first["barcodes"] + 4050 and first["called"] == first["barcodes"]
    assert first["ambient_percent"] == pytest.approx(7) and pd.isna(last["ambient_percent"])
    for words in ("saturation 35 %", "ambient RNA 7 %", "cell cycle", "left after each step"):
        assert words in panels[0], panels[0]
    assert f"{first['called']:,} cells of {first['droplets']:,} barcodes" in panels[0]
    # s5 was given as counts, and none of its barcodes is a cell.
    assert not any(title.startswith("saturation") for title in panels[1])
    assert {"ambient RNA", "0 cells of 4,050 barcodes"} <= set(panels[1])
    assert last["status"] == "quarantined" and last["problem"] == "no cell among 4,050 barcodes"
    for shown, row in zip(panels, (first, last), strict=True):
        axes = shown["left after each step"]
        left = [bar.get_width() for bar in axes.patches]
        assert left[0] == row["droplets"] and left[1] == row["called"] and left[-1] == row["kept"]
        said = [text.get_text().partition("(")[2] for text in axes.texts]
        lost = sum(int(text.split()[0].replace(",", "")) for text in said if text)
        assert lost == row["droplets"] - row["kept"]


def test_the_problem_is_that_of_the_first_step_which_failed(step):
    module = step("singlecell/plot_samples")
    assert module.why({"called": 0, "droplets": 4050, "barcodes": 0}, 0, "20") == "no cell among 4,050 barcodes"
    said = module.why({"called": 12, "barcodes": 0}, 0, "20")
    assert said == "too few cells to estimate ambient RNA from (12)"
    assert module.why({"called": 30, "barcodes": 30}, 4, "20") == "4 intact cells, 20 are needed"
