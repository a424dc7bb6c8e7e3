"""Simulated reads for tests and the benchmark: made by the synthetic workflow's step, judged by what was planted."""

import importlib.util
import os
import shlex
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from genomics_steps import declared

from kimedlib.cells_reading import read_h5

REPOSITORY = Path(__file__).resolve().parents[1]
# As many molecules per cell as in a shallow real library; 200,000 reads in all.
LARGE = {
    "samples": 1,
    "genes": 400,
    "listed_barcodes": 20000,
    "droplets": {"cells": 100, "median_counts": 900, "empty_share": 3.0},
    "library": {"read_length": 91, "duplicates": 0.75},
}


def merged(settings: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`settings` with `changes` in it, sections deep."""
    result = deepcopy(settings)
    for key, value in changes.items():
        result[key] = merged(result[key], value) if isinstance(value, dict) else value
    return result


def simulate(folder: Path, seed: int, changes: dict[str, Any]) -> dict[str, Any]:
    """Reads below `folder/reads`, truth below `folder/truth`; returns the config over config/singlecell.yaml."""
    step = REPOSITORY / "scripts/synthetic/simulate_cell_reads.py"
    spec = importlib.util.spec_from_file_location("step_simulate_cell_reads", step)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    settings = yaml.safe_load((REPOSITORY / "config/synthetic.yaml").read_text())["cell_reads"]
    reads, truth = folder / "reads", folder / "truth"
    module.main(
        markers=REPOSITORY / "config/markers/pbmc.yaml", gene_sets=REPOSITORY / "config/markers/gene_sets.yaml",
        folder=reads, molecules=truth / "read_molecules.tsv.gz", cells=truth / "read_cells.tsv.gz", seed=seed,
        settings=merged(settings, changes),
    )  # fmt: skip
    samples = sorted({path.name.partition("_L")[0] for path in reads.glob("*_R1.fastq.gz")})
    lines = ["sample\tpatient_id\tcondition\tbatch\treads1\treads2\tchemistry"]
    for name in samples:
        lanes = [";".join(map(str, sorted(reads.glob(f"{name}_L*_R{mate}.fastq.gz")))) for mate in (1, 2)]
        lines.append("\t".join([name, name, "untreated", "b", *lanes, "10xv3"]))
    (folder / "samples.tsv").write_text("\n".join(lines) + "\n")
    section = {
        "engine": "kb",
        "genome": str(reads / "genome.fa.gz"),
        "gene_model": str(reads / "genes.gtf.gz"),
        "whitelists": {"10xv3": str(reads / "barcodes.txt.gz")},
    }
    return {"samples": str(folder / "samples.tsv"), "reads": section}


def agreement(results: Path, truth: Path) -> dict[str, float]:
    """How counts and cells of a run agree with what was planted.

    Returns
    -------
    dict
        `reads_gene_cell_r`: Pearson correlation of all counts of the planted cells with the planted molecules;
        `reads_cell_r`: of their totals; `reads_false_barcodes`: barcodes taken for cells that are none;
        `reads_cells_found`: share of the planted cells that were kept.
    """
    droplets = pd.read_csv(truth / "read_cells.tsv.gz", sep="\t", keep_default_na=False)
    planted = pd.read_csv(truth / "read_molecules.tsv.gz", sep="\t")
    counted, expected, false, kept_cells, cells_in_all = [], [], 0, 0, 0
    for sample, rows in droplets.groupby("sample"):
        data = read_h5(results / "counts" / f"{sample}.h5")
        found = pd.DataFrame(data.X.toarray(), index=data.obs_names, columns=data.var["gene_id"])
        true = planted[planted["sample"] == sample].pivot_table("molecules", "barcode", "gene_id")
        cells, genes = rows.loc[rows["empty"] == "no", "barcode"], found.columns.union(true.columns)
        counted.append(found.reindex(index=cells, columns=genes).fillna(0).to_numpy())
        expected.append(true.reindex(index=cells, columns=genes).fillna(0).to_numpy())
        quality = pd.read_csv(results / "samples" / f"{sample}.quality.tsv", sep="\t", keep_default_na=False)
        kept = set(quality.loc[quality["removed"] == "", "barcode"])
        false += len(kept - set(cells))
        kept_cells += len(kept & set(cells))
        cells_in_all += len(cells)
    ours, theirs = np.vstack(counted), np.vstack(expected)
    return {
        "reads_gene_cell_r": float(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]),
        "reads_cell_r": float(np.corrcoef(ours.sum(axis=1), theirs.sum(axis=1))[0, 1]),
        "reads_false_barcodes": float(false),
        "reads_cells_found": kept_cells / cells_in_all,
    }


def run_step(
    step: str, folder: Path, *, inputs: dict[str, Any], outputs: dict[str, Any], params: dict[str, Any],
    tools: Path | None = None,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """Run scripts/singlecell/<step>.sh as Snakemake does; what it logs comes back as stdout.

    Parameters
    ----------
    tools
        Folder with programmes that go before those installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log.txt"
    lines = [
        *(declared(f"snakemake_{name}", values) for name, values in (("input", inputs), ("output", outputs))),
        declared("snakemake_params", params),
        declared("snakemake", {"threads": 1}),
        declared("snakemake_resources", {"mem_mb": 1000, "runtime": 8}),
        f"snakemake_log=({shlex.quote(str(log))})",
        (REPOSITORY / f"scripts/singlecell/{step}.sh").read_text(),
    ]
    path = os.pathsep.join([*([str(tools)] if tools else []), str(Path(sys.executable).parent), os.environ["PATH"]])
    run = subprocess.run(
        ["bash", "-c", "\n".join(lines)], env={**os.environ, "PATH": path}, text=True, capture_output=True, check=False
    )
    return subprocess.CompletedProcess(run.args, run.returncode, log.read_text() if log.is_file() else "", run.stderr)
