"""Transcripts of a gene model cut out of its genome, and the table that says which gene each belongs to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kimedlib.genomics_reference import reverse_complement
from kimedlib.opening import open_text
from kimedlib.problems import InputProblems, Problem, raise_if

ATTRIBUTE = re.compile(r'(transcript_id|gene_id|gene_name) "([^"]*)"')
# Patches and alternative loci of a gene model are often not part of the genome that is used.
MISSING_ALLOWED = 0.1
REMEDY = "take FASTA and GTF from one source and release"


@dataclass
class Transcript:
    """A transcript; exons are 0-based, half-open, in the order of the file."""

    identifier: str
    gene_id: str
    gene_name: str
    contig: str
    strand: str
    exons: list[tuple[int, int]] = field(default_factory=list)

    def sequence(self, contig: str) -> str:
        """Spliced bases in the direction of transcription."""
        bases = "".join(contig[start:end] for start, end in sorted(self.exons)).upper()
        return reverse_complement(bases) if self.strand == "-" else bases


def exon(line: str) -> tuple[str, int, int, str, dict[str, str]]:
    """Contig, start, end, strand and names of an exon line.

    Raises
    ------
    ValueError
        It has not nine columns, numbers are none, or transcript or gene are not named.
    """
    cells = line.rstrip("\r\n").split("\t")
    if len(cells) != 9:
        raise ValueError(f"has {len(cells)} columns, not the 9 of GTF")
    names = dict(ATTRIBUTE.findall(cells[8]))
    if not names.get("transcript_id") or not names.get("gene_id"):
        gff = " (GFF3 is not GTF)" if "Parent=" in cells[8] or "ID=" in cells[8] else ""
        raise ValueError(f"an exon without transcript_id and gene_id{gff}")
    if not (cells[3].isdigit() and cells[4].isdigit() and 1 <= int(cells[3]) <= int(cells[4])):
        raise ValueError(f"'{cells[3]}' to '{cells[4]}' is no interval")
    if cells[6] not in ("+", "-"):
        raise ValueError(f"strand '{cells[6]}' is neither + nor -")
    return cells[0], int(cells[3]) - 1, int(cells[4]), cells[6], names


def read_transcripts(gtf: Path, lines: int | None = None) -> dict[str, Transcript]:
    """Transcripts of a GTF file by identifier, in its order.

    Parameters
    ----------
    lines
        Look at this many lines only.

    Raises
    ------
    InputProblems
        A line cannot be read, or there is no exon.
    """
    found: dict[str, Transcript] = {}
    with open_text(gtf) as text:
        for number, line in enumerate(text, 1):
            if lines is not None and number > lines:
                break
            if line.startswith("#") or "\texon\t" not in line:
                continue
            try:
                contig, start, end, strand, names = exon(line)
            except ValueError as error:
                remedy = "give GTF as Ensembl and GENCODE publish it"
                raise InputProblems([Problem(str(gtf), f"line {number}", str(error), remedy)]) from None
            name = names["transcript_id"]
            if name not in found:
                symbol = names.get("gene_name") or names["gene_id"]
                found[name] = Transcript(name, names["gene_id"], symbol, contig, strand)
            elif (found[name].contig, found[name].strand) != (contig, strand):
                # The pseudoautosomal genes of chrX and chrY in old releases: the first place is kept.
                continue
            found[name].exons.append((start, end))
    if not found:
        raise InputProblems([Problem(str(gtf), "", "holds no exons", "give GTF with exon lines")])
    return found


def contigs_of(fasta: Path) -> Iterator[tuple[str, str]]:
    """Name and bases of each contig, one at a time."""
    name, parts = "", list[str]()
    with open_text(fasta) as text:
        for line in text:
            if line.startswith(">"):
                if name:
                    yield name, "".join(parts)
                name, parts = (line[1:].split() or [""])[0], []
            else:
                parts.append(line.strip())
    if name:
        yield name, "".join(parts)


def misfits(transcripts: dict[str, Transcript], contigs: dict[str, int], fasta: Path, gtf: Path) -> list[Problem]:
    """What says that gene model and genome do not belong together: names or ends of contigs."""
    strange = [one for one in transcripts.values() if one.contig not in contigs]
    if len(strange) > MISSING_ALLOWED * len(transcripts):
        found = f"{len(strange)} of {len(transcripts)} transcripts lie on contigs that {fasta} lacks"
        found += f" ('{strange[0].contig}'; it has '{next(iter(contigs))}')"
        return [Problem(str(gtf), "column 1", found, REMEDY)]
    beyond = [one for one in transcripts.values() if one.contig in contigs and max(one.exons)[1] > contigs[one.contig]]
    if beyond:
        one = beyond[0]
        found = f"transcript '{one.identifier}' ends at {max(one.exons)[1]}, '{one.contig}' at {contigs[one.contig]}"
        return [Problem(str(gtf), one.identifier, f"{found} in {fasta}", REMEDY)]
    return []


def spliced(transcripts: dict[str, Transcript], fasta: Path, gtf: Path) -> Iterator[tuple[Transcript, str]]:
    """Transcripts with their bases, contig by contig; those of contigs that the genome lacks are left out.

    Raises
    ------
    InputProblems
        At the end: gene model and genome do not belong together.
    """
    places: dict[str, list[Transcript]] = {}
    for one in transcripts.values():
        places.setdefault(one.contig, []).append(one)
    lengths: dict[str, int] = {}
    for name, bases in contigs_of(fasta):
        lengths[name] = len(bases)
        for one in places.get(name, []):
            yield one, one.sequence(bases)
    raise_if(misfits(transcripts, lengths, fasta, gtf) if lengths else empty(fasta))


def empty(fasta: Path) -> list[Problem]:
    """The problem of a FASTA file without sequences."""
    return [Problem(str(fasta), "", "holds no sequence", "give the genome as FASTA")]
