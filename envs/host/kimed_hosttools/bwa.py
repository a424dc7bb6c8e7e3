"""`bwa index` and `bwa mem` over pybwa, with bwa's own options, output and messages.

pybwa 2.3.2 aligns like bwa 0.7.19 but drops the bits 0x2, 0x40 and 0x80 of FLAG in pairs, without which
callers silently see no reads, and 0x20 beside an unmapped mate. They are restored here: first and last of pair
from the order of input, "proper pair" by the rule of bwa's `mem_sam_pe` (bwamem_pair.c) with the insert-size
bounds that bwa itself reports, "mate reverse" by that of `mem_aln2sam`, which places an unmapped mate on the
strand of the read.
"""

import getopt
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any

import pybwa
import pysam

INDEX_SUFFIXES = (".amb", ".ann", ".bwt", ".pac", ".sa")
VERSION = "0.7.19"
USAGE = f"""
Program: bwa (pybwa with bwa's own options)
Version: {VERSION}

Usage: bwa index [-p prefix] [-a bwtsw|is|rb2] [-b block] <in.fasta>
       bwa mem [options] <prefix> <in1.fq> [in2.fq]
         numbers: -t -K -k -w -d -r -c -D -W -m -A -B -O -E -L -U -T -h -v    texts: -R -H -o
         flags:   -p -a -M -Y -S -P -j -5 -q -C
"""
PROPER_PAIR, MATE_REVERSE, FIRST_OF_PAIR, LAST_OF_PAIR = 0x2, 0x20, 0x40, 0x80
HARD_CLIP = 5  # operation number in the BAM format
COMPLEMENT = str.maketrans("ACGT", "TGCA")
DIRECTIONS = ("FF", "FR", "RF", "RR")
Bounds = dict[int, tuple[int, int]]


def one_or_two(text: str) -> int | tuple[int, int]:
    """`INT[,INT]` as bwa takes it for penalties."""
    numbers = [int(part) for part in text.split(",")]
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


VALUE_OPTIONS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "-t": ("threads", int),
    "-K": ("chunk_size", int),
    "-v": ("verbosity", int),
    "-k": ("min_seed_len", int),
    "-w": ("band_width", int),
    "-d": ("off_diagonal_x_dropoff", int),
    "-r": ("internal_seed_split_factor", float),
    "-c": ("max_occurrences", int),
    "-D": ("drop_chain_fraction", float),
    "-W": ("min_seeded_bases_in_chain", int),
    "-m": ("max_mate_rescue_rounds", int),
    "-A": ("match_score", int),
    "-B": ("mismatch_penalty", int),
    "-O": ("gap_open_penalty", one_or_two),
    "-E": ("gap_extension_penalty", one_or_two),
    "-L": ("clipping_penalty", one_or_two),
    "-U": ("unpaired_penalty", int),
    "-T": ("minimum_score", int),
    "-h": ("xa_max_hits", one_or_two),
}
FLAG_OPTIONS = {
    "-a": "output_all_for_fragments",
    "-M": "short_split_as_secondary",
    "-Y": "soft_clip_supplementary",
    "-S": "skip_mate_rescue",
    "-P": "skip_pairing",
    "-j": "ignore_alternate_contigs",
    "-5": "query_coord_as_primary",
    "-q": "keep_mapq_for_supplementary",
}


@dataclass
class MemArguments:
    """What the command line of `bwa mem` asks for."""

    prefix: str
    reads: list[str]
    aligner: dict[str, Any] = field(default_factory=dict)
    read_group: str = ""
    output: str = "-"
    batch_bases: int = 0
    interleaved: bool = False
    comments: bool = False
    header: str = ""

    @property
    def paired(self) -> bool:
        """Whether pairs are aligned."""
        return self.interleaved or len(self.reads) == 2


class UsageError(Exception):
    """The command line cannot be used."""


