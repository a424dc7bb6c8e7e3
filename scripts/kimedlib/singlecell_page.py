"""A page of cells to zoom into, from one table, that needs nothing but itself."""

import base64
import json
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kimedlib.singlecell_annotation import UNASSIGNED
from kimedlib.singlecell_figures import TYPE_PALETTE, ordered, type_colours

GROUPS = ("cell_type", "cluster", "sample", "patient_id", "condition", "batch")
MEASURES = ("counts", "genes", "mitochondrial_percent", "doublet_score")
LEVELS = 65535
MARK = "@DATA@"


def encoded(values: NDArray[Any]) -> str:
    """Whole numbers from 0 to 65535 as little-endian 16 bits in base64."""
    return base64.b64encode(np.asarray(values).astype("<u2").tobytes()).decode("ascii")


def group_field(name: str, values: pd.Series) -> dict[str, Any]:
    """Numbers of names, with their colours: more than the palette has are repeated."""
    texts = values.astype(str)
    names = ordered(set(texts))
    if UNASSIGNED in names:
        names = [*(other for other in names if other != UNASSIGNED), UNASSIGNED]
    # As in the other figures, where the order of the marker table counts.
    types = list(values.cat.categories) if isinstance(values.dtype, pd.CategoricalDtype) else names
    shades = type_colours(types) if name == "cell_type" else dict(zip(names, TYPE_PALETTE * len(names), strict=False))
    codes = pd.Categorical(texts, categories=names).codes
    field = {"name": name, "kind": "group", "names": names, "values": encoded(codes)}
    return field | {"colours": [shades[other] for other in names]}


def measure_field(name: str, values: pd.Series, kind: str) -> dict[str, Any]:
    """Values in 65,534 steps; 0 stands for unknown ones, of genes for 0."""
    numbers = values.to_numpy(dtype=np.float64)
    known = np.isfinite(numbers) & ((numbers > 0) | (kind != "gene"))
    low = 0.0 if kind == "gene" or not known.any() else float(numbers[known].min())
    high = float(numbers[known].max()) if known.any() else 1.0
    steps = np.zeros(len(numbers))
    steps[known] = 1 + np.rint((numbers[known] - low) / max(high - low, 1e-12) * (LEVELS - 1))
    return {"name": name, "kind": kind, "low": low, "high": high, "values": encoded(steps)}


def cells_page(template: str, table: pd.DataFrame, genes: list[str], cells: int) -> str:
    """The page as HTML.

    Parameters
    ----------
    table
        One row per cell, in the order of drawing: umap_1, umap_2, any of `GROUPS` and `MEASURES`, and the `genes`.
    cells
        Of the study; more than the table has if it is a random part.

    Raises
    ------
    ValueError
        The template has not one place for the data.
    """
    if template.count(MARK) != 1:
        raise ValueError(f"the template has {template.count(MARK)} places for the data, not 1")
    layout = table[["umap_1", "umap_2"]].to_numpy(dtype=np.float64)
    low, reach = layout.min(axis=0), np.maximum(np.ptp(layout, axis=0), 1e-9)
    x, y = np.rint((layout - low) / reach * LEVELS).T
    fields = [group_field(name, table[name]) for name in GROUPS if name in table]
    fields += [measure_field(name, table[name], "measure") for name in MEASURES if name in table]
    fields += [measure_field(name, table[name], "gene") for name in genes]
    said = "Table: cells_page.tsv.gz." + (f" A random part of {cells:,} cells." if cells > len(table) else "")
    data = {"x": encoded(x), "y": encoded(y), "aspect": float(reach[1] / reach[0]), "said": said, "fields": fields}
    # A name must not end the script.
    return template.replace(MARK, json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"))
