"""Ligand-receptor pairs between cell types: which are specific to two types, and which differ between conditions."""

import logging
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from kimedlib.figure_style import save_figure, use_style
from kimedlib.logs import log_to
from kimedlib.seeding import generator
from kimedlib.singlecell_analysis_figures import communication_grid
from kimedlib.singlecell_annotation import UNASSIGNED
from kimedlib.singlecell_blocks import read_genes
from kimedlib.singlecell_communication import (
    COLUMNS,
    Unit,
    average,
    combinations,
    detected,
    measured_pairs,
    read_pairs,
    specificity,
)  # fmt: skip
from kimedlib.singlecell_composition import adjusted, linear_effect
from kimedlib.singlecell_design import choose_design, design_matrix, donor_units, samples_with_cells
from kimedlib.singlecell_permutation import permutation_null
from kimedlib.singlecell_threads import one_thread
from kimedlib.table_files import write_table

PAIRS = ["sender", "receiver", "ligand", "receptor", "units", "score", "p_value", "p_adjusted"]
CONDITION = ["effect", "effect_ci_low", "effect_ci_high", "effect_p_value", "effect_p_adjusted", "permutation_p"]
CONDITION += ["relabelings", "null_rate", "design", "status"]


def units_of(data: ad.AnnData, genes: pd.Index, types: list[str], minimum_cells: int) -> dict[str, Unit]:
    """Units by name (obs["unit"]), of the cells that have one of `types`."""
    names = data.obs["cell_type"].astype(str).to_numpy()
    codes = pd.Index(types).get_indexer(pd.Index(names))
    values = sparse.csr_matrix(data[:, genes].X)
    units = {}
    for name in sorted(data.obs["unit"].unique()):
        members = np.flatnonzero((data.obs["unit"] == name).to_numpy() & (codes >= 0))
        if len(members):
            units[str(name)] = Unit(values[members], codes[members].astype(np.int64), len(types), minimum_cells)
    return units


def compared(scores: pd.DataFrame, samples: pd.DataFrame, comparison: dict[str, Any], seed: int) -> pd.DataFrame:
    """`CONDITION` for each column of `scores` (units x pairs); the status says why where nothing is compared."""
    reference, contrast = comparison["reference"], comparison["contrast"]
    result = pd.DataFrame(index=scores.columns, columns=CONDITION, dtype=object)
    chosen = samples.loc[scores.index]
    chosen = chosen[chosen["condition"].isin([reference, contrast])]
    # Pairs that share the units that have both types share a design.
    pattern = scores.loc[chosen.index].notna()
    for _, members in pattern.T.groupby(list(chosen.index)) if len(chosen) else []:
        names = members.index
        here = chosen[members.iloc[0].to_numpy()]
        design = choose_design(here, reference, contrast, comparison["minimum_donors"])
        if design.skipped:
            result.loc[names, "status"] = f"skipped: {design.skipped}"
            continue
        values, matrix = scores.loc[here.index, names], design_matrix(here, design, contrast)
        found = pd.DataFrame([linear_effect(values[name].to_numpy(), matrix) for name in names], index=names)
        found = found.rename(columns={key: f"effect_{key}" for key in ("ci_low", "ci_high", "p_value")})
        found = found.join(permutation_null(values, here, design, contrast, seed))
        result.loc[names, found.columns] = found
        result.loc[names, ["design", "status"]] = [design.formula, "tested"]
    result["status"] = result["status"].fillna("skipped: no sample of the two conditions")
    result["effect_p_adjusted"] = adjusted(result["effect_p_value"].astype(float))
    return result


def main(
    *, cells: Path, pairs: Path, sheet: list[dict[str, str]], table: Path, figure: Path, settings: dict[str, Any],
    comparison: dict[str, Any], seed: int,
) -> None:  # fmt: skip
    """Write one row per sender, receiver and pair that enough cells show, and a figure.

    Parameters
    ----------
    settings, comparison
        Sections `communication` and `comparison` of the config.
    """
    listed = read_pairs(pairs)
    data = read_genes(cells, {gene for column in COLUMNS for name in listed[column] for gene in name.split("+")})
    samples = samples_with_cells(sheet, data.obs["sample"])
    known = measured_pairs(listed, data.var_names)
    data.obs["unit"] = data.obs["sample"].astype(str).map(donor_units(samples))
    types = [name for name in data.obs["cell_type"].cat.categories if name != UNASSIGNED]
    parts = {gene for name in [*known["ligand"], *known["receptor"]] for gene in name.split("+")}
    genes = pd.Index(sorted(parts), dtype=object)
    units = units_of(data, genes, types, comparison["minimum_cells"])
    found = pd.DataFrame(columns=[*PAIRS, *CONDITION])
    members = list(units.values())
    shown = combinations(known, genes, len(types) if members else 0)
    if len(shown.pair):
        shown = shown.only(detected(members, shown, settings["minimum_share"]))
    if len(shown.pair):
        with one_thread():
            observed, p_values, p_adjusted = specificity(
                members, shown, settings["permutations"], generator(seed, "communication")
            )
            names = np.array(types)
            found = pd.DataFrame(
                {
                    "sender": names[shown.sender], "receiver": names[shown.receiver],
                    "ligand": known["ligand"].to_numpy()[shown.pair],
                    "receptor": known["receptor"].to_numpy()[shown.pair],
                    "units": np.isfinite(observed).sum(axis=0), "score": average(observed), "p_value": p_values,
                    "p_adjusted": p_adjusted,
                }
            )  # fmt: skip
            scores = pd.DataFrame(observed, index=list(units))
            found = found.join(compared(scores, samples, comparison, seed))
    logging.info("%d pairs were measured; enough cells show %d combinations with types", len(known), len(found))
    found = found.sort_values(["p_value", "score"], ascending=[True, False], kind="stable")
    write_table(found[[*PAIRS, *CONDITION]], table, "%.6g")
    use_style()
    save_figure(communication_grid(found, comparison["false_discovery_rate"]), figure)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            cells=Path(snakemake.input.cells),
            pairs=Path(snakemake.input.pairs),
            sheet=snakemake.params.sheet,
            table=Path(snakemake.output.table),
            figure=Path(snakemake.output.figure),
            settings=snakemake.params.settings,
            comparison=snakemake.params.comparison,
            seed=snakemake.params.seed,
        )
