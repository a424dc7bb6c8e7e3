"""Planted alleles in small alignments: somatic ones pass, germline ones and artefacts do not."""

import random

import pysam
import pytest
from genomics_alignments import read, write_alignments, write_reference

from genomics import call_somatic
from kimedlib.genomics_orientation import Oriented
from kimedlib.genomics_population import Population
from kimedlib.genomics_somatic import AlleleCounts, Candidate

HEADER = """##fileformat=VCFv4.2
##contig=<ID=c,length=1000>
##INFO=<ID=INDEL,Number=0,Type=Flag,Description="indel">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="reads">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tn\tt
"""
BASES = "".join(random.Random(5).choices("ACGT", k=500)) + "GCAATAATAATAATAATGC" + "".join(
    random.Random(6).choices("ACGT", k=481)
)  # fmt: skip
REPEAT = 502  # five times AAT
PLACE = 250
OTHER = {"A": "C", "C": "T", "G": "A", "T": "G"}[BASES[PLACE]]


def pile(tag, count, change=None, place=PLACE, first=10, last=90, forward=None, quality=37):
    """Reads of 100 bases with `place` between their bases `first` and `last`, every other one reverse."""
    made = []
    for number in range(count):
        start = place - (first + (last - first) * number // max(1, count))
        bases, cigar = BASES[start : start + 100], None
        if change == "substitution":
            bases = bases[: place - start] + OTHER + bases[place - start + 1 :]
        elif change:
            bases = BASES[start:place] + BASES[place + change : start + 100 + change]
            cigar = f"{place - start}M{change}D{100 - (place - start)}M"
        reverse = number % 2 == 1 if forward is None else not forward
        made.append(
            read(
                f"{tag}{number}",
                start,
                bases,
                cigar,
                reverse=reverse,
                quality=quality,
                mismatches=change == "substitution",
            )
        )
    return made


@pytest.fixture
def called(tmp_path, genomics_settings):
    write_reference(tmp_path / "c.fa", BASES)

    def call(normal, tumour, *, indel=False):
        for name, reads in (("normal", normal), ("tumour", tumour)):
            write_alignments(tmp_path / f"{name}.bam", reads, len(BASES))
        counts = tmp_path / "counts.vcf"
        shown = sum(one.query_sequence[PLACE - one.reference_start] == OTHER for one in normal) if not indel else 0
        line = f"c\t{PLACE + 1}\t.\t{BASES[PLACE]}\t{OTHER}\t.\t.\t.\tAD\t{len(normal) - shown},{shown}\t30,9\n"
        if indel:
            line = f"c\t{REPEAT}\t.\t{BASES[REPEAT - 1 : REPEAT + 3]}\t{BASES[REPEAT - 1]}\t.\t.\tINDEL\tAD\t9,0\t9,3\n"
        counts.write_text(HEADER + line)
        call_somatic.main(
            counts=counts, normal=tmp_path / "normal.bam", tumour=tmp_path / "tumour.bam",
            reference=tmp_path / "c.fa", variants=tmp_path / "calls.vcf.gz", settings=genomics_settings["somatic"],
        )  # fmt: skip
        with pysam.VariantFile(str(tmp_path / "calls.vcf.gz")) as records:
            return [(one.pos, one.ref, one.alts[0], list(one.filter.keys())) for one in records]

    return call


def filters(found):
    return [one[3] for one in found]


def test_a_somatic_substitution_passes(called):
    found = called(pile("n", 30), pile("r", 40) + pile("a", 10, "substitution"))
    assert found == [(PLACE + 1, BASES[PLACE], OTHER, ["PASS"])]


def test_an_allele_of_the_normal_does_not(called):
    normal = pile("n", 30) + pile("na", 4, "substitution")
    assert "in_normal" in filters(called(normal, pile("r", 40) + pile("a", 10, "substitution")))[0]
    assert called(pile("n", 10) + pile("na", 10, "substitution"), pile("a", 10, "substitution")) == []


def test_a_thin_normal_is_no_normal(called):
    assert "in_normal" in filters(called(pile("n", 6), pile("r", 40) + pile("a", 10, "substitution")))[0]


def test_two_bases_are_enough_only_if_they_are_good(called):
    rest = pile("r", 25)
    assert filters(called(pile("n", 30), rest + pile("a", 2, "substitution"))) == [["PASS"]]
    poor = called(pile("n", 30), rest + pile("a", 3, "substitution", quality=30)[:2])
    assert poor == []


def test_ends_of_reads_and_single_strands_are_artefacts(called):
    at_ends = pile("a", 10, "substitution", first=90, last=92)
    assert filters(called(pile("n", 30), pile("r", 40) + at_ends)) == [["position_bias"]]
    one_strand = pile("a", 15, "substitution", forward=True) + pile("r", 30, forward=False)
    assert "strand_bias" in filters(called(pile("n", 30), one_strand))[0]


def over_repeat(tag, count, change):
    return pile(tag, count, change, place=REPEAT, first=20, last=60)


def test_a_somatic_length_of_a_repeat_passes_left_aligned(called):
    found = called(over_repeat("n", 20, None), over_repeat("r", 20, None) + over_repeat("a", 5, 3), indel=True)
    assert [one[3] for one in found] == [["PASS"]]
    position, reference, other, _ = found[0]
    changed = BASES[: position - 1] + other + BASES[position - 1 + len(reference) :]
    assert changed == BASES[:REPEAT] + BASES[REPEAT + 3 :]


def test_a_length_of_the_normal_does_not(called):
    normal = over_repeat("n", 15, None) + over_repeat("m", 5, 3)
    found = called(normal, over_repeat("r", 20, None) + over_repeat("a", 5, 3), indel=True)
    assert "in_normal" in filters(found)[0]


def test_the_same_counts_give_the_same_bytes(called, tmp_path):
    reads = pile("n", 30), pile("r", 40) + pile("a", 10, "substitution")
    called(*reads)
    first = (tmp_path / "calls.vcf.gz").read_bytes()
    called(*reads)
    assert (tmp_path / "calls.vcf.gz").read_bytes() == first


def test_no_counts_at_all_are_an_error(called, tmp_path, genomics_settings):
    called(pile("n", 5), pile("a", 5))
    (tmp_path / "counts.vcf").write_text(HEADER)
    with pytest.raises(ValueError, match="sequenced"):
        call_somatic.main(
            counts=tmp_path / "counts.vcf", normal=tmp_path / "normal.bam", tumour=tmp_path / "tumour.bam",
            reference=tmp_path / "c.fa", variants=tmp_path / "none.vcf.gz", settings=genomics_settings["somatic"],
        )  # fmt: skip
    assert not (tmp_path / "none.vcf.gz").exists()


@pytest.fixture
def called_alone(tmp_path, genomics_settings):
    """Filters of a tumour without a normal: `other` of 60 reads show the allele."""
    write_reference(tmp_path / "c.fa", BASES)

    def call(other, panel=(), frequencies=()):
        write_alignments(tmp_path / "t.bam", pile("r", 60 - other) + pile("a", other, "substitution"), len(BASES))
        line = f"c\t{PLACE + 1}\t.\t{BASES[PLACE]}\t{OTHER}\t.\t.\t.\tAD\t{60 - other},{other}\n"
        (tmp_path / "counts.vcf").write_text(HEADER.replace("\tn\tt", "\tt") + line)
        files = {}
        for name, lines in (("panel", panel), ("frequencies", frequencies)):
            if lines:
                info = '##INFO=<ID=AF,Number=A,Type=Float,Description="x">\n'
                head = HEADER.partition("##FORMAT")[0] + info + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
                (tmp_path / f"{name}.vcf").write_text(head + "".join(f"{one}\n" for one in lines))
                files[name] = tmp_path / f"{name}.vcf"
        call_somatic.main(
            counts=tmp_path / "counts.vcf", normal=None, tumour=tmp_path / "t.bam", reference=tmp_path / "c.fa",
            variants=tmp_path / "calls.vcf.gz", settings=genomics_settings["somatic"], **files,
        )  # fmt: skip
        with pysam.VariantFile(str(tmp_path / "calls.vcf.gz")) as records:
            assert list(records.header.samples) == ["t"]
            return [list(one.filter.keys()) for one in records]

    return call


def test_without_a_normal_the_share_of_reads_and_other_people_decide(called_alone):
    here = f"c\t{PLACE + 1}\t.\t{BASES[PLACE]}\t{OTHER}\t.\t.\tAF=0.2"
    elsewhere = f"c\t{PLACE + 9}\t.\t{BASES[PLACE + 8]}\t{'A' if BASES[PLACE + 8] != 'A' else 'C'}\t.\t.\tAF=0.2"
    assert called_alone(10) == [["PASS"]]  # too few reads for a germline allele
    assert called_alone(30) == [["germline"]]
    assert called_alone(30, frequencies=[elsewhere]) == [["PASS"]]  # a population lacks it
    assert called_alone(30, frequencies=[here]) == [["germline"]]
    assert called_alone(10, panel=[here]) == [["panel_of_normals"]]
    assert called_alone(10, panel=[elsewhere]) == [["PASS"]]


def test_damage_of_one_orientation_gets_its_filter(tmp_path):
    counts = AlleleCounts((20, 3), (20, 2), 45)
    judged = Candidate(counts, AlleleCounts((20, 0), (20, 0), 40), 9.0, 9.0, 4.0, 3.5, 8, 3, misplaced=False)
    write_reference(tmp_path / "c.fa", "G" * 500)

    def allele(place, shown):
        return call_somatic.Called("c", place, ("G", "T"), judged, [], Oriented("G", "T", shown, (20, 20)))

    found = [allele(place, (5, 0)) for place in range(100, 140)] + [allele(place, (3, 2)) for place in range(200, 220)]
    with pysam.FastaFile(str(tmp_path / "c.fa")) as fasta:
        kept = list(call_somatic.filtered(found, fasta, Population(None, None), 0.5))
    assert all(one.failed == ["orientation_bias"] for one in kept[:40])
    assert all(one.failed == [] for one in kept[40:])
