import pysam
import pytest

from genomics import call_somatic

HEADER = """##fileformat=VCFv4.2
##contig=<ID=c,length=200>
##INFO=<ID=RPBZ,Number=1,Type=Float,Description="z">
##FORMAT=<ID=ADF,Number=R,Type=Integer,Description="forward">
##FORMAT=<ID=ADR,Number=R,Type=Integer,Description="reverse">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="depth">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tn\tt
"""


def line(position, other, normal, tumour, info="."):
    return f"c\t{position}\t.\tA\t{other}\t.\t.\t{info}\tADF:ADR:DP\t{normal}\t{tumour}\n"


@pytest.fixture
def called(tmp_path, genomics_settings):
    def call(*lines):
        reference = tmp_path / "c.fa"
        reference.write_text(">c\n" + "ACGTC" * 40 + "\n")
        pysam.faidx(str(reference))
        counts = tmp_path / "counts.vcf"
        counts.write_text(HEADER + "".join(lines))
        call_somatic.main(counts, reference, tmp_path / "calls.vcf.gz", genomics_settings["somatic"])
        with pysam.VariantFile(str(tmp_path / "calls.vcf.gz")) as records:
            return {record.pos: list(record.filter.keys()) for record in records}

    return call


def test_somatic_germline_and_noise(called):
    found = called(
        line(11, "C", "20,0:20,0:40", "20,8:22,7:57"),
        line(21, "C", "10,10:10,10:40", "15,15:15,15:60"),
        line(31, "C", "20,0:20,0:40", "29,1:29,1:60"),
        line(41, "<*>", "20,0:20,0:40", "29,0:29,0:58"),
        line(51, "C", "20,0:20,0:40", "20,8:22,7:57", "RPBZ=-4"),
    )
    assert found == {11: ["PASS"], 21: ["in_normal", "no_difference"], 51: ["position_bias"]}


def test_the_same_counts_give_the_same_bytes(called, tmp_path):
    called(line(11, "C", "20,0:20,0:40", "20,8:22,7:57"))
    first = (tmp_path / "calls.vcf.gz").read_bytes()
    called(line(11, "C", "20,0:20,0:40", "20,8:22,7:57"))
    assert (tmp_path / "calls.vcf.gz").read_bytes() == first


def test_no_counts_at_all_are_an_error(called):
    with pytest.raises(ValueError, match="sequenced"):
        called()
