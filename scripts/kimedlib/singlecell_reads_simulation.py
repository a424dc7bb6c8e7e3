"""Synthetic droplet reads: a small genome with gene model, and FASTQ of planted molecules with their errors.

What a read goes through follows 10x 3' libraries: a molecule gets barcode and UMI, is copied unevenly by PCR, and every
copy is cut at another place near the 3' end of its transcript.
"""

import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from kimedlib.genomics_reference import reverse_complement
from kimedlib.singlecell_transcripts import Transcript

CODES = np.frombuffer(b"ACGT", dtype=np.uint8)
CONTIG = "chrS"
Integers = NDArray[np.int64]
Letters = NDArray[np.uint8]


@dataclass(frozen=True)
class Genome:
    """One contig with genes; `transcripts` lists, per gene, its transcripts."""

    bases: str
    transcripts: list[list[Transcript]]


def random_bases(random: np.random.Generator, length: int) -> str:
    """Bases, each as likely."""
    return CODES[random.integers(0, 4, length)].tobytes().decode()


def mutated(random: np.random.Generator, bases: str, divergence: float) -> str:
    """The same bases with a share of them replaced."""
    codes = np.frombuffer(bases.encode(), dtype=np.uint8).copy()
    changed = random.random(len(codes)) < divergence
    codes[changed] = CODES[random.integers(0, 4, int(changed.sum()))]
    return codes.tobytes().decode()