def parse_mem(arguments: Sequence[str]) -> MemArguments:
    """Read the options of `bwa mem`.

    Raises
    ------
    UsageError
        Unknown option, bad value, or not one prefix and one or two read files.
    """
    letters = "".join(f"{name[1]}:" for name in VALUE_OPTIONS) + "".join(name[1] for name in FLAG_OPTIONS)
    try:
        options, rest = getopt.getopt(list(arguments), letters + "R:H:o:pC")
    except getopt.GetoptError as error:
        raise UsageError(f"{error} (options beyond the usage need bwa itself)") from None
    if len(rest) not in {2, 3}:
        raise UsageError("expected an index prefix and one or two FASTQ files")
    given = dict(options)
    aligner: dict[str, Any] = {"threads": 1, "chunk_size": 0} | {
        key: True for name, key in FLAG_OPTIONS.items() if name in given
    }
    for name in VALUE_OPTIONS.keys() & given.keys():
        key, convert = VALUE_OPTIONS[name]
        try:
            aligner[key] = convert(given[name])
        except ValueError:
            raise UsageError(f"option {name}: '{given[name]}' is not a number") from None
    aligner.pop("verbosity", None)
    batch_bases = aligner.pop("chunk_size") or 10_000_000 * max(1, aligner["threads"])
    read_group = given.get("-R", "").replace("\\t", "\t")
    if "-R" in given and not re.match(r"@RG\t(.*\t)?ID:[^\t]+", read_group):
        raise UsageError("option -R: expected '@RG\\tID:...'")
    if "-p" in given and len(rest) == 3:
        raise UsageError("option -p takes one file of interleaved pairs")
    return MemArguments(
        rest[0], rest[1:], aligner, read_group, given.get("-o", "-"), batch_bases,
        interleaved="-p" in given, comments="-C" in given, header=header_lines(given.get("-H", "")),
    )  # fmt: skip


def header_lines(given: str) -> str:
    """Lines for the header that option -H names: themselves if they begin with @, else those of a file."""
    if not given:
        return ""
    text = given.replace("\\t", "\t") if given.startswith("@") else Path(given).read_text(encoding="utf-8")
    return "".join(f"{line}\n" for line in text.splitlines() if line.startswith("@"))


def contigs_of(prefix: str) -> list[tuple[str, int]]:
    """Names and lengths of the indexed sequences, in order, from the index's .ann file."""
    lines = Path(f"{prefix}.ann").read_text(encoding="utf-8").splitlines()[1:]
    return [
        (named.split(maxsplit=2)[1], int(placed.split()[1]))
        for named, placed in zip(lines[0::2], lines[1::2], strict=True)
    ]


def sequence_lines(prefix: str) -> str:
    """The @SQ lines of the SAM header."""
    return "".join(f"@SQ\tSN:{name}\tLN:{length}\n" for name, length in contigs_of(prefix))


@contextmanager
def open_index(prefix: str) -> Iterator[pybwa.BwaIndex]:
    """Load an index made by any bwa.

    pybwa also wants a sequence dictionary beside it, which bwa does not make: it is put beside links to the
    index in a temporary folder.
    """
    missing = [suffix for suffix in INDEX_SUFFIXES if not Path(prefix + suffix).is_file()]
    if missing:
        raise FileNotFoundError(f"fail to locate the index files: {', '.join(prefix + suffix for suffix in missing)}")
    with tempfile.TemporaryDirectory(prefix="bwa-index-") as folder:
        link = Path(folder) / "reference"
        for suffix in INDEX_SUFFIXES:
            Path(f"{link}{suffix}").symlink_to(Path(prefix + suffix).resolve())
        Path(f"{link}.dict").write_text(f"@HD\tVN:1.5\n{sequence_lines(prefix)}", encoding="utf-8")
        yield pybwa.BwaIndex(str(link))


@contextmanager
def native_messages() -> Iterator[list[str]]:
    """Collect what the C code writes to stderr during the block, and pass it on."""
    collected: list[str] = []
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as buffer:
        os.dup2(buffer.fileno(), 2)
        try:
            yield collected
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            buffer.seek(0)
            text = buffer.read().decode(errors="replace")
            sys.stderr.write(text)
            collected.extend(text.splitlines())


