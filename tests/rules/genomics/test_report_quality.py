def test_every_tool_and_sample_is_on_the_page(genomics_run):
    page = (genomics_run / "multiqc.html").read_text(encoding="utf-8")
    for expected in ("Sequali", "Cutadapt", "Samtools", "Bcftools", "P003_normal", "P003_tumour", "Coverage, sex and"):
        assert expected in page
    assert str(genomics_run.parent) not in page
