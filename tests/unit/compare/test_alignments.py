"""Alignments: single changes that must be seen, and changes that mean nothing, which must not."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pysam
import pysam.bcftools
from compare_cases import Case, both_tests, see_damage


def alignments(path: Path, change: Callable[[list[dict]], None] | None = None, **header) -> Path:
    """200 pairs over a sequence of 10 kb."""
    random = np.random.default_rng(1)
    reads = []
    for number in range(200):
        start = int(random.integers(0, 9000))
        sequence = "".join(random.choice(list("ACGT"), 50))
        for second in (False, True):
            pair = {
                "name": f"read{number}", "flag": 163 if second else 99, "ref_name": "chr20",
                "ref_pos": str(start + 1 + 200 * second), "map_quality": "60", "cigar": "50M",
                "next_ref_name": "=", "next_ref_pos": str(start + 201 - 200 * second), "length": "250",
                "seq": sequence, "qual": "I" * 50, "tags": ["NM:i:0", "RG:Z:a"],
            }  # fmt: skip
            reads.append(pair)
    if change:
        change(reads)
    top = {"HD": {"VN": "1.6"}, "SQ": [{"SN": "chr20", "LN": 10000}], "RG": [{"ID": "a", "SM": "S1"}], **header}
    names = (
        "name",
        "flag",
        "ref_name",
        "ref_pos",
        "map_quality",
        "cigar",
        "next_ref_name",
        "next_ref_pos",
        "length",
        "seq",
        "qual",
    )
    made = pysam.AlignmentHeader.from_dict(top)
    mode = {".bam": "wb", ".cram": "wc", ".sam": "w"}[path.suffix]
    options = [b"no_ref=1"] if path.suffix == ".cram" else None
    with pysam.AlignmentFile(str(path), mode, header=made, format_options=options) as file:
        for read in reads:
            text = "\t".join([*(str(read[name]) for name in names), *read["tags"]])
            file.write(pysam.AlignedSegment.fromstring(text, made))
    return path


def read(number: int, **fields) -> Callable[[list[dict]], None]:
    return lambda reads: reads[number].update(fields)


def other(kind: str) -> Callable[[Path], Path]:
    """The same alignments as BAM or CRAM, written by another program on another day."""

    def make(path: Path) -> Path:
        made = alignments(path.with_name(f"x.{kind}"), PG=[{"ID": "bwa", "VN": "9", "CL": "today"}], CO=["comment"])
        return Path(shutil.move(made, path))

    return make


MUTATIONS = {
    "one FLAG bit": Case("cram", "a.bam", alignments, lambda p: alignments(p, read(5, flag=99 + 1024)), {}),
    "one base quality": Case("cram", "a.bam", alignments, lambda p: alignments(p, read(5, qual="I" * 49 + "H")), {}),
    "one base": Case(
        "cram", "a.bam", alignments, lambda p: alignments(p, lambda r: r[5].update(seq="N" + r[5]["seq"][1:])), {}
    ),
    "one read moved": Case(
        "cram",
        "a.bam",
        alignments,
        lambda p: alignments(p, lambda r: r[5].update(ref_pos=str(int(r[5]["ref_pos"]) + 1))),
        {},
    ),
    "one CIGAR": Case("cram", "a.bam", alignments, lambda p: alignments(p, read(5, cigar="49M1S")), {}),
    "one tag": Case("cram", "a.bam", alignments, lambda p: alignments(p, read(5, tags=["NM:i:1", "RG:Z:a"])), {}),
    "one read lost": Case("cram", "a.bam", alignments, lambda p: alignments(p, lambda r: r.pop(5)), {}),
    "one read twice": Case("cram", "a.bam", alignments, lambda p: alignments(p, lambda r: r.append(r[5])), {}),
    "sample of the read group": Case(
        "cram", "a.bam", alignments, lambda p: alignments(p, RG=[{"ID": "a", "SM": "S2"}]), {}
    ),
}
BENIGN = {
    "CRAM instead of BAM": Case("cram", "a.bam", alignments, other("cram"), {}),
    "programs and comments": Case("cram", "a.bam", alignments, other("bam"), {}),
    "order of tags": Case("cram", "a.bam", alignments, lambda p: alignments(p, read(5, tags=["RG:Z:a", "NM:i:0"])), {}),
}

test_one_change_is_seen, test_what_means_nothing_is_no_alarm = both_tests(MUTATIONS, BENIGN)


def test_a_truncated_file_is_never_a_pass(tmp_path):
    see_damage("cram", (alignments)(tmp_path / "a.bam"))
