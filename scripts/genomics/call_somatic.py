"""Decide which alleles of a tumour are somatic."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pysam

from kimedlib.atomic import atomic_path
from kimedlib.genomics_evidence import (
    GERMLINE_FRACTION,
    NearbyReads,
    Vote,
    base_votes,
    length_votes,
    repeat_stretch,
    simplest_indel,
)
from kimedlib.genomics_files import open_variants
from kimedlib.genomics_orientation import Oriented, orientation_artefacts, told
from kimedlib.genomics_population import (
    Population,
    frequency_of,
    germline_probability,
    read_population,
    spelled_once,
)
from kimedlib.genomics_somatic import (
    BASE_ERROR,
    Candidate,
    at_ends,
    base_log_odds,
    counted,
    genotype_log_odds,
    indel_error,
    judge,
    tumour_log_odds,
)
from kimedlib.genomics_somatic_vcf import somatic_header
from kimedlib.logs import log_to

MAXIMUM_GERMLINE = 0.5  # probability, of a tumour without a normal
SURE_ERROR = 10**-3.25  # two clean bases of quality 33 are enough


class Called(NamedTuple):
    """A record to be written; substitutions with the orientation of their fragments."""

    contig: str
    start: int
    alleles: tuple[str, str]
    candidate: Candidate
    failed: list[str]
    oriented: Oriented | None = None


def substitution(
    record: pysam.VariantRecord, normal: NearbyReads | None, tumour: NearbyReads, settings: dict[str, Any]
) -> Iterator[Called]:
    """The verdict on a substitution, if the pileup counted enough reads for it."""
    counts = [(sum(sample["AD"]), sample["AD"][1]) for sample in record.samples.values()]
    if counts[-1][1] < 2 or (normal and counts[0][1] > GERMLINE_FRACTION * counts[0][0]):
        return
    place, reference, other = record.start, record.ref.upper(), record.alts[0].upper()

    def votes(reads: NearbyReads) -> list[Vote]:
        return base_votes(reads.at(record.contig, place, place + 1), place, settings["minimum_base_quality"])

    shown, beside = votes(tumour), votes(normal) if normal else []
    clean = [vote for vote in shown if vote.clean]
    support = [vote for vote in clean if vote.allele == other]
    all_support = [vote for vote in shown if vote.allele == other]
    sure = sum(vote.error <= SURE_ERROR for vote in support) >= 2
    candidate = Candidate(
        tumour=counted(clean, [reference], [other]),
        normal=counted(beside, [reference], [other]) if normal else None,
        tumour_odds=base_log_odds(clean, reference, other),
        normal_odds=genotype_log_odds(Counter(vote.allele for vote in beside), other, BASE_ERROR),
        minimum_odds=settings["minimum_tumour_log_odds"],
        minimum_normal_odds=settings["minimum_normal_log_odds"],
        minimum_depth=settings["minimum_depth"],
        minimum_reads=2 if sure else settings["minimum_alternative_reads"],
        misplaced=2 * len(support) < len(all_support) or at_ends([vote.to_end for vote in all_support], settings),
    )
    if all_support:
        oriented = Oriented(reference, other, orientations(support), orientations(clean, reference))
        yield Called(record.contig, place, (reference, other), candidate, judge(candidate, settings), oriented)


def orientations(votes: Sequence[Vote], allele: str | None = None) -> tuple[int, int]:
    """Fragments of both orientations, of all alleles or of one."""
    some = [vote.first_forward for vote in votes if allele in {None, vote.allele}]
    return sum(some), len(some) - sum(some)


def length_changes(
    contig: str,
    stretch: tuple[int, int],
    reads: tuple[NearbyReads | None, NearbyReads],
    fasta: pysam.FastaFile,
    settings: dict[str, Any],
) -> Iterator[Called]:
    """Verdicts on all other lengths of a stretch that the tumour shows."""
    start, end = stretch
    reference = fasta.fetch(contig, start, end).upper()
    normal, tumour = (
        length_votes(one.at(contig, start, max(end, start + 1)), start, end) if one else [] for one in reads
    )
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
            normal=counted(normal, same, alleles) if reads[0] else None,
            tumour_odds=tumour_log_odds(counts, error),
            normal_odds=genotype_log_odds(lengths, change, error),
            minimum_odds=settings["minimum_indel_log_odds"],
            minimum_normal_odds=settings["minimum_normal_indel_log_odds"],
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
    normal: NearbyReads | None,
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

            near = [read for one in (normal, tumour) if one for read in one.at(contig, max(0, place - 60), place + 60)]
            stretch = repeat_stretch(bases, near, place)
            if stretch and (contig, *stretch) not in done:
                done.add((contig, *stretch))
                yield from length_changes(contig, stretch, (normal, tumour), fasta, settings)
        elif record.alts and not record.alts[0].startswith("<"):
            yield from substitution(record, normal, tumour, settings)
    if not seen:
        raise ValueError("no read differs from the reference anywhere; was anything sequenced here?")


def filtered(
    found: Sequence[Called], fasta: pysam.FastaFile, population: Population, maximum_artefact: float
) -> Iterator[Called]:
    """Add what one place alone cannot tell: orientation artefacts of the sample, and what other people carry."""
    learned = [one for one in found if one.oriented and "in_normal" not in one.failed]
    probabilities, shares = orientation_artefacts([one.oriented for one in learned if one.oriented])
    print(told(shares))
    artefacts = {
        (one.contig, one.start, one.alleles)
        for one, probability in zip(learned, probabilities, strict=True)
        if probability > maximum_artefact
    }
    for one in found:
        failed = list(one.failed)
        if (one.contig, one.start, one.alleles) in artefacts:
            failed.append("orientation_bias")
        key = spelled_once(fasta, one.contig, one.start, one.alleles)
        if population.panel is not None and key in population.panel:
            failed.append("panel_of_normals")
        counts = one.candidate.tumour
        if one.candidate.normal is None:
            germline = germline_probability(counts.other, counts.total, frequency_of(key, population))
            failed += ["germline"] * (germline > MAXIMUM_GERMLINE)
        yield one._replace(failed=failed)


def main(
    *,
    counts: Path,
    normal: Path | None,
    tumour: Path,
    reference: Path,
    variants: Path,
    settings: dict[str, Any],
    panel: Path | None = None,
    frequencies: Path | None = None,
) -> None:
    """Write the alleles that are more than sequencing error in the tumour, with the filters they fail.

    Parameters
    ----------
    counts
        BCF of `bcftools mpileup` with normal (if there is one) and tumour in this order, one allele per record: where
        to look.
    normal, tumour
        Indexed alignments; None for a tumour without a normal.
    reference
        Indexed FASTA.
    variants
        VCF to write.
    settings
        Section `somatic` of the config.
    panel, frequencies
        VCF of a panel of normals, and of alleles with population frequencies in INFO/AF; None for none.

    Raises
    ------
    ValueError
        No sample has a single read in `counts`: alignments or regions must be wrong. Or `panel` or `frequencies` hold
        no alleles or another build's.
    """
    minimum = settings["minimum_mapping_quality"]
    with ExitStack() as stack:

        def alignments(path: Path) -> NearbyReads:
            opened = pysam.AlignmentFile(str(path), reference_filename=str(reference))
            return NearbyReads(stack.enter_context(opened), minimum)

        source = stack.enter_context(open_variants(counts))
        fasta = stack.enter_context(pysam.FastaFile(str(reference)))
        population = read_population(panel, frequencies, fasta)
        near = alignments(normal) if normal else None, alignments(tumour)
        found = [
            one
            for one in candidates(source, *near, fasta, settings)
            if one.candidate.tumour_odds >= one.candidate.minimum_odds
        ]
        temporary = stack.enter_context(atomic_path(variants))
        with pysam.VariantFile(
            str(temporary), "wz", header=somatic_header(dict(source.header.contigs.items()), source.header.samples)
        ) as sink:
            for called in filtered(found, fasta, population, settings["maximum_orientation_artefact"]):
                sink.write(as_record(sink, called))


def as_record(sink: pysam.VariantFile, called: Called) -> pysam.VariantRecord:
    """The VCF record of a verdict."""
    record = sink.new_record(
        contig=called.contig, start=called.start, alleles=called.alleles,
        qual=round(10 * called.candidate.tumour_odds, 2), filter=called.failed or ["PASS"],
    )  # fmt: skip
    if not called.failed:
        record.info["SOMATIC"] = True
    for number, sample in enumerate(one for one in (called.candidate.normal, called.candidate.tumour) if one):
        record.samples[number]["GT"] = (0, int(sample is called.candidate.tumour))
        record.samples[number]["AD"] = (sample.forward[0] + sample.reverse[0], sample.other)
        record.samples[number]["DP"] = sample.total
        record.samples[number]["AF"] = (round(sample.fraction, 4),)
    return record


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            counts=Path(snakemake.input.counts),
            normal=Path(snakemake.input.normal[0]) if snakemake.input.normal else None,
            tumour=Path(snakemake.input.tumour),
            reference=Path(snakemake.input.reference),
            variants=Path(snakemake.output.variants),
            settings=snakemake.params.settings,
            panel=Path(snakemake.input.panel) if snakemake.input.panel else None,
            frequencies=Path(snakemake.input.frequencies) if snakemake.input.frequencies else None,
        )
