"""Votes of fragments: planted alleles, whatever way they are written, and reads that must not vote."""

import random

import pysam
import pytest
from genomics_alignments import read, write_alignments

from kimedlib.genomics_evidence import (
    NearbyReads,
    base_votes,
    indels_of,
    length_votes,
    query_position,
    repeat_stretch,
    shift_range,
    simplest_indel,
)

LEFT, RIGHT = "ACGTGGTCAGTTCGATCGGATCCA", "GTTCAGCCTGAACTGGTCATGCAT"
REPEAT = "CT" * 6
BASES = LEFT + REPEAT + RIGHT
START, END = len(LEFT), len(LEFT) + len(REPEAT)


def fetch(start, end):
    return BASES[start:end]


@pytest.mark.parametrize("copies", range(6))
def test_every_way_of_writing_an_indel_has_the_same_stretch(copies):
    stretch = shift_range(fetch, START, -2, "")
    assert stretch == shift_range(fetch, START + 2 * copies, -2, "") == shift_range(fetch, START + 2 * copies, 2, "CT")
    assert stretch[0] <= START
    assert stretch[1] >= END


def test_an_indel_without_repeat_has_a_stretch_of_itself():
    assert BASES[5:7] == "GT"
    assert shift_range(fetch, 5, -2, "") in {(5, 7), (4, 7), (5, 8)}
    assert shift_range(fetch, 5, 3, "AAA") == (5, 5)


def with_copies(name, copies, at, **options):
    """A read over the whole repeat with so many copies, the difference written at an offset of the repeat."""
    bases, change = LEFT + "CT" * copies + RIGHT, 2 * (copies - 6)
    before = START + at
    cigar = None
    if change > 0:
        cigar = f"{before}M{change}I{len(bases) - before - change}M"
    elif change < 0:
        cigar = f"{before}M{-change}D{len(bases) - before}M"
    return read(name, 0, bases, cigar, **options)


def test_lengths_are_counted_wherever_the_aligner_put_the_gap():
    reads = [with_copies(f"r{n}", 5, 2 * (n % 4), reverse=n % 2 == 1) for n in range(4)]
    reads += [with_copies(f"i{n}", 8, 2 * n) for n in range(3)] + [with_copies("same", 6, 0)]
    stretch = repeat_stretch(fetch, reads * 2, START + 1)
    votes = length_votes(reads, *stretch)
    changes = [len(vote.allele) - (stretch[1] - stretch[0]) for vote in votes]
    assert sorted(changes) == [-2] * 4 + [0] + [4] * 3
    assert sum(vote.forward for vote in votes) == 6


def test_reads_that_end_within_the_repeat_do_not_vote():
    short = read("short", 0, BASES[: END + 1])
    assert length_votes([short], START, END) == []


def test_one_indel_of_one_read_makes_no_stretch():
    assert repeat_stretch(fetch, [with_copies("only", 5, 0), with_copies("same", 6, 0)], START + 1) is None


def test_mates_have_one_vote_and_none_if_they_differ():
    same = [read("a", 0, BASES[:50], quality=20), read("a", 5, BASES[5:55], quality=35, reverse=True)]
    votes = base_votes(same, 30, 13)
    assert [round(vote.error, 5) for vote in votes] == [round(10**-3.5, 5)]
    other = BASES[5:30] + "G" + BASES[31:55]
    assert BASES[30] != "G"
    assert base_votes([same[0], read("a", 5, other, reverse=True)], 30, 13) == []


def test_bases_at_ends_beside_indels_or_in_odd_reads_are_not_clean():
    def clean(one, position):
        return [vote.clean for vote in base_votes([one], position, 13)]

    good = read("good", 0, BASES)
    assert clean(good, 20) == [True]
    assert clean(good, 7) == [False]
    assert clean(good, len(BASES) - 8) == [False]
    assert clean(with_copies("indel", 5, 0), START - 3) == [False]
    assert clean(with_copies("indel", 5, 0), START - 13) == [True]
    assert clean(read("odd", 0, BASES, mismatches=6), 20) == [False]
    assert base_votes([read("poor", 0, BASES, quality=10)], 20, 13) == []


def test_places_in_reads():
    one = read("r", 10, "A" * 30, "5S10M3D5M2I8M")
    assert [query_position(one, position) for position in (9, 10, 19, 20, 23, 27, 28, 35, 36)] == [
        None, 5, 14, None, 15, 19, 22, 29, None,
    ]  # fmt: skip
    assert indels_of(one) == [(20, -3, ""), (28, 2, "AA")]


def test_simplest_indel_ignores_a_substitution_beside_it():
    assert simplest_indel("ACGTACGT", "ACGTACGTGG"[:8] + "TT") in {(8, "", "TT"), (7, "", "TT")}
    assert simplest_indel("GGACTTTTTC", "GGGCTTTTC") == (4, "T", "")
    assert simplest_indel("", "CAT") == (0, "", "CAT")


@pytest.mark.parametrize("seed", range(30))
def test_simplest_indel_spells_what_was_read(seed):
    rng = random.Random(seed)
    reference = "".join(rng.choices("ACGT", k=30))
    place, size = rng.randrange(30), rng.randrange(1, 6)
    longer = reference[:place] + "".join(rng.choices("ACGT", k=size)) + reference[place:]
    for here, there in ((reference, longer), (longer, reference)):
        offset, gone, new = simplest_indel(here, there)
        assert here[offset : offset + len(gone)] == gone
        assert here[:offset] + new + here[offset + len(gone) :] == there


def test_duplicates_and_badly_mapped_reads_are_left_out(tmp_path):
    duplicate, poor = read("d", 0, BASES), read("p", 0, BASES, mapping=5)
    duplicate.is_duplicate = True
    path = write_alignments(tmp_path / "r.bam", [read("good", 0, BASES), duplicate, poor], len(BASES))
    with pysam.AlignmentFile(str(path)) as alignments:
        near = NearbyReads(alignments, 20)
        assert [one.query_name for one in near.at("c", 10, 11)] == ["good"]
        assert near.at("c", len(BASES), len(BASES) + 1) == []


def test_reads_on_both_sides_of_a_chunk_are_found(tmp_path):
    reads = [read(f"r{start}", start, "A" * 60) for start in range(19_900, 20_200, 20)]
    path = write_alignments(tmp_path / "r.bam", reads, 50_000)
    with pysam.AlignmentFile(str(path)) as alignments:
        near = NearbyReads(alignments, 20)
        for place in (19_950, 19_999, 20_000, 20_050, 19_950):
            expected = [one.query_name for one in reads if one.reference_start <= place < one.reference_end]
            assert [one.query_name for one in near.at("c", place, place + 1)] == expected
