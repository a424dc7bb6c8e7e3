"""Small readers of genomic files that several steps share."""

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

import pysam

from kimedlib.variant_comparison import CalledVariant, Comparison, Regions, compare

KINDS = {"normal": "germline", "tumour": "somatic"}  # what is called in samples of each role


def read_bed(path: str | Path) -> list[tuple[str, int, int]]:
    """Intervals of a BED file (plain text), 0-based and half-open; comments and track lines are skipped."""
    with Path(path).open(encoding="utf-8") as handle:
        rows = (line.split() for line in handle if line.strip() and not line.startswith(("#", "track", "browser")))
        return [(row[0], int(row[1]), int(row[2])) for row in rows]


def called_intervals(lengths: Mapping[str, int], targets: Path | None, region: str) -> list[tuple[str, int, int]]:
    """Where is called and measured: targets within the region, the region, or all contigs.

    Parameters
    ----------
    lengths
        Of the reference's contigs.
    targets, region
        BED file, and contig:first-last as samtools writes it; None and "" for everywhere.
    """
    intervals = read_bed(targets) if targets else [(name, 0, length) for name, length in lengths.items()]
    if not region:
        return intervals
    contig, _, span = region.partition(":")
    first, last = (int(part) for part in span.split("-")) if span else (1, lengths[contig])
    clipped = [(name, max(start, first - 1), min(end, last)) for name, start, end in intervals if name == contig]
    return [(name, start, end) for name, start, end in clipped if start < end]


def open_variants(path: str | Path) -> pysam.VariantFile:
    """Open a VCF or BCF for reading from its beginning.

    htslib's own messages are silenced meanwhile: it complains about an index that is not needed here, past any
    Python redirection; what matters is raised as an exception.
    """
    before = pysam.set_verbosity(0)
    try:
        return pysam.VariantFile(str(path))
    finally:
        pysam.set_verbosity(before)


def tumour_fraction(record: pysam.VariantRecord) -> float:
    """Allele fraction in the last sample of a record, the tumour."""
    return float(record.samples.values()[-1]["AF"][0])


def passing(record: pysam.VariantRecord) -> bool:
    """Whether no filter speaks against a record (PASS, or no filter was applied)."""
    return set(record.filter.keys()) <= {"PASS"}


def read_variants(
    path: str | Path, sample: int | str = -1, also: Collection[str] = frozenset()
) -> Iterator[CalledVariant]:
    """Passing records of one sample of a VCF (the last one unless named) that carry another allele.

    Alleles that are not bases (`*`, `<DEL>`) cannot be spelled and are skipped. Records that fail none but the
    filters `also` are given too.
    """
    with open_variants(path) as records:
        samples = list(records.header.samples)
        name = samples[sample] if isinstance(sample, int) else sample
        for record in records:
            genotype = tuple(0 if allele is None else int(allele) for allele in record.samples[name]["GT"] or ())
            called = set(genotype) - {0}
            if (
                called
                and set(record.filter.keys()) <= {"PASS", *also}
                and all(set(record.alleles[allele].upper()) <= set("ACGTN") for allele in called)
            ):
                yield CalledVariant(
                    record.contig,
                    record.start,
                    record.ref.upper(),
                    tuple(allele.upper() for allele in record.alts),
                    genotype,
                    record.qual,
                )


def compare_files(
    called: Path,
    true: Path,
    sample: Mapping[str, str],
    fetch: Callable[[str, int, int], str],
    also: Collection[str] = frozenset(),
) -> Comparison:
    """Compare the calls of a sample with its truth: genotypes of normals, alleles of tumours.

    Parameters
    ----------
    called, true
        VCF files.
    sample
        role and truth_bed ("" for everywhere).
    fetch
        Reference bases of (contig, start, end).
    also
        Filters that do not keep a call out.
    """
    regions = Regions(read_bed(sample["truth_bed"]) if sample["truth_bed"] else [])
    genotypes = KINDS[sample["role"]] == "germline"
    return compare(read_variants(true), read_variants(called, also=also), regions, fetch, genotypes=genotypes)
