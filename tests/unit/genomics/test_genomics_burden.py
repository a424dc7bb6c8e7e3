"""Callable bases, mutations per megabase and tumour in normal, on alignments made by hand."""

import numpy as np
import pysam
import pytest
from genomics_alignments import read, write_alignments

from kimedlib.genomics_burden import burden, cover, merged, pieces, tumour_in_normal

LENGTH = 1000


def bases(contig, start, end):
    return ("ACGT" * 300)[start:end]


def stack(path, *blocks):
    """Reads of 50 bases: (start, count, options)."""
    reads = []
    for number, (start, count, options) in enumerate(blocks):
        reads += [read(f"r{number}_{n}", start, bases("c", start, start + 50), **options) for n in range(count)]
    write_alignments(path, reads, LENGTH)
    return pysam.AlignmentFile(str(path))


def test_callable_is_what_both_samples_cover_with_usable_reads(tmp_path):
    tumour = stack(tmp_path / "t.bam", (100, 10, {}), (200, 10, {}), (300, 10, {}), (400, 10, {}))
    normal = stack(
        tmp_path / "n.bam", (120, 10, {}), (200, 7, {}), (300, 10, {"mapping": 0}), (400, 10, {"quality": 5})
    )
    options = {"minimum_depth": 8, "mapping_quality": 20, "base_quality": 13, "bin_size": 250}
    with tumour, normal:
        both = cover(tumour, normal, bases, [("c", 0, 500), ("c", 400, LENGTH)], **options)
        alone = cover(tumour, None, bases, [("c", 0, LENGTH)], **options)
    assert both.callable_spans == [("c", 120, 150)]
    assert alone.callable_spans == [("c", 100, 150), ("c", 200, 250), ("c", 300, 350), ("c", 400, 450)]
    assert [(one.start, one.end) for one in both.bins] == [(0, 250), (250, 500), (500, 750), (750, 1000)]
    assert both.bins[0].tumour == pytest.approx(10 * 100 / 250)
    assert both.bins[0].normal == pytest.approx((10 * 50 + 7 * 50) / 250)
    assert both.bins[0].gc == pytest.approx(0.5, abs=0.01)


def test_windows_change_nothing(tmp_path, monkeypatch):
    options = {"minimum_depth": 8, "mapping_quality": 20, "base_quality": 13, "bin_size": 250}
    with stack(tmp_path / "t.bam", (100, 10, {}), (130, 10, {})) as tumour:
        whole = cover(tumour, None, bases, [("c", 0, LENGTH)], **options)
        monkeypatch.setattr("kimedlib.genomics_burden.WINDOW", 125)
        assert cover(tumour, None, bases, [("c", 0, LENGTH)], **options).callable_spans == whole.callable_spans


def test_pieces_are_equal_and_cover_all():
    cut = list(pieces([("c", 5, 1004), ("d", 0, 10)], 300))
    assert cut[-1] == ("d", 0, 10)
    assert sum(end - start for _, start, end in cut) == 1009
    assert np.ptp([end - start for contig, start, end in cut if contig == "c"]) <= 1
    assert merged([("c", 5, 9), ("c", 0, 5), ("d", 1, 2), ("c", 20, 30)]) == [("c", 0, 9), ("c", 20, 30), ("d", 1, 2)]


def test_mutations_per_megabase_with_the_interval_of_the_count():
    # Garwood 1936: 95 % limits of a count of 10 are 4.795 and 18.39
    found = burden(10, 2_000_000)
    assert found[:3] == (10, 2_000_000, 5.0)
    assert (found.low, found.high) == pytest.approx((4.795 / 2, 18.39 / 2), abs=2e-3)
    with pytest.raises(ValueError, match="per megabase of what"):
        burden(0, 0)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.3])
def test_planted_tumour_in_the_normal_is_measured(share):
    rng = np.random.default_rng(int(100 * share))
    inside = 0
    for _ in range(40):
        variants = [
            (int(rng.binomial(total, fraction * share)), total, fraction)
            for total, fraction in zip(rng.poisson(60, 30).tolist(), rng.uniform(0.1, 0.5, 30).tolist(), strict=True)
        ]
        found = tumour_in_normal(variants)
        inside += found.low <= share <= found.high
    assert inside >= 35  # of 40 intervals of 95 %


def test_without_variants_nothing_is_said():
    assert tumour_in_normal([]) is None
