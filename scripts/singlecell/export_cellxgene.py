"""Write the annotated cells as the CELLxGENE schema wants them."""

import logging
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
from anndata.io import write_elem

from kimedlib.atomic import atomic_path
from kimedlib.logs import log_to
from kimedlib.singlecell_blocks import (
    COMPRESSION,
    CellMatrices,
    complete_file,
    moved_columns,
    read_frames,
    stored_blocks,
)  # fmt: skip
from kimedlib.singlecell_cellxgene import described_cells, ensembl_ids, ontology_of, sample_terms


def main(*, cells: Path, markers: str, exported: Path, section: dict[str, Any]) -> None:
    """Write `exported`: X log-normalised, raw.X counts, genes by Ensembl identifier; read and written in blocks.

    Parameters
    ----------
    cells
        With layers["counts"].
    markers
        Marker table with the Cell Ontology terms of its types; "" for none.
    section
        `cellxgene` of the config.
    """
    data = read_frames(cells, ("obs", "var", "obsm"))
    ids = ensembl_ids(data.var, section["organism_ontology_term_id"], section["genes"]).to_numpy()
    kept = ids != ""
    logging.info("%d of %d genes have an identifier of the schema", kept.sum(), len(kept))
    target = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
    terms = sample_terms(section, sorted(data.obs["sample"].astype(str).unique()))
    obs = described_cells(data.obs, terms, ontology_of(markers), primary=section["is_primary_data"])
    var = data.var[kept].set_axis(ids[kept])[["highly_variable"]]
    result = ad.AnnData(obs=obs, var=var.assign(feature_is_filtered=False))
    for name in data.obsm:
        result.obsm[name] = data.obsm[name]
    result.uns["title"] = section["title"]
    result.uns["organism_ontology_term_id"] = section["organism_ontology_term_id"]
    result.uns["default_embedding"] = "X_umap"
    if obs["batch"].nunique() > 1:
        result.uns["batch_condition"] = np.array(["batch"], dtype=object)
    with atomic_path(exported) as temporary:
        with h5py.File(temporary, "w") as handle:
            matrices = CellMatrices(handle, ["X", "raw/X"], int(kept.sum()))
            both = zip(stored_blocks(cells), stored_blocks(cells, "layers/counts"), strict=True)
            for (_, values), (_, counts) in both:
                block = moved_columns(counts, target, matrices.genes)
                matrices.append(block, moved_columns(values, target, matrices.genes).data, block.data)
            matrices.close()
            handle["raw"].attrs.update({"encoding-type": "raw", "encoding-version": "0.1.0"})
            write_elem(handle, "raw/var", var[[]], dataset_kwargs=COMPRESSION)
            write_elem(handle, "raw/varm", {}, dataset_kwargs=COMPRESSION)
        complete_file(temporary, result)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            cells=Path(snakemake.input.cells),
            markers=next(iter(snakemake.input.markers), ""),
            exported=Path(snakemake.output.exported),
            section=snakemake.params.section,
        )
