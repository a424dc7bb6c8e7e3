"""Draw the page of cells that one can zoom into."""

from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from kimedlib.atomic import atomic_path
from kimedlib.logs import log_to
from kimedlib.seeding import generator
from kimedlib.singlecell_annotation import marker_types
from kimedlib.singlecell_blocks import read_genes
from kimedlib.singlecell_page import GROUPS, MEASURES, cells_page
from kimedlib.table_files import write_table


def main(
    *, cells: Path, markers: Path | None, template: Path, page: Path, table: Path, seed: int, most: int,
    genes: list[str], per_type: int,
) -> None:  # fmt: skip
    """Write the page and the table that it shows.

    Parameters
    ----------
    most
        Cells on the page; of more a random part is shown.
    genes, per_type
        Genes that are shown besides the first `per_type` markers of each type.
    """
    types = marker_types(yaml.safe_load(markers.read_text(encoding="utf-8"))) if markers else {}
    present = [entry["present"] for entry in types.values()]
    data = read_genes(cells, {*genes, *chain.from_iterable(present)})
    first = [[gene for gene in names if gene in data.var_names][:per_type] for names in present]
    names = list(dict.fromkeys(gene for gene in [*genes, *chain.from_iterable(first)] if gene in data.var_names))
    # One shuffled order, so that no group covers the others.
    chosen = generator(seed, "page").permutation(data.n_obs)[:most]
    shown = data.obs[[name for name in (*GROUPS, *MEASURES) if name in data.obs]].iloc[chosen].reset_index(drop=True)
    shown[["umap_1", "umap_2"]] = np.asarray(data.obsm["X_umap"], dtype=np.float64)[chosen]
    values = pd.DataFrame(data.X[chosen][:, data.var_names.get_indexer(pd.Index(names))].toarray(), columns=names)
    shown = pd.concat([shown, values], axis=1)
    write_table(shown, table, "%.6g")
    with atomic_path(page) as temporary:
        text = cells_page(template.read_text(encoding="utf-8"), shown, names, data.n_obs)
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            cells=Path(snakemake.input.cells),
            markers=Path(snakemake.input.markers[0]) if snakemake.input.markers else None,
            template=Path(snakemake.input.template),
            page=Path(snakemake.output.page),
            table=Path(snakemake.output.table),
            seed=snakemake.params.seed,
            most=snakemake.params.page["cells"],
            genes=snakemake.params.page["genes"],
            per_type=snakemake.params.page["markers_per_type"],
        )
