import csv

import pytest

from genomics import score_variants


def scores(path):
    with path.open(newline="") as handle:
        return {(row["sample"], row["metric"]): float(row["value"]) for row in csv.DictReader(handle, delimiter="\t")}


def score(genomics_run, folder, calls, samples, truth):
    score_variants.main(
        calls=calls, truths=[truth / "P003_normal.vcf.gz"] * len(calls),
        reference=genomics_run / "reference" / "reference.fa", scores=folder / "s.tsv", samples=samples,
    )  # fmt: skip


def test_truth_against_itself_and_against_another_person(genomics_run, repository, tmp_path):
    truth = repository / "test_data" / "truth" / "genomics"
    bed = str(repository / "test_data" / "genomics" / "targets.bed")
    samples = [{"sample": name, "role": "normal", "truth_bed": bed} for name in ("same", "other")]
    calls = [truth / f"{name}_normal.vcf.gz" for name in ("P003", "P005")]
    score(genomics_run, tmp_path, calls, samples, truth)
    found = scores(tmp_path / "s.tsv")
    assert found["same", "snv.f1"] == found["same", "indel.f1"] == 1
    assert found["other", "snv.f1"] < 0.9
    assert found["germline", "snv.tp"] == found["same", "snv.tp"] + found["other", "snv.tp"]


def test_the_patient_s_variants_are_found(genomics_run):
    found = scores(genomics_run / "scores.tsv")
    assert found["germline", "snv.f1"] >= 0.99
    assert found["somatic", "snv.f1"] >= 0.9


def test_nothing_to_score_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="truth_vcf"):
        score_variants.main(
            calls=[], truths=[], reference=tmp_path / "r.fa", scores=tmp_path / "s.tsv", samples=[]
        )  # fmt: skip
