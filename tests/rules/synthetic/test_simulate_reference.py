import gzip

import pysam
import pytest
import yaml

from synthetic import simulate_reference

NAMES = ("reference.fa.gz", "genes.gff3", "targets.bed", "population.tsv", "driver.tsv")


@pytest.fixture(scope="module")
def settings(repository):
    return yaml.safe_load((repository / "config" / "synthetic.yaml").read_text())["genomics"]


def simulate(folder, settings, seed=1):
    folder.mkdir(exist_ok=True)
    reference, gene_model, targets, population, driver = (folder / name for name in NAMES)
    simulate_reference.main(
        reference=reference, gene_model=gene_model, targets=targets, population=population, driver=driver,
        seed=seed, settings=settings,
    )  # fmt: skip
    return {name: (folder / name).read_bytes() for name in NAMES}


@pytest.fixture(scope="module")
def made(tmp_path_factory, settings):
    folder = tmp_path_factory.mktemp("reference")
    simulate(folder, settings)
    return folder


def test_the_same_seed_gives_the_same_bytes(made, settings, tmp_path):
    assert simulate(tmp_path / "again", settings) == {name: (made / name).read_bytes() for name in NAMES}
    assert simulate(tmp_path / "other", settings, seed=2) != {name: (made / name).read_bytes() for name in NAMES}


def test_the_reference_is_large_and_looks_human(made):
    with pysam.FastaFile(str(made / "reference.fa.gz")) as fasta:
        bases = "".join(fasta.fetch(name) for name in fasta.references)
    assert len(bases) >= 100_000
    assert set(bases) == set("ACGT")
    assert 0.38 < (bases.count("G") + bases.count("C")) / len(bases) < 0.5
    assert bases.count("CG") < 0.5 * bases.count("GC")


def test_the_test_data_come_from_this_code(repository, settings, tmp_path):
    seed = yaml.safe_load((repository / "config" / "synthetic.yaml").read_text())["seed"]
    made = simulate(tmp_path / "shipped", settings, seed)
    shipped = repository / "test_data" / "genomics"
    assert made["genes.gff3"] == (shipped / "genes.gff3").read_bytes()
    assert gzip.decompress(made["reference.fa.gz"]) == gzip.decompress((shipped / "reference.fa.gz").read_bytes())


def test_too_many_genes_are_an_error(settings, tmp_path):
    crowded = {**settings, "contigs": {"chr1": {"length": 9000, "repeats": 0, "genes": ["KMD1", "B", "C"]}}}
    with pytest.raises(ValueError, match="no room"):
        simulate(tmp_path / "crowded", crowded)