def genome(
    random: np.random.Generator, identifiers: Sequence[str], symbols: Sequence[str], settings: Mapping[str, Any]
) -> Genome:
    """Genes of three to five exons on both strands, each with one to three transcripts.

    Parameters
    ----------
    settings
        `exon_length` and `intron_length` (shortest, longest, in bases); `paralogue_share` of the genes are copies of
        the gene before them, `paralogue_divergence` of their bases changed.
    """
    parts: list[str] = []
    place, before = 0, list[str]()
    genes: list[list[Transcript]] = []
    for identifier, symbol in zip(identifiers, symbols, strict=True):
        if before and random.random() < settings["paralogue_share"]:
            exons = [mutated(random, bases, settings["paralogue_divergence"]) for bases in before]
        else:
            count = int(random.integers(3, 6))
            exons = [random_bases(random, int(random.integers(*settings["exon_length"]))) for _ in range(count)]
        before = exons
        introns = [random_bases(random, int(random.integers(*settings["intron_length"]))) for _ in exons]
        spans, body = list[tuple[int, int]](), ""
        for bases, intron in zip(exons, introns, strict=True):
            spans.append((len(body), len(body) + len(bases)))
            body += bases + intron
        strand = "+" if random.random() < 0.5 else "-"
        if strand == "-":
            body, spans = reverse_complement(body), [(len(body) - end, len(body) - start) for start, end in spans]
        spans = [(place + start, place + end) for start, end in spans]
        parts.append(body)
        place += len(body)
        # All exons; without the second; with an earlier end of the last (an alternative polyadenylation site).
        start, end = spans[-1]
        shorter = (start, end - (end - start) // 3) if strand == "+" else (start + (end - start) // 3, end)
        forms = [spans, [spans[0], *spans[2:]], [*spans[:-1], shorter]][: int(random.integers(1, 4))]
        genes.append(
            [
                Transcript(f"{identifier}.T{number}", identifier, symbol, CONTIG, strand, list(form))
                for number, form in enumerate(forms, 1)
            ]
        )
    return Genome("".join(parts), genes)


def gtf_lines(genes: Sequence[Sequence[Transcript]]) -> Iterator[str]:
    """Lines of a GTF file: exons only, as far as single-cell tools read."""
    for gene in genes:
        for one in gene:
            names = f'gene_id "{one.gene_id}"; transcript_id "{one.identifier}"; gene_name "{one.gene_name}";'
            for start, end in sorted(one.exons):
                yield f"{one.contig}\tsimulated\texon\t{start + 1}\t{end}\t.\t{one.strand}\t.\t{names}"


def letters(words: Sequence[str]) -> Letters:
    """Codes of words of one length, words x letters."""
    return np.frombuffer("".join(words).encode(), dtype=np.uint8).reshape(len(words), -1).copy()


def with_errors(random: np.random.Generator, codes: Letters, rate: float) -> Letters:
    """The letters with a share of them read as others."""
    wrong = random.random(codes.shape) < rate
    shift = random.integers(1, 4, int(wrong.sum()))
    result = codes.copy()
    result[wrong] = CODES[(np.searchsorted(CODES, codes[wrong]) + shift) % 4]
    return result


def copies(random: np.random.Generator, molecules: int, settings: Mapping[str, Any]) -> Integers:
    """Reads of each molecule, at least one: one and a negative binomial number of mean `duplicates`."""
    shape = settings["duplicate_shape"]
    rates = random.gamma(shape, settings["duplicates"] / shape, molecules)
    result: Integers = 1 + random.poisson(rates)
    return result


def fragments(random: np.random.Generator, model: Genome, genes: Integers, settings: Mapping[str, Any]) -> Letters:
    """Read 2 of each read, reads x bases: the place is gamma distributed before the end of a transcript of its gene."""
    length = settings["read_length"]
    result = np.empty((len(genes), length), dtype=np.uint8)
    for gene in np.unique(genes):
        reads = np.flatnonzero(genes == gene)
        forms = [np.frombuffer(one.sequence(model.bases).encode(), dtype=np.uint8) for one in model.transcripts[gene]]
        # The main transcript makes up more than half.
        chosen = np.minimum(random.geometric(0.6, len(reads)) - 1, len(forms) - 1)
        before_end = random.gamma(3, settings["distance"] / 3, len(reads)).astype(np.int64)
        for number, form in enumerate(forms):
            of_form = np.flatnonzero(chosen == number)
            starts = np.clip(len(form) - length - before_end[of_form], 0, len(form) - length)
            result[reads[of_form]] = form[starts[:, None] + np.arange(length)]
    return result


def read_pairs(
    random: np.random.Generator,
    model: Genome,
    counts: sparse.csr_matrix,
    barcodes: Sequence[str],
    settings: Mapping[str, Any],
) -> tuple[Letters, Letters]:
    """Read 1 (barcode, UMI) and read 2 (cDNA) of all molecules, in random order.

    Parameters
    ----------
    counts
        Droplets x genes, planted molecules.
    settings
        `umi_length`, `read_length` (of read 2), `duplicates`, `duplicate_shape`, `distance`, `error_rate`, and
        `foreign_share`: reads that come from no transcript.
    """
    table = counts.tocoo()
    molecules = np.repeat(np.arange(table.nnz), table.data.astype(np.int64))
    umis = CODES[random.integers(0, 4, (len(molecules), settings["umi_length"]))]
    reads = np.repeat(np.arange(len(molecules)), copies(random, len(molecules), settings))
    reads = reads[random.permutation(len(reads))]
    droplets, genes = table.row[molecules[reads]], table.col[molecules[reads]].astype(np.int64)
    first = np.hstack([letters([name.removesuffix("-1") for name in barcodes])[droplets], umis[reads]])
    second = fragments(random, model, genes, settings)
    foreign = random.random(len(reads)) < settings["foreign_share"]
    second[foreign] = CODES[random.integers(0, 4, (int(foreign.sum()), second.shape[1]))]
    return with_errors(random, first, settings["error_rate"]), with_errors(random, second, settings["error_rate"])


def write_fastq(path: Path, reads: Letters, lane: str, mate: int) -> None:
    """Gzipped FASTQ without a time stamp; all qualities are F (37), as most are on current sequencers."""
    quality = "F" * reads.shape[1]
    with path.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=9, mtime=0) as handle:
        for number, read in enumerate(reads, 1):
            handle.write(f"@S:{lane}:{number} {mate}:N:0:1\n{read.tobytes().decode()}\n+\n{quality}\n".encode())
