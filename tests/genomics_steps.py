"""Shell steps of the genomics workflow as Snakemake runs them, without Snakemake; and tools that fail silently."""

import gzip
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pysam
import yaml

from kimedlib.genomics_files import read_bed, read_variants
from kimedlib.variant_comparison import Regions, compare

REPOSITORY = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent


def declared(name: str, values: dict) -> str:
    """The associative array that Snakemake puts before a shell script."""
    texts = {key: " ".join(map(str, one)) if isinstance(one, list | tuple) else str(one) for key, one in values.items()}
    return f"declare -A {name}=( {' '.join(f'[{key}]={shlex.quote(one)}' for key, one in texts.items())} )"


def run_step(
    step: str, folder: Path, *, inputs: dict, outputs: dict, params: dict, sample: str = "s", threads: int = 1,
    tools: Path | None = None,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """Run scripts/genomics/<step>.sh; its log is given back as stdout. Outputs are names of files in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log.txt"
    lines = [
        declared("snakemake_input", inputs),
        declared("snakemake_output", {key: folder / name if name else "" for key, name in outputs.items()}),
        declared("snakemake_params", params),
        declared("snakemake_wildcards", {"sample": sample}),
        declared("snakemake_log", {"0": log}),
        declared("snakemake", {"threads": threads}),
        (REPOSITORY / "scripts" / "genomics" / f"{step}.sh").read_text(encoding="utf-8"),
    ]
    script = folder / "step.sh"
    script.write_text("\n".join(lines), encoding="utf-8")
    path = os.pathsep.join([*([str(tools)] if tools else []), str(BIN), os.environ["PATH"]])
    run = subprocess.run(
        ["bash", str(script)], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    run.stdout = log.read_text(encoding="utf-8", errors="replace") + run.stderr
    return run


def faulty_tool(folder: Path, tool: str, subcommand: str, body: str) -> Path:
    """Put a stand-in for `tool` into a folder, which does `body` for one subcommand and calls the tool otherwise.

    In `body`, "$real" is the tool and "$@" its arguments, subcommand first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / tool
    path.write_text(
        f'#!/usr/bin/env bash\nset -eo pipefail\nreal={BIN / tool}\nif [ "$1" = {subcommand} ]; then\n{body}\n'
        'else\n  exec "$real" "$@"\nfi\n',
        encoding="utf-8",
    )
    path.chmod(0o755)
    return folder


def indexed_reference(folder: Path) -> Path:
    """The reference of the test data with its indexes."""
    reference = folder / "reference.fa"
    reference.write_bytes(gzip.decompress((REPOSITORY / "test_data/genomics/reference.fa.gz").read_bytes()))
    pysam.faidx(str(reference))
    dictionary = re.sub(r"\tUR:[^\t\n]*", "", pysam.samtools.dict(str(reference)))
    reference.with_suffix(".dict").write_text(dictionary, encoding="utf-8")
    subprocess.run([str(BIN / "bwa"), "index", str(reference)], check=True, capture_output=True)
    return reference


def shipped_config() -> dict:
    """The shipped config of the workflow."""
    return yaml.safe_load((REPOSITORY / "config" / "genomics.yaml").read_text(encoding="utf-8"))


def write_fastq(path: Path, records: list[str]) -> Path:
    """Write FASTQ records (four lines each), compressed."""
    path.write_bytes(gzip.compress("".join(records).encode(), compresslevel=1))
    return path


def fastq_records(path: Path, count: int) -> list[str]:
    """The first records of a compressed FASTQ file, four lines each."""
    with gzip.open(path, "rt") as lines:
        return ["".join(next(lines) for _ in range(4)) for _ in range(count)]


def jobs_of(run):
    """Names of the rules whose jobs a run started (or, dry, would start)."""
    return re.findall(r"^(?:local)?rule (\w+):$", run.stdout, flags=re.MULTILINE)


@dataclass(frozen=True)
class AnotherCaller:
    """One normal of the demonstration, its germline variants called by another caller, through the whole workflow."""

    name: str
    run: Callable[..., Any]
    config: Mapping[str, Any]
    folder: Path

    @property
    def target(self) -> Path:
        """The variants."""
        return self.folder / "genomics" / "germline" / "P003_normal.vcf.gz"

    def calls(self, *options: str, **config: str) -> str:
        """What Snakemake says; the caller's job and the common end of all callers are among the jobs."""
        said = self.run("genomics", self.folder, str(self.target), *options, config={**self.config, **config})
        assert {f"call_{self.name}", "call_germline"} <= set(jobs_of(said))
        return said.stdout

    def keeps_the_contract(self, test_data: Path) -> None:
        """Run: what was planted is found, alleles are split, consequences are told."""
        self.calls()
        truth = read_variants(test_data / "truth/genomics/P003_normal.vcf.gz")
        regions = Regions(read_bed(test_data / "genomics/targets.bed"))
        with pysam.FastaFile(str(self.folder / "genomics" / "reference" / "reference.fa")) as fasta:
            outcome = compare(truth, read_variants(self.target), regions, fasta.fetch)
        assert outcome.tallies["snv"].metrics()["f1"] >= 0.95
        with pysam.VariantFile(str(self.target)) as records:
            assert list(records.header.samples) == ["P003_normal"]
            found = list(records)
        assert all(len(one.alts) == 1 for one in found) and any("BCSQ" in one.info for one in found)
