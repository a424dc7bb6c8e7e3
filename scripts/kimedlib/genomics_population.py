"""What other people say about an allele: a panel of normals, and how frequent it is in the population."""

import math
from pathlib import Path
from typing import NamedTuple

import pysam

from kimedlib.genomics_files import open_variants
from kimedlib.genomics_variants import Variant, left_aligned

# Mutect2's default for alleles that a population resource lacks (tumour-only), and heterozygosity without a resource
UNSEEN_FREQUENCY, UNKNOWN_FREQUENCY = 5e-8, 1e-3
SOMATIC_PRIOR = 1e-6  # per allele and base, as in Mutect2
HOMOZYGOUS, HETEROZYGOUS = 0.99, 0.5
FLANK = 200  # bases within which an indel is shifted to compare how it is written

Allele = tuple[str, int, str, str]  # contig, 0-based position, reference, other


class Population(NamedTuple):
    """Alleles of a panel of normals, and frequencies of the alleles of a resource; None where there is no such file."""

    panel: frozenset[Allele] | None
    frequencies: dict[Allele, float] | None


def spelled_once(
    fasta: pysam.FastaFile, contig: str, start: int, alleles: tuple[str, str]
) -> tuple[str, int, str, str]:
    """An allele left-aligned and trimmed, so that equal ones are written alike."""
    reference, other = alleles[0].upper(), alleles[1].upper()
    offset = max(0, start - FLANK)
    bases = fasta.fetch(contig, offset, start + len(reference) + 1).upper()
    one = left_aligned(bases, Variant(contig, start - offset, reference, other))
    return contig, one.position + offset, one.reference, one.other


def alleles_of(path: Path, fasta: pysam.FastaFile) -> dict[Allele, float]:
    """All alleles of a VCF with INFO/AF (0 where it has none).

    Raises
    ------
    ValueError
        No record, or a contig that the reference lacks.
    """
    found: dict[Allele, float] = {}
    with open_variants(path) as records:
        known = "AF" in records.header.info
        for record in records:
            if record.contig not in fasta.references:
                raise ValueError(f"{path}: contig '{record.contig}' is not in the reference; is it of another build?")
            frequencies = record.info.get("AF") if known else None
            for number, other in enumerate(record.alts or ()):
                if set(other.upper()) <= set("ACGTN"):
                    value = float(frequencies[number]) if frequencies and frequencies[number] is not None else 0.0
                    found[spelled_once(fasta, record.contig, record.start, (record.ref, other))] = value
    if not found:
        raise ValueError(f"{path}: no alleles; an empty file would filter nothing without saying so")
    return found


def read_population(panel: Path | None, frequencies: Path | None, fasta: pysam.FastaFile) -> Population:
    """Read the files that the config names.

    Raises
    ------
    ValueError
        A file without alleles, of another build, or a resource without INFO/AF.
    """
    resource = alleles_of(frequencies, fasta) if frequencies else None
    if resource is not None and not any(resource.values()):
        raise ValueError(f"{frequencies}: no record has an allele frequency in INFO/AF")
    return Population(frozenset(alleles_of(panel, fasta)) if panel else None, resource)


def germline_probability(other: int, total: int, frequency: float) -> float:
    """Probability that an allele of a tumour without a normal is germline.

    Heterozygous and homozygous genotypes by Hardy and Weinberg against a somatic allele of any fraction, all equally
    likely (so that `other` of `total` reads have the probability 1 / (total + 1)).

    Parameters
    ----------
    other, total
        Fragments that show the allele, and all.
    frequency
        Of the allele in the population.
    """

    def binomial(share: float) -> float:
        return math.comb(total, other) * share**other * (1 - share) ** (total - other)

    germline = 2 * frequency * (1 - frequency) * binomial(HETEROZYGOUS) + frequency**2 * binomial(HOMOZYGOUS)
    somatic = SOMATIC_PRIOR / (total + 1)
    return germline / (germline + somatic)


def frequency_of(key: Allele, population: Population) -> float:
    """Population frequency to assume for an allele."""
    if population.frequencies is None:
        return UNKNOWN_FREQUENCY
    return max(population.frequencies.get(key, 0.0), UNSEEN_FREQUENCY)
