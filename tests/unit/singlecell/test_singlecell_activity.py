"""Univariate linear models: the same t values as scipy, also with weights; gene sets as published."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kimedlib.singlecell_activity import activities, read_network, weights_of

REPOSITORY = Path(__file__).resolve().parents[3]


def test_slopes_are_those_of_scipy():
    random = np.random.default_rng(2)
    genes = [f"G{number}" for number in range(60)]
    values = pd.DataFrame(random.normal(size=(4, 60)), columns=genes)
    weights = pd.DataFrame({"set": np.arange(60) < 12, "regulator": random.choice([-1, 0, 1.5], 60)}, index=genes)
    found = activities(values, weights.astype(float))
    centred = values - values.mean()
    for source in weights:
        for unit in range(4):
            fit = stats.linregress(weights[source].astype(float), centred.loc[unit])
            assert found.loc[unit, source] == pytest.approx(fit.slope / fit.stderr)


def test_shipped_sets_have_the_published_sizes():
    """Sizes as MSigDB states them for Hallmark 7.0."""
    network = read_network(REPOSITORY / "config/markers/hallmark.gmt")
    sizes = network.groupby("source").size().to_dict()
    assert sizes == {
        "INTERFERON_ALPHA_RESPONSE": 97, "INTERFERON_GAMMA_RESPONSE": 200, "TNFA_SIGNALING_VIA_NFKB": 200,
        "IL6_JAK_STAT3_SIGNALING": 87, "INFLAMMATORY_RESPONSE": 200, "TGF_BETA_SIGNALING": 54, "APOPTOSIS": 161,
    }  # fmt: skip


def test_small_and_complete_sets_are_left_out(tmp_path):
    (tmp_path / "n.tsv").write_text(
        "source\ttarget\tweight\n"
        + "".join(f"all\tG{n}\t1\n" for n in range(8))
        + "few\tG0\t1\nsome\tG1\t1\nsome\tG2\t-1\n"
    )
    genes = pd.Index([f"G{number}" for number in range(8)])
    assert list(weights_of(read_network(tmp_path / "n.tsv"), genes, 2).columns) == ["some"]
