import gzip


def test_the_reference_is_unpacked_and_indexed(genomics_run, repository):
    made = genomics_run / "reference" / "reference.fa"
    assert made.read_bytes() == gzip.decompress((repository / "test_data/genomics/reference.fa.gz").read_bytes())
    names = [line.split("\t")[0] for line in made.with_suffix(".fa.fai").read_text().splitlines()]
    assert names == ["chr1", "chrX"]
    assert all(made.with_suffix(f".fa.{end}").stat().st_size for end in ("amb", "ann", "bwt", "pac", "sa"))


def test_nothing_is_written_beside_the_input(genomics_run, repository):
    beside = {path.name for path in (repository / "test_data" / "genomics").glob("reference*")}
    assert beside == {"reference.fa.gz", "reference.fa.gz.fai", "reference.fa.gz.gzi"}
