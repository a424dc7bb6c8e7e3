import csv

import pandas as pd
import pysam
import pytest

from genomics import score_variants
from kimedlib.variant_comparison import CalledVariant


def scores(path):
    with path.open(newline="") as handle:
        return {(row["sample"], row["metric"]): float(row["value"]) for row in csv.DictReader(handle, delimiter="\t")}


def score(genomics_run, folder, calls, samples, truth):
    score_variants.main(
        calls=calls, truths=[truth / "P003_normal.vcf.gz"] * len(calls),
        alignments=[genomics_run / "alignments" / "P003_normal.cram"] * len(calls),
        reference=genomics_run / "reference" / "reference.fa", scores=folder / "s.tsv", strata=folder / "strata.tsv",
        curves=folder / "curves.tsv", samples=samples,
    )  # fmt: skip


def test_truth_against_itself_and_against_another_person(genomics_run, repository, tmp_path):
    truth = repository / "test_data" / "truth" / "genomics"
    bed = str(repository / "test_data" / "genomics" / "targets.bed")
    samples = [{"sample": name, "role": "normal", "truth_bed": bed} for name in ("same", "other")]
    with pytest.raises(ValueError, match="without QUAL"):  # a truth has none
        score(genomics_run, tmp_path, [truth / "P003_normal.vcf.gz"], samples[:1], truth)
    quality = [tmp_path / f"{name}.vcf" for name in ("P003", "P005")]
    for path in quality:
        with pysam.VariantFile(str(truth / f"{path.stem}_normal.vcf.gz")) as records:
            text = str(records.header) + "".join(str(one).replace("\t.\tPASS\t", "\t50\tPASS\t") for one in records)
        path.write_text(text)
    score(genomics_run, tmp_path, quality, samples, truth)
    found = scores(tmp_path / "s.tsv")
    assert found["same", "snv.f1"] == found["same", "indel.f1"] == 1
    assert found["other", "snv.f1"] < 0.9
    assert found["germline", "snv.tp"] == found["same", "snv.tp"] + found["other", "snv.tp"]


def test_the_patient_s_variants_are_found(genomics_run):
    found = scores(genomics_run / "scores.tsv")
    assert found["germline", "snv.f1"] >= 0.99
    assert found["somatic", "snv.f1"] >= 0.9


def test_strata_add_up_to_the_scores_and_intervals_hold_them(genomics_run):
    table = pd.read_csv(genomics_run / "scores_by_stratum.tsv", sep="\t")
    found = scores(genomics_run / "scores.tsv")
    assert set(table["stratum"]) == {"all", "change", "size", "context", "zygosity", "coverage"}
    for (kind, name, stratum), rows in table.groupby(["sample", "class", "stratum"]):
        assert rows["found"].sum() == found[kind, f"{name}.tp"]
        assert (rows["calls"] - rows["right"]).sum() == found[kind, f"{name}.fp"], stratum
    known = table.dropna(subset=["recall"])
    assert (known["recall_low"] <= known["recall"]).all() and (known["recall"] <= known["recall_high"]).all()
    # of 20 found of 20, Clopper and Pearson's lower limit is 0.8316
    perfect = known[(known["recall"] == 1) & (known["truths"] == 20)]
    assert perfect["recall_low"].between(0.831, 0.832).all()


def test_the_curve_ends_at_the_scores_and_strictness_costs_recall(genomics_run):
    table = pd.read_csv(genomics_run / "score_curve.tsv", sep="\t")
    for _, rows in table.groupby(["sample", "class"]):
        assert rows["recall"].is_monotonic_decreasing and rows["minimum_quality"].is_monotonic_increasing
    called = table[(table["sample"] == "somatic") & (table["class"] == "snv")].iloc[0]
    assert called["found"] == scores(genomics_run / "scores.tsv")["somatic", "snv.tp"]


def test_depths_are_those_of_samtools_across_stretches(genomics_run, monkeypatch):
    monkeypatch.setattr(score_variants, "STRETCH", 64)
    reference, cram = genomics_run / "reference" / "reference.fa", genomics_run / "alignments" / "P003_normal.cram"
    lines = pysam.samtools.depth("-a", "-J", "-G", "0xf04", "--reference", str(reference), str(cram)).splitlines()
    expected = [line.split("\t") for line in lines]
    covered = [(contig, int(place) - 1, int(depth)) for contig, place, depth in expected if depth != "0"][::97]
    assert len(covered) > 20
    with score_variants.open_alignments(cram, reference) as reads:
        # supplementary records count here (as they do for a caller), so samtools' depth is a lower limit
        for contig, place, depth in covered:
            found = score_variants.Depths(reads)(CalledVariant(contig, place, "A", ("C",), (0, 1)))
            alone = reads.count(contig, place, place + 1, read_callback="all")
            assert found == alone >= depth, (contig, place)


def test_nothing_to_score_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="truth_vcf"):
        score_variants.main(
            calls=[], truths=[], alignments=[], reference=tmp_path / "r.fa", scores=tmp_path / "s.tsv",
            strata=tmp_path / "t.tsv", curves=tmp_path / "c.tsv", samples=[],
        )  # fmt: skip
