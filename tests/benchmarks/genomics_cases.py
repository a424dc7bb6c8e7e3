"""Cases of a genomics manifest as runs of the workflow.

Known kinds: `germline` (own FASTQ files, or `derived_from` another case with `downsample`) and `somatic_mixture`
(normal: a random half of the background's pairs; tumour: the other half and a fraction of the spike's pairs).
Cases of one region share a run.
"""

import csv
import gzip
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pysam
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(Path(__file__).parent)]

from bench import Run, run_workflow  # noqa: E402
from genomics_timing import timing_metrics  # noqa: E402

from kimedlib.genomics_files import read_bed, read_variants  # noqa: E402
from kimedlib.seeding import generator  # noqa: E402
from kimedlib.variant_comparison import CalledVariant, Regions, allele_only, compare  # noqa: E402

SEED = 20
METRICS = ("f1", "precision", "recall", "tp", "fp", "fn")
MINIMUM_NORMAL_READS = 2  # the manifest's definition: so many reads of the normal make a variant germline
COLUMNS = ("sample", "patient_id", "role", "sex", "fastq_1", "fastq_2", "truth_vcf", "truth_bed")


@dataclass(frozen=True)
class Case:
    """One case with everything inherited filled in, paths absolute."""

    identifier: str
    kind: str
    region: str
    fastq: tuple[Path, ...] = ()
    truth_vcf: Path | None = None
    truth_bed: Path | None = None
    downsample: float = 1.0
    background: "Case | None" = None
    spike: "Case | None" = None
    spike_fraction: float = 0.0
    seed: int = SEED  # of the split

    @property
    def sample(self) -> str:
        """Identifier as a sample name."""
        return re.sub(r"[^A-Za-z0-9_.-]", "_", self.identifier)


def germline_case(raw: dict[str, Any], data: Path, cases: dict[str, Case]) -> Case:
    """A case of kind `germline`; what it does not say itself comes from the case it is derived from."""
    base = cases[raw["derived_from"]] if "derived_from" in raw else Case(raw["id"], "germline", "")
    truth = raw.get("truth", {})
    return replace(
        base,
        identifier=raw["id"],
        region=raw.get("region", base.region),
        fastq=tuple(data / name for name in raw["fastq"]) if "fastq" in raw else base.fastq,
        truth_vcf=data / truth["vcf"] if "vcf" in truth else base.truth_vcf,
        truth_bed=data / truth["bed"] if "bed" in truth else base.truth_bed,
        downsample=base.downsample * raw.get("downsample", 1.0),
    )


def mixture_case(raw: dict[str, Any], data: Path, cases: dict[str, Case]) -> Case:
    """A case of kind `somatic_mixture`."""
    background = cases[raw["background"]]
    spike = cases[raw["spike"]] if raw.get("spike") else None
    region = raw.get("region", background.region)
    fraction = float(raw.get("spike_fraction", 0.0))
    return Case(raw["id"], "somatic_mixture", region, background=background, spike=spike, spike_fraction=fraction)


KINDS: dict[str, Callable[[dict[str, Any], Path, dict[str, Case]], Case]] = {
    "germline": germline_case,
    "somatic_mixture": mixture_case,
}


def read_cases(manifest: dict[str, Any], data: Path) -> list[Case]:
    """All cases; those they refer to may stand anywhere in the manifest.

    Raises
    ------
    ValueError
        Unknown kind, or a case refers to one that does not exist.
    """
    waiting = list(manifest["cases"])
    done: dict[str, Case] = {}
    while waiting:
        ready = [
            raw
            for raw in waiting
            if all(raw[key] in done for key in ("derived_from", "background", "spike") if raw.get(key))
        ]
        if not ready:
            raise ValueError(f"cases refer to unknown cases: {', '.join(raw['id'] for raw in waiting)}")
        for raw in ready:
            if raw["kind"] not in KINDS:
                raise ValueError(f"case {raw['id']}: unknown kind '{raw['kind']}'; known: {', '.join(sorted(KINDS))}")
            done[raw["id"]] = KINDS[raw["kind"]](raw, data, done)
            waiting.remove(raw)
    return [done[raw["id"]] for raw in manifest["cases"]]


def read_pairs(case: Case) -> Iterator[tuple[str, str]]:
    """Pairs of FASTQ records (four lines each) of a germline case, thinned if it asks for that."""
    rng = generator(SEED, "downsample", case.identifier)
    with gzip.open(case.fastq[0], "rt") as first, gzip.open(case.fastq[1], "rt") as second:
        while True:
            record = "".join(first.readline() for _ in range(4))
            mate = "".join(second.readline() for _ in range(4))
            if not record:
                return
            if case.downsample >= 1 or rng.random() < case.downsample:
                yield record, mate


