"""draw_cells_page: the page holds what the table says, needs nothing else, and names cannot break out of it."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kimedlib.singlecell_page import cells_page

TEMPLATE = Path(__file__).resolve().parents[3] / "workflows/singlecell/report/cells.html"


def content(page: str) -> dict:
    data = json.loads(re.search(r"const data = (\{.*\});\n", page)[1])
    for part in data["fields"]:
        part["values"] = np.frombuffer(base64.b64decode(part["values"]), dtype="<u2")
    return data


def test_page_holds_what_its_table_says(study, step, tmp_path):
    draw = step("singlecell/draw_cells_page").main
    for name in ("one", "two"):
        draw(
            cells=study.folder / "cells.h5ad", markers=study.markers, template=TEMPLATE, page=tmp_path / f"{name}.html",
            table=tmp_path / f"{name}.tsv.gz", seed=1, most=300, genes=["ISG15", "ABSENT"], per_type=1,
        )  # fmt: skip
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
    text, table = (tmp_path / "one.html").read_text(), pd.read_csv(tmp_path / "one.tsv.gz", sep="\t")
    data = content(text)
    assert len(table) == 300 and "A random part of" in data["said"]
    assert not re.findall(r"(?:src|href)=|https?:|@import|url\(", text)
    fields = {part["name"]: part for part in data["fields"]}
    assert {"cell_type", "cluster", "sample", "condition", "counts", "ISG15"} <= set(fields) and "ABSENT" not in fields
    for name in ("cell_type", "sample"):
        assert [fields[name]["names"][code] for code in fields[name]["values"]] == list(table[name].astype(str))
    for name in ("counts", "ISG15"):
        part = fields[name]
        shown = part["low"] + (part["values"].astype(float) - 1) / 65534 * (part["high"] - part["low"])
        assert np.where(part["values"] == 0, 0, shown) == pytest.approx(table[name], rel=1e-3, abs=1e-3)
    x = np.frombuffer(base64.b64decode(data["x"]), dtype="<u2") / 65535 * np.ptp(table["umap_1"])
    assert x + table["umap_1"].min() == pytest.approx(table["umap_1"], abs=1e-3)


def test_names_do_not_end_the_script():
    table = pd.DataFrame(
        {"umap_1": [0.0, 1.0], "umap_2": [0.0, 2.0], "sample": ["</script><b>", "b"], "counts": [1, np.nan]}
    )
    page = cells_page(TEMPLATE.read_text(), table, [], 2)
    assert "</script><b>" not in page and content(page)["fields"][0]["names"] == ["</script><b>", "b"]
    assert list(content(page)["fields"][1]["values"]) == [1, 0]
    with pytest.raises(ValueError, match="0 places"):
        cells_page("<html>", table, [], 2)
