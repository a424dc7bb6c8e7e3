"""What single fragments of a sample say about a substitution or about the length of a repeat.

Counts of a pileup mix reads that show an allele with reads that are aligned badly there. Here every fragment has one
vote, and only if it shows the place cleanly: bases away from ends of the alignment and from indels, for indels the
whole stretch within which the indel could be written (its repeat) with anchors on both sides. The length between
anchors is the allele, however the aligner wrote it, as genotypers of short tandem repeats count it (HipSTR,
Willems et al. 2017, doi:10.1038/nmeth.4267).
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pysam

CHUNK = 20_000  # bases whose reads are kept in memory
LONGEST_READ = 1000  # reference bases an alignment may span and still be found
UNUSED = pysam.FUNMAP | pysam.FSECONDARY | pysam.FQCFAIL | pysam.FDUP | pysam.FSUPPLEMENTARY
CLEAN_END, CLEAN_INDEL, CLEAN_MISMATCHES = 8, 12, 5
GERMLINE_FRACTION = 0.2  # of the normal's reads: an allele that is not worth a look
ANCHOR = 3  # aligned bases needed on each side of a repeat
NEAR = 5  # repeats this close are looked at together
LONGEST_STRETCH = 100
INSERTED, DELETED = 1, 2
Fetch = Callable[[int, int], str]


@dataclass(frozen=True)
class Vote:
    """What one fragment shows at a place.

    Attributes
    ----------
    allele
        Base, or sequence between the anchors.
    error
        Probability that this is a misreading.
    forward
        Strand of the read.
    clean
        Whether the alignment can be trusted there.
    to_end
        Bases from there to the nearer end of the alignment.
    first_forward
        Orientation of the fragment, F1R2: the first read of the pair is forward, the second reverse.
    """

    allele: str
    error: float
    forward: bool
    clean: bool
    to_end: int = 0
    first_forward: bool = True


class NearbyReads:
    """Reads of a sorted alignment file around a place; candidates come in order, so each read is decoded once or twice.

    Parameters
    ----------
    alignments
        Indexed CRAM or BAM.
    minimum_mapping_quality
        Reads below are left out, as are duplicates, secondary, supplementary and failed ones.
    """

    def __init__(self, alignments: pysam.AlignmentFile, minimum_mapping_quality: int) -> None:
        self.alignments, self.minimum = alignments, minimum_mapping_quality
        self.held: tuple[str, int] | None = None
        self.reads: list[pysam.AlignedSegment] = []
        self.starts: list[int] = []

    def at(self, contig: str, start: int, end: int) -> list[pysam.AlignedSegment]:
        """Reads that overlap [start, end), in order of position."""
        chunk = start // CHUNK
        if self.held != (contig, chunk):
            first, last = max(0, chunk * CHUNK - LONGEST_READ), (chunk + 1) * CHUNK + LONGEST_READ
            last = min(last, self.alignments.get_reference_length(contig))
            self.reads = [
                read
                for read in self.alignments.fetch(contig, first, last)
                if not read.flag & UNUSED and read.mapping_quality >= self.minimum
            ]
            self.starts = [read.reference_start for read in self.reads]
            self.held = contig, chunk
        near = self.reads[bisect_left(self.starts, start - LONGEST_READ) : bisect_left(self.starts, end)]
        return [read for read in near if read.reference_end > start]


def indels_of(read: pysam.AlignedSegment) -> list[tuple[int, int, str]]:
    """Indels of a read: reference position behind the anchor base, change of length, inserted bases."""
    found, reference, query = [], read.reference_start, 0
    for operation, length in read.cigartuples or ():
        if operation == INSERTED:
            found.append((reference, length, (read.query_sequence or "")[query : query + length]))
        elif operation == DELETED:
            found.append((reference, -length, ""))
        reference += length if operation in {0, 2, 3, 7, 8} else 0
        query += length if operation in {0, 1, 4, 7, 8} else 0
    return found


def one_per_fragment(votes: Iterable[tuple[str, Vote]]) -> list[Vote]:
    """The better vote of overlapping mates that agree; none where they disagree."""
    fragments: dict[str, Vote | None] = {}
    for name, vote in votes:
        if name not in fragments:
            fragments[name] = vote
            continue
        before = fragments[name]
        if before is None or before.allele != vote.allele:
            fragments[name] = None
        else:
            fragments[name] = min(before, vote, key=lambda one: (not one.clean, one.error))
    return [vote for vote in fragments.values() if vote is not None]


def base_votes(reads: Sequence[pysam.AlignedSegment], position: int, minimum_quality: int) -> list[Vote]:
    """What fragments show at one reference base.

    Parameters
    ----------
    reads
        Reads that overlap it.
    position
        0-based.
    minimum_quality
        Bases of a lower quality do not vote.
    """
    votes = []
    for read in reads:
        place = query_position(read, position)
        if place is None or read.query_qualities is None or read.query_sequence is None:
            continue
        quality = read.query_qualities[place]
        if quality < minimum_quality:
            continue
        to_end = min(place - read.query_alignment_start, read.query_alignment_end - 1 - place)
        indels = indels_of(read)
        beside = any(
            start - CLEAN_INDEL <= position < start + max(0, -change) + CLEAN_INDEL for start, change, _ in indels
        )
        # NM counts the bases of indels; what is asked is whether the read fits otherwise
        differing = int(read.get_tag("NM")) if read.has_tag("NM") else 0
        differing -= sum(abs(change) for _, change, _ in indels)
        clean = to_end >= CLEAN_END and not beside and differing <= CLEAN_MISMATCHES
        error, first_forward = 10 ** (-quality / 10), read.is_read2 == read.is_reverse
        vote = Vote(read.query_sequence[place], error, not read.is_reverse, clean, to_end, first_forward)
        votes.append((str(read.query_name), vote))
    return one_per_fragment(votes)


def query_position(read: pysam.AlignedSegment, position: int) -> int | None:
    """Index of the read's base that is aligned to a reference position, or None."""
    reference, query = read.reference_start, 0
    for operation, length in read.cigartuples or ():
        aligned, skips = operation in {0, 7, 8}, operation in {2, 3}
        if aligned and reference <= position < reference + length:
            return int(query + position - reference)
        reference += length if aligned or skips else 0
        query += length if aligned or operation in {1, 4} else 0
        if reference > position:
            return None
    return None


