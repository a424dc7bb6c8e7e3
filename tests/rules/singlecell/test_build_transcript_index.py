"""`build_transcript_index`: as `kb ref` does it."""


def test_genome_masks_reads_from_between_the_genes(planned_reads):
    said = planned_reads("kb")
    assert "kallisto index" in said and "--d-list=test_data/singlecell_reads/genome.fa.gz" in said
    assert "rule count_reads:" in said and "rule count_starsolo:" not in said
