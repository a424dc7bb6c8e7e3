"""Counting from reads through the real workflow, against planted molecules."""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from singlecell_reads import LARGE, agreement, simulate

RESULTS = ("counts/reads1.h5", "counting.tsv", "saturation.tsv", "figures/saturation.png")


def digests(root: Path) -> dict[str, str]:
    return {name: hashlib.sha256((root / "singlecell" / name).read_bytes()).hexdigest() for name in RESULTS}


@pytest.fixture(scope="module")
def shipped(snakemake_run, repository: Path, tmp_path_factory) -> Path:
    """The shipped reads, counted; run up to the table of what became of them."""
    root = tmp_path_factory.mktemp("reads")
    config = yaml.safe_load((repository / "config/reads/singlecell.yaml").read_text())
    snakemake_run("singlecell", root, str(root / "singlecell/counting.tsv"), config=config, offline=True)
    return root


def test_planted_molecules_of_the_shipped_reads_are_counted(shipped: Path, repository: Path):
    found = agreement(shipped / "singlecell", repository / "test_data/truth")
    assert found["reads_gene_cell_r"] >= 0.985
    assert found["reads_false_barcodes"] == 0 and found["reads_cells_found"] == 1


def test_table_tells_what_became_of_the_reads(shipped: Path, repository: Path):
    table = pd.read_csv(shipped / "singlecell/counting.tsv", sep="\t").set_index("sample")
    for sample in ("reads1", "reads2"):
        lanes = sorted((repository / "test_data/singlecell_reads").glob(f"{sample}_L*_R1.fastq.gz"))
        reads = sum(gzip.decompress(path.read_bytes()).count(b"\n") // 4 for path in lanes)
        assert table.loc[sample, "reads"] == reads
    planted = pd.read_csv(repository / "test_data/truth/read_molecules.tsv.gz", sep="\t").groupby("sample")
    # Planted: 4 % foreign reads; each molecule read 1.4 times on average.
    assert table["mapped_percent"].between(94, 97).all() and (table["valid_barcode_percent"] > 99).all()
    share = 100 * (1 - planted["molecules"].sum() / (0.96 * table["reads"]))
    assert (table["saturation_percent"] - share).abs().max() < 4


def test_curve_ends_at_what_was_found(shipped: Path):
    curve = pd.read_csv(shipped / "singlecell/saturation.tsv", sep="\t")
    table = pd.read_csv(shipped / "singlecell/counting.tsv", sep="\t").set_index("sample")
    for sample, part in curve.groupby("sample"):
        assert part["fraction"].iloc[-1] == 1
        assert part["saturation_percent"].iloc[-1] == pytest.approx(table.loc[sample, "saturation_percent"], abs=0.01)
        assert part["median_genes"].iloc[-1] == pytest.approx(table.loc[sample, "median_genes"], abs=1)
        assert part["median_genes"].is_monotonic_increasing and part["saturation_percent"].is_monotonic_increasing


@pytest.mark.slow
def test_molecules_of_another_library_with_one_thread_and_two(snakemake_run, tmp_path: Path):
    """The floors of the issue, on another seed than that of the shipped reads."""
    config = simulate(tmp_path, 7, LARGE)
    for cores in (1, 2):
        root = tmp_path / f"run{cores}"
        snakemake_run("singlecell", root, str(root / "singlecell/counting.tsv"), config=config, cores=cores)
    found = agreement(tmp_path / "run1/singlecell", tmp_path / "truth")
    assert found["reads_gene_cell_r"] >= 0.985 and found["reads_cell_r"] >= 0.999, found
    assert found["reads_false_barcodes"] == 0, found
    assert digests(tmp_path / "run1") == digests(tmp_path / "run2")


@pytest.mark.slow
def test_readme_command_ends_in_cells(snakemake_run, repository: Path, tmp_path: Path):
    config = yaml.safe_load((repository / "config/reads/singlecell.yaml").read_text())
    snakemake_run("singlecell", tmp_path, config=config)
    for name in ("cells.h5ad", "counting.tsv", "figures/saturation.png", "figures/umap_types.png"):
        assert (tmp_path / "singlecell" / name).is_file(), name


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed: make setup")
def test_programmes_run_in_the_sandbox(repository: Path, permitted: dict[str, str]):
    root = Path("results") / f"reads-{os.getpid()}"
    command = [sys.executable, "-m", "snakemake", "--profile", "spe", "-s", "workflows/singlecell/Snakefile"]
    command += [str(root / "singlecell/counts/reads1.h5"), "--configfile", "config/reads/singlecell.yaml"]
    environment = {**os.environ, **permitted}
    try:
        run = subprocess.run(
            [*command, "--config", f"pathvars={{root: {root}}}"],
            cwd=repository, env=environment, text=True, capture_output=True, check=False,
        )  # fmt: skip
        assert run.returncode == 0, run.stdout + run.stderr
        assert '"kind":"job"' in (Path(permitted["KIMED_REGISTER"]) / "log.jsonl").read_text()
        assert "pseudoaligned" in (repository / root / "singlecell/logs/count_reads/reads1.log").read_text()
    finally:
        shutil.rmtree(repository / root, ignore_errors=True)
