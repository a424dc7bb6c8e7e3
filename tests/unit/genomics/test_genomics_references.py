"""References of another build, naming or content are found before any job; truth: lengths published by GRC and T2T."""

import gzip

import pysam
import pytest

from kimedlib.check_genomics import check_files
from kimedlib.check_genomics_references import Reference, check_annotations
from kimedlib.genomics_builds import known_build, other_length, unknown_contig

# Length of chromosome 20 and of the mitochondrion, as headers of these builds say it
CHR20 = {"GRCh37": 63025520, "GRCh38": 64444167, "T2T-CHM13v2.0": 66210255}


@pytest.mark.parametrize("build", CHR20)
@pytest.mark.parametrize("name", ["20", "chr20"])
def test_builds_are_known_by_one_chromosome(build, name):
    assert known_build({name: CHR20[build], "GL000192.1": 547496}) == build


@pytest.mark.parametrize("lengths", [{}, {"chr20": 11095000}, {"MT": 16569}, {"20": 63025520, "1": 248956422}])
def test_what_fits_no_build_is_not_guessed(lengths):
    assert known_build(lengths) is None


def test_real_headers_name_the_builds_they_are_of(kimed_data):
    with pysam.VariantFile(str(next((kimed_data / "genomics").glob("HG002_v4.2.1*.vcf.gz")))) as truth:
        lengths = {name: contig.length for name, contig in truth.header.contigs.items()}
    assert known_build(lengths) == "GRCh37"


def test_only_the_style_of_names_differs():
    text, remedy = unknown_contig("20", {"chr20": 1})
    assert "the reference calls 'chr20'" in text and "rename" in remedy
    assert "'chrM'" in unknown_contig("MT", {"chrM": 16571})[0]
    assert "does not have" in unknown_contig("21", {"chr20": 1})[0]


def test_both_builds_are_named():
    ours = {"chr20": CHR20["GRCh38"]}
    text, _ = other_length("chr20", CHR20["GRCh37"], ours, {"chr20": CHR20["GRCh37"]})
    assert "of GRCh37, the reference of GRCh38" in text
    assert other_length("chr20", CHR20["GRCh38"], ours, {}) is None


BASES = "ACGTTGCATTGACCATGACCA"


@pytest.fixture
def reference(tmp_path):
    path = tmp_path / "reference.fa"
    path.write_text(f">c1\n{BASES}\n")
    pysam.faidx(str(path))
    return Reference(str(path), {"c1": len(BASES)})


def found(tmp_path, name, text, reference):
    path = tmp_path / name
    path.write_text(text)
    return [one.found for one in check_annotations("config", "key", str(path), reference)]


VCF = "##fileformat=VCFv4.2\n{}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
FILES = {
    "names 'chrc1', which the reference calls": ("a.bed", "chrc1\t0\t4\n"),
    "reaches to c1:22 in line 2, the reference ends at 21": ("a.bed", "c1\t0\t4\nc1\t4\t22\n"),
    "line 1 has no position": ("a.bed", "c1\tx\ty\n"),
    "'c1' has 99 bases, in the reference it has 21": (
        "a.gff3",
        "##sequence-region c1 1 99\nc1\t.\tgene\t1\t5\t.\t+\t.\tID=g\n",
    ),
    "reaches to c1:30": ("a.gff3", "c1\t.\tgene\t1\t30\t.\t+\t.\tID=g\n"),
    "1 of 2 records have other reference bases": (
        "a.vcf",
        VCF.format("##contig=<ID=c1,length=21>\n") + "c1\t1\t.\tA\tC\t.\t.\t.\nc1\t3\t.\tTT\tT\t.\t.\t.\n",
    ),
    "reaches to c1:22": ("a.vcf", VCF.format("##contig=<ID=c1>\n") + "c1\t21\t.\tAA\tC\t.\t.\t.\n"),
}


@pytest.mark.parametrize("expected", FILES)
def test_misfits_are_found(tmp_path, reference, expected):
    texts = found(tmp_path, *FILES[expected], reference)
    assert len(texts) == 1 and expected in texts[0]


def test_variants_of_the_whole_build_fit_a_part_of_it_if_their_bases_do(tmp_path, reference):
    header = VCF.format("##contig=<ID=c1,length=63025520>\n")
    good = header + "c1\t1\t.\tA\tC\t.\t.\t.\n"
    assert found(tmp_path, "good.vcf", good, reference) == []
    unindexed = tmp_path / "unindexed.fa"
    unindexed.write_text(f">c1\n{BASES}\n")
    texts = found(tmp_path, "good.vcf", good, Reference(str(unindexed), reference.contigs))
    assert "has 63025520 bases" in texts[0]
    assert "other reference bases" in found(tmp_path, "bad.vcf", header + "c1\t1\t.\tG\tC\t.\t.\t.\n", reference)[0]


def test_variants_of_another_build_are_refused_without_looking_at_bases(tmp_path):
    (tmp_path / "reference.fa").write_text(">chr20\nA\n")
    ours = Reference(str(tmp_path / "reference.fa"), {"chr20": CHR20["GRCh38"]})
    text = VCF.format(f"##contig=<ID=chr20,length={CHR20['GRCh37']}>\n") + "chr20\t1\t.\tA\tC\t.\t.\t.\n"
    (only,) = found(tmp_path, "a.vcf", text, ours)
    assert "of GRCh37, the reference of GRCh38" in only


