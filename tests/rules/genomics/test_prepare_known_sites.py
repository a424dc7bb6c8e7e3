"""Known variants come out one allele per record, left-aligned, sorted, with the wanted fields; others are refused."""

import pysam
import pytest
from genomics_steps import run_step

HEADER = """##fileformat=VCFv4.2
##contig=<ID=c1,length=20>
##INFO=<ID=SIG,Number=A,Type=String,Description="significance">
##INFO=<ID=OTHER,Number=1,Type=String,Description="not wanted">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tsomebody
"""


@pytest.fixture
def prepare(tmp_path):
    reference = tmp_path / "reference.fa"
    reference.write_text(">c1\nGATTTTTTCAGGCATGCATG\n")
    pysam.faidx(str(reference))

    def run(records, fields):
        (tmp_path / "known.vcf").write_text(HEADER + "".join(f"{one}\tGT\t0/1\n" for one in records))
        done = run_step(
            "prepare_known_sites", tmp_path, inputs={"variants": tmp_path / "known.vcf", "reference": reference},
            outputs={"variants": "known.bcf", "variants_index": "known.bcf.csi"}, params={"fields": fields},
        )  # fmt: skip
        return done, tmp_path / "known.bcf"

    return run


def test_alleles_are_split_and_moved_to_the_left(prepare):
    # a T less is written at the right end of its run; the second site has two other alleles
    run, known = prepare(
        ["c1\t7\trs1\tTT\tT\t.\t.\tSIG=a;OTHER=x", "c1\t10\trs2\tA\tC,G\t.\t.\tSIG=b,c"], ["ID", "SIG"]
    )
    assert run.returncode == 0, run.stdout
    with pysam.VariantFile(str(known)) as records:
        found = [(one.pos, one.id, one.ref, one.alts, one.info["SIG"]) for one in records.fetch("c1")]
        assert list(records.header.samples) == []
        assert "OTHER" not in records.header.info
    assert found == [
        (2, "rs1", "AT", ("A",), ("a",)), (10, "rs2", "A", ("C",), ("b",)), (10, "rs2", "A", ("G",), ("c",))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("records", "fields", "words"),
    [
        (["c1\t10\t.\tA\tC\t.\t.\tSIG=a"], ["CLNSIG"], "declares no field INFO/CLNSIG"),
        (["c1\t10\t.\tG\tC\t.\t.\tSIG=a"], ["SIG"], "Reference allele mismatch"),
        ([], ["SIG"], "no known variants"),
    ],
)
def test_what_would_annotate_nothing_is_refused(prepare, records, fields, words):
    run, known = prepare(records, fields)
    assert run.returncode != 0
    assert words in run.stdout
    assert not known.exists()
