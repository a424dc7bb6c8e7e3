"""One row per patient for the cohort: composition, interferon response of monocytes, quality."""

from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import yaml

from kimedlib.logs import log_to
from kimedlib.singlecell_annotation import UNASSIGNED, slug
from kimedlib.singlecell_blocks import read_genes
from kimedlib.singlecell_composition import composition
from kimedlib.table_files import write_table


def signature_score(data: ad.AnnData, genes: list[str], types: list[str]) -> pd.Series:
    """Mean log-normalised expression of `genes` in the cells of `types`, per patient; absent where there are none."""
    columns = np.flatnonzero(data.var_names.isin(genes))
    rows = np.flatnonzero(data.obs["cell_type"].isin(types).to_numpy())
    if not len(columns) or not len(rows):
        return pd.Series(dtype=np.float64)
    means = np.asarray(data.X[rows][:, columns].mean(axis=1), dtype=np.float64).ravel()
    return pd.Series(means).groupby(data.obs["patient_id"].astype(str).to_numpy()[rows]).mean()


def main(*, cells: Path, gene_sets: Path, features: Path, patients: list[str], settings: dict[str, Any]) -> None:
    """Write `patient_id`, cells, fraction_<type>, clr_<type>, unassigned_fraction, interferon_score, median_<quality>.

    Parameters
    ----------
    patients
        All patients of the sheet; one whose samples are all in quarantine keeps a row, empty.
    settings
        Section `features` of the config.
    """
    interferon = yaml.safe_load(gene_sets.read_text(encoding="utf-8"))["interferon"]
    data = read_genes(cells, interferon)
    obs = data.obs.assign(group=data.obs["patient_id"].astype(str), cell_type=data.obs["cell_type"].astype(str))
    types = [name for name in data.obs["cell_type"].cat.categories if name != UNASSIGNED]
    table = pd.DataFrame({"cells": obs.groupby("group").size()})
    if types:
        shares = composition(obs, types)
        for kind in ("fraction", "clr"):
            for name in types:
                table[f"{kind}_{slug(name)}"] = shares[shares["cell_type"] == name].set_index("group")[kind]
    table["unassigned_fraction"] = (obs["cell_type"] == UNASSIGNED).groupby(obs["group"]).mean()
    table["interferon_score"] = signature_score(data, interferon, settings["interferon_types"]).reindex(table.index)
    for name in ("counts", "genes", "mitochondrial_percent"):
        table[f"median_{name}"] = obs.groupby("group")[name].median()
    table = table.reindex(sorted({*patients, *table.index})).astype({"cells": "Int64"})
    write_table(table.rename_axis("patient_id").reset_index(), features, "%.6g")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            cells=Path(snakemake.input.cells),
            gene_sets=Path(snakemake.input.gene_sets),
            features=Path(snakemake.output.features),
            patients=snakemake.params.patients,
            settings=snakemake.params.settings,
        )
