import csv

from genomics import score_variants


def scores(path):
    with path.open(newline="") as handle:
        return {(row["sample"], row["metric"]): float(row["value"]) for row in csv.DictReader(handle, delimiter="\t")}


def test_truth_against_itself_and_against_another_person(genomics_run, repository, tmp_path):
    truth = repository / "test_data" / "truth" / "genomics"
    bed = str(repository / "test_data" / "genomics" / "targets.bed")
    samples = [{"sample": name, "role": "normal", "truth_bed": bed} for name in ("same", "other")]
    score_variants.main(
        [truth / "P003_normal.vcf.gz", truth / "P005_normal.vcf.gz"], [truth / "P003_normal.vcf.gz"] * 2,
        genomics_run / "reference" / "reference.fa", tmp_path / "s.tsv", samples,
    )  # fmt: skip
    found = scores(tmp_path / "s.tsv")
    assert found["same", "snv.f1"] == found["same", "indel.f1"] == 1
    assert found["other", "snv.f1"] < 0.9
    assert found["germline", "snv.tp"] == found["same", "snv.tp"] + found["other", "snv.tp"]


def test_the_patient_s_variants_are_found(genomics_run):
    found = scores(genomics_run / "scores.tsv")
    assert found["germline", "snv.f1"] >= 0.99
    assert found["somatic", "snv.f1"] >= 0.9
