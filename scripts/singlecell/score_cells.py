"""Compare clusters, types and doublets with published or planted labels, which no other step sees."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from scipy import sparse

from kimedlib.cells_reading import read_obs
from kimedlib.logs import log_to
from kimedlib.problems import InputProblems, Problem
from kimedlib.singlecell_blocks import read_frames
from kimedlib.singlecell_integration import GRAPHS
from kimedlib.singlecell_scores import (
    annotation_accuracy,
    clustering_agreement,
    doublet_agreement,
    doublet_truth,
    explained_by,
    graph_connectivity,
    macro_f1,
    regression_comparison,
    silhouettes,
)  # fmt: skip
from kimedlib.table_files import read_tables, write_table


def labelled(table: pd.DataFrame, file: str, row: dict[str, str], names: dict[str, str]) -> pd.DataFrame:
    """Columns label and doublet of one label source, index `<sample>_<barcode>`.

    Raises
    ------
    InputProblems
        The label column is not there.
    """
    if names["label"] and names["label"] not in table:
        known = ", ".join(map(str, table.columns)) or "none"
        raise InputProblems([Problem(file, f"column {names['label']}", "no such column", f"use one of: {known}")])
    result = pd.DataFrame(index=[f"{row['sample']}_{barcode}" for barcode in table.index])
    result["label"] = table[names["label"]].astype(object).to_numpy() if names["label"] else np.nan
    known_doublets = (
        doublet_truth(table[names["doublet"]]) if names["doublet"] in table else pd.Series(np.nan, table.index)
    )
    result["doublet"] = known_doublets.to_numpy()
    return result


def read_labels(rows: list[dict[str, str]], settings: dict[str, str]) -> pd.DataFrame:
    """Labels of all samples, from label files and obs columns; empty and "nan" labels are dropped."""
    parts, cache = [], {}
    for row in rows:
        if row["labels"]:
            file = row["labels"]
            if file not in cache:
                separator = "," if ".csv" in Path(file).suffixes else "\t"
                cache[file] = pd.read_csv(file, sep=separator, dtype=str, index_col=settings["barcode_column"] or 0)
            table = cache[file]
            if settings["sample_column"] in table:
                table = table[table[settings["sample_column"]] == row["sample"]]
            names = {"label": settings["label_column"], "doublet": settings["doublet_column"]}
            parts.append(labelled(table, file, row, names))
        elif settings["obs_column"] or settings["doublet_obs_column"]:
            names = {"label": settings["obs_column"], "doublet": settings["doublet_obs_column"]}
            parts.append(labelled(read_obs(Path(row["counts"]), row["subset"]), row["counts"], row, names))
    labels = pd.concat(parts)
    labels.loc[labels["label"].astype(str).isin(["", "nan"]), "label"] = np.nan
    return labels[~labels.index.duplicated()]


def main(
    *,
    cells: Path,
    tables: list[Path],
    marker_table: Path | None,
    rows: list[dict[str, str]],
    scores: Path,
    settings: dict[str, str],
) -> None:
    """Write `sample`, `metric`, `value`; sample "all" is all samples together.

    Cells that are known doublets have no single type and do not count for labels.

    Raises
    ------
    InputProblems
        No cell has a label.
    """
    data = read_frames(cells, ("obs", "obsm", "obsp", "uns"))
    labels = read_labels(rows, settings)
    table = yaml.safe_load(marker_table.read_text(encoding="utf-8")) if marker_table else {}
    quality = read_tables(tables, ["sample", "barcode"])
    quality.index = pd.Index(quality["sample"] + "_" + quality["barcode"])
    found: dict[str, float] = {}

    usable = labels[labels["label"].notna() & (labels["doublet"] != 1)]
    kept = [name for name in data.obs_names if name in usable.index]
    if kept:
        inside = data[kept]
        truth, types = usable.loc[kept, "label"].astype(str), inside.obs["cell_type"].astype(str)
        found |= clustering_agreement(inside.obs["cluster"].astype(str), truth)
        accuracy, compared = annotation_accuracy(types, truth, table)
        if compared:
            found |= {
                "annotation_accuracy": accuracy,
                "macro_f1": macro_f1(types, truth, table),
                "annotation_cells": compared,
            }
        stages = {"": "X_pca", "unintegrated_": "X_pca_unintegrated"}
        if data.uns["integration"]["method"] in GRAPHS:
            # There are no integrated components; a graph has no silhouettes.
            del stages[""]
        for stage, place in stages.items():
            positions = np.asarray(inside.obsm[place], dtype=np.float64)
            groups = {name: inside.obs[name].astype(str) for name in ("batch", "condition")}
            widths = silhouettes(positions, truth, groups)
            found |= {stage + name: value for name, value in widths.items()}
            if len(set(groups["batch"])) > 1:
                found[f"{stage}batch_pcr"] = explained_by(positions, groups["batch"])
        if "batch_pcr" in found:
            pair = found["unintegrated_batch_pcr"], found["batch_pcr"]
            found["batch_pcr_comparison"] = regression_comparison(*pair)
        graph = sparse.csr_matrix(inside.obsp["connectivities"])
        found["graph_connectivity"] = graph_connectivity(graph, truth)
        found |= {"clusters": inside.obs["cluster"].nunique(), "labels": truth.nunique()}
        found |= {"labelled_cells": len(kept), "labelled_kept": len(kept) / len(usable)}
    known = labels["doublet"].reindex(quality.index)
    found |= doublet_agreement(quality["doublet_score"], quality["doublet"], known)
    if not found:
        raise InputProblems(
            [Problem("labels", "", "no cell of the samples has a label", "check barcodes and `labels` in the config")]
        )
    result = pd.DataFrame({"sample": "all", "metric": list(found), "value": list(found.values())})
    write_table(result, scores, "%.6g")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            cells=Path(snakemake.input.cells),
            tables=[Path(path) for path in snakemake.input.tables],
            marker_table=Path(snakemake.input.marker_table[0]) if snakemake.input.marker_table else None,
            rows=snakemake.params.rows,
            scores=Path(snakemake.output.scores),
            settings=snakemake.params.settings,
        )
