"""`call_varlociraptor`: its commands and candidates; its calls are read in `test_convert_somatic_calls`."""

from genomics_steps import jobs_of


def test_its_calls_go_the_way_of_all_calls(planned_somatic):
    said = planned_somatic("varlociraptor")
    jobs = set(jobs_of(said))
    assert {"count_somatic_alleles", "call_varlociraptor", "convert_somatic_calls", "annotate_somatic"} <= jobs
    assert "call_somatic" not in jobs
    for words in ("--candidates ", "/somatic/counts/P003_tumour.bcf", "call variants tumor-normal --purity 1.0"):
        assert words in said.stdout