def write_pairs(pairs: Iterable[tuple[str, str]], prefix: Path) -> tuple[Path, Path]:
    """Write pairs to `<prefix>_R1.fastq.gz` and `_R2`."""
    paths = Path(f"{prefix}_R1.fastq.gz"), Path(f"{prefix}_R2.fastq.gz")
    with gzip.open(paths[0], "wt", compresslevel=1) as first, gzip.open(paths[1], "wt", compresslevel=1) as second:
        for record, mate in pairs:
            first.write(record)
            second.write(mate)
    return paths


def half(case: Case, which: int, seed: int) -> Iterator[tuple[str, str]]:
    """One of the two random halves of a case's pairs."""
    rng = generator(seed, "halves", case.identifier)
    for pair in read_pairs(case):
        if int(rng.integers(2)) == which:
            yield pair


def spiked(case: Case) -> Iterator[tuple[str, str]]:
    """Pairs of the tumour of a mixture."""
    assert case.background is not None
    yield from half(case.background, 1, case.seed)
    if case.spike is not None:
        rng = generator(case.seed, "spike", case.spike.identifier)
        for pair in read_pairs(case.spike):
            if rng.random() < case.spike_fraction:
                yield pair


@dataclass
class Group:
    """Cases of one region and the rows of their sample sheet."""

    cases: list[Case] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)


def add_case(group: Group, case: Case, work: Path) -> None:
    """Add a case's samples to its group's sheet, writing the reads that have to be made."""
    group.cases.append(case)

    def add(sample: str, role: str, fastq: tuple[Path, ...], truth: Case | None = None) -> None:
        row = {"sample": sample, "patient_id": case.sample, "role": role, "sex": "unknown"}
        row |= {"fastq_1": str(fastq[0]), "fastq_2": str(fastq[1])}
        row |= {"truth_vcf": str(truth.truth_vcf or ""), "truth_bed": str(truth.truth_bed or "")} if truth else {}
        group.rows.append(row)

    if case.kind == "germline":
        fastq = case.fastq if case.downsample >= 1 else write_pairs(read_pairs(case), work / case.sample)
        add(case.sample, "normal", fastq, case)
        return
    assert case.background is not None
    normal, tumour = f"{case.sample}_normal", f"{case.sample}_tumour"
    add(normal, "normal", write_pairs(half(case.background, 0, case.seed), work / normal))
    add(tumour, "tumour", write_pairs(spiked(case), work / tumour))


def carried_reads(alignments: pysam.AlignmentFile, variant: CalledVariant) -> int:
    """Reads (without duplicates) that show the allele of `variant`."""
    other = variant.others[0]
    change = len(other) - len(variant.reference)
    found = 0
    where = (variant.contig, variant.position, variant.position + 1)
    # CRAM files have one iterator at a time; pysam warns unless told that one is enough.
    for column in alignments.pileup(*where, truncate=True, min_base_quality=0, stepper="all", multiple_iterators=False):
        for read in column.pileups:
            if read.is_del or read.query_position is None:
                continue
            if change == 0:
                end = read.query_position + len(other)
                found += read.alignment.query_sequence[read.query_position : end].upper() == other
            elif read.indel == change:
                inserted = read.alignment.query_sequence[read.query_position : read.query_position + 1 + max(0, change)]
                found += change < 0 or inserted.upper() == other
    return found


def somatic_truth(case: Case, normal: Path, reference: Path) -> list[CalledVariant]:
    """Alleles of the spike that the background does not have, by its truth or by its normal reads."""
    assert case.background is not None
    assert case.spike is not None
    known = set()
    if case.background.truth_vcf:
        for variant in read_variants(case.background.truth_vcf):
            known |= {(variant.contig, edit) for edit in variant.edits}
    truth = []
    with pysam.AlignmentFile(str(normal), reference_filename=str(reference)) as reads:
        for variant in read_variants(case.spike.truth_vcf):
            for allele in sorted(set(variant.genotype) - {0}):
                single = allele_only(variant, allele)
                if (single.contig, single.edits[0]) in known:
                    continue
                if carried_reads(reads, single) < MINIMUM_NORMAL_READS:
                    truth.append(single)
    return truth


