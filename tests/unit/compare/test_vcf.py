"""Variant calls: single changes that must be seen, and changes that mean nothing, which must not."""

from pathlib import Path

import pysam
import pysam.bcftools
from compare_cases import Case, both_tests, packed, see_damage

HEADER = """##fileformat=VCFv4.2
##fileDate=20260101
##FILTER=<ID=PASS,Description="All filters passed">
##FILTER=<ID=LowQual,Description="Low">
##INFO=<ID=AF,Number=A,Type=Float,Description="Share">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Depths">
##contig=<ID=chr20,length=64444167>
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2
"""


RECORDS = """chr20\t100\t.\tA\tG\t50\tPASS\tAF=0.5\tGT:AD\t0/1:10,11\t1/1:0,20
chr20\t200\t.\tAC\tA\t60\tPASS\tAF=0.25\tGT:AD\t0/1:10,9\t0/0:20,0
chr20\t300\t.\tC\tG,T\t70\tPASS\tAF=0.25,0.25\tGT:AD\t1/2:1,9,8\t0/1:9,9,0
chr20\t400\t.\tG\tT\t40\tLowQual\tAF=0.5\tGT:AD\t0|1:10,8\t0/1:7,9
"""


FIELDS = {"fields": ["QUAL", "INFO/AF", "FORMAT/AD"]}


def vcf(path: Path, records: str = RECORDS, header: str = HEADER) -> Path:
    path.write_text(header + records)
    return path


def replaced(old: str, new: str, text: str = RECORDS) -> str:
    assert old in text
    return text.replace(old, new, 1)


def bgzf(path: Path) -> Path:
    plain = vcf(path.with_name("plain.vcf"))
    pysam.tabix_compress(str(plain), str(path), force=True)
    return path


def split(path: Path) -> Path:
    """As `bcftools norm -m-` takes records apart."""
    path.write_bytes(pysam.bcftools.norm("-m-", "--no-version", str(vcf(path.with_name("plain.vcf")))).encode())
    return path


MUTATIONS = {
    "one genotype": Case("vcf", "a.vcf", vcf, lambda p: vcf(p, replaced("0/1:10,11", "1/1:10,11")), {}),
    "genotype of the second sample": Case("vcf", "a.vcf", vcf, lambda p: vcf(p, replaced("1/1:0,20", "0/1:0,20")), {}),
    "one allele": Case("vcf", "a.vcf", vcf, lambda p: vcf(p, replaced("100\t.\tA\tG", "100\t.\tA\tT")), {}),
    "one position": Case("vcf", "a.vcf", vcf, lambda p: vcf(p, replaced("\t100\t", "\t101\t")), {}),
    "one record dropped": Case(
        "vcf", "a.vcf", vcf, lambda p: vcf(p, "".join(RECORDS.splitlines(keepends=True)[1:])), {}
    ),
    "one allele of two dropped": Case(
        "vcf",
        "a.vcf",
        vcf,
        lambda p: vcf(
            p,
            replaced(
                "G,T\t70\tPASS\tAF=0.25,0.25\tGT:AD\t1/2:1,9,8\t0/1:9,9,0",
                "G\t70\tPASS\tAF=0.25\tGT:AD\t0/1:1,9\t0/1:9,9",
            ),
        ),
        {},
    ),
    "one FILTER": Case("vcf", "a.vcf", vcf, lambda p: vcf(p, replaced("LowQual\t", "PASS\t")), {}),
    "one AF": Case("vcf", "a.vcf", vcf, lambda p: vcf(p, replaced("AF=0.25\t", "AF=0.26\t")), FIELDS),
    "one depth": Case("vcf", "a.vcf", vcf, lambda p: vcf(p, replaced("0/1:10,9", "0/1:10,8")), FIELDS),
    "one QUAL": Case("vcf", "a.vcf", vcf, lambda p: vcf(p, replaced("\t60\t", "\t61\t")), FIELDS),
    "phase": Case("vcf", "a.vcf", vcf, lambda p: vcf(p, replaced("0|1", "1|0")), {"phased": True}),
    "samples renamed": Case("vcf", "a.vcf", vcf, lambda p: vcf(p, header=HEADER.replace("S1\tS2", "S2\tS1")), {}),
}
BENIGN = {
    "BGZF instead of gzip": Case("vcf", "a.vcf.gz", lambda p: packed(p, vcf, 6), bgzf, {}),
    "dates and commands in the header": Case(
        "vcf",
        "a.vcf",
        vcf,
        lambda p: vcf(p, header=HEADER.replace("20260101", "20270101\n##bcftools_viewCommand=view x; Date=now")),
        FIELDS,
    ),
    "alleles in records of their own": Case("vcf", "a.vcf", vcf, split, {}),
    "bases in common": Case("vcf", "a.vcf", vcf, lambda p: vcf(p, replaced("100\t.\tA\tG\t", "100\t.\tAT\tGT\t")), {}),
    "order of records at other places": Case(
        "vcf", "a.vcf", vcf, lambda p: vcf(p, "".join(RECORDS.splitlines(keepends=True)[::-1])), FIELDS
    ),
    "order of unphased alleles": Case("vcf", "a.vcf", vcf, lambda p: vcf(p, replaced("0/1:10,11", "1/0:10,11")), {}),
    "order of samples": Case(
        "vcf",
        "a.vcf",
        vcf,
        lambda p: vcf(
            p,
            "".join(
                "\t".join([*line.split("\t")[:9], *line.strip().split("\t")[:8:-1]]) + "\n"
                for line in RECORDS.splitlines()
            ),
            HEADER.replace("S1\tS2", "S2\tS1"),
        ),
        FIELDS,
    ),
}

test_one_change_is_seen, test_what_means_nothing_is_no_alarm = both_tests(MUTATIONS, BENIGN)


def test_a_truncated_file_is_never_a_pass(tmp_path):
    see_damage("vcf", (bgzf)(tmp_path / "a.vcf.gz"))
