"""Decide which alleles of a tumour are somatic."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pysam

from kimedlib.atomic import atomic_path
from kimedlib.genomics_evidence import (
    NearbyReads,
    Vote,
    base_votes,
    length_votes,
    repeat_stretch,
    simplest_indel,
)
from kimedlib.genomics_files import open_variants
from kimedlib.genomics_somatic import (
    BASE_ERROR,
    FILTERS,
    Candidate,
    at_ends,
    base_log_odds,
    counted,
    genotype_log_odds,
    indel_error,
    judge,
    tumour_log_odds,
)
from kimedlib.logs import log_to

GERMLINE_FRACTION = 0.2  # of the normal's reads: not worth a look
SURE_ERROR = 10**-3.25  # two clean bases of quality 33 are enough
FORMATS = (
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Whether the sample shows the allele">',
    '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Fragments per allele">',
    '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Fragments of any allele; of indels those over its repeat">',
    '##FORMAT=<ID=AF,Number=A,Type=Float,Description="Share of fragments that show the allele">',
    '##INFO=<ID=SOMATIC,Number=0,Type=Flag,Description="Passed all filters">',
)


class Called(NamedTuple):
    """A record to be written."""

    contig: str
    start: int
    alleles: tuple[str, str]
    candidate: Candidate
    failed: list[str]


def output_header(source: pysam.VariantHeader) -> pysam.VariantHeader:
    """Contigs and samples (normal, tumour) of the counts, and what this step adds."""
    header = pysam.VariantHeader()
    for name, contig in source.contigs.items():
        header.contigs.add(name, length=contig.length)
    for name, text in FILTERS.items():
        header.filters.add(name, None, None, text)
    for line in FORMATS:
        header.add_line(line)
    for name in source.samples:
        header.add_sample(name)
    return header


def substitution(
    record: pysam.VariantRecord, normal: NearbyReads, tumour: NearbyReads, settings: dict[str, Any]
) -> Iterator[Called]:
    """The verdict on a substitution, if the pileup counted enough reads for it."""
    counts = [(sum(sample["AD"]), sample["AD"][1]) for sample in record.samples.values()]
    if counts[1][1] < 2 or counts[0][1] > GERMLINE_FRACTION * counts[0][0]:
        return
    place, reference, other = record.start, record.ref.upper(), record.alts[0].upper()
    shown: list[list[Vote]] = [
        base_votes(reads.at(record.contig, place, place + 1), place, settings["minimum_base_quality"])
        for reads in (normal, tumour)
    ]
    clean = [vote for vote in shown[1] if vote.clean]
    support = [vote for vote in clean if vote.allele == other]
    all_support = [vote for vote in shown[1] if vote.allele == other]
    sure = sum(vote.error <= SURE_ERROR for vote in support) >= 2
    bases = Counter(vote.allele for vote in shown[0])
    candidate = Candidate(
        tumour=counted(clean, [reference], [other]),
        normal=counted(shown[0], [reference], [other]),
        tumour_odds=base_log_odds(clean, reference, other),
        normal_odds=genotype_log_odds(bases, other, BASE_ERROR),
        minimum_odds=settings["minimum_tumour_log_odds"],
        minimum_depth=settings["minimum_depth"],
        minimum_reads=2 if sure else settings["minimum_alternative_reads"],
        misplaced=2 * len(support) < len(all_support) or at_ends([vote.to_end for vote in all_support], settings),
    )
    if all_support:
        yield Called(record.contig, place, (reference, other), candidate, judge(candidate, settings))


def length_changes(
    contig: str,
    stretch: tuple[int, int],
    reads: tuple[NearbyReads, NearbyReads],
    fasta: pysam.FastaFile,
    settings: dict[str, Any],
) -> Iterator[Called]:
    """Verdicts on all other lengths of a stretch that the tumour shows."""
    start, end = stretch
    reference = fasta.fetch(contig, start, end).upper()
    normal, tumour = (length_votes(one.at(contig, start, max(end, start + 1)), start, end) for one in reads)
    lengths = Counter(len(vote.allele) - len(reference) for vote in normal)
    error = indel_error(settings, reference)
    for change in sorted({len(vote.allele) - len(reference) for vote in tumour} - {0}):
        spelled = Counter(vote.allele for vote in tumour if len(vote.allele) - len(reference) == change)
        alleles = [vote.allele for vote in (*normal, *tumour) if len(vote.allele) - len(reference) == change]
        same = [vote.allele for vote in (*normal, *tumour) if len(vote.allele) == len(reference)]
        counts = counted(tumour, same, alleles)
        if counts.other < 2:
            continue
        candidate = Candidate(
            tumour=counts,
            normal=counted(normal, same, alleles),
            tumour_odds=tumour_log_odds(counts, error),
            normal_odds=genotype_log_odds(lengths, change, error),
            minimum_odds=settings["minimum_indel_log_odds"],
            minimum_depth=settings["minimum_spanning_reads"],
            minimum_reads=settings["minimum_alternative_reads"],
            misplaced=False,
        )
        # the commonest spelling; of equals the first in the alphabet, so that the order of reads does not matter
        offset, gone, new = simplest_indel(reference, min(spelled, key=lambda one: (-spelled[one], one)))
        place = start + offset - 1
        anchor = fasta.fetch(contig, place, place + 1).upper()
        yield Called(contig, place, (anchor + gone, anchor + new), candidate, judge(candidate, settings))


def candidates(
    source: pysam.VariantFile,
    normal: NearbyReads,
    tumour: NearbyReads,
    fasta: pysam.FastaFile,
    settings: dict[str, Any],
) -> Iterator[Called]:
    """Verdicts on everything that the pileup shows, stretches of indels once each."""
    done: set[tuple[str, int, int]] = set()
    seen = 0
    for record in source:
        seen += 1
        if "INDEL" in record.info:
            contig, place = record.contig, record.pos
            last = fasta.get_reference_length(contig)

            def bases(start: int, end: int, contig: str = contig, last: int = last) -> str:
                return str(fasta.fetch(contig, start, min(end, last)).upper())

            near = [read for one in (normal, tumour) for read in one.at(contig, max(0, place - 60), place + 60)]
            stretch = repeat_stretch(bases, near, place)
            if stretch and (contig, *stretch) not in done:
                done.add((contig, *stretch))
                yield from length_changes(contig, stretch, (normal, tumour), fasta, settings)
        elif record.alts and not record.alts[0].startswith("<"):
            yield from substitution(record, normal, tumour, settings)
    if not seen:
        raise ValueError("no read differs from the reference anywhere; was anything sequenced here?")


def main(
    *, counts: Path, normal: Path, tumour: Path, reference: Path, variants: Path, settings: dict[str, Any]
) -> None:
    """Write the alleles that are more than sequencing error in the tumour, with the filters they fail.

    Parameters
    ----------
    counts
        BCF of `bcftools mpileup` with normal and tumour in this order, one allele per record: where to look.
    normal, tumour
        Indexed alignments.
    reference
        Indexed FASTA.
    variants
        VCF to write.
    settings
        Section `somatic` of the config.

    Raises
    ------
    ValueError
        Neither sample has a single read in `counts`: alignments or regions must be wrong.
    """
    minimum = settings["minimum_mapping_quality"]
    with (
        open_variants(counts) as source,
        pysam.AlignmentFile(str(normal), reference_filename=str(reference)) as normal_reads,
        pysam.AlignmentFile(str(tumour), reference_filename=str(reference)) as tumour_reads,
        pysam.FastaFile(str(reference)) as fasta,
        atomic_path(variants) as temporary,
    ):
        header = output_header(source.header)
        with pysam.VariantFile(str(temporary), "wz", header=header) as sink:
            near = NearbyReads(normal_reads, minimum), NearbyReads(tumour_reads, minimum)
            for called in candidates(source, *near, fasta, settings):
                if called.candidate.tumour_odds < called.candidate.minimum_odds:
                    continue
                record = sink.new_record(
                    contig=called.contig, start=called.start, alleles=called.alleles,
                    qual=round(10 * called.candidate.tumour_odds, 2), filter=called.failed or ["PASS"],
                )  # fmt: skip
                if not called.failed:
                    record.info["SOMATIC"] = True
                for number, sample in enumerate((called.candidate.normal, called.candidate.tumour)):
                    record.samples[number]["GT"] = (0, number)
                    record.samples[number]["AD"] = (sample.forward[0] + sample.reverse[0], sample.other)
                    record.samples[number]["DP"] = sample.total
                    record.samples[number]["AF"] = (round(sample.fraction, 4),)
                sink.write(record)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            counts=Path(snakemake.input.counts),
            normal=Path(snakemake.input.normal),
            tumour=Path(snakemake.input.tumour),
            reference=Path(snakemake.input.reference),
            variants=Path(snakemake.output.variants),
            settings=snakemake.params.settings,
        )
