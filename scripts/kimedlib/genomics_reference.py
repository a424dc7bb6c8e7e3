"""An invented reference: contigs with human-like composition, repeats, and genes that code for something.

Coordinates are 0-based and half-open throughout, as in BED; writers convert.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

BASES = "ACGT"
COMPLEMENT = str.maketrans("ACGTN", "TGCAN")
STOP_CODONS = ("TAA", "TAG", "TGA")
CODONS = tuple(a + b + c for a in BASES for b in BASES for c in BASES)
SENSE_CODONS = tuple(codon for codon in CODONS if codon not in STOP_CODONS)
# The standard genetic code (NCBI translation table 1), codons in the order TTT, TTC, TTA, TTG, TCT, ...
AMINO_ACIDS = dict(
    zip(
        (a + b + c for a in "TCAG" for b in "TCAG" for c in "TCAG"),
        "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        strict=True,
    )
)
UTR_LENGTHS = (48, 72)  # 5' and 3', bases
INTRON_LENGTHS = (500, 1400)
GENE_MARGIN = 600


@dataclass(frozen=True)
class Interval:
    """A stretch of a contig, with a name where it has one."""

    contig: str
    start: int
    end: int
    name: str = ""

    @property
    def length(self) -> int:
        """Bases."""
        return self.end - self.start


@dataclass(frozen=True)
class Gene:
    """A protein-coding gene with one transcript; exons and coding parts in ascending order of position."""

    identifier: str
    name: str
    contig: str
    strand: str
    exons: tuple[tuple[int, int], ...]
    coding: tuple[tuple[int, int], ...]

    @property
    def start(self) -> int:
        """First base."""
        return self.exons[0][0]

    @property
    def end(self) -> int:
        """Behind the last base."""
        return self.exons[-1][1]

    def coding_positions(self) -> list[int]:
        """Positions of the coding bases in the direction of translation."""
        positions = [position for start, end in self.coding for position in range(start, end)]
        return positions if self.strand == "+" else positions[::-1]


def reverse_complement(bases: str) -> str:
    """The other strand, in its own direction."""
    return bases.translate(COMPLEMENT)[::-1]


def background(rng: np.random.Generator, length: int) -> str:
    """Bases with GC content that drifts between windows (mean 42 %) and CpG depleted to a fifth, as in man."""
    window = 1000
    parts = []
    for start in range(0, length, window):
        gc = float(np.clip(rng.normal(0.42, 0.05), 0.3, 0.6))
        size = min(window, length - start)
        parts.append("".join(rng.choice(list(BASES), size, p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2])))
    bases = list("".join(parts))
    for index in range(length - 1):
        if bases[index] == "C" and bases[index + 1] == "G" and rng.random() < 0.8:
            # deamination of methylated cytosine on either strand
            bases[index : index + 2] = ("T", "G") if rng.random() < 0.5 else ("C", "A")
    return "".join(bases)


def repeat_tract(rng: np.random.Generator) -> str:
    """A homopolymer of 8-14 bases or 6-12 copies of a unit of 2-4."""
    if rng.random() < 0.5:
        return str(rng.choice(list("AT"))) * int(rng.integers(8, 15))
    unit = "".join(rng.choice(list(BASES), int(rng.integers(2, 5))))
    return unit * int(rng.integers(6, 13))


def coding_sequence(rng: np.random.Generator, codons: int) -> str:
    """Start codon, sense codons, stop codon: `codons` of them in all."""
    middle = rng.choice(SENSE_CODONS, codons - 2)
    return "ATG" + "".join(middle) + str(rng.choice(STOP_CODONS))


def gene_body(
    rng: np.random.Generator, exons: int, exon_length: tuple[int, int]
) -> tuple[str, list[tuple[int, int]], list[tuple[int, int]]]:
    """One gene in the direction of transcription.

    Returns
    -------
    tuple
        Bases of the unspliced transcript, exons and coding parts as offsets into it.
    """
    lengths = [int(length) for length in rng.integers(exon_length[0], exon_length[1] + 1, exons)]
    lengths[-1] += -sum(lengths) % 3
    coding = coding_sequence(rng, sum(lengths) // 3)
    bases, exon_spans, coding_spans, used = "", [], [], 0
    for number, length in enumerate(lengths):
        before = UTR_LENGTHS[0] if number == 0 else 0
        after = UTR_LENGTHS[1] if number == exons - 1 else 0
        start = len(bases)
        bases += background(rng, before) + coding[used : used + length] + background(rng, after)
        exon_spans.append((start, len(bases)))
        coding_spans.append((start + before, len(bases) - after))
        used += length
        if number < exons - 1:
            # donor and acceptor sites of the major spliceosome
            bases += "GTAAGT" + background(rng, int(rng.integers(*INTRON_LENGTHS))) + "TTTCTTTTGCAG"
    return bases, exon_spans, coding_spans


def place(spans: Sequence[tuple[int, int]], start: int, length: int, strand: str) -> tuple[tuple[int, int], ...]:
    """Offsets in the direction of transcription to positions on the contig."""
    if strand == "+":
        return tuple((start + first, start + last) for first, last in spans)
    return tuple((start + length - last, start + length - first) for first, last in reversed(spans))


def build_contig(
    rng: np.random.Generator,
    *,
    name: str,
    length: int,
    genes: Sequence[str],
    first_number: int,
    exons: int,
    exon_length: tuple[int, int],
    repeats: int,
) -> tuple[str, list[Gene]]:
    """One contig with evenly spread genes on alternating strands.

    Raises
    ------
    ValueError
        The genes do not fit.
    """
    bases = background(rng, length)
    slot = length // max(1, len(genes))
    placed = []
    for index, gene in enumerate(genes):
        body, exon_spans, coding_spans = gene_body(rng, exons, exon_length)
        room = slot - len(body) - 2 * GENE_MARGIN
        if room < 1:
            raise ValueError(f"contig {name}: {length} bases have no room for {len(genes)} genes of {len(body)} bases")
        start = index * slot + GENE_MARGIN + int(rng.integers(room))
        strand = "+-"[index % 2]
        bases = bases[:start] + (body if strand == "+" else reverse_complement(body)) + bases[start + len(body) :]
        spans = [place(spans, start, len(body), strand) for spans in (exon_spans, coding_spans)]
        placed.append(Gene(f"{first_number + index:011d}", gene, name, strand, spans[0], spans[1]))
    return put_repeats(rng, bases, placed, repeats), placed


def put_repeats(rng: np.random.Generator, bases: str, genes: Sequence[Gene], count: int) -> str:
    """Overwrite `count` places outside exons (200 bases away at least) with repeats."""
    exons = [exon for gene in genes for exon in gene.exons]
    while count:
        tract = repeat_tract(rng)
        start = int(rng.integers(len(bases) - len(tract)))
        end = start + len(tract)
        if all(end + 200 < first or start > last + 200 for first, last in exons):
            bases = bases[:start] + tract + bases[end:]
            count -= 1
    return bases


def missense_variants(contig: str, gene: Gene, codons: Sequence[int]) -> list[tuple[int, str, str]]:
    """One single-base change per codon that changes the amino acid and makes no stop.

    Parameters
    ----------
    contig
        Bases of the contig.
    gene
        Gene on it.
    codons
        Numbers of codons, 1 for the start codon.

    Returns
    -------
    list of (position, reference base, other base)
        On the forward strand.
    """
    positions = gene.coding_positions()
    found = []
    for number in codons:
        places = positions[3 * number - 3 : 3 * number]
        codon = "".join(contig[place] for place in places)
        codon = codon if gene.strand == "+" else codon.translate(COMPLEMENT)
        changed = next(
            (place, contig[place], base if gene.strand == "+" else base.translate(COMPLEMENT))
            for offset, place in enumerate(places)
            for base in BASES
            if AMINO_ACIDS[codon[:offset] + base + codon[offset + 1 :]] not in {AMINO_ACIDS[codon], "*"}
        )
        found.append(changed)
    return found


def gff_lines(genes: Sequence[Gene], lengths: dict[str, int]) -> list[str]:
    """Gene model as GFF3 with Ensembl's identifiers and biotypes, which `bcftools csq` reads."""
    lines = ["##gff-version 3", *(f"##sequence-region {name} 1 {length}" for name, length in lengths.items())]
    for gene in genes:
        transcript = f"transcript:SYNT{gene.identifier}"

        def line(kind: str, span: tuple[int, int], attributes: str, phase: str = ".", gene: Gene = gene) -> str:
            return f"{gene.contig}\tkimed\t{kind}\t{span[0] + 1}\t{span[1]}\t.\t{gene.strand}\t{phase}\t{attributes}"

        whole = (gene.start, gene.end)
        lines.append(line("gene", whole, f"ID=gene:SYNG{gene.identifier};Name={gene.name};biotype=protein_coding"))
        mark = f"ID={transcript};Parent=gene:SYNG{gene.identifier};Name={gene.name}-201;biotype=protein_coding"
        lines.append(line("mRNA", whole, mark))
        order = gene.coding if gene.strand == "+" else gene.coding[::-1]
        before = dict(zip(order, [0, *accumulate(end - start for start, end in order)][:-1], strict=True))
        ends = ("five_prime_UTR", "three_prime_UTR") if gene.strand == "+" else ("three_prime_UTR", "five_prime_UTR")
        for exon, coding in zip(gene.exons, gene.coding, strict=True):
            parent = f"Parent={transcript}"
            lines.append(line("exon", exon, parent))
            lines += [line(ends[0], (exon[0], coding[0]), parent)] * (exon[0] < coding[0])
            lines.append(line("CDS", coding, parent, str(-before[coding] % 3)))
            lines += [line(ends[1], (coding[1], exon[1]), parent)] * (coding[1] < exon[1])
    return lines
