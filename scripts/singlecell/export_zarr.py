"""Write the annotated cells as a Zarr store and read it back."""

import warnings
from pathlib import Path

import anndata as ad
import numpy as np
from scipy import sparse

from kimedlib.atomic import atomic_path
from kimedlib.logs import log_to


def same_values(first: ad.AnnData, second: ad.AnnData) -> bool:
    """Whether names, expression, counts and obs are equal."""
    layers = [(first.X, second.X), *((first.layers[name], second.layers[name]) for name in first.layers)]
    return (
        first.obs_names.equals(second.obs_names)
        and first.var_names.equals(second.var_names)
        and first.obs.astype(str).equals(second.obs.astype(str))
        and all(np.array_equal(sparse.csr_matrix(a).data, sparse.csr_matrix(b).data) for a, b in layers)
    )


def main(*, cells: Path, store: Path) -> None:
    """Write `store`, a folder, whole or not at all.

    Raises
    ------
    AssertionError
        What was written does not read back equal.
    """
    data = ad.read_h5ad(cells)
    with atomic_path(store) as temporary, warnings.catch_warnings():
        # That version 2 of the format will not stay the default; it is the one that all readers know.
        warnings.simplefilter("ignore")
        data.write_zarr(temporary)
        if not same_values(data, ad.read_zarr(temporary)):
            raise AssertionError(f"{store}: reads back different from {cells}")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(cells=Path(snakemake.input.cells), store=Path(snakemake.output.store))
