"""Time, memory and truth of the single-cell workflow by number of cells, beside plain scanpy.

`python tests/benchmarks/singlecell_scale.py [--cells 3000 30000] [--no-scanpy] [--work DIR] [--output FILE.json]`

Makes cells with planted types (seeded; samples of 10,000 cells, written one after the other, so that memory does not
grow), runs the workflow from counts to labels as Snakemake does, and in the same run scanpy with its defaults: quality
metrics, filter, log-normalisation, variable genes, PCA, neighbours, Leiden. Both find markers (scanpy by its default
t-test) and write an H5AD with counts; neither looks for doublets or draws UMAP. `to_leiden` is scanpy without markers
and writing. CPU seconds are those of all processes; memory is the largest resident set of any one process. Compiled
code of scanpy is cached by numba where it is installed: its first run ever takes longer. Ends with status 1 below a
floor.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import yaml
from scipy import sparse
from sklearn.metrics import adjusted_rand_score

REPOSITORY = Path(__file__).resolve().parents[2]
TYPES, GENES, MARKERS, SAMPLE_CELLS = 12, 30_000, 60, 10_000
# Median molecules of a cell, spread of its logarithm, and how much more a type expresses its markers.
DEPTH, SPREAD, FOLD = 1500, 0.35, 6.0
# Of issue "scale": cells -> metric -> limit (a least value for the ARI, else a largest one).
FLOORS = {
    30_000: {"wall_ratio": 0.8, "ari": 0.95},
    150_000: {"wall_ratio": 0.8, "ari": 0.95},
    300_000: {"peak_mb": 8 * 1024, "ari": 0.95},
    1_000_000: {"peak_mb": 20 * 1024, "ari": 0.95},
}
SCANPY = """
import json, os, sys, time
begun = time.perf_counter()
import scanpy as sc
folder, labels, times = sys.argv[1:]
names = json.loads(open(folder + "/samples.json").read())
data = sc.concat([sc.read_h5ad(f"{folder}/{name}.h5ad") for name in names], merge="first")
data.var["mt"] = data.var_names.str.startswith("MT-")
sc.pp.calculate_qc_metrics(data, qc_vars=["mt"], inplace=True)
sc.pp.filter_cells(data, min_genes=100)
sc.pp.filter_genes(data, min_cells=3)
data.layers["counts"] = data.X.copy()
sc.pp.normalize_total(data)
sc.pp.log1p(data)
sc.pp.highly_variable_genes(data, n_top_genes=2000)
sc.pp.pca(data)
sc.pp.neighbors(data)
sc.tl.leiden(data, flavor="igraph", n_iterations=2)
used = os.times()
taken = {"to_leiden_cpu_s": used.user + used.system, "to_leiden_wall_s": time.perf_counter() - begun}
json.dump(taken, open(times, "w"))
sc.tl.rank_genes_groups(data, "leiden")
data.write_h5ad(folder + "/scanpy.h5ad")
data.obs[["leiden"]].to_csv(labels, sep="\\t")
"""


def type_profiles(random: np.random.Generator) -> np.ndarray:
    """Share of a cell's molecules by type and gene, cumulated over the genes (types x genes)."""
    base = random.lognormal(0, 2, GENES)
    profiles = np.tile(base, (TYPES, 1))
    # Markers among genes of middling expression, own ones for each type.
    middling = random.permutation(np.argsort(-base)[200:5200])
    for kind in range(TYPES):
        profiles[kind, middling[kind * MARKERS : (kind + 1) * MARKERS]] *= FOLD
    return np.cumsum(profiles / profiles.sum(axis=1, keepdims=True), axis=1)


def sample_counts(random: np.random.Generator, profiles: np.ndarray, kinds: np.ndarray) -> sparse.csr_matrix:
    """Counts of one sample: molecules of each cell drawn from its type's profile (cells x genes, float32)."""
    depths = np.exp(random.normal(np.log(DEPTH), SPREAD, len(kinds))).astype(np.int64)
    rows = np.repeat(np.arange(len(kinds)), depths)
    genes = np.empty(len(rows), dtype=np.int64)
    for kind in range(TYPES):
        chosen = np.flatnonzero(np.repeat(kinds == kind, depths))
        genes[chosen] = np.searchsorted(profiles[kind], random.random(len(chosen)))
    genes = np.minimum(genes, GENES - 1)
    counts = sparse.coo_matrix((np.ones(len(rows), dtype=np.float32), (rows, genes)), shape=(len(kinds), GENES))
    return counts.tocsr()


def make_cells(cells: int, folder: Path) -> pd.Series:
    """Write `<sample>.h5ad` files of at most `SAMPLE_CELLS` cells and samples.json; the planted type of each cell."""
    random = np.random.default_rng(7)
    profiles = type_profiles(random)
    shares = random.dirichlet(np.full(TYPES, 5.0))
    names = [f"G{number:05d}" for number in range(GENES - 13)] + [f"MT-{number}" for number in range(13)]
    samples, kinds = [], []
    for number, start in enumerate(range(0, cells, SAMPLE_CELLS)):
        # Each sample has numbers of its own, so that a larger set begins with the cells of a smaller one.
        own = np.random.default_rng([7, number])
        planted = own.choice(TYPES, min(SAMPLE_CELLS, cells - start), p=shares)
        samples.append(f"s{number:03d}")
        barcodes = pd.Index([f"{samples[-1]}c{cell}" for cell in range(len(planted))], dtype=object)
        data = ad.AnnData(sample_counts(own, profiles, planted), obs=pd.DataFrame(index=barcodes))
        data.var_names = names
        data.write_h5ad(folder / f"{samples[-1]}.h5ad")
        kinds.append(pd.Series(planted, index=barcodes))
    (folder / "samples.json").write_text(json.dumps(samples))
    planted_types: pd.Series = pd.concat(kinds)
    return planted_types


