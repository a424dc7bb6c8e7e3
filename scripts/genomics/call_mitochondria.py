"""Find mitochondrial alleles and the share of molecules that carries them."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pysam

from kimedlib.atomic import atomic_path
from kimedlib.genomics_evidence import (
    UNUSED,
    Vote,
    base_votes,
    indels_of,
    length_votes,
    repeat_stretch,
    simplest_indel,
)
from kimedlib.genomics_somatic import AlleleCounts, base_log_odds, counted, indel_error, strand_p, tumour_log_odds
from kimedlib.logs import log_to

HOMOPLASMIC = 0.95  # share from which all molecules are taken to carry the allele
REACH = 60  # bases around an indel whose reads are looked at
INDEL_ERRORS = {"indel_error_factor": 5}  # as in the calls of tumours
HEADER = (
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="1: nearly all molecules carry the allele; 0/1: some do">',
    '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Fragments per allele">',
    '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Fragments of any allele; of indels those over its repeat">',
    '##FORMAT=<ID=AF,Number=A,Type=Float,Description="Share of fragments that show the allele (heteroplasmy)">',
    '##FILTER=<ID=strand_bias,Description="Fisher test: the allele depends on the strand">',
)


class Allele(NamedTuple):
    """An allele that is more than sequencing error."""

    start: int
    alleles: tuple[str, str]
    counts: AlleleCounts
    odds: float


class Contig:
    """Reads and reference bases of the mitochondrial contig.

    Parameters
    ----------
    reads
        Indexed alignments.
    fasta
        Indexed reference.
    settings
        Section `mitochondria` of the config.
    """

    def __init__(self, reads: pysam.AlignmentFile, fasta: pysam.FastaFile, settings: dict[str, Any]) -> None:
        self.reads, self.settings, self.name = reads, settings, settings["contig"]
        self.bases = str(fasta.fetch(self.name)).upper()

    def usable(self, read: pysam.AlignedSegment) -> bool:
        """Whether a read counts."""
        return not read.flag & UNUSED and read.mapping_quality >= self.settings["minimum_mapping_quality"]

    def at(self, start: int, end: int) -> list[pysam.AlignedSegment]:
        """Usable reads that overlap [start, end)."""
        found = self.reads.fetch(self.name, max(0, start), min(end, len(self.bases)))
        return [read for read in found if self.usable(read)]

    def fetch(self, start: int, end: int) -> str:
        """Reference bases."""
        return self.bases[max(0, start) : end]

    def worth_a_look(self, counts: AlleleCounts, odds: float) -> bool:
        """Whether an allele is frequent enough and more than error."""
        return bool(
            counts.other >= self.settings["minimum_reads"]
            and counts.fraction >= self.settings["minimum_fraction"]
            and odds >= self.settings["minimum_log_odds"]
        )


def substitutions(contig: Contig) -> Iterator[Allele]:
    """Single bases, where the pileup shows enough reads of another base to look at the fragments."""
    quality, fewest = contig.settings["minimum_base_quality"], contig.settings["minimum_reads"]
    counts = contig.reads.count_coverage(contig.name, quality_threshold=quality, read_callback=contig.usable)
    by_base = dict(zip("ACGT", counts, strict=True))
    for place, reference in enumerate(contig.bases):
        others = [base for base in "ACGT" if base != reference and by_base[base][place] >= fewest]
        if not others or reference not in by_base:
            continue
        votes: list[Vote] = [vote for vote in base_votes(contig.at(place, place + 1), place, quality) if vote.clean]
        for other in others:
            found, odds = counted(votes, [reference], [other]), base_log_odds(votes, reference, other)
            if contig.worth_a_look(found, odds):
                yield Allele(place, (reference, other), found, odds)


def length_changes(contig: Contig) -> Iterator[Allele]:
    """Other lengths of the stretches in which reads show indels."""
    seen: Counter[int] = Counter()
    for read in contig.reads.fetch(contig.name):
        if contig.usable(read):
            seen.update({place for place, _, _ in indels_of(read)})
    done: set[tuple[int, int]] = set()
    for place in sorted(place for place, count in seen.items() if count >= contig.settings["minimum_reads"]):
        near = contig.at(place - REACH, place + REACH)
        stretch = repeat_stretch(contig.fetch, near, place)
        if stretch is None or stretch in done or stretch[0] == 0:
            continue
        done.add(stretch)
        start, end = stretch
        reference = contig.bases[start:end]
        votes = length_votes(near, start, end)
        same = [vote.allele for vote in votes if len(vote.allele) == len(reference)]
        for change in sorted({len(vote.allele) - len(reference) for vote in votes} - {0}):
            spelled = Counter(vote.allele for vote in votes if len(vote.allele) - len(reference) == change)
            counts = counted(votes, same, list(spelled))
            odds = tumour_log_odds(counts, indel_error(INDEL_ERRORS, reference))
            if contig.worth_a_look(counts, odds):
                common = min(spelled, key=lambda one: (-spelled[one], one))
                offset, gone, new = simplest_indel(reference, common)
                anchor = contig.bases[start + offset - 1]
                yield Allele(start + offset - 1, (anchor + gone, anchor + new), counts, odds)


def main(*, alignments: Path, reference: Path, variants: Path, sample: str, settings: dict[str, Any]) -> None:
    """Write the alleles as VCF, and index it.

    Parameters
    ----------
    alignments
        Indexed CRAM or BAM.
    reference
        Indexed FASTA.
    variants
        VCF to write, compressed.
    sample
        Name of the sample.
    settings
        Section `mitochondria` of the config.

    Raises
    ------
    ValueError
        The reference has no such contig, or no read lies on it.
    """
    with (
        pysam.AlignmentFile(str(alignments), reference_filename=str(reference)) as reads,
        pysam.FastaFile(str(reference)) as fasta,
        atomic_path(variants) as temporary,
    ):
        if settings["contig"] not in fasta.references:
            raise ValueError(f"config: mitochondria.contig: the reference has no '{settings['contig']}'")
        contig = Contig(reads, fasta, settings)
        if not any(contig.usable(read) for read in reads.fetch(contig.name)):
            raise ValueError(f"{alignments}: no reads on '{contig.name}' that could be used")
        header = pysam.VariantHeader()
        for name, length in zip(fasta.references, fasta.lengths, strict=True):
            header.contigs.add(name, length=length)
        for line in HEADER:
            header.add_line(line)
        header.add_sample(sample)
        found = sorted([*substitutions(contig), *length_changes(contig)], key=lambda one: (one.start, one.alleles))
        with pysam.VariantFile(str(temporary), "wz", header=header) as sink:
            for one in found:
                biased = strand_p(one.counts) < settings["minimum_strand_p"]
                record = sink.new_record(
                    contig=contig.name, start=one.start, alleles=one.alleles, qual=round(10 * one.odds, 2),
                    filter=["strand_bias"] if biased else ["PASS"],
                )  # fmt: skip
                record.samples[0]["GT"] = (1,) if one.counts.fraction >= HOMOPLASMIC else (0, 1)
                record.samples[0]["AD"] = (one.counts.forward[0] + one.counts.reverse[0], one.counts.other)
                record.samples[0]["DP"] = one.counts.total
                record.samples[0]["AF"] = (round(one.counts.fraction, 4),)
                sink.write(record)
    pysam.tabix_index(str(variants), preset="vcf", force=True)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            alignments=Path(snakemake.input.alignments),
            reference=Path(snakemake.input.reference),
            variants=Path(snakemake.output.variants),
            sample=snakemake.wildcards.sample,
            settings=snakemake.params.settings,
        )
