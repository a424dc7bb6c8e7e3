import csv

import pandas as pd
import pysam
import pytest

from genomics import stratify_scores
from kimedlib.variant_comparison import CalledVariant


def scores(path):
    with path.open(newline="") as handle:
        return {(row["sample"], row["metric"]): float(row["value"]) for row in csv.DictReader(handle, delimiter="\t")}


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
    monkeypatch.setattr(stratify_scores, "STRETCH", 64)
    reference, cram = genomics_run / "reference" / "reference.fa", genomics_run / "alignments" / "P003_normal.cram"
    lines = pysam.samtools.depth("-a", "-J", "-G", "0xf04", "--reference", str(reference), str(cram)).splitlines()
    expected = [line.split("\t") for line in lines]
    covered = [(contig, int(place) - 1, int(depth)) for contig, place, depth in expected if depth != "0"][::97]
    assert len(covered) > 20
    with stratify_scores.open_alignments(cram, reference) as reads:
        # supplementary records count here (as they do for a caller), so samtools' depth is a lower limit
        for contig, place, depth in covered:
            found = stratify_scores.Depths(reads)(CalledVariant(contig, place, "A", ("C",), (0, 1)))
            alone = reads.count(contig, place, place + 1, read_callback="all")
            assert found == alone >= depth, (contig, place)


def test_a_call_without_quality_has_no_place_on_a_curve(genomics_run, repository, tmp_path):
    truth = repository / "test_data" / "truth" / "genomics" / "P003_normal.vcf.gz"
    with pytest.raises(ValueError, match="without QUAL"):  # a truth has none
        stratify_scores.main(
            calls=[truth], truths=[truth], alignments=[genomics_run / "alignments" / "P003_normal.cram"],
            reference=genomics_run / "reference" / "reference.fa", strata=tmp_path / "s.tsv", curves=tmp_path / "c.tsv",
            samples=[{"sample": "same", "role": "normal", "truth_bed": ""}],
        )  # fmt: skip
