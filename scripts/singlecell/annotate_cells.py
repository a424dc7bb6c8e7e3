"""Name the cell type of each cluster by published markers, and find the genes that mark each cluster."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray
from scipy import sparse

from kimedlib.atomic import atomic_path
from kimedlib.logs import log_to
from kimedlib.seeding import generator
from kimedlib.singlecell_annotation import (
    UNASSIGNED,
    annotate_clusters,
    cluster_evidence,
    cluster_sums,
    marker_types,
    type_scores,
)  # fmt: skip
from kimedlib.singlecell_blocks import read_frames, replace_cells, runs_of_blocks, stored_blocks
from kimedlib.singlecell_markers import cluster_markers, donor_support
from kimedlib.singlecell_threads import in_processes
from kimedlib.table_files import write_table

# Ranks of so many cells say which genes mark a cluster; those of a million would not fit into memory.
MARKER_CELLS = 20_000
OBS = [
    "sample",
    "patient_id",
    "condition",
    "batch",
    "barcode",
    "counts",
    "genes",
    "mitochondrial_percent",
    "doublet_score",
    "doublet",
]


def collecting(
    blocks: Iterable[tuple[slice, sparse.csr_matrix]], chosen: NDArray[np.int64], found: list[sparse.csr_matrix]
) -> Iterator[tuple[slice, sparse.csr_matrix]]:
    """The blocks, while `found` gets those of their cells that are `chosen` (ascending numbers)."""
    for rows, block in blocks:
        inside = chosen[(chosen >= rows.start) & (chosen < rows.stop)]
        found.append(block if len(inside) == block.shape[0] else block[inside - rows.start])
        yield rows, block


def main(
    *,
    clustered: Path,
    marker_table: Path | None,
    cells: Path,
    table: Path,
    types: Path,
    markers: Path,
    settings: dict[str, Any],
    seed: int,
    threads: int = 1,
) -> None:
    """Write the final H5AD, the table of cells, the types of the clusters and the clusters' markers.

    Parameters
    ----------
    marker_table
        config/markers/<tissue>.yaml; without one, all cells are "unassigned".
    settings
        Section `annotation` of the config.
    threads
        Change the time only.
    """
    data = read_frames(clustered, ("obs", "var", "obsm"))
    clusters = data.obs["cluster"].astype(str)
    loaded = yaml.safe_load(marker_table.read_text(encoding="utf-8")) if marker_table else {"types": {}}
    chosen = np.arange(data.n_obs)
    if data.n_obs > MARKER_CELLS:
        chosen = np.sort(generator(seed, "markers").choice(data.n_obs, MARKER_CELLS, replace=False))
    groups, codes = np.unique(clusters, return_inverse=True)

    def gathered(run: slice) -> tuple[NDArray[np.float64], list[sparse.csr_matrix]]:
        some: list[sparse.csr_matrix] = []
        blocks = collecting(stored_blocks(clustered, part=run), chosen, some)
        return cluster_sums(blocks, codes, len(groups), data.n_vars), some

    # The file is read once for both, since decompressing costs more than either.
    sums, some = zip(*in_processes(gathered, runs_of_blocks(data.n_obs), threads), strict=True)
    evidence = cluster_evidence(sum(sums), data.var_names, clusters)
    names, number = list(data.obs["cluster"].cat.categories), settings["reported_markers"]
    values = sparse.csr_matrix(sparse.vstack([part for parts in some for part in parts]))
    reported = cluster_markers(values, data.var_names, clusters.iloc[chosen], names, number, threads=threads)
    donors = data.obs["patient_id"].iloc[chosen]
    reported = donor_support(reported, values, data.var_names, clusters.iloc[chosen], donors)
    scores = type_scores(evidence, marker_types(loaded))
    assigned = annotate_clusters(scores, settings["minimum_score"], settings["minimum_margin"])
    assigned = assigned.loc[sorted(assigned.index, key=int)]
    assigned.insert(0, "cells", clusters.value_counts().reindex(assigned.index))
    data.obs["cell_type"] = pd.Categorical(
        clusters.map(assigned["cell_type"]), categories=[*loaded["types"], UNASSIGNED]
    )
    data.obs["annotation_score"] = clusters.map(assigned["score"]).astype("float64")
    data.obs["annotation_margin"] = clusters.map(assigned["margin"]).astype("float64")

    described = data.obs[[*OBS, "cluster", "cell_type"]].copy()
    described["umap_1"], described["umap_2"] = data.obsm["X_umap"][:, 0], data.obsm["X_umap"][:, 1]
    outputs = {
        table: described,
        types: assigned.reset_index(),
        markers: reported,
    }
    for path, content in outputs.items():
        write_table(content, path, "%.6g")
    with atomic_path(cells) as temporary:
        shutil.copyfile(clustered, temporary)
        replace_cells(temporary, data.obs)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            clustered=Path(snakemake.input.clustered),
            marker_table=Path(snakemake.input.marker_table[0]) if snakemake.input.marker_table else None,
            cells=Path(snakemake.output.cells),
            table=Path(snakemake.output.table),
            types=Path(snakemake.output.types),
            markers=Path(snakemake.output.markers),
            settings=snakemake.params.settings,
            seed=snakemake.params.seed,
            threads=snakemake.threads,
        )
