"""The stand-ins behave like the tools: same results, exit codes, messages, pipes."""

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pysam
import pytest

BIN = Path(sys.executable).parent
READS = "test_data/genomics/reads/P003_normal_R{}.fastq.gz"


def tool(*command, stdin=None, check=True):
    run = subprocess.run(
        [str(BIN / command[0]), *map(str, command[1:])], input=stdin, capture_output=True, check=False
    )  # fmt: skip
    assert not check or run.returncode == 0, run.stderr.decode()
    return run


@pytest.fixture(scope="module")
def index(tmp_path_factory, repository):
    folder = tmp_path_factory.mktemp("index")
    with gzip.open(repository / "test_data" / "genomics" / "reference.fa.gz", "rb") as source:
        (folder / "reference.fa").write_bytes(source.read())
    tool("bwa", "index", folder / "reference.fa")
    return folder / "reference.fa"


@pytest.fixture(scope="module")
def few_reads(tmp_path_factory, repository):
    """First 400 pairs, one read of them replaced by bases that map nowhere."""
    folder = tmp_path_factory.mktemp("reads")
    for end in (1, 2):
        with gzip.open(repository / READS.format(end), "rt") as source:
            lines = [source.readline() for _ in range(1600)]
        if end == 2:
            lines[1] = "ACGT" * 37 + "AC\n"
        (folder / f"{end}.fq").write_text("".join(lines))
    return folder / "1.fq", folder / "2.fq"


def alignments(sam):
    return [line.split("\t") for line in sam.decode().splitlines() if not line.startswith("@")]


def test_index_makes_bwa_s_files_and_nothing_else(index):
    expected = {"reference.fa", *(f"reference.fa.{end}" for end in ("amb", "ann", "bwt", "pac", "sa"))}
    assert {path.name for path in index.parent.iterdir()} == expected


def test_flags_of_pairs_are_complete(index, few_reads):
    records = alignments(tool("bwa", "mem", "-R", r"@RG\tID:a\tSM:s", index, *few_reads).stdout)
    flags = [int(cells[1]) for cells in records]
    assert all(flag & 0x1 for flag in flags)
    assert sum(bool(flag & 0x40) for flag in flags) == sum(bool(flag & 0x80) for flag in flags) == 400
    assert sum(bool(flag & 0x2) for flag in flags) >= 780
    assert all("RG:Z:a" in cells for cells in records)
    for cells in records:
        flag, distance = int(cells[1]), int(cells[8])
        if flag & 0x2:
            assert distance != 0
            assert bool(flag & 0x10) != bool(flag & 0x20)


def test_mate_of_an_unmapped_read_has_its_strand(index, few_reads):
    records = alignments(tool("bwa", "mem", index, *few_reads).stdout)
    first, last = (int(cells[1]) for cells in records[:2])
    assert last & 0x4
    assert first & 0x8
    assert bool(first & 0x10) == bool(first & 0x20)


def test_interleaved_input_and_threads_change_nothing(index, few_reads):
    plain = tool("bwa", "mem", "-K", 10000000, index, *few_reads).stdout
    texts = [path.read_text().splitlines(keepends=True) for path in few_reads]
    mixed = "".join("".join(text[start : start + 4]) for start in range(0, 1600, 4) for text in texts)
    piped = tool("bwa", "mem", "-p", "-t", 2, "-K", 10000000, index, "-", stdin=mixed.encode()).stdout
    assert alignments(piped) == alignments(plain)


def test_equal_to_bwa_itself_where_it_is_installed(index, few_reads):
    elsewhere = os.pathsep.join(folder for folder in os.get_exec_path() if Path(folder).resolve() != BIN.resolve())
    found = shutil.which("bwa", path=elsewhere)
    if found is None:
        pytest.skip("bwa itself is not installed (apt-get install bwa); the comparison was skipped")
    theirs = subprocess.run([found, "mem", str(index), *map(str, few_reads)], capture_output=True, check=True).stdout
    ours = tool("bwa", "mem", index, *few_reads).stdout
    assert [cells[:11] for cells in alignments(ours)] == [cells[:11] for cells in alignments(theirs)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["frobnicate"], "unrecognized command"),
        (["mem", "-t", "x", "i", "r"], "is not a number"),
        (["mem", "-V", "i", "r"], "option -V"),
        (["mem", "no_index", "no_reads"], "no_reads"),
    ],
)
def test_bwa_errors(arguments, message):
    run = tool("bwa", *arguments, check=False)
    assert run.returncode == 1
    assert message in run.stderr.decode()