def mixture_metrics(case: Case, results: Path) -> dict[str, float]:
    """Scores of a mixture, or the number of calls where nothing is somatic."""
    calls = list(read_variants(results / "somatic" / f"{case.sample}_tumour.vcf.gz"))
    if case.spike is None:
        return {f"{case.identifier}.calls": len(calls)}
    reference = results / "reference" / "reference.fa"
    truth = somatic_truth(case, results / "alignments" / f"{case.sample}_normal.cram", reference)
    bed = case.spike.truth_bed
    with pysam.FastaFile(str(reference)) as fasta:
        outcome = compare(truth, calls, Regions(read_bed(bed) if bed else []), fasta.fetch, genotypes=False)
    return {
        f"{case.identifier}.{kind}.{metric}": tally.metrics()[metric]
        for kind, tally in outcome.tallies.items()
        for metric in METRICS
    }


def group_metrics(cases: list[Case], root: Path) -> dict[str, float]:
    """Metrics of all cases of a run."""
    results = root / "genomics"
    metrics: dict[str, float] = {}
    scores: dict[tuple[str, str], float] = {}
    if (results / "scores.tsv").is_file():
        with (results / "scores.tsv").open(encoding="utf-8", newline="") as handle:
            scores = {
                (row["sample"], row["metric"]): float(row["value"]) for row in csv.DictReader(handle, delimiter="\t")
            }
    for case in cases:
        if case.kind == "somatic_mixture":
            metrics |= mixture_metrics(case, results)
        else:
            metrics |= {
                f"{case.identifier}.{kind}.{metric}": scores[case.sample, f"{kind}.{metric}"]
                for kind in ("snv", "indel")
                for metric in METRICS
            }
    return metrics


def prepare(manifest: dict[str, Any], data: Path, work: Path) -> list[Run]:
    """One run per region of the manifest's cases.

    Parameters
    ----------
    manifest
        Content of `manifest.yaml`: `reference: {fasta: ...}` and `cases`.
    data
        Folder that its paths are relative to.
    work
        Folder for made reads, sheets and configs.
    """
    return runs_of(read_cases(manifest, data), manifest, data, work)


def runs_of(cases: list[Case], manifest: dict[str, Any], data: Path, work: Path) -> list[Run]:
    """One run per region of these cases; parameters as of `prepare`."""
    groups: dict[str, Group] = {}
    for case in cases:
        add_case(groups.setdefault(case.region, Group()), case, work)
    shipped = yaml.safe_load((REPOSITORY / "config" / "genomics.yaml").read_text(encoding="utf-8"))
    runs = []
    for number, (region, group) in enumerate(groups.items()):
        sheet = work / f"samples-{number}.tsv"
        with sheet.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, COLUMNS, restval="", delimiter="\t", lineterminator="\n")
            writer.writeheader()
            writer.writerows(group.rows)
        config = work / f"config-{number}.yaml"
        settings = {
            **shipped,
            "samples": str(sheet),
            "reference": str(data / manifest["reference"]["fasta"]),
            "references_manifest": "",
            "gene_model": "",
            "targets": "",
            "region": region,
        }
        config.write_text(yaml.safe_dump(settings), encoding="utf-8")
        runs.append(Run("genomics", config, [], partial(group_metrics, group.cases)))
    if os.environ.get("KIMED_BENCH_TIMING") == "0":
        return runs
    timed = [one for one in read_cases(manifest, data) if one.kind == "germline" and one.downsample >= 1]
    reference = data / manifest["reference"]["fasta"]
    return [*runs, *(timed_run(shipped, reference, one, work) for one in timed if one.truth_vcf)]


def timed_run(shipped: dict[str, Any], reference: Path, case: Case, work: Path) -> Run:
    """A run that indexes the reference, and measures how long a germline case with truth takes from there."""
    sheet, config = work / f"samples-timed-{case.sample}.tsv", work / f"config-timed-{case.sample}.yaml"
    row = {
        "sample": case.sample, "patient_id": case.sample, "role": "normal", "fastq_1": case.fastq[0],
        "fastq_2": case.fastq[1], "truth_vcf": case.truth_vcf, "truth_bed": case.truth_bed or "",
    }  # fmt: skip
    with sheet.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS, restval="", delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerow(row)
    places = {"samples": str(sheet), "reference": str(reference), "region": case.region}
    empty = {"references_manifest": "", "gene_model": "", "targets": ""}
    config.write_text(yaml.safe_dump({**shipped, **places, **empty}), encoding="utf-8")

    def up_to_scores(root: Path) -> None:
        run_workflow(Run("genomics", config, [str(root / "genomics" / "scores.tsv")], dict), root, os.cpu_count() or 1)

    measure = partial(
        timing_metrics, f"{case.identifier}_timing", case.fastq, (case.truth_vcf, case.truth_bed), config, up_to_scores
    )
    return Run("genomics", config, ["prepare_reference"], measure)