def write_config(folder: Path) -> Path:
    """Sheet and config: the workflow's own, without doublets, UMAP and published markers."""
    samples = json.loads((folder / "samples.json").read_text())
    sheet = pd.DataFrame({"sample": samples, "patient_id": samples, "condition": "all", "batch": "b", "labels": ""})
    sheet.insert(4, "counts", [str(folder / f"{name}.h5ad") for name in samples])
    sheet.to_csv(folder / "samples.tsv", sep="\t", index=False)
    config = yaml.safe_load((REPOSITORY / "config/singlecell.yaml").read_text(encoding="utf-8"))
    config |= {"samples": str(folder / "samples.tsv")}
    config["doublets"] |= {"remove": False, "rounds": 0}
    config["embedding"] |= {"umap_cells": 0}
    config["annotation"]["markers"] = ""
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config | {"pathvars": {"root": str(folder / "results")}}), encoding="utf-8")
    return path


def measured(command: list[str]) -> dict[str, float]:
    """Run once: wall and CPU seconds of all its processes, largest resident set of one of them in MB."""
    script = "import resource, subprocess, sys, json\nrc = subprocess.run(sys.argv[1:]).returncode\n"
    script += "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
    script += "print(json.dumps([rc, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))"
    with tempfile.TemporaryFile("w+") as log:
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", script, *command], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=log, text=True,
            check=True,
        )  # fmt: skip
        wall = time.perf_counter() - start
        status, cpu, peak = json.loads(done.stdout.splitlines()[-1])
        if status:
            log.seek(0)
            sys.exit(log.read()[-4000:])
    return {"wall_s": wall, "cpu_s": cpu, "peak_mb": peak}


def figures(cells: int, folder: Path, *, beside_scanpy: bool, cores: int) -> dict[str, float]:
    """All figures for one number of cells."""
    truth = make_cells(cells, folder)
    shutil.rmtree(folder / "results", ignore_errors=True)
    config = write_config(folder)
    snakefile = str(REPOSITORY / "workflows/singlecell/Snakefile")
    command = [sys.executable, "-m", "snakemake", "-s", snakefile, "annotate_cells", "--cores", str(cores)]
    command += ["--configfile", str(config), "--replace-workflow-config", "--nocolor", "--show-failed-logs", "--nolock"]
    found = measured(command)
    table = pd.read_csv(folder / "results/singlecell/cells.tsv.gz", sep="\t", usecols=["barcode", "cluster"])
    found["cells_kept"] = len(table)
    found["ari"] = float(adjusted_rand_score(truth.loc[table["barcode"]], table["cluster"]))
    for path in sorted((folder / "results/singlecell/benchmarks").glob("*/*.tsv")):
        job = pd.read_csv(path, sep="\t").iloc[0]
        step = path.parent.name
        found[f"{step}_s"] = found.get(f"{step}_s", 0.0) + float(job["s"])
        found[f"{step}_mb"] = max(found.get(f"{step}_mb", 0.0), float(job["max_rss"]))
    if beside_scanpy:
        times = str(folder / "scanpy.json")
        plain = measured([sys.executable, "-c", SCANPY, str(folder), str(folder / "scanpy.tsv"), times])
        plain |= json.loads(Path(times).read_text())
        found |= {f"scanpy_{name}": value for name, value in plain.items()}
        labels = pd.read_csv(folder / "scanpy.tsv", sep="\t", index_col=0)["leiden"]
        found["scanpy_ari"] = float(adjusted_rand_score(truth.loc[labels.index], labels))
        found["wall_ratio"] = found["wall_s"] / plain["wall_s"]
        found["cpu_ratio"] = found["cpu_s"] / plain["cpu_s"]
        found["wall_ratio_to_leiden"] = found["wall_s"] / plain["to_leiden_wall_s"]
    return found


def missed_floors(cells: int, found: dict[str, float]) -> list[str]:
    """Floors of this number of cells that are not reached, one line each; what was not measured is not judged."""
    lines = []
    for metric, limit in FLOORS.get(cells, {}).items():
        value = found.get(metric)
        if value is not None and (value < limit if metric == "ari" else value > limit):
            lines.append(f"{cells} cells, {metric}: {value:.3g}, floor {limit}")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, nargs="+", default=[3000, 30_000, 150_000])
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--no-scanpy", action="store_true")
    parser.add_argument("--work", type=Path, help="where to keep the cells, 6 KB a cell (default: removed at the end)")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    versions = {name: version(name) for name in ("scanpy", "anndata", "numpy", "scikit-learn")}
    found: dict[str, object] = {"_meta": {"kernel": platform.release(), "cores": options.cores, "versions": versions}}
    missed = []
    for cells in options.cells:
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as temporary:
            folder = (options.work / str(cells) if options.work else Path(temporary)).resolve()
            folder.mkdir(parents=True, exist_ok=True)
            values = figures(cells, folder, beside_scanpy=not options.no_scanpy, cores=options.cores)
        for metric, value in values.items():
            found[f"cells_{cells}.{metric}"] = round(value, 4)
            print(f"cells_{cells}.{metric}: {value:.4g}  (load {os.getloadavg()[0]:.1f})", flush=True)
        missed += missed_floors(cells, values)
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print("\n".join(missed), end="\n" if missed else "")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
