"""`call_strelka`: its command and who comes after it; what it writes is read in `test_convert_somatic_calls`."""

from genomics_steps import jobs_of


def test_its_calls_go_the_way_of_all_calls(planned_somatic):
    said = planned_somatic("strelka", region="chr1:1-90000")
    assert {"call_strelka", "convert_somatic_calls", "annotate_somatic"} <= set(jobs_of(said))
    assert not {"call_somatic", "count_somatic_alleles"} & set(jobs_of(said))
    assert "--region chr1:1-90000 --exome" in said.stdout


def test_a_tumour_alone_is_refused_before_any_job(planned_somatic):
    said = planned_somatic("strelka", alone=True, check=False)
    assert said.returncode != 0
    assert "has a tumour but no normal, which strelka needs" in said.stdout
