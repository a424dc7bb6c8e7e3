"""Planted heteroplasmies are found with their share of molecules; errors and strand artefacts are not."""

import random

import pysam
import pytest
from genomics_steps import shipped_config

from genomics import call_mitochondria

LENGTH, READ, DEPTH = 1500, 100, 400
ERROR = 0.001  # bases of quality 30


@pytest.fixture(scope="module")
def bases():
    rng = random.Random("mitochondria")
    text = "".join(rng.choice("ACGT") for _ in range(LENGTH))
    return text[:700] + "CCCCCCC" + text[707:]


@pytest.fixture
def settings():
    return shipped_config()["mitochondria"] | {"contig": "chrM"}


@pytest.fixture
def reference(tmp_path, bases):
    path = tmp_path / "reference.fa"
    path.write_text(f">chr1\nACGTACGTACGT\n>chrM\n{bases}\n")
    pysam.faidx(str(path))
    return path


def molecule(bases, changes):
    """Bases with (place, reference, other) changes, and per base of it the place in the reference."""
    text, places, here = [], [], 0
    for place, gone, new in sorted(changes):
        text += list(bases[here:place]) + list(new)
        places += list(range(here, place)) + [place if number == 0 else None for number in range(len(new))]
        here = place + len(gone)
    return "".join(text) + bases[here:], [*places, *range(here, len(bases))]


def cigar_of(places):
    """CIGAR of a stretch of a molecule: matches, insertions (no place), deletions (places left out)."""
    steps, last = [], None
    for place in places:
        if place is None:
            steps.append("I")
            continue
        if last is not None and place > last + 1:
            steps += ["D"] * (place - last - 1)
        steps.append("M")
        last = place
    text, count = "", 0
    for number, step in enumerate(steps):
        count += 1
        if number + 1 == len(steps) or steps[number + 1] != step:
            text, count = f"{text}{count}{step}", 0
    return text


def write_reads(path, bases, planted, depth=DEPTH, seed=1):
    """Reads of molecules of which a share carries each planted change; `only` restricts it to one strand."""
    rng = random.Random(seed)
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": 12}, {"SN": "chrM", "LN": LENGTH}]}
    reads = []
    with pysam.AlignmentFile(str(path), "wb", header=header) as sink:
        for number in range(depth * LENGTH // READ):
            reverse = rng.random() < 0.5
            carried = [
                change for change, share, only in planted
                if rng.random() < share and (only is None or only == reverse)
            ]  # fmt: skip
            text, places = molecule(bases, carried)
            start = rng.randrange(len(text) - READ)
            if places[start] is None or places[start + READ - 1] is None:
                continue
            shown = "".join(
                rng.choice("ACGT".replace(base, "")) if rng.random() < ERROR else base
                for base in text[start : start + READ]
            )
            read = pysam.AlignedSegment(sink.header)
            read.query_name, read.reference_id, read.reference_start = f"r{number}", 1, places[start]
            read.query_sequence, read.cigarstring = shown, cigar_of(places[start : start + READ])
            read.query_qualities = pysam.qualitystring_to_array("?" * READ)
            read.mapping_quality, read.is_reverse = 60, reverse
            reads.append(read)
        for read in sorted(reads, key=lambda one: one.reference_start):
            sink.write(read)
    pysam.index(str(path))
    return path


def called(tmp_path, reference, reads, settings):
    target = tmp_path / "m.vcf.gz"
    call_mitochondria.main(alignments=reads, reference=reference, variants=target, sample="s", settings=settings)
    with pysam.VariantFile(str(target)) as records:
        return {
            (one.pos, one.ref, one.alts[0]): (one.samples["s"]["AF"][0], one.samples["s"]["GT"], list(one.filter))
            for one in records.fetch("chrM")
        }


def other(base):
    return "ACGT"[("ACGT".index(base) + 1) % 4]


def test_planted_shares_are_found(tmp_path, bases, reference, settings):
    shares = {200: 1.0, 400: 0.5, 900: 0.2, 1200: 0.05}
    planted = [((place, bases[place], other(bases[place])), share, None) for place, share in shares.items()]
    planted.append(((1050, bases[1050:1053], bases[1050]), 0.3, None))  # two bases are gone
    found = called(tmp_path, reference, write_reads(tmp_path / "r.bam", bases, planted), settings)
    for place, share in shares.items():
        fraction, genotype, filters = found.pop((place + 1, bases[place], other(bases[place])))
        # three standard deviations of the share among so many fragments
        assert fraction == pytest.approx(share, abs=3 * (share * (1 - share) / (0.6 * DEPTH)) ** 0.5 + 0.005)
        assert genotype == ((1,) if share == 1 else (0, 1))
        assert filters == ["PASS"]
    ((_, reference_bases, new), (fraction, genotype, _)) = found.popitem()
    assert len(reference_bases) - len(new) == 2 and genotype == (0, 1)
    assert fraction == pytest.approx(0.3, abs=0.1)
    assert found == {}


def test_errors_are_no_heteroplasmies(tmp_path, bases, reference, settings):
    for seed in (2, 3):
        reads = write_reads(tmp_path / f"{seed}.bam", bases, [], seed=seed)
        assert called(tmp_path, reference, reads, settings) == {}


def test_an_allele_of_one_strand_is_filtered(tmp_path, bases, reference, settings):
    planted = [((600, bases[600], other(bases[600])), 0.4, True)]
    found = called(tmp_path, reference, write_reads(tmp_path / "r.bam", bases, planted), settings)
    assert [filters for _, _, filters in found.values()] == [["strand_bias"]]


def test_the_smallest_share_is_a_setting(tmp_path, bases, reference, settings):
    reads = write_reads(tmp_path / "r.bam", bases, [((600, bases[600], other(bases[600])), 0.08, None)])
    assert len(called(tmp_path, reference, reads, settings)) == 1
    assert called(tmp_path, reference, reads, settings | {"minimum_fraction": 0.2}) == {}


def test_no_such_contig_and_no_reads_are_errors(tmp_path, bases, reference, settings):
    reads = write_reads(tmp_path / "r.bam", bases, [], depth=10)
    with pytest.raises(ValueError, match="has no 'MT'"):
        called(tmp_path, reference, reads, settings | {"contig": "MT"})
    with pytest.raises(ValueError, match="no reads on 'chr1'"):
        called(tmp_path, reference, reads, settings | {"contig": "chr1"})
    assert not (tmp_path / "m.vcf.gz").exists()
