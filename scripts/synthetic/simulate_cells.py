"""Simulate the raw single-cell counts of one patient, with the truth beside them."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from kimedlib.cells_writing import H5_NAME, H5AD_NAME, write_h5, write_h5ad, write_mtx
from kimedlib.logs import log_to
from kimedlib.seeding import generator
from kimedlib.singlecell_annotation import marker_types
from kimedlib.singlecell_simulation import composition, donor_expression, droplets, programmes
from kimedlib.table_files import write_table


def sample_format(patient: str, settings: dict[str, Any]) -> str:
    """Format of a patient's file: the configured ones in turn, by the patient's number."""
    formats: list[str] = settings["formats"]
    return formats[(int(patient.removeprefix("P")) - 1) % len(formats)]


def batch_of(plan: pd.DataFrame, patient: str) -> str:
    """Batches alternate within each treatment group, so that they are crossed with it."""
    group = plan[plan["treatment"] == plan.set_index("patient_id").loc[patient, "treatment"]]
    return f"batch{list(group['patient_id']).index(patient) % 2 + 1}"


def main(
    *, plan: Path, markers: Path, gene_sets: Path, folder: Path, truth: Path, responses: Path, shares: Path,
    patient: str, seed: int, effect_size: float, settings: dict[str, Any],
) -> None:  # fmt: skip
    """Write the counts to `folder` and the truth tables of this patient.

    Raises
    ------
    KeyError
        The plan has no such patient.
    """
    table = pd.read_csv(plan, sep="\t", dtype=str, keep_default_na=False)
    person = table.set_index("patient_id").loc[patient]
    types = marker_types(yaml.safe_load(markers.read_text(encoding="utf-8")))
    interferon = yaml.safe_load(gene_sets.read_text(encoding="utf-8"))["interferon"][: settings["interferon_genes"]]
    treatment = {**settings["treatment"], "effect": effect_size}
    base = programmes(seed, settings["genes"], types, interferon, treatment)
    batch = batch_of(table, patient)
    treated = bool(person["treatment"] == "treated")
    random = generator(seed, "cells", patient)
    batch_factor = np.exp(generator(seed, "cells", "batch", batch).normal(0, settings["batch_sd"], len(base.genes)))
    donor_factor = np.exp(random.normal(0, settings["donor_sd"], len(base.genes)))
    expression = donor_expression(base, batch_factor, donor_factor, treated, float(person["interferon_log2fc"]))
    planned = settings["composition"]
    shifts = {name: value * effect_size * treated for name, value in planned["treatment_shift"].items()}
    shifts["CD8 T"] = shifts.get("CD8 T", 0.0) + float(person["cd8_log_ratio"])
    shifted = composition(random, list(types), shifts, planned["donor_sd"])
    counts, cells = droplets(random, expression, shifted, base.genes, settings["droplets"])
    features = pd.DataFrame(
        {"gene_id": [f"SYNG{number:08d}" for number in range(1, len(base.genes) + 1)], "symbol": base.genes}
    )

    partial = folder.with_name(f".partial-{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    kind = sample_format(patient, settings)
    if kind == "mtx":
        write_mtx(partial, counts, list(cells["barcode"]), features)
    elif kind == "h5":
        write_h5(partial / H5_NAME, counts, list(cells["barcode"]), features)
    else:
        write_h5ad(partial / H5AD_NAME, counts, list(cells["barcode"]), features)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)

    cells.insert(0, "sample", f"{patient}_cells")
    planted = base.responses
    portions = pd.DataFrame(
        {
            "patient_id": patient,
            "treatment": person["treatment"],
            "batch": batch,
            "cell_type": list(types),
            "share": shifted.round(6),
        }
    )
    for path, content in ((truth, cells), (responses, planted), (shares, portions)):
        write_table(content, path)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            plan=Path(snakemake.input.plan),
            markers=Path(snakemake.input.markers),
            gene_sets=Path(snakemake.input.gene_sets),
            folder=Path(snakemake.output.folder),
            truth=Path(snakemake.output.truth),
            responses=Path(snakemake.output.responses),
            shares=Path(snakemake.output.shares),
            patient=snakemake.wildcards.patient,
            seed=snakemake.params.seed,
            effect_size=snakemake.params.effect_size,
            settings=snakemake.params.settings,
        )