def proper_bounds(messages: Sequence[str]) -> Bounds:
    """Smallest and largest distance of proper pairs per orientation, from bwa's report of a batch."""
    bounds: Bounds = {}
    direction = -1
    for line in messages:
        if found := re.search(r"analyzing insert size distribution for orientation (\w\w)", line):
            direction = DIRECTIONS.index(found[1])
        elif found := re.search(r"boundaries for proper pairs: \((-?\d+), (-?\d+)\)", line):
            bounds[direction] = (int(found[1]), int(found[2]))
        elif found := re.search(r"skip orientation (\w\w)", line):
            bounds.pop(DIRECTIONS.index(found[1]), None)
    return bounds


def is_proper(first: pysam.AlignedSegment, last: pysam.AlignedSegment, bounds: Bounds) -> bool:
    """Tell whether bwa calls it a "proper pair": `mem_infer_dir` and the bounds of that orientation.

    It counts positions on the forward strand followed by the reverse strand; only differences matter, so any
    length of the forward strand beyond both reads will do.
    """
    if first.is_unmapped or last.is_unmapped or first.reference_id != last.reference_id:
        return False
    strand = max(first.reference_end, last.reference_end) + 1

    def begin(read: pysam.AlignedSegment) -> int:
        return int(2 * strand - read.reference_end if read.is_reverse else read.reference_start)

    same = first.is_reverse == last.is_reverse
    mate = begin(last) if same else 2 * strand - 1 - begin(last)
    direction = (0 if same else 1) ^ (0 if mate > begin(first) else 3)
    low, high = bounds.get(direction, (1, 0))
    distance = abs(mate - begin(first))
    return bool(low <= distance <= high)


def restore_flags(alignments: list[list[pysam.AlignedSegment]], bounds: Bounds) -> None:
    """Set the FLAG bits of pairs that pybwa drops; `alignments` holds both reads of a pair in turn."""
    for first, last in zip(alignments[0::2], alignments[1::2], strict=True):
        proper = PROPER_PAIR if is_proper(first[0], last[0], bounds) else 0
        for records, side in ((first, FIRST_OF_PAIR), (last, LAST_OF_PAIR)):
            for record in records:
                unplaced_mate = record.mate_is_unmapped and record.is_reverse and not record.is_unmapped
                record.flag |= side | proper | (MATE_REVERSE if unplaced_mate else 0)


def restore_clipped_bases(records: list[pysam.AlignedSegment], read: pysam.FastxRecord) -> None:
    """Give hard-clipped records of the reverse strand their bases: pybwa cuts them from the wrong end."""
    for record in records:
        cigar = record.cigartuples
        if not (cigar and record.is_reverse and HARD_CLIP in {cigar[0][0], cigar[-1][0]}):
            continue
        left, right = (length if operation == HARD_CLIP else 0 for operation, length in (cigar[0], cigar[-1]))
        bases = read.sequence.upper().translate(COMPLEMENT)[::-1]
        qualities = record.query_qualities
        record.query_sequence = bases[left : len(bases) - right]
        record.query_qualities = qualities


def template_name(name: str) -> str:
    """Name of a read's template: without the /1 or /2 that old FASTQ files carry, as bwa trims it."""
    return name[:-2] if len(name) > 2 and name[-2] == "/" and name[-1].isdigit() else name


def read_batches(arguments: MemArguments) -> Iterator[list[pysam.FastxRecord]]:
    """Reads in batches of `batch_bases`, always an even number, mates side by side.

    Raises
    ------
    ValueError
        Mates with different names, or one file ends before the other.
    """
    files = [pysam.FastxFile("/dev/stdin" if name == "-" else name, persist=True) for name in arguments.reads]
    stream = zip_longest(files[0], files[0] if arguments.interleaved else files[-1]) if arguments.paired else files[0]
    batch: list[pysam.FastxRecord] = []
    bases = 0
    for item in stream:
        reads: tuple[Any, ...] = item if isinstance(item, tuple) else (item,)
        if None in reads:
            raise ValueError("the reads are not paired: one file (or the last pair) ends early")
        if len(reads) == 2 and template_name(reads[0].name) != template_name(reads[1].name):
            raise ValueError(f'paired reads have different names: "{reads[0].name}", "{reads[1].name}"')
        for read in reads:
            read.name = template_name(read.name)
            batch.append(read)
            bases += len(read.sequence)
        if bases >= arguments.batch_bases and len(batch) % 2 == 0:
            yield batch
            batch, bases = [], 0
    if batch:
        yield batch


