"""The invented reference codes for something; haplotypes and reads are what they claim to be."""

from itertools import pairwise

import numpy as np
import pytest

from kimedlib.genomics_reads import Carried, read_pairs
from kimedlib.genomics_reference import (
    AMINO_ACIDS,
    Interval,
    build_contig,
    gff_lines,
    missense_variants,
    reverse_complement,
)
from kimedlib.genomics_variants import Variant, apply_variants, inherit, left_aligned, spaced_variants
from kimedlib.seeding import generator

READS = {
    "read_length": 100,
    "insert": {"mean": 220, "sd": 30, "short_share": 0.1},
    "duplicate_share": 0.05,
    "capture_sd": 0.0,
    "quality": {"low_quality_start": 0.01, "low_quality_rise": 0.05, "bad_tail_share": 0.05},
}


def contig(seed=1):
    return build_contig(
        generator(seed, "test"), name="c", length=30000, genes=["G1", "G2"], first_number=1, exons=3,
        exon_length=(100, 160), repeats=5,
    )  # fmt: skip


def protein(bases, gene):
    coding = "".join(bases[start:end] for start, end in gene.coding)
    coding = coding if gene.strand == "+" else reverse_complement(coding)
    return "".join(AMINO_ACIDS[coding[place : place + 3]] for place in range(0, len(coding), 3)), len(coding)


def test_genes_are_open_reading_frames_on_both_strands():
    bases, genes = contig()
    assert {gene.strand for gene in genes} == {"+", "-"}
    for gene in genes:
        amino_acids, length = protein(bases, gene)
        assert length % 3 == 0
        assert amino_acids[0] == "M"
        assert amino_acids.index("*") == len(amino_acids) - 1


def test_introns_have_donor_and_acceptor():
    bases, genes = contig()
    for gene in genes:
        introns = [(left[1], right[0]) for left, right in pairwise(gene.exons)]
        for start, end in introns:
            intron = bases[start:end] if gene.strand == "+" else reverse_complement(bases[start:end])
            assert (intron[:2], intron[-2:]) == ("GT", "AG")


def test_phases_of_the_gene_model_follow_the_reading_frame():
    bases, genes = contig()
    lines = [line.split("\t") for line in gff_lines(genes, {"c": len(bases)}) if "\tCDS\t" in line]
    for gene in genes:
        own = [cells for cells in lines if f"SYNT{gene.identifier}" in cells[8]]
        own = own if gene.strand == "+" else own[::-1]
        used = 0
        for cells in own:
            assert int(cells[7]) == -used % 3
            used += int(cells[4]) - int(cells[3]) + 1


def test_missense_variants_change_one_amino_acid():
    bases, genes = contig()
    for gene in genes:
        before = protein(bases, gene)[0]
        for codon, (position, reference, other) in zip((5, 20), missense_variants(bases, gene, (5, 20)), strict=True):
            assert bases[position] == reference
            after = protein(bases[:position] + other + bases[position + 1 :], gene)[0]
            assert [place + 1 for place in range(len(before)) if before[place] != after[place]] == [codon]
            assert after.count("*") == 1


def test_left_alignment():
    bases = "GATTTTTACACACG"
    assert left_aligned(bases, Variant("c", 5, "TT", "T")) == Variant("c", 1, "AT", "A")
    assert left_aligned(bases, Variant("c", 12, "C", "CAC")) == Variant("c", 6, "T", "TAC")
    assert left_aligned(bases, Variant("c", 0, "G", "A")) == Variant("c", 0, "G", "A")


def test_variants_are_applied_in_order():
    bases = "AACCGGTTAACC"
    variants = [Variant("c", 1, "A", "T"), Variant("c", 3, "CG", "C"), Variant("c", 6, "T", "TGG")]
    assert apply_variants(bases, 0, 12, variants, [1, 3, 6]) == "ATCCGTGGTAAC"
    assert apply_variants(bases, 2, 4, variants, [1, 3, 6]) == "CCGT"
    assert apply_variants(bases, 10, 9, variants, [1, 3, 6]) == "CC"


def test_variants_keep_their_distance():
    bases, _ = contig()
    found = spaced_variants(generator(2, "x"), "c", bases, candidates=np.arange(500, 5000), count=60, indel_share=0.2)
    assert len(found) == 60
    assert all(right.position - left.end >= 15 for left, right in pairwise(found))
    assert all(bases[one.position : one.end] == one.reference for one in found)
    with pytest.raises(ValueError, match="room for"):
        spaced_variants(generator(2, "x"), "c", bases, candidates=np.arange(500, 520), count=60, indel_share=0.2)


def test_siblings_share_founders_and_sons_lack_the_paternal_x():
    frequencies, on_x = np.full(400, 0.5), np.arange(400) >= 200
    haplotypes = {
        name: inherit(generator(1, "family"), generator(1, name), frequencies, on_x, male)
        for name, male in (("a", True), ("b", False), ("c", False), ("d", False), ("e", False))
    }
    assert not haplotypes["a"][1][on_x].any()
    assert haplotypes["b"][1][on_x].any()
    founders = {one[0].tobytes() for one in haplotypes.values()}
    assert len(founders) <= 2  # the two haplotypes of the mother


def simulate(carried, depth=60, seed=1):
    bases, _ = contig()
    pairs = read_pairs(
        generator(seed, "reads"), contigs={"c": bases}, intervals=[Interval("c", 2000, 2600)],
        haplotypes={"c": carried}, depth=depth, settings=READS,
    )  # fmt: skip
    return bases, list(pairs)


def test_reads_have_length_depth_and_errors_as_told():
    _, pairs = simulate([Carried(()), Carried(())])
    assert {len(bases) for pair in pairs for bases, _ in pair} == {100}
    assert len(pairs) == pytest.approx(60 * (600 + 220 - 66) / 200, rel=0.2)
    assert {quality for pair in pairs for _, qualities in pair for quality in qualities} <= set("#,:F")
    assert any("AGATCGGAAGAGC" in pair[0][0] for pair in pairs)


def test_the_same_seed_gives_the_same_reads():
    assert simulate([Carried(()), Carried(())])[1] == simulate([Carried(()), Carried(())])[1]
    assert simulate([Carried(()), Carried(())])[1] != simulate([Carried(()), Carried(())], seed=2)[1]


def test_somatic_share_shows_in_the_reads():
    bases, _ = contig()
    mark = Variant("c", 2300, bases[2300], "A" if bases[2300] != "A" else "C")
    carrier = Carried((), ((mark, 0.6),))
    _, pairs = simulate([carrier, Carried(())], depth=600)
    around = bases[2290:2300], bases[2301:2311]
    texts = [text for pair in pairs for one, _ in pair for text in (one, reverse_complement(one))]
    seen = sum(f"{around[0]}{mark.other}{around[1]}" in text for text in texts)
    plain = sum(f"{around[0]}{mark.reference}{around[1]}" in text for text in texts)
    assert seen / (seen + plain) == pytest.approx(0.3, abs=0.05)
