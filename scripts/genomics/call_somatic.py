"""Decide which alleles of a tumour are somatic."""

from pathlib import Path
from typing import Any

import pysam

from kimedlib.atomic import atomic_path
from kimedlib.genomics_files import open_variants
from kimedlib.genomics_somatic import (
    BASE_ERROR,
    FILTERS,
    AlleleCounts,
    indel_error,
    judge,
    position_bias,
    repeat_length,
)
from kimedlib.logs import log_to

SEEN_AHEAD = 100  # bases behind an indel in which its repeat is measured
BIASES = ("RPBZ", "SCBZ")  # of bcftools mpileup
FORMATS = (
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Whether the sample shows the allele">',
    '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads per allele">',
    '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Reads of any allele">',
    '##FORMAT=<ID=AF,Number=A,Type=Float,Description="Share of reads that show the allele">',
    '##INFO=<ID=SOMATIC,Number=0,Type=Flag,Description="Passed all filters">',
)


def allele_counts(sample: pysam.VariantRecordSample) -> AlleleCounts:
    """Reads of one sample; of the alleles of a split record the first two are reference and this one."""
    forward, reverse = sample["ADF"], sample["ADR"]
    total = max(int(sample["DP"] or 0), sum(forward[:2]) + sum(reverse[:2]))
    return AlleleCounts((forward[0], forward[1]), (reverse[0], reverse[1]), total)


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


def main(counts: Path, reference: Path, variants: Path, settings: dict[str, Any]) -> None:
    """Write the alleles that are more than sequencing error in the tumour, with the filters they fail.

    Parameters
    ----------
    counts
        BCF of `bcftools mpileup` with normal and tumour in this order, one allele per record.
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
    seen = 0
    with (
        open_variants(counts) as source,
        pysam.FastaFile(str(reference)) as fasta,
        atomic_path(variants) as temporary,
    ):
        header = output_header(source.header)
        with pysam.VariantFile(str(temporary), "wz", header=header) as sink:
            for record in source:
                seen += 1
                if record.alts is None or record.alts[0].startswith("<"):
                    continue
                normal, tumour = (allele_counts(sample) for sample in record.samples.values())
                if tumour.other < settings["minimum_alternative_reads"]:
                    continue
                error = BASE_ERROR
                if len(record.ref) != len(record.alts[0]):
                    around = fasta.fetch(record.contig, record.start + 1, record.start + 1 + SEEN_AHEAD).upper()
                    error = indel_error(settings, repeat_length(around))
                bias = position_bias(*(float(record.info[name]) if name in record.info else 0.0 for name in BIASES))
                odds, failed = judge(tumour, normal, error, bias, settings)
                if odds < settings["minimum_tumour_log_odds"]:
                    continue
                called = sink.new_record(
                    contig=record.contig, start=record.start, alleles=record.alleles, qual=round(10 * odds, 2),
                    filter=failed or ["PASS"],
                )  # fmt: skip
                if not failed:
                    called.info["SOMATIC"] = True
                for number, sample in enumerate((normal, tumour)):
                    called.samples[number]["GT"] = (0, number)
                    called.samples[number]["AD"] = (sample.forward[0] + sample.reverse[0], sample.other)
                    called.samples[number]["DP"] = sample.total
                    called.samples[number]["AF"] = (round(sample.fraction, 4),)
                sink.write(called)
    if not seen:
        raise ValueError(f"{counts}: no read differs from the reference anywhere; was anything sequenced here?")


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        main(
            Path(snakemake.input.counts),
            Path(snakemake.input.reference),
            Path(snakemake.output.variants),
            snakemake.params.settings,
        )