def align(arguments: MemArguments, command_line: str, sink: IO[str]) -> None:
    """Write the SAM of all reads to `sink`, batch by batch."""
    program = f"@PG\tID:bwa\tPN:bwa\tVN:{VERSION}\tCL:{command_line}\n"
    group = f"{arguments.read_group}\n" if arguments.read_group else ""
    sink.write(
        f"@HD\tVN:1.5\tSO:unsorted\tGO:query\n{sequence_lines(arguments.prefix)}{group}{arguments.header}{program}"
    )
    name = re.search(r"\tID:([^\t]+)", arguments.read_group)
    tag = f"\tRG:Z:{name[1]}" if name else ""
    with open_index(arguments.prefix) as index:
        aligner = pybwa.BwaMem(index=index)
        # One call is one batch for bwa too: the insert-size bounds are those of these reads.
        settings = {**arguments.aligner, "chunk_size": 2**31 - 1, "interleaved_paired_end": arguments.paired}
        options = pybwa.BwaMemOptions(**settings).finalize()
        for batch in read_batches(arguments):
            with native_messages() as messages:
                alignments = aligner.align(batch, options)
            for records, read in zip(alignments, batch, strict=True):
                restore_clipped_bases(records, read)
            if arguments.paired:
                restore_flags(alignments, proper_bounds(messages))
            for records, read in zip(alignments, batch, strict=True):
                end = f"{tag}\t{read.comment}\n" if arguments.comments and read.comment else f"{tag}\n"
                sink.writelines(record.to_string() + end for record in records)
    sink.flush()


def mem(arguments: Sequence[str]) -> None:
    """`bwa mem`."""
    parsed = parse_mem(arguments)
    for name in parsed.reads:
        if name != "-" and not Path(name).exists():
            raise FileNotFoundError(f"fail to open file `{name}'")
    command_line = " ".join(["bwa", "mem", *arguments]).replace("\t", "\\t")
    if parsed.output == "-":
        align(parsed, command_line, sys.stdout)
    else:
        with Path(parsed.output).open("w", encoding="utf-8") as sink:
            align(parsed, command_line, sink)


def index(arguments: Sequence[str]) -> None:
    """`bwa index`: the same five files as bwa, which appear only when complete."""
    try:
        options, files = getopt.getopt(list(arguments), "p:a:b:")
    except getopt.GetoptError as error:
        raise UsageError(str(error)) from None
    if len(files) != 1:
        raise UsageError("expected one FASTA file")
    given = dict(options)
    prefix = Path(given.get("-p", files[0]))
    methods = {method.name.lower(): method for method in pybwa.BwaIndexBuildMethod}
    method = methods.get(given.get("-a", "auto"))
    if method is None:
        raise UsageError(f"option -a: one of {', '.join(sorted(set(methods) - {'auto'}))}")
    with tempfile.TemporaryDirectory(prefix=".bwa-index-", dir=prefix.parent) as folder:
        made = Path(folder) / "reference"
        pybwa.BwaIndex.index(files[0], method=method, prefix=made, block_size=int(given.get("-b", 10_000_000)))
        for suffix in INDEX_SUFFIXES:
            Path(f"{made}{suffix}").replace(f"{prefix}{suffix}")


def main() -> None:
    """Run `bwa <command>`; problems go to stderr with exit code 1, as bwa does it."""
    commands = {"index": index, "mem": mem}
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in commands:
        sys.exit(f"[main] unrecognized command '{name}'\n{USAGE}" if name else USAGE)
    try:
        commands[name](sys.argv[2:])
    except BrokenPipeError:
        with suppress(BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except UsageError as error:
        sys.exit(f"[bwa {name}] {error}\n{USAGE}")
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f"[E::bwa {name}] {error}")
