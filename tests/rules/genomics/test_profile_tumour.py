"""The profile of the planted tumour, by what the generator planted."""

import json

import pandas as pd
import pysam
import pytest

from genomics import profile_tumour
from kimedlib.genomics_files import read_bed


@pytest.fixture(scope="module")
def profile(genomics_run):
    return json.loads((genomics_run / "somatic" / "profiles" / "P003_tumour.json").read_text())


def planted(repository):
    with pysam.VariantFile(str(repository / "test_data" / "truth" / "genomics" / "P003_tumour.vcf.gz")) as records:
        return [(one.contig, one.pos, one.ref, one.alts[0], one.samples[0]["AF"][0]) for one in records]


def test_the_burden_is_that_of_the_plan(profile, repository):
    burden, truth = profile["burden"], planted(repository)
    panel = sum(end - start for _, start, end in read_bed(repository / "test_data" / "genomics" / "targets.bed"))
    assert 0.9 * panel < burden["callable_bases"] <= panel
    # what is planted per megabase of the panel lies in the interval
    assert burden["low"] < 1e6 * len(truth) / panel < burden["high"]
    assert profile["protein_changing_burden"]["mutations"] <= burden["mutations"]


def test_variants_have_their_planted_fractions(profile, repository):
    truth = {(contig, position, ref, alt): share for contig, position, ref, alt, share in planted(repository)}
    found = {(one["contig"], one["position"], one["reference"], one["other"]): one for one in profile["variants"]}
    shared = set(truth) & set(found)
    assert len(shared) >= 0.8 * len(truth)
    differences = [found[key]["tumour_fraction"] - truth[key] for key in shared]
    assert abs(sum(differences) / len(differences)) < 0.05
    assert profile["clones"]["purity"] == pytest.approx(2 * max(truth.values()), abs=0.15)


def test_no_tumour_was_planted_in_the_normal(profile):
    assert profile["tumour_in_normal"]["low"] == 0 and profile["tumour_in_normal"]["share"] < 0.05


def test_repeats_are_stable_or_not_judged(profile):
    assert profile["instability"]["status"] in {"stable", "not determinable"}


def test_bins_cover_the_panel_once(genomics_run, repository):
    bins = pd.read_csv(genomics_run / "somatic" / "bins" / "P003_tumour.tsv", sep="\t")
    panel = sum(end - start for _, start, end in read_bed(repository / "test_data" / "genomics" / "targets.bed"))
    assert (bins["end"] - bins["start"]).sum() == panel
    assert bins["tumour"].mean() > 1.2 * bins["normal"].mean()  # sequenced 60 and 40 times
    assert bins["gc"].between(0, 1).all()


def arguments(genomics_run, repository, settings, folder):
    return {
        "variants": genomics_run / "somatic" / "P003_tumour.vcf.gz",
        "tumour": genomics_run / "alignments" / "P003_tumour.cram",
        "normal": genomics_run / "alignments" / "P003_normal.cram",
        "reference": genomics_run / "reference" / "reference.fa",
        "targets": repository / "test_data" / "genomics" / "targets.bed",
        "region": "", "profile": folder / "p.json", "bins": folder / "b.tsv",
        "sample": {"sample": "P003_tumour", "patient_id": "P003"}, "calling": settings["somatic"],
        "settings": settings["tumour"],
    }  # fmt: skip


def test_the_same_input_gives_the_same_bytes(genomics_run, repository, genomics_settings, tmp_path):
    profile_tumour.main(**arguments(genomics_run, repository, genomics_settings, tmp_path))
    made = (tmp_path / "p.json").read_bytes(), (tmp_path / "b.tsv").read_bytes()
    assert made[0] == (genomics_run / "somatic" / "profiles" / "P003_tumour.json").read_bytes()
    assert made[1] == (genomics_run / "somatic" / "bins" / "P003_tumour.tsv").read_bytes()


def test_a_normal_that_covers_nothing_is_an_error(genomics_run, repository, genomics_settings, tmp_path):
    options = arguments(genomics_run, repository, genomics_settings, tmp_path)
    deep = {**genomics_settings["somatic"], "minimum_depth": 5000}
    with pytest.raises(ValueError, match="covered deeply enough"):
        profile_tumour.main(**{**options, "calling": deep})
    assert not (tmp_path / "p.json").exists()
