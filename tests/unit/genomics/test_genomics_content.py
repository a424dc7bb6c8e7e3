"""Files that tools read without a complaint, though they are cut off, of another sample or lack contigs."""

import pysam
import pytest

from kimedlib.genomics_content import CRAM_END_MARK, END_MARK, check_alignments, check_variants, empty_chromosomes


@pytest.fixture
def reference(tmp_path):
    path = tmp_path / "reference.fa"
    path.write_text(f">chr1\n{'ACGT' * 500}\n>chrY\n{'ACGT' * 500}\n>chr2\n{'ACGT' * 500}\n")
    pysam.faidx(str(path))
    return path


def bam(path, contigs=("chr1", "chrY", "chr2"), sample="s", at=("chr1", "chr2")):
    header = {"SQ": [{"SN": name, "LN": 2000} for name in contigs], "RG": [{"ID": "g", "SM": sample}]}
    with pysam.AlignmentFile(str(path), "wb", header=header) as sink:
        for name in at:
            read = pysam.AlignedSegment(sink.header)
            read.query_name, read.query_sequence, read.cigarstring = "r", "ACGT", "4M"
            read.reference_name, read.reference_start, read.mapping_quality = name, 100, 60
            sink.write(read)
    pysam.index(str(path))
    return path


def vcf(path, contigs=("chr1", "chrY", "chr2"), samples=("s",)):
    header = pysam.VariantHeader()
    for name in contigs:
        header.contigs.add(name, length=2000)
    for name in samples:
        header.add_sample(name)
    with pysam.VariantFile(str(path), "wz", header=header) as sink:
        sink.write(sink.new_record(contig="chr1", start=4, alleles=("A", "C")))
    return path


def cut(path):
    """Without the end mark: every record is still there, and reading gives no error."""
    path.write_bytes(path.read_bytes()[: -len(END_MARK)])
    return path


def test_whole_files_pass(tmp_path, reference):
    check_alignments(bam(tmp_path / "a.bam"), "s", reference)
    check_variants(vcf(tmp_path / "a.vcf.gz"), ["s"], reference)
    check_variants(vcf(tmp_path / "b.vcf.gz", samples=("n", "t")), ["n", "t"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sample": "other"}, "not of 's'"),
        ({"contigs": ("chr1", "chr2")}, "lacks the contigs chrY"),
        ({"contigs": ("chr2", "chr1", "chrY")}, "other contigs"),
    ],
)
def test_alignments_of_others(tmp_path, reference, changes, words):
    with pytest.raises(ValueError, match=words):
        check_alignments(bam(tmp_path / "a.bam", **changes), "s", reference)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"samples": ("t",)}, r"holds the samples \['t'\]"),
        ({"samples": ("s", "t")}, "holds the samples"),
        ({"contigs": ("chr1", "chr2")}, "lacks the contigs chrY"),
    ],
)
def test_variants_of_others(tmp_path, reference, changes, words):
    with pytest.raises(ValueError, match=words):
        check_variants(vcf(tmp_path / "a.vcf.gz", **changes), ["s"], reference)


def test_cut_off_files(tmp_path, reference):
    with pytest.raises(ValueError, match="end mark"):
        check_variants(cut(vcf(tmp_path / "a.vcf.gz")), ["s"], reference)
    with pytest.raises(ValueError, match="end mark"):
        check_alignments(cut(bam(tmp_path / "a.bam")), "s", reference)


def test_a_cut_off_cram_is_found_though_samtools_takes_it(tmp_path, reference):
    path = tmp_path / "a.cram"
    pysam.view("-C", "-T", str(reference), "-o", str(path), str(bam(tmp_path / "a.bam")), catch_stdout=False)
    check_alignments(path, "s", reference)
    path.write_bytes(path.read_bytes()[: -len(CRAM_END_MARK)])
    with pysam.AlignmentFile(str(path), reference_filename=str(reference)) as reads:
        assert len(list(reads)) == 2  # nothing is missing yet, nothing complains
    with pytest.raises(ValueError, match="end mark"):
        check_alignments(path, "s", reference)


def test_a_chromosome_without_reads_is_named(tmp_path):
    everywhere = [("chr1", 0, 2000), ("chrY", 0, 2000), ("chr2", 0, 2000)]
    for at, expected in ((("chr1", "chr2"), []), (("chr1",), ["chr2"])):
        with pysam.AlignmentFile(str(bam(tmp_path / "a.bam", at=at))) as reads:
            assert empty_chromosomes(reads, everywhere) == expected
            assert empty_chromosomes(reads, [("chr2", 0, 500)]) == []