def test_bases_behind_a_gene_model_are_no_records(tmp_path, reference):
    text = "c1\t.\tgene\t1\t5\t.\t+\t.\tID=g\n##FASTA\n>other\nACGT\n"
    assert found(tmp_path, "a.gff3", text, reference) == []


# Alignments instead of FASTQ


def header(**changes):
    made = {
        "HD": {"VN": "1.6"},
        "SQ": [{"SN": "c1", "LN": len(BASES)}],
        "RG": [{"ID": "lane1", "SM": "p_normal"}],
    }
    return made | changes


def write_bam(path, content, paired=True):
    with pysam.AlignmentFile(str(path), "wb", header=content) as sink:
        for number in range(2):
            read = pysam.AlignedSegment(sink.header)
            read.query_name, read.query_sequence = "r", BASES
            read.flag = (77 if number == 0 else 141) if paired else 4
            sink.write(read)
    return path


@pytest.fixture
def sheet(reference):
    def check(path, checksums=None, **columns):
        config = {"reference": reference.path, "gene_model": "", "targets": "", "region": ""}
        empty = ("sex", "lane", "fastq_1", "fastq_2", "father_id", "mother_id", "truth_vcf", "truth_bed")
        row = dict.fromkeys(empty, "") | {"sample": "p_normal", "patient_id": "p", "role": "normal"}
        rows = [row | {"alignments": str(path)} | columns]
        if checksums is None:
            return [one.found for one in check_files(config, rows, "sheet.tsv")]
        from kimedlib.check_genomics_reads import check_alignments

        known = Reference(reference.path, reference.contigs, checksums)
        return [one.found for one in check_alignments("sheet.tsv", 2, "p_normal", str(path), known)]

    return check


def test_good_alignments_have_no_problems(tmp_path, sheet):
    assert sheet(write_bam(tmp_path / "a.bam", header())) == []


BAD_HEADERS = {
    "holds reads of 'somebody'": {"RG": [{"ID": "1", "SM": "somebody"}]},
    "names '1c', which the reference does not have": {"SQ": [{"SN": "1c", "LN": 21}]},
    "which the reference calls 'c1'": {"SQ": [{"SN": "chrc1", "LN": 21}]},
    "says that 'c1' has 22 bases": {"SQ": [{"SN": "c1", "LN": 22}]},
}


@pytest.mark.parametrize("expected", BAD_HEADERS)
def test_headers_of_others_are_found(tmp_path, sheet, expected):
    (text,) = sheet(write_bam(tmp_path / "a.bam", header(**BAD_HEADERS[expected])))
    assert expected in text


def test_same_length_but_other_bases(tmp_path, sheet):
    path = write_bam(tmp_path / "a.bam", header(SQ=[{"SN": "c1", "LN": 21, "M5": "0" * 32}]))
    assert sheet(path, checksums={"c1": "0" * 32}) == []
    assert "other bases (M5)" in sheet(path, checksums={"c1": "1" * 32})[0]


def test_a_cut_off_file_is_found_by_its_missing_end_mark(tmp_path, sheet):
    path = write_bam(tmp_path / "a.bam", header())
    path.write_bytes(path.read_bytes()[:-28])  # the end mark has 28 bytes (SAM specification, 4.1.2)
    assert "no end mark" in sheet(path)[0]


def test_single_reads_and_both_kinds_of_reads_are_refused(tmp_path, sheet):
    path = write_bam(tmp_path / "a.bam", header(), paired=False)
    assert "holds no pairs" in sheet(path)[0]
    assert "has fastq_1, alignments" in sheet(path, fastq_1=str(path))[0]


def test_lanes_of_a_sample_agree(tmp_path, sheet, reference):
    reads = gzip.compress(b"@r\nACGT\n+\nFFFF\n", mtime=0)
    for name in ("1", "2", "3", "4"):
        (tmp_path / f"{name}.fastq.gz").write_bytes(reads)
    row = {
        **dict.fromkeys(("sex", "alignments", "father_id", "mother_id", "truth_vcf", "truth_bed"), ""),
        "sample": "s",
        "patient_id": "p",
        "role": "normal",
        "lane": "L1",
        **{f"fastq_{end}": str(tmp_path / f"{end}.fastq.gz") for end in (1, 2)},
    }
    config = {"reference": reference.path, "gene_model": "", "targets": "", "region": ""}

    def texts(second):
        return [one.found for one in check_files(config, [row, row | second], "sheet.tsv")]

    others = {"fastq_1": str(tmp_path / "3.fastq.gz"), "fastq_2": str(tmp_path / "4.fastq.gz")}
    assert texts({"lane": "L2"} | others) == []
    assert "stands already in line 2, column fastq_1" in texts({"lane": "L2"})[0]
    assert "not all with a lane" in texts({"lane": ""})[0]
    assert any("differ: '', 'female'" in text for text in texts({"lane": "L2", "sex": "female"} | others))
    mixed = texts({"lane": "L2", "alignments": "x.bam", "fastq_1": "", "fastq_2": ""})
    assert "has several lines, one with alignments" in mixed[0]
