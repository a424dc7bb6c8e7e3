"""Score called variants against known truth."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pysam

from kimedlib.genomics_files import KINDS, compare_files
from kimedlib.logs import log_to
from kimedlib.table_files import write_rows
from kimedlib.variant_comparison import Tally, pooled


def main(
    *,
    calls: Sequence[Path],
    truths: Sequence[Path],
    reference: Path,
    scores: Path,
    samples: Sequence[Mapping[str, str]],
) -> None:
    """Compare by haplotypes within the regions where the truth is complete.

    Parameters
    ----------
    calls, truths
        VCF files of each sample, in the same order.
    reference
        Indexed FASTA.
    scores
        Table `sample, metric, value`; metrics are `<snv|indel>.<tp|fp|fn|precision|recall|f1>`. Rows of the samples
        `germline` and `somatic` hold the pooled counts of all normals and all tumours.
    samples
        sample, role and truth_bed ("" for everywhere) in the order of `calls`.

    Raises
    ------
    ValueError
        The truth of no sample is known.
    """
    if not samples:
        raise ValueError("there is nothing to score: fill truth_vcf (and truth_bed) in the sample sheet")
    rows: list[tuple[str, Mapping[str, Tally]]] = []
    groups: dict[str, list[Mapping[str, Tally]]] = {}
    with pysam.FastaFile(str(reference)) as fasta:
        for called, true, sample in zip(calls, truths, samples, strict=True):
            outcome = compare_files(called, true, sample, fasta.fetch)
            for name, variants in (("missed", outcome.missed), ("wrong", outcome.wrong)):
                for variant in variants:
                    print(sample["sample"], name, variant)
            rows.append((sample["sample"], outcome.tallies))
            groups.setdefault(KINDS[sample["role"]], []).append(outcome.tallies)
    rows += [(kind, pooled(tallies)) for kind, tallies in sorted(groups.items())]
    metrics = [
        {"sample": name, "metric": f"{variant_class}.{metric}", "value": round(float(value), 6)}
        for name, by_class in rows
        for variant_class, tally in by_class.items()
        for metric, value in tally.metrics().items()
    ]
    write_rows(metrics, scores, tuple(metrics[0]))


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            calls=[Path(path) for path in snakemake.input.calls],
            truths=[Path(path) for path in snakemake.input.truths],
            reference=Path(snakemake.input.reference),
            scores=Path(snakemake.output.scores),
            samples=snakemake.params.samples,
        )
