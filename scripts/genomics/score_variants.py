"""Score called variants against known truth."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pysam

from kimedlib.atomic import atomic_path
from kimedlib.genomics_files import read_bed, read_variants
from kimedlib.logs import log_to
from kimedlib.variant_comparison import Regions, Tally, compare, pooled

KINDS = {"normal": "germline", "tumour": "somatic"}


def main(
    calls: Sequence[Path],
    truths: Sequence[Path],
    reference: Path,
    scores: Path,
    samples: Sequence[Mapping[str, str]],
) -> None:
    """Write `sample, metric, value`; metrics are `<snv|indel>.<tp|fp|fn|precision|recall|f1>`.

    Rows of the samples `germline` and `somatic` hold the pooled counts of all normals and all tumours.

    Parameters
    ----------
    calls, truths
        VCF files of each sample, in the same order.
    reference
        Indexed FASTA.
    scores
        Table to write.
    samples
        sample, role and truth_bed ("" for everywhere) in the order of `calls`.
    """
    rows: list[tuple[str, Mapping[str, Tally]]] = []
    groups: dict[str, list[Mapping[str, Tally]]] = {}
    with pysam.FastaFile(str(reference)) as fasta:
        for called, true, sample in zip(calls, truths, samples, strict=True):
            kind = KINDS[sample["role"]]
            regions = Regions(read_bed(sample["truth_bed"]) if sample["truth_bed"] else [])
            outcome = compare(
                read_variants(true), read_variants(called), regions, fasta.fetch, genotypes=kind == "germline"
            )
            for name, variants in (("missed", outcome.missed), ("wrong", outcome.wrong)):
                for variant in variants:
                    print(sample["sample"], name, variant)
            rows.append((sample["sample"], outcome.tallies))
            groups.setdefault(kind, []).append(outcome.tallies)
    rows += [(kind, pooled(tallies)) for kind, tallies in sorted(groups.items())]
    with atomic_path(scores) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter="\t", lineterminator="\n")
        writer.writerow(["sample", "metric", "value"])
        for sample_name, by_class in rows:
            for variant_class, tally in by_class.items():
                for metric, value in tally.metrics().items():
                    writer.writerow([sample_name, f"{variant_class}.{metric}", round(value, 6)])


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            [Path(path) for path in snakemake.input.calls],
            [Path(path) for path in snakemake.input.truths],
            Path(snakemake.input.reference),
            Path(snakemake.output.scores),
            snakemake.params.samples,
        )
