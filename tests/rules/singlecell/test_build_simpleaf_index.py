"""`build_simpleaf_index`: of the transcripts that kallisto would get."""


def test_transcripts_are_indexed(planned_reads):
    said = planned_reads("simpleaf")
    assert "simpleaf index --ref-seq" in said and "rule extract_transcripts:" in said
    assert "saturation.png" not in said
