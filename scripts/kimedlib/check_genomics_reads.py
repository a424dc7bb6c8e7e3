"""Reads of the samples (FASTQ, BAM, CRAM) as far as they can be judged before a job starts."""

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kimedlib.check_genomics_references import AGAIN, Reference, unreadable
from kimedlib.genomics_builds import other_length, unknown_contig
from kimedlib.opening import ZIPPED
from kimedlib.problems import Problem

READ_WHOLE = 8_000_000  # compressed bytes up to which a FASTQ file is read to its end
LOOKED_AT = 100  # reads of a BAM or CRAM file


class Look(NamedTuple):
    """What a FASTQ file shows: name of the first template, which end it says to be ("" if not), number of reads.

    The number is None for large files, which are not read to their end.
    """

    name: str
    end: str
    number: int | None


def first_name(line: str) -> tuple[str, str]:
    """Name of the template in the first line of a FASTQ record, and "1" or "2" where it says which end this is."""
    name, _, comment = line[1:].strip().partition(" ")
    if name.endswith(("/1", "/2")):
        return name[:-2], name[-1]
    return name, comment[0] if re.match("[12]:[YN]:", comment) else ""


def look_into_fastq(path: str) -> Look | tuple[str, str]:
    """What the file shows, or what is wrong and the remedy."""
    with Path(path).open("rb") as handle:
        if handle.read(2) != ZIPPED:
            return f"{path} is not gzip", "compress it with gzip or bgzip"
    whole = Path(path).stat().st_size <= READ_WHOLE
    name, end, number = "", "", 0
    wrong = ""
    try:
        with gzip.open(path, "rt", encoding="ascii") as lines:
            for number, line in enumerate(lines, 1):
                if number % 4 == 1 and not (line.startswith("@") and line[1:2].strip()):
                    wrong = f"is not FASTQ: line {number} does not start with @ and a name"
                    break
                if number == 1:
                    name, end = first_name(line)
                if number == 4 and not whole:
                    return Look(name, end, None)
        if not wrong and number % 4:
            wrong = f"ends within a read (line {number})"
    except (EOFError, zlib.error, gzip.BadGzipFile):
        wrong = f"is truncated or damaged behind line {number}"
    except UnicodeDecodeError:
        wrong = "is not FASTQ text"
    if wrong:
        return f"{path} {wrong}", AGAIN
    return Look(name, end, number // 4) if number else (f"{path} holds no reads", "sequence it again or remove it")


def check_pair(sheet: str, line: int, row: Mapping[str, str]) -> Iterator[Problem]:
    """Problems of the two FASTQ files of a sample."""
    looks: list[Look] = []
    for column in ("fastq_1", "fastq_2"):
        look = unreadable(row[column]) or look_into_fastq(row[column])
        if isinstance(look, Look):
            looks.append(look)
        else:
            yield Problem(sheet, f"line {line}, column {column}", *look)
    if row["fastq_1"] == row["fastq_2"]:
        yield Problem(sheet, f"line {line}", "fastq_1 and fastq_2 are the same file", "give both ends of the pairs")
    elif len(looks) == 2:
        first, second = looks
        if first.name != second.name:
            found = f"the first reads are not mates: '{first.name}' and '{second.name}'"
            yield Problem(sheet, f"line {line}", found, "give two files of the same run, in the same order")
        if (first.end, second.end) == ("2", "1"):
            found = "fastq_1 holds the second reads of the pairs, fastq_2 the first"
            yield Problem(sheet, f"line {line}", found, "exchange the two")
        if first.number is not None and second.number is not None and first.number != second.number:
            found = f"fastq_1 holds {first.number} reads, fastq_2 {second.number}"
            yield Problem(sheet, f"line {line}", found, "one of the files is incomplete: copy both again")


def usable_header(path: str, sample: str, header: Any, reference: Reference) -> Iterator[tuple[str, str]]:
    """What in the header of an alignment file does not fit the sheet or the reference, and the remedy."""
    groups = header.to_dict().get("RG", [])
    names = sorted({str(group.get("SM", "")) for group in groups})
    if groups and names != [sample]:
        found = f"{path} holds reads of {', '.join(repr(name) for name in names)} (@RG SM), not of '{sample}'"
        yield found, "give the sample its name in the sheet, or the file its own (samtools reheader)"
    contigs = dict(zip(header.references, header.lengths, strict=True))
    if reference.contigs is None or not contigs:
        return
    unknown = [name for name in contigs if name not in reference.contigs]
    if unknown:
        text, remedy = unknown_contig(unknown[0], reference.contigs)
        yield f"{path} {text}", f"{remedy}; or export its reads as FASTQ (samtools fastq)"
        return
    lengths = (other_length(name, length, reference.contigs, dict(contigs)) for name, length in contigs.items())
    if differing := [one for one in lengths if one]:
        text, remedy = differing[0]
        yield f"{path} {text}", f"{remedy}; or export its reads as FASTQ (samtools fastq)"
        return
    given = {line["SN"]: line["M5"] for line in header.to_dict().get("SQ", []) if "M5" in line}
    others = [name for name, md5 in given.items() if reference.checksums.get(name, md5) != md5]
    if others:
        found = f"{path} was aligned to a sequence '{others[0]}' with other bases (M5) than the reference's"
        yield found, "give the reference that it was aligned to, or export its reads as FASTQ (samtools fastq)"


def check_alignments(sheet: str, line: int, sample: str, path: str, reference: Reference) -> Iterator[Problem]:
    """Problems of a BAM or CRAM file: damaged, of another sample or build, without pairs."""
    import pysam  # here: every job reads the Snakefile, and few look into files

    from kimedlib.genomics_content import whole_alignments

    place = f"line {line}, column alignments"
    wrong = unreadable(path)
    if wrong:
        yield Problem(sheet, place, *wrong)
        return
    before = pysam.set_verbosity(0)
    try:
        if not whole_alignments(Path(path)):
            raise ValueError(path)
        with pysam.AlignmentFile(path, check_sq=False, reference_filename=None) as reads:
            header = reads.header
            # the bases of a CRAM need the reference; its header does not
            looked = [] if reads.is_cram else list(reads.head(LOOKED_AT))
            cram = reads.is_cram
    except (OSError, ValueError):
        yield Problem(sheet, place, f"{path} is damaged or cut off (no end mark), or no BAM or CRAM", AGAIN)
        return
    finally:
        pysam.set_verbosity(before)
    for text, remedy in usable_header(path, sample, header, reference):
        yield Problem(sheet, place, text, remedy)
    if not cram and not looked:
        yield Problem(sheet, place, f"{path} holds no reads", "sequence the sample again or remove it")
    elif looked and not any(read.is_paired for read in looked):
        yield Problem(sheet, place, f"{path} holds no pairs", "give reads of both ends: single reads are not supported")


def check_reads(sheet: str, line: int, row: Mapping[str, str], reference: Reference) -> Iterator[Problem]:
    """Problems of the reads of one line of the sheet: FASTQ files of both ends, or one BAM or CRAM file."""
    given = [column for column in ("fastq_1", "fastq_2", "alignments") if row.get(column)]
    if given == ["alignments"]:
        yield from check_alignments(sheet, line, row["sample"], row["alignments"], reference)
    elif given == ["fastq_1", "fastq_2"]:
        yield from check_pair(sheet, line, row)
    else:
        found = f"has {', '.join(given) or 'no reads'}"
        yield Problem(sheet, f"line {line}", found, "give fastq_1 and fastq_2, or alignments, not both")
