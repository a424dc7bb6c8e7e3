import gzip

import pysam
import pytest
import yaml

from synthetic import simulate_reads

PLAN = (
    "patient_id\tfamily_id\tsex\tdriver_mutated\tsomatic_count\n"
    "P001\tF01\tmale\t1\t6\nP002\tF01\tfemale\t0\t4\nP003\tF02\tmale\t0\t4\n"
)


@pytest.fixture(scope="module")
def settings(repository):
    return yaml.safe_load((repository / "config" / "synthetic.yaml").read_text())["genomics"]


def simulate(repository, folder, patient, role, settings, seed=1):
    folder.mkdir(exist_ok=True)
    plan = folder / "plan.tsv"
    plan.write_text(PLAN)
    shipped, truth = repository / "test_data" / "genomics", repository / "test_data" / "truth" / "genomics"
    outputs = [folder / f"{patient}_{role}_{name}" for name in ("R1.fastq.gz", "R2.fastq.gz", "truth.vcf.gz")]
    simulate_reads.main(
        reference=shipped / "reference.fa.gz", targets=shipped / "targets.bed", population=truth / "population.tsv",
        driver=truth / "driver.tsv", plan=plan, reads_1=outputs[0], reads_2=outputs[1], truth=outputs[2],
        patient=patient, role=role, seed=seed, settings=settings,
    )  # fmt: skip
    return outputs


def variants(path):
    with pysam.VariantFile(str(path)) as records:
        return {(r.contig, r.pos, r.ref, r.alts[0]): (r.samples[0]["GT"], r.samples[0]["AF"][0]) for r in records}


@pytest.fixture(scope="module")
def tumour(repository, settings, tmp_path_factory):
    return simulate(repository, tmp_path_factory.mktemp("tumour"), "P001", "tumour", settings)


def test_the_same_seed_gives_the_same_bytes(repository, settings, tumour, tmp_path):
    again = simulate(repository, tmp_path / "again", "P001", "tumour", settings)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in tumour]
    other = simulate(repository, tmp_path / "other", "P001", "tumour", settings, seed=2)
    assert other[0].read_bytes() != tumour[0].read_bytes()


def test_reads_are_pairs_without_any_name_of_a_patient(tumour):
    texts = [gzip.decompress(path.read_bytes()).decode().splitlines() for path in tumour[:2]]
    names = [[line.split()[0] for line in text[0::4]] for text in texts]
    assert names[0] == names[1]
    assert len(names[0]) > 1000
    assert "P001" not in "".join(names[0])
    assert {len(line) for text in texts for line in text[1::4]} == {150}


def test_as_many_somatic_variants_as_planned_and_the_driver(tumour, repository):
    planted = variants(tumour[2])
    assert len(planted) == 7
    assert all(0.05 <= fraction <= 0.5 for _, fraction in planted.values())
    table = (repository / "test_data/truth/genomics/driver.tsv").read_text().splitlines()[1:]
    drivers = {(c, int(p) + 1, r, o) for c, p, r, o, _ in (line.split("\t") for line in table)}
    assert len(drivers & planted.keys()) == 1


def test_families_share_and_strangers_do_not(repository, settings, tmp_path):
    found = {
        patient: variants(simulate(repository, tmp_path / patient, patient, "normal", settings)[2])
        for patient in ("P001", "P002", "P003")
    }

    def shared(one, other):
        rare = {key for key in found[one] if key[0] == "chr1"}
        return len(rare & found[other].keys()) / len(rare)

    assert shared("P001", "P002") > shared("P001", "P003")
    assert all(len(genotype) == 1 for key, (genotype, _) in found["P001"].items() if key[0] == "chrX")
    assert all(len(genotype) == 2 for genotype, _ in found["P002"].values())


def test_whole_capture_covers_more(repository, settings, tumour, tmp_path):
    thin = {**settings, "capture": "whole", "depth": {"normal": 4, "tumour": 4}}
    whole = simulate(repository, tmp_path / "whole", "P001", "tumour", thin)
    reads = gzip.decompress(whole[0].read_bytes()).count(b"\n") // 4
    assert reads * 250 == pytest.approx(4 * 130_000, rel=0.3)


def test_no_depth_no_reads(repository, settings, tmp_path):
    with pytest.raises(ValueError, match="no reads"):
        simulate(
            repository, tmp_path / "none", "P001", "normal", {**settings, "depth": {"normal": 1e-9, "tumour": 1}}
        )  # fmt: skip
