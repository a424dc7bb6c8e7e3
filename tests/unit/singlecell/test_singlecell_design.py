"""What is said of designs that allow a comparison, but not the one a reader may think of."""

import pandas as pd
import pytest

from kimedlib.singlecell_design import caution, choose_design

PAIRED = [(f"p{donor}", condition, "b") for donor in range(3) for condition in "ut"]
NESTED = [(f"p{donor}", "ut"[donor > 3], f"b{donor // 2}") for donor in range(8)]


@pytest.mark.parametrize(
    ("rows", "formula", "said"),
    [
        (PAIRED, "~ patient_id + condition", ""),
        ([*PAIRED, ("p0", "x", "b"), ("p9", "x", "b")], "~ patient_id + condition", ""),
        ([(f"p{donor}", "ut"[donor % 2], "b") for donor in range(6)], "~ condition", ""),
        (PAIRED[:-1], "~ condition", "2 of 3 donors have both conditions"),
        (NESTED, "~ condition", "no batch holds both conditions"),
        (NESTED[::2], "~ condition", ""),
    ],
    ids=["pairs", "three conditions", "independent", "some pairs", "donors in batches", "a batch each"],
)
def test_design_and_caution(rows, formula, said):
    samples = pd.DataFrame(rows, columns=["patient_id", "condition", "batch"])
    assert choose_design(samples, "u", "t").formula == formula
    assert caution(samples, "u", "t").startswith(said) and bool(caution(samples, "u", "t")) == bool(said)
