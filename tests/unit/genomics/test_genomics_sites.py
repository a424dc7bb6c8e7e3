"""Sites, alleles and errors from small alignments that are written here."""

import numpy as np
import pysam
import pytest

from kimedlib.genomics_sites import merged, on_x, polymorphic_sites, sample_reads, sites_beside_targets
from kimedlib.variant_comparison import CalledVariant

BASES = "ACGT" * 300


def called(contig, position, reference="A", other="C"):
    return CalledVariant(contig, position, reference, (other,), (0, 1))


def test_sites_are_single_bases_with_one_other_allele():
    people = [
        [called("chr1", 5), called("chrX", 5), called("chrY", 7), called("chrM", 7), called("chr1", 9, "AT", "A")],
        [called("chr1", 5), called("chr1", 20, "G", "T")],
        [called("chr1", 20, "G", "A")],
    ]
    sites = polymorphic_sites(people)
    assert sites == [("chr1", 5, "A", "C"), ("chrX", 5, "A", "C")]
    assert on_x(sites).tolist() == [False, True]


def test_many_sites_are_thinned():
    sites = polymorphic_sites([[called("c", position) for position in range(5001)]])
    assert 1600 < len(sites) <= 2000
    assert sites[-1][1] > 4990


def test_targets_are_joined_with_what_lies_beside_them():
    assert list(merged([("b", 0, 5), ("a", 50, 60), ("a", 10, 20), ("a", 35, 40)], 10)) == [
        ("a", 0, 70),
        ("b", 0, 15),
    ]


@pytest.fixture
def files(tmp_path):
    """A function that writes reads (start, changes of bases by position, attributes) and opens them."""
    (tmp_path / "reference.fa").write_text(f">c1\n{BASES}\n")
    pysam.faidx(str(tmp_path / "reference.fa"))
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "c1", "LN": len(BASES)}]}

    def write(name, reads, length=50):
        path = str(tmp_path / f"{name}.bam")
        with pysam.AlignmentFile(path, "wb", header=header) as sink:
            for number, (start, changes, more) in enumerate(sorted(reads, key=lambda one: one[0])):
                read = pysam.AlignedSegment(sink.header)
                read.query_name, read.reference_id, read.reference_start = f"r{number}", 0, start
                bases = list(BASES[start : start + length])
                for position, base in changes.items():
                    bases[position - start] = base
                read.query_sequence, read.cigarstring, read.mapping_quality = "".join(bases), f"{length}M", 60
                read.query_qualities = pysam.qualitystring_to_array("I" * length)
                for key, value in more.items():
                    setattr(read, key, value)
                sink.write(read)
        pysam.index(path)
        return pysam.AlignmentFile(path)

    return write, pysam.FastaFile(str(tmp_path / "reference.fa"))


def test_fragments_count_once_and_bad_reads_do_not(files):
    write, fasta = files
    other = {440: "T"}  # the reference has A
    reads = [
        (400, {}, {}),
        (400, other, {}),
        (400, other, {"is_duplicate": True}),
        (400, other, {"mapping_quality": 3}),
    ]
    reads += [(400, other, {"query_qualities": pysam.qualitystring_to_array("5" * 50)})]
    mates = ({"flag": 99, "template_length": 60}, {"flag": 147, "template_length": -60})  # they overlap
    for start, mate in zip((420, 430), mates, strict=True):
        place = {"query_name": "pair", "next_reference_id": 0, "next_reference_start": 850 - start}
        reads.append((start, other, mate | place))
    found = sample_reads(write("s", reads), fasta, [("c1", 440, "A", "T"), ("c1", 900, "A", "T")])
    assert found.counts.tolist() == [[1, 2], [0, 0]]


def test_errors_are_told_by_kind_and_not_at_sites(files):
    write, fasta = files
    reads = [(400, {}, {}) for _ in range(998)] + [(400, {421: "T"}, {}) for _ in range(2)]  # C read as T
    reads += [(400, {424: "G"}, {}) for _ in range(500)]  # a site: A and G
    errors = sample_reads(write("s", reads), fasta, [("c1", 424, "A", "G")]).errors
    assert errors[1, 3] == pytest.approx((2 + 20_000 * 0.0005 / 3) / (13 * 1500 + 20_000), rel=0.05)
    assert errors[0, 2] == pytest.approx(20_000 * 0.0005 / 3 / (12 * 1500 + 20_000), rel=0.1)


def test_sites_beside_targets_are_found(files):
    write, fasta = files
    carrier = write(
        "carrier", [(400 + 30 * half, {440: "T"} if half else {}, {}) for half in (0, 1) for _ in range(10)]
    )
    rare = write("rare", [(400, {441: "G"} if number == 0 else {}, {}) for number in range(20)])
    known = [("c1", 300, "A", "C")]
    assert sites_beside_targets([carrier, rare], fasta, [("c1", 600, 700)], known) == [("c1", 440, "A", "T")]
    assert sites_beside_targets([carrier, rare], fasta, [("c1", 900, 950)], known) == []  # too far
    assert sites_beside_targets([carrier], fasta, [("c1", 600, 700)], [("c1", 440, "A", "C")]) == []


def test_no_sites_no_counts(files):
    write, fasta = files
    found = sample_reads(write("s", [(400, {}, {})]), fasta, [])
    assert found.counts.shape == (0, 2)
    assert np.allclose(found.errors, 0.0005 / 3)
