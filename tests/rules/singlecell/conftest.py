"""Scripts as modules, and one small study run through all steps."""

import functools
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pandas as pd
import pytest
import yaml
from singlecell_samples import simulated_sample

REPOSITORY = Path(__file__).resolve().parents[3]


def load_step(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"step_{name.replace('/', '_')}", REPOSITORY / f"scripts/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def step() -> Callable[[str], ModuleType]:
    return load_step


@pytest.fixture(scope="session")
def study(tmp_path_factory) -> SimpleNamespace:
    """Six samples in two conditions, from raw counts to annotated cells; the steps' own tests look at parts of it."""
    folder = tmp_path_factory.mktemp("study")
    config = yaml.safe_load((REPOSITORY / "config/singlecell.yaml").read_text())
    config["embedding"]["integration"] = ["none"]
    markers = REPOSITORY / config["annotation"]["markers"]
    sheet, truths, kept, tables = [], [], [], []
    for number in range(6):
        name, treated = f"s{number}", number % 2 == 1
        sample = simulated_sample(folder, cells=130, seed=number, effect=float(treated))
        row = {
            "sample": name,
            "patient_id": f"p{number}",
            "condition": "treated" if treated else "untreated",
            "subset": "",
        }
        sheet.append(
            row | {"batch": f"b{number // 2 % 2}", "counts": str(sample.counts), "labels": str(folder / "labels.tsv")}
        )
        truths.append(sample.truth.reset_index().assign(sample=name))
        kept.append(folder / f"{name}.h5ad")
        tables.append(folder / f"{name}.tsv")
        load_step("singlecell/qc_cells").main(
            counts=sample.counts, gene_sets=REPOSITORY / config["gene_sets"], cells=kept[-1], table=tables[-1],
            limits=folder / f"{name}.limits.tsv", sample=sheet[-1], seed=1, source=config["input"],
            quality=config["quality"], doublets=config["doublets"],
        )  # fmt: skip
    labels = pd.concat(truths).rename(columns={"true_type": "cell_type", "is_doublet": "doublet"})
    labels.to_csv(folder / "labels.tsv", sep="\t", index=False)
    load_step("singlecell/cluster_cells").main(
        samples=kept, cells=folder / "clustered.h5ad", seed=1, source=config["input"], embedding=config["embedding"],
        integration=folder / "integration.tsv", resolutions=folder / "resolutions.tsv",
        splits=folder / "splits.tsv",
    )  # fmt: skip
    load_step("singlecell/annotate_cells").main(
        clustered=folder / "clustered.h5ad", seed=1, marker_table=markers, cells=folder / "cells.h5ad",
        table=folder / "cells.tsv.gz", types=folder / "types.tsv", markers=folder / "markers.tsv",
        settings=config["annotation"],
    )  # fmt: skip
    return SimpleNamespace(
        folder=folder, config=config, markers=markers, sheet=sheet, labels=labels, kept=kept, tables=tables,
        gene_sets=REPOSITORY / config["gene_sets"],
    )  # fmt: skip


@pytest.fixture(scope="session")
def planned_reads(tmp_path_factory, snakemake_run) -> Callable[[str], str]:
    """What Snakemake would do with the shipped reads and an engine; a stand-in, never called, is its command."""

    @functools.cache
    def plan(engine: str) -> str:
        folder = tmp_path_factory.mktemp(engine)
        tool = folder / {"kb": "kallisto", "starsolo": "STAR", "simpleaf": "simpleaf"}[engine]
        tool.write_text("#!/bin/sh\nexit 1\n")
        tool.chmod(0o755)
        config = yaml.safe_load((REPOSITORY / "config/reads/singlecell.yaml").read_text())
        config["reads"]["engine"] = engine
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
            return snakemake_run("singlecell", folder, "--dry-run", config=config).stdout

    return plan