def test_unpaired_files_are_an_error(index, few_reads, tmp_path):
    short = tmp_path / "short.fq"
    short.write_text("".join(few_reads[1].read_text().splitlines(keepends=True)[:40]))
    run = tool("bwa", "mem", index, few_reads[0], short, check=False)
    assert run.returncode == 1
    assert "not paired" in run.stderr.decode()


def test_hard_clipped_reverse_records_keep_their_own_bases():
    from kimed_hosttools.bwa import restore_clipped_bases

    header = pysam.AlignmentHeader.from_dict({"SQ": [{"SN": "c", "LN": 100}]})
    record = pysam.AlignedSegment.from_dict(
        {"name": "r", "flag": "2064", "ref_name": "c", "ref_pos": "1", "map_quality": "60", "cigar": "3H4M",
         "next_ref_name": "*", "next_ref_pos": "0", "length": "0", "seq": "AAAA", "qual": "FFFF"}, header,
    )  # fmt: skip
    read = pysam.FastxRecord(name="r", sequence="ACGTTGC", quality="FFFFFFF")
    restore_clipped_bases([record], read)
    assert record.query_sequence == "ACGT"  # reverse complement GCAACGT without its first three
    assert record.qual == "FFFF"


def test_pipes_prints_and_exit_codes_of_samtools(index, few_reads, tmp_path):
    sam = tool("bwa", "mem", index, *few_reads).stdout
    bam = tool("samtools", "sort", "-u", "-", stdin=sam).stdout
    assert tool("samtools", "view", "-c", "-", stdin=bam).stdout.decode().strip() == str(len(alignments(sam)))
    assert b"in total" in tool("samtools", "flagstat", "-", stdin=bam).stdout
    target = tmp_path / "both.txt"
    with target.open("wb") as sink:
        for _ in range(2):
            subprocess.run([str(BIN / "samtools"), "flagstat", "-"], input=bam, stdout=sink, check=True)
    assert target.read_text().count("in total") == 2
    missing = tool("samtools", "view", "missing.bam", check=False)
    assert missing.returncode == 1
    assert "missing.bam" in missing.stderr.decode()


@pytest.mark.parametrize("name", ["samtools", "bcftools"])
def test_version_and_unknown_commands(name):
    assert tool(name, "--version").stdout.decode().splitlines()[0] == f"{name} 1.24"
    run = tool(name, "frobnicate", check=False)
    assert run.returncode == 1
    assert "unrecognized command 'frobnicate'" in run.stderr.decode()


def test_bcftools_prints_and_queries(repository):
    truth = repository / "test_data" / "truth" / "genomics" / "P003_normal.vcf.gz"
    records = tool("bcftools", "view", "-H", truth).stdout.decode().splitlines()
    positions = tool("bcftools", "query", "-f", "%POS\\n", truth).stdout.decode().split()
    assert positions == [record.split("\t")[1] for record in records]
    assert "number of records" in tool("bcftools", "stats", truth).stdout.decode()


@pytest.mark.parametrize("option", ["-l", "--list-samples"])
def test_samples_are_listed(repository, option):
    listed = tool("bcftools", "query", option, repository / "test_data/truth/genomics/P003_normal.vcf.gz")
    assert listed.stdout == b"P003_normal\n"


def test_comments_and_header_lines_are_passed_on(index, few_reads, tmp_path):
    reads = tmp_path / "1.fq"
    lines = few_reads[0].read_text().splitlines()[:8]
    lines[0], lines[4] = lines[0].split()[0] + " RG:Z:b", lines[4].split()[0]
    reads.write_text("\n".join([*lines, ""]))
    (tmp_path / "groups.sam").write_text("@RG\tID:b\tSM:s\n")
    for given in (tmp_path / "groups.sam", r"@RG\tID:b\tSM:s"):
        sam = tool("bwa", "mem", "-C", "-H", given, index, reads).stdout.decode()
        assert "\n@RG\tID:b\tSM:s\n@PG" in sam
        records = [line.split("\t") for line in sam.splitlines() if not line.startswith("@")]
        assert [cells[-1] == "RG:Z:b" for cells in records] == [True, False]
    without = tool("bwa", "mem", index, reads).stdout.decode()
    assert "RG:Z" not in without
