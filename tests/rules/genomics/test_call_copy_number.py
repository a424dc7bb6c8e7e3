import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from genomics import call_copy_number

CONTIGS = {"chr1": 120, "chrX": 40}


def write_bins(path, seed, gain=None, male=False):
    """Depths of 100 in a normal and a tumour, with a planted gain of one copy in all cells of some bins of chr1."""
    rng = np.random.default_rng(seed)
    rows = []
    for contig, count in CONTIGS.items():
        for number in range(count):
            copies = 1 if male and contig == "chrX" else 2
            altered = copies + (contig == "chr1" and gain is not None and gain[0] <= number < gain[1])
            capture = rng.lognormal(0, 0.2)
            normal, tumour = (rng.poisson(1000 * capture * one / 2) / 10 for one in (copies, altered))
            rows.append((contig, 200 * number, 200 * number + 200, 0.5, tumour, normal))
    frame = pd.DataFrame(rows, columns=["contig", "start", "end", "gc", "tumour", "normal"])
    frame.to_csv(path, sep="\t", index=False)
    return path


@pytest.fixture
def settings(genomics_settings):
    return genomics_settings["tumour"]["copy_number"]


def test_the_planted_gain_is_the_only_change(tmp_path, settings):
    bins = {
        f"P{number}_tumour": write_bins(
            tmp_path / f"{number}.tsv", number, (30, 70) if number == 2 else None, number % 2
        )
        for number in range(1, 6)
    }
    call_copy_number.main(bins=bins, calls=tmp_path / "c.tsv", figure=tmp_path / "c.png", settings=settings)
    found = pd.read_csv(tmp_path / "c.tsv", sep="\t")
    altered = found[found["state"].isin(["gain", "loss"])]
    assert altered["sample"].tolist() == ["P2_tumour"] and altered["state"].tolist() == ["gain"]
    row = altered.iloc[0]
    assert abs(row["start"] - 6000) <= 400 and abs(row["end"] - 14000) <= 400
    assert row["copies"] == pytest.approx(3, abs=0.25) and row["log2_low"] < np.log2(1.5) + 0.1
    assert np.std(imread(tmp_path / "c.png")) > 0.02
    first = (tmp_path / "c.tsv").read_bytes(), (tmp_path / "c.png").read_bytes()
    call_copy_number.main(bins=bins, calls=tmp_path / "c.tsv", figure=tmp_path / "c.png", settings=settings)
    assert ((tmp_path / "c.tsv").read_bytes(), (tmp_path / "c.png").read_bytes()) == first


def test_bins_of_another_run_are_refused(tmp_path, settings):
    one, other = (write_bins(tmp_path / f"{n}.tsv", n) for n in (1, 2))
    pd.read_csv(other, sep="\t").iloc[:-1].to_csv(other, sep="\t", index=False)
    with pytest.raises(ValueError, match="not those of the other tumours"):
        call_copy_number.main(
            bins={"a": one, "b": other}, calls=tmp_path / "c.tsv", figure=tmp_path / "c.png", settings=settings
        )


def test_no_tumours_give_an_empty_table(tmp_path, settings):
    call_copy_number.main(bins={}, calls=tmp_path / "c.tsv", figure=tmp_path / "c.png", settings=settings)
    assert pd.read_csv(tmp_path / "c.tsv", sep="\t").empty


def test_nothing_was_planted_in_the_run(genomics_run):
    found = pd.read_csv(genomics_run / "copy_number.tsv", sep="\t")
    assert set(found["state"]) == {"not determinable"}, "the demonstration's panel has too few bins"
