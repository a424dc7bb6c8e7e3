"""A panel of normals and population frequencies, made by hand."""

import pysam
import pytest
import yaml
from genomics_alignments import write_reference

from kimedlib.genomics_identity import identity_problems
from kimedlib.genomics_population import (
    UNKNOWN_FREQUENCY,
    UNSEEN_FREQUENCY,
    Population,
    alleles_of,
    frequency_of,
    germline_probability,
    read_population,
    spelled_once,
)

BASES = "GATCGTACCTGATTTTTTTCGATGCCTAGATACACACACACAGGTCATTGCAGG"
HEADER = (
    '##fileformat=VCFv4.2\n##contig=<ID={contig},length=1000>\n##INFO=<ID=AF,Number=A,Type=Float,Description="x">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
)


@pytest.fixture
def fasta(tmp_path):
    write_reference(tmp_path / "c.fa", BASES)
    with pysam.FastaFile(str(tmp_path / "c.fa")) as opened:
        yield opened


def vcf(path, *lines, contig="c"):
    path.write_text(HEADER.format(contig=contig) + "".join(f"{contig}\t{line}\n" for line in lines))
    return path


def test_an_allele_is_found_however_it_is_written(fasta, tmp_path):
    panel = vcf(tmp_path / "p.vcf", "18\t.\tTT\tT\t.\t.\t.", "5\t.\tG\tA,C\t.\t.\tAF=0.2,0.01")
    known = read_population(panel, panel, fasta)
    for start in (11, 12, 15):
        assert spelled_once(fasta, "c", start, (BASES[start : start + 2], BASES[start])) in known.panel
    assert ("c", 4, "G", "C") in known.panel
    assert frequency_of(("c", 4, "G", "C"), known) == pytest.approx(0.01)
    assert frequency_of(("c", 4, "G", "T"), known) == UNSEEN_FREQUENCY
    assert frequency_of(("c", 4, "G", "C"), Population(None, None)) == UNKNOWN_FREQUENCY


def test_files_that_would_filter_nothing_are_errors(fasta, tmp_path):
    with pytest.raises(ValueError, match="no alleles"):
        alleles_of(vcf(tmp_path / "e.vcf"), fasta)
    with pytest.raises(ValueError, match="another build"):
        alleles_of(vcf(tmp_path / "b.vcf", "5\t.\tG\tA\t.\t.\t.", contig="20"), fasta)
    with pytest.raises(ValueError, match="INFO/AF"):
        read_population(None, vcf(tmp_path / "f.vcf", "5\t.\tG\tA\t.\t.\t."), fasta)


@pytest.mark.parametrize(
    ("other", "total", "frequency", "germline"),
    [
        (30, 60, 0.1, True),  # half of the reads, a common allele
        (30, 60, UNKNOWN_FREQUENCY, True),  # half of the reads, nothing known
        (60, 60, UNKNOWN_FREQUENCY, True),  # homozygous
        (9, 60, UNKNOWN_FREQUENCY, False),  # too few for a germline allele
        (9, 60, 0.3, False),
        (30, 60, UNSEEN_FREQUENCY, False),  # half of the reads, in nobody of a large resource
    ],
)
def test_germline_or_not(other, total, frequency, germline):
    assert (germline_probability(other, total, frequency) > 0.5) == germline


def test_a_tumour_without_a_normal_is_not_called_somebody_else_s(genomics_qc):
    row = {"role": "tumour", "own_normal": "", "same_person": [], "contamination": None, "certain": False, "source": ""}
    assert identity_problems({**row, "patient_id": "P"}, genomics_qc) == []
    assert (
        "not of the person" in identity_problems({**row, "patient_id": "P", "own_normal": "unrelated"}, genomics_qc)[0]
    )


@pytest.fixture
def genomics_qc(repository):
    return yaml.safe_load((repository / "config" / "genomics.yaml").read_text())["qc"]