def shift_range(fetch: Fetch, position: int, change: int, inserted: str) -> tuple[int, int]:
    """Reference stretch within which an indel can be written in different ways, 0-based and half-open.

    Parameters
    ----------
    fetch
        Reference bases of [start, end) of this contig; may be shorter where the contig ends.
    position, change, inserted
        As `indels_of` gives them.
    """
    size = abs(change)
    around = max(0, position - LONGEST_STRETCH)
    bases = fetch(around, position + size + LONGEST_STRETCH)
    here = position - around
    unit = inserted if change > 0 else bases[here : here + size]
    behind = bases[here:] if change > 0 else bases[here + size :]
    right = 0
    while right < len(behind) and behind[right] == unit[right % size]:
        right += 1
    left = 0
    while left < here and bases[here - 1 - left] == unit[-1 - left % size]:
        left += 1
    return position - left, position + (size if change < 0 else 0) + right


def repeat_stretch(
    fetch: Fetch, reads: Sequence[pysam.AlignedSegment], position: int, reach: int = 30
) -> tuple[int, int] | None:
    """Union of the stretches of all indels that reads show at or beside a position; None without an indel there.

    Stretches that touch each other, or nearly, are one: in them a read can only be told by its length.
    """
    seen = Counter(
        indel for read in reads for indel in indels_of(read) if position - reach <= indel[0] <= position + reach
    )
    spans = sorted({shift_range(fetch, *indel) for indel, count in seen.items() if count > 1})
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start - NEAR <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return next(
        (
            (start, end)
            for start, end in merged
            if start - NEAR <= position <= end + NEAR and end - start <= LONGEST_STRETCH
        ),
        None,
    )


def length_votes(reads: Sequence[pysam.AlignedSegment], start: int, end: int) -> list[Vote]:
    """What fragments spell between anchors on both sides of [start, end); reads that do not span it have no vote."""
    votes = []
    for read in reads:
        if read.reference_start > start - ANCHOR or read.reference_end < end + ANCHOR:
            continue
        before, behind = query_position(read, start - 1), query_position(read, end)
        if before is None or behind is None or read.query_sequence is None:
            continue
        bases = read.query_sequence[before + 1 : behind]
        votes.append((str(read.query_name), Vote(bases, 0.0, not read.is_reverse, clean=True)))
    return one_per_fragment(votes)


def simplest_indel(reference: str, spelled: str) -> tuple[int, str, str]:
    """The one insertion or deletion that explains best how `spelled` differs in length from `reference`.

    Of all places the one with the fewest remaining substitutions is taken, the leftmost of equals.

    Returns
    -------
    tuple of (offset, reference bases, other bases)
        Without an anchor base.
    """
    change = len(spelled) - len(reference)
    size, shorter = abs(change), min(len(reference), len(spelled))
    longer, other = (spelled, reference) if change > 0 else (reference, spelled)
    ranked = [
        (
            sum(a != b for a, b in zip(longer[:place] + longer[place + size :], other, strict=True)),
            place,
        )
        for place in range(shorter + 1)
    ]
    place = min(ranked)[1]
    taken = longer[place : place + size]
    return (place, "", taken) if change > 0 else (place, taken, "")
