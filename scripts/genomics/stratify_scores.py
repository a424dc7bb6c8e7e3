"""Where called variants are right and where not: strata, and precision and recall over the smallest QUAL."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import accumulate
from pathlib import Path

import pysam

from kimedlib.genomics_files import KINDS, compare_files
from kimedlib.logs import log_to
from kimedlib.table_files import write_rows
from kimedlib.variant_comparison import CalledVariant, Comparison
from kimedlib.variant_strata import STRATA, Counts, Stratified, count_strata, curve, levels

CLASSES = ("snv", "indel")
NOT_COUNTED = 0x4 | 0x100 | 0x200 | 0x400  # unmapped, secondary, failed, duplicate
STRATA_COLUMNS = (
    "sample", "class", "stratum", "level", "truths", "found", "calls", "right", "recall", "recall_low", "recall_high",
    "precision", "precision_low", "precision_high", "f1",
)  # fmt: skip
CURVE_COLUMNS = ("sample", "class", "minimum_quality", "truths", "found", "wrong", "calls", "recall", "precision")
STRETCH = 1 << 16  # bases
QUALITY_FILTERS = {"low_quality"}  # what a curve over QUAL looks behind


class Depths:
    """Reads (no duplicates, secondary or failed ones) over places, of one stretch of a contig at a time.

    To look at a single place, htslib decodes a whole slice of a CRAM (10,000 reads); variants come in clusters of
    places and are looked at in order, so that a stretch is decoded once for all variants in it.
    """

    def __init__(self, alignments: pysam.AlignmentFile) -> None:
        self.alignments = alignments
        self.stretch: tuple[str, int] = ("", -1)
        self.depths: list[int] = []

    def look(self, contig: str, start: int) -> None:
        """Count the reads over every place of the stretch that begins at `start`."""
        changes = [0] * (STRETCH + 1)
        for read in self.alignments.fetch(contig, start, start + STRETCH):
            if not read.flag & NOT_COUNTED:
                changes[max(0, read.reference_start - start)] += 1
                changes[min(STRETCH, read.reference_end - start)] -= 1
        self.stretch = contig, start
        self.depths = list(accumulate(changes))

    def __call__(self, variant: CalledVariant) -> int:
        """Depth at the first changed base of a variant."""
        place = variant.span[0]
        start = place - place % STRETCH
        if self.stretch != (variant.contig, start):
            self.look(variant.contig, start)
        return self.depths[place - start]


def open_alignments(path: Path, reference: Path) -> AbstractContextManager[pysam.AlignmentFile]:
    """Open a CRAM or BAM."""
    opened: AbstractContextManager[pysam.AlignmentFile] = pysam.AlignmentFile(
        str(path), reference_filename=str(reference)
    )
    return opened


def main(
    *,
    calls: Sequence[Path],
    truths: Sequence[Path],
    alignments: Sequence[Path],
    reference: Path,
    strata: Path,
    curves: Path,
    samples: Sequence[Mapping[str, str]],
) -> None:
    """Compare as `score_variants` does, and write two tables.

    Parameters
    ----------
    calls, truths, alignments
        VCF files and CRAM of each sample, in the same order.
    reference
        Indexed FASTA.
    strata
        Table of the pooled counts per class, stratum and level, with exact 95 % intervals.
    curves
        Table of the pooled precision and recall over the smallest QUAL.
    samples
        sample, role and truth_bed ("" for everywhere) in the order of `calls`.

    Raises
    ------
    ValueError
        A call has no QUAL.
    """
    counts: dict[str, Counts] = {}
    unfiltered: dict[str, list[Comparison]] = {}
    with pysam.FastaFile(str(reference)) as fasta:
        for called, true, reads, sample in zip(calls, truths, alignments, samples, strict=True):
            kind = KINDS[sample["role"]]
            outcome = compare_files(called, true, sample, fasta.fetch)
            with open_alignments(reads, reference) as opened:
                levels_of = partial(levels, fetch=fasta.fetch, depth=Depths(opened), genotypes=kind == "germline")
                count_strata(counts.setdefault(kind, {}), outcome, levels_of)
            everything = compare_files(called, true, sample, fasta.fetch, also=QUALITY_FILTERS)
            unfiltered.setdefault(kind, []).append(everything)
    write_rows(strata_rows(counts), strata, STRATA_COLUMNS)
    write_rows(curve_rows(unfiltered), curves, CURVE_COLUMNS)


def strata_rows(counts: Mapping[str, Counts]) -> list[dict[str, object]]:
    """One row per kind of samples, class, stratum and level that occurs."""
    return [
        {"sample": kind, "class": name, "stratum": stratum, "level": level, **Stratified(*cells).row()}
        for kind, by_stratum in sorted(counts.items())
        for (name, stratum, level), cells in sorted(
            by_stratum.items(), key=lambda one: (CLASSES.index(one[0][0]), STRATA.index(one[0][1]), one[0][2])
        )
    ]


def curve_rows(outcomes: Mapping[str, Sequence[Comparison]]) -> list[dict[str, object]]:
    """One row per kind of samples, class and smallest QUAL."""
    return [
        {
            "sample": kind, "class": name, **point._asdict(),
            "recall": round(point.found / point.truths, 6) if point.truths else "",
            "precision": round(1 - point.wrong / point.calls, 6),
        }
        for kind, some in sorted(outcomes.items())
        for name in CLASSES
        for point in curve(some, name)
    ]  # fmt: skip


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            calls=[Path(path) for path in snakemake.input.calls],
            truths=[Path(path) for path in snakemake.input.truths],
            alignments=[Path(path) for path in snakemake.input.alignments],
            reference=Path(snakemake.input.reference),
            strata=Path(snakemake.output.strata),
            curves=Path(snakemake.output.curves),
            samples=snakemake.params.samples,
        )
