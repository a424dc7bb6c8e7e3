"""`build_star_index`: the genome with its gene model."""


def test_words_are_short_for_a_small_genome(planned_reads):
    said = planned_reads("starsolo")
    # STAR manual: min(14, log2(genome length) / 2 - 1); 0.2 Mb are reckoned as 1 Mb.
    assert "--genomeSAindexNbases 8" in said and "--sjdbGTFfile" in said
    assert "rule extract_transcripts:" not in said
